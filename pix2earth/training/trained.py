"""Trained runs: their experiment as it was trained, and their networks with the weights of a checkpoint."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiment import Environment, Experiment, open_experiment
from pix2earth.plugins import finding
from pix2earth.records.listing import Listing
from pix2earth.records.loading import load_manifest
from pix2earth.runs import former_runs, identity, provenance
from pix2earth.runs.folders import RunFolders, check_timestamp, checkpoint_steps, newest_run
from pix2earth.runs.origin import Origin, origin_of, recorded_identity
from pix2earth.scoring.evaluating import evaluation_split
from pix2earth.settings.errors import UserError
from pix2earth.settings.schema import ExperimentFile
from pix2earth.settings.validation import load
from pix2earth.training import checkpoints
from pix2earth.training.validation import held_out

if TYPE_CHECKING:
    from pix2earth.batches.dataset import Dataset
    from pix2earth.scoring.scorer import Scorer


def open_run(environment: Environment, experiment: str, timestamp: str | None = None, step: str = "last") -> Experiment:
    """Return the experiment of a run with the settings that it was trained with.

    Args:
        environment: the machine.
        experiment: its name below the experiment root, or the path of its folder.
        timestamp: of the run; None: the newest run that has a checkpoint.
        step: "last", "best" or a number: the checkpoint whose settings apply.

    Raises:
        UserError: there is no such experiment, run, checkpoint or dataset.
    """
    name = environment.experiment_name(experiment)
    root = Path(environment.EXPERIMENT_ROOT)
    timestamp = check_timestamp(timestamp) if timestamp else newest_run(root / name, name)
    output = RunFolders(root, name, timestamp)
    if checkpoint_steps(output.checkpoints):
        chosen = choose_step(output, step, lambda _: None)
        recorded = recorded_identity(output, checkpoints.read_metadata(output.checkpoints, chosen)) or {}
    else:
        run = provenance.load(output.run_file)
        recorded = former_runs.of_former_run(run) if run else {}
    settings = identity.settings_of(recorded)
    if settings.get("dataset"):
        fingerprint = recorded.get("dataset", {}).get("fingerprint")
        settings["dataset"] = dataset_of_run(environment, output, settings, fingerprint)
    return open_experiment(name, environment, timestamp, restore=True, recorded=settings)


def dataset_of_run(
    environment: Environment, output: RunFolders, settings: Mapping[str, Any], fingerprint: str | None
) -> str:
    """Return the name of the dataset that a run was trained on, also where its folder was renamed since.

    A renamed folder is found where ``experiment.json`` names it: by the fingerprint, or because no folder has the
    former name.

    Args:
        environment: the machine.
        output: folders of the run.
        settings: those that the run was trained with.
        fingerprint: of the dataset that the run has read, or None where it was not recorded.

    Raises:
        UserError: neither folder exists.
    """
    root, file = Path(environment.DATA_ROOT), output.folder / "experiment.json"
    named = load(file, ExperimentFile).dataset
    former, folders = settings["dataset"], {}
    for name in dict.fromkeys([former, named]):
        folder = root / name / str(settings["tilesize"])
        if folder.is_dir():
            folders[name] = folder
    if not folders:
        raise UserError(
            f"{root / former / str(settings['tilesize'])}: there is no such folder, which run {output.timestamp} has"
            f' read; if the dataset was renamed, set "dataset" in {file} to its new name'
        )
    if len(folders) == 2 and fingerprint:
        for name, folder in folders.items():
            if Listing(folder, load_manifest(folder, name)).fingerprint == fingerprint:
                return name
    return next(iter(folders))


def choose_step(output: RunFolders, requested: str, report: Callable[[str], None] = print) -> int:
    """Return the step of a checkpoint of a run.

    Args:
        output: folders of the run.
        requested: "last", "best" or a number, as ``--step`` takes it.
        report: receives a line for each damaged checkpoint that is passed over.

    Raises:
        UserError: the run has no such checkpoint.
    """
    folder = output.checkpoints
    steps = checkpoint_steps(folder)
    if not steps:
        raise UserError(f"{folder}: has no checkpoint; train first: python train.py --exp {output.experiment}")
    if requested in ("last", "best"):
        newest = checkpoints.newest_intact(folder, report)
        if newest is None:
            raise UserError(f"{folder}: no checkpoint is intact; train again")
        if requested == "last":
            return newest
        best = checkpoints.read_metadata(folder, newest)["best"]
        if best is None or best["step"] not in steps:
            raise UserError(f"{folder}: no best step is kept; use --step last")
        return best["step"]
    if not requested.isdigit() or int(requested) not in steps:
        raise UserError(f"--step {requested}: there are best, last, {', '.join(map(str, steps))}")
    defect = checkpoints.damage(folder, int(requested))
    if defect:
        raise UserError(f"{defect}; choose another checkpoint with --step, or train again")
    return int(requested)


def split_of_selection(experiment: Experiment, dataset: Dataset, step: int, requested: str) -> str:
    """Return the split on which a step was chosen; "none" for the last step or one that was named by its number."""
    if requested != "best":
        return "none"
    best = checkpoints.read_metadata(experiment.output.checkpoints, step).get("best") or {}
    # Former versions did not record the split.
    return best.get("split") or held_out(dataset)


REFUSED = ("network", "data", "plug-in", "dataset", "manifest")
"""Parts of an identity that must not differ where a trained network is applied."""


def compared(
    experiment: Experiment, listing: Listing, plugin: Path, step: int, *, force: bool, records: bool
) -> list[str]:
    """Compare the plug-in and the dataset with those that a checkpoint was trained with, and report what differs.

    Args:
        experiment: of the run.
        listing: of the dataset that the network is applied to.
        plugin: the file of the plug-in.
        step: of the checkpoint.
        force: allow differences.
        records: whether the records must be those of the training; otherwise only the fields count.

    Returns:
        A line for each difference that ``force`` has allowed.

    Raises:
        UserError: something that shapes the prediction differs, and ``force`` is False.
    """
    output = experiment.output
    metadata = checkpoints.read_metadata(output.checkpoints, step)
    run = None if "identity" in metadata else provenance.load(output.run_file)
    recorded = metadata.get("identity") or (former_runs.of_former_run(run, plugin) if run else {})
    place = f"{output.checkpoints}/ckpt-{step}"
    if missing := former_runs.not_recorded(recorded):
        print(f"{place}: {missing}", file=sys.stderr)
    found = identity.differences(recorded, identity.describe(experiment, listing, plugin, records=records))
    for difference in identity.of_parts(found, "toolkit"):
        print(f"{place}: {difference}", file=sys.stderr)
    refused = identity.of_parts(found, *REFUSED)
    if not force:
        identity.refuse(refused, place, "--force")
    for difference in refused:
        print(f"{place}: {difference}", file=sys.stderr)
    return [str(difference) for difference in refused]


def restored_plugin(experiment: Experiment, requested_step: str) -> tuple[Any, Path, int]:
    """Return the plug-in of a run with its trained weights, its file, and the step of the checkpoint.

    Nothing but the variables is compared; ``compared`` compares the rest.

    Args:
        experiment: of the run.
        requested_step: "last", "best" or a number.

    Raises:
        UserError: there is no such plug-in, or the run has no such checkpoint.
    """
    from pix2earth.console.quiet import quieten_tensorflow

    plugin = finding.find(experiment)
    step = choose_step(experiment.output, requested_step)
    experiment.environment.choose_keras()
    quieten_tensorflow()
    from pix2earth.plugins import contract
    from pix2earth.training import devices
    from pix2earth.training.optimization import averages

    devices.prepare_single(experiment)
    gan = contract.build(experiment, plugin)
    averages.add(experiment, gan, plugin)
    checkpoints.restore(gan, experiment.output.checkpoints, step)
    averages.use(gan)
    return gan, plugin, step


def restored_network(experiment: Experiment, requested_step: str, *, force: bool) -> tuple[Any, Path, Origin]:
    """Return the plug-in of a run with its trained weights, to be applied to scenes, its file, and its origin.

    Args:
        experiment: of the run.
        requested_step: "last", "best" or a number.
        force: allow a plug-in or a manifest that differs from that of the training.

    Raises:
        UserError: the run has no such checkpoint, or something differs that shapes the prediction.
    """
    plugin = finding.find(experiment)
    step = choose_step(experiment.output, requested_step)
    listing = Listing(Path(experiment.DATA_ROOT), experiment.manifest)
    overridden = compared(experiment, listing, plugin, step, force=force, records=False)
    gan, plugin, step = restored_plugin(experiment, str(step))
    metadata = checkpoints.read_metadata(experiment.output.checkpoints, step)
    best = (metadata.get("best") or {}).get("split", "unknown") if requested_step == "best" else "none"
    return gan, plugin, origin_of(experiment.output, metadata, best, overridden)


def restored_scorer(
    experiment: Experiment,
    requested_split: str | None,
    requested_step: str,
    *,
    force: bool = False,
    other: Listing | None = None,
    baseline: bool = True,
) -> tuple[Scorer, str, int]:
    """Return a scorer of a run's trained network, the split to score and the step of the checkpoint.

    Args:
        experiment: of the run; with ``other``, its dataset becomes that one.
        requested_split: "train", "val" or "test"; None: test where the dataset has one, else val.
        requested_step: "last", "best" or a number.
        force: allow a plug-in or a dataset that differs from that of the training.
        other: another dataset to score, such as one of another area; its fields must be those of the run's dataset.
            None: that of the run, whose records must be those of the training.
        baseline: score baselines too; some are fitted to the training split.

    Raises:
        UserError: the dataset has no such split, the run no such checkpoint, or something differs that shapes the
            scores.
    """
    from pix2earth.batches.dataset import Dataset

    plugin = finding.find(experiment)
    own = dataset = Dataset(experiment)
    if other is not None:
        experiment.DATA_ROOT, experiment.manifest = str(other.folder), other.manifest
        dataset = Dataset(experiment)
    split = evaluation_split(dataset, requested_split)
    step = choose_step(experiment.output, requested_step)
    overridden = compared(experiment, dataset.listing, plugin, step, force=force, records=other is None)
    gan, plugin, step = restored_plugin(experiment, str(step))
    from pix2earth.scoring.scorer import Scorer

    scorer = Scorer(dataset, gan, plugin, experiment.METRICS, baseline=baseline, fitted_to=own.listing, split=split)
    selected_on = split_of_selection(experiment, own, step, requested_step)
    metadata = checkpoints.read_metadata(experiment.output.checkpoints, step)
    scorer.origin = origin_of(experiment.output, metadata, selected_on, overridden)
    return scorer, split, step
