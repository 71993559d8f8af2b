"""Fields that a plug-in's methods ask for, compared with those of the dataset before the plug-in is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.baselines import suitability
from pix2earth.plugins import own_losses
from pix2earth.plugins.declared import ALL, SAMPLINGS, Declared, declared
from pix2earth.settings.errors import UserError, nearest

if TYPE_CHECKING:
    from experiment import Experiment


HIDDEN = "; state 'input_mask' in dataset.json, the mask of what is hidden in the input"


def check(experiment: Experiment, plugin: Path) -> Declared:
    """Make sure that the dataset has the fields that ``train_step``, ``predict`` and ``panels`` name as parameters.

    Methods that the source does not show are checked when the plug-in is built.

    Returns:
        What the plug-in's class declares.

    Raises:
        UserError: a field is missing, or the experiment states the weight of a loss that there is not.
    """
    roots = [Path(root) for root in experiment.environment.MODELS_ROOT]
    content = declared(plugin, Path(experiment.PROJECT_ROOT), roots)
    own_losses.declare(experiment, plugin, content.literals)
    _check_start(experiment)
    kind = content.literals.get("sampling", SAMPLINGS[0])
    _check_sampling(experiment, plugin, kind)
    fields = ["input_image", "target", *experiment.manifest.fields]
    fields += ["input_mask"] if experiment.manifest.hidden_field else []
    fields += ["sequence_start"] if kind == "sequences" else []
    further = {"train_step": ["step", "validity"], "predict": [], "panels": ["validity", "prediction"]}
    for method, known in ((method, [*fields, *names]) for method, names in further.items()):
        for name in content.parameters.get(method, ()):
            if name not in (*known, ALL):
                known = list(dict.fromkeys(known))
                advice = HIDDEN if name == "input_mask" else nearest(name, known)
                raise UserError(f"{plugin}: {method}() asks for '{name}'{advice} (fields: {', '.join(known)})")
    return content


def _check_start(experiment: Experiment) -> None:
    """Make sure that the dataset has what ``start_from`` needs.

    Raises:
        UserError: it has not, or the values of the network cannot be converted.
    """
    start = experiment.settings.start_from
    if start is None:
        return
    try:
        suitability.check(start, experiment.manifest, (experiment.IMG_HEIGHT, experiment.IMG_WIDTH))
    except suitability.Unsuitable as error:
        raise UserError(
            f"{experiment.file}: start_from: {start} does not fit {experiment.DATA_ROOT}: {error}"
        ) from None
    if experiment.NORMALIZE == "l2":
        raise UserError(
            f"{experiment.file}: start_from: images of unit norm have no physical units; set normalize to another value"
        )
    if experiment.environment.LEGACY_KERAS:
        raise UserError(
            f"{experiment.file}: start_from: needs Keras 3; leave it out, or legacy_keras in"
            f" {experiment.environment.path}"
        )


def _check_sampling(experiment: Experiment, plugin: Path, kind: object) -> None:
    """Make sure that the plug-in's attribute ``sampling`` is known, and that the dataset can be read so.

    Raises:
        UserError: one of them is not.
    """
    if kind not in SAMPLINGS:
        raise UserError(f"{plugin}: sampling: must be one of {', '.join(SAMPLINGS)}, not {kind!r}")
    if kind == "sequences" and experiment.manifest.sequence is None:
        raise UserError(
            f"{plugin}: reads sequences, and {Path(experiment.DATA_ROOT) / 'dataset.json'} states none; state"
            " 'sequence' there, a regular expression for names of samples, or choose another dataset"
        )
    if kind != "sequences" and experiment.SEQUENCE_GROUPS:
        raise UserError(
            f"{experiment.file}: sequence_groups: is for models that read sequences, which {plugin} does not; leave"
            " it out"
        )
    key = "sample_train" if experiment.SAMPLE_TRAIN else "training_length"
    if kind == "sequences" and (experiment.SAMPLE_TRAIN or experiment.TRAINING_LENGTH):
        raise UserError(
            f"{experiment.file}: {key}: would take single time steps out of sequences; leave it out, or"
            " choose them by enforce_suffix"
        )
