"""Runs looked at again: the experiment as it was, and its networks with the weights of a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiment import Environment, Experiment, open_experiment
from pix2earth.plugins import finding
from pix2earth.runs import provenance
from pix2earth.runs.folders import RunFolders, check_timestamp, checkpoint_steps, newest_run
from pix2earth.scoring.evaluating import evaluation_split
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.scoring.scorer import Scorer


def open_run(environment: Environment, named: str, timestamp: str | None = None) -> Experiment:
    """Return the experiment of a run as it was when it ran; without a timestamp the newest that has a checkpoint.

    Raises:
        UserError: there is no such experiment or run.
    """
    name = environment.experiment_name(named)
    root = Path(environment.EXPERIMENT_ROOT)
    timestamp = check_timestamp(timestamp) if timestamp else newest_run(root / name, name)
    run = provenance.load(RunFolders(root, name, timestamp).run_file) or {}
    return open_experiment(name, environment, timestamp, restore=True, recorded=run.get("settings"))


def choose_step(experiment: Experiment, wanted: str) -> int:
    """Return the step of the checkpoint that ``--step`` names.

    Raises:
        UserError: the run has no such checkpoint.
    """
    from pix2earth.training import checkpoints

    folder = experiment.output.checkpoints
    steps = checkpoint_steps(folder)
    if not steps:
        raise UserError(f"{folder}: has no checkpoint; train first: python train.py --exp {experiment.NAME}")
    if wanted in ("last", "best"):
        newest = checkpoints.newest_intact(folder, print)
        if newest is None:
            raise UserError(f"{folder}: no checkpoint is intact; train again")
        if wanted == "last":
            return newest
        best = checkpoints.about(folder, newest)["best"]
        if best is None or best["step"] not in steps:
            raise UserError(f"{folder}: no best step is kept; use --step last")
        return best["step"]
    if not wanted.isdigit() or int(wanted) not in steps:
        raise UserError(f"--step {wanted}: there are best, last, {', '.join(map(str, steps))}")
    return int(wanted)


def restored(experiment: Experiment, wanted_step: str) -> tuple[Any, Path, int]:
    """Return the plug-in of a run with its trained weights, its file, and the step that is meant.

    Raises:
        UserError: there is no such plug-in, or the run has no such checkpoint.
    """
    from pix2earth.console.quiet import quieten_tensorflow
    from pix2earth.plugins import contract

    plugin = finding.find(experiment)
    experiment.environment.choose_keras()
    quieten_tensorflow()
    from pix2earth.training import checkpoints, devices

    step = choose_step(experiment, wanted_step)
    devices.prepare_single(experiment)
    gan = contract.build(experiment, plugin)
    checkpoints.restore(gan, experiment.output.checkpoints, step)
    return gan, plugin, step


def trained(experiment: Experiment, wanted_split: str | None, wanted_step: str) -> tuple[Scorer, str, int]:
    """Return a scorer of a run's trained network, and the split and the step that are meant.

    Raises:
        UserError: the dataset has no such split, or the run no such checkpoint.
    """
    from pix2earth.batches.dataset import Dataset

    finding.find(experiment)
    dataset = Dataset(experiment)
    split = evaluation_split(dataset, wanted_split)
    gan, plugin, step = restored(experiment, wanted_step)
    from pix2earth.scoring.scorer import Scorer

    return Scorer(dataset, gan, plugin, experiment.METRICS), split, step
