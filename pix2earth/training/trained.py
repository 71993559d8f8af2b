"""Trained runs: their experiment as it was trained, and their networks with the weights of a checkpoint."""

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


def open_run(environment: Environment, experiment: str, timestamp: str | None = None) -> Experiment:
    """Return the experiment of a run with the settings that it was trained with.

    Args:
        environment: the machine.
        experiment: its name below the experiment root, or the path of its folder.
        timestamp: of the run; None: the newest run that has a checkpoint.

    Raises:
        UserError: there is no such experiment or run.
    """
    name = environment.experiment_name(experiment)
    root = Path(environment.EXPERIMENT_ROOT)
    timestamp = check_timestamp(timestamp) if timestamp else newest_run(root / name, name)
    run = provenance.load(RunFolders(root, name, timestamp).run_file) or {}
    return open_experiment(name, environment, timestamp, restore=True, recorded=run.get("settings"))


def choose_step(experiment: Experiment, requested: str) -> int:
    """Return the step of a checkpoint of a run.

    Args:
        experiment: of the run.
        requested: "last", "best" or a number, as ``--step`` takes it.

    Raises:
        UserError: the run has no such checkpoint.
    """
    from pix2earth.training import checkpoints

    folder = experiment.output.checkpoints
    steps = checkpoint_steps(folder)
    if not steps:
        raise UserError(f"{folder}: has no checkpoint; train first: python train.py --exp {experiment.NAME}")
    if requested in ("last", "best"):
        newest = checkpoints.newest_intact(folder, print)
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
    return int(requested)


def restored_plugin(experiment: Experiment, requested_step: str) -> tuple[Any, Path, int]:
    """Return the plug-in of a run with its trained weights, its file, and the step of the checkpoint.

    Args:
        experiment: of the run.
        requested_step: "last", "best" or a number.

    Raises:
        UserError: there is no such plug-in, or the run has no such checkpoint.
    """
    from pix2earth.console.quiet import quieten_tensorflow
    from pix2earth.plugins import contract

    plugin = finding.find(experiment)
    experiment.environment.choose_keras()
    quieten_tensorflow()
    from pix2earth.training import checkpoints, devices

    step = choose_step(experiment, requested_step)
    devices.prepare_single(experiment)
    gan = contract.build(experiment, plugin)
    checkpoints.restore(gan, experiment.output.checkpoints, step)
    return gan, plugin, step


def restored_scorer(
    experiment: Experiment, requested_split: str | None, requested_step: str
) -> tuple[Scorer, str, int]:
    """Return a scorer of a run's trained network, the split to score and the step of the checkpoint.

    Args:
        experiment: of the run.
        requested_split: "train", "val" or "test"; None: test where the dataset has one, else val.
        requested_step: "last", "best" or a number.

    Raises:
        UserError: the dataset has no such split, or the run no such checkpoint.
    """
    from pix2earth.batches.dataset import Dataset

    finding.find(experiment)
    dataset = Dataset(experiment)
    split = evaluation_split(dataset, requested_split)
    gan, plugin, step = restored_plugin(experiment, requested_step)
    from pix2earth.scoring.scorer import Scorer

    return Scorer(dataset, gan, plugin, experiment.METRICS), split, step
