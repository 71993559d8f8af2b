"""Write a run whose weights come from a published checkpoint: with a checkpoint of step 0, and its record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pix2earth.runs import provenance
from pix2earth.training.loop import Training
from pix2earth.training.process import RunProcess


def write(training: Training, lines: Sequence[str], files: Sequence[Path]) -> None:
    """Write the run of a training that has published weights, and print what it holds.

    Args:
        training: its networks have the weights.
        lines: where the weights of each network come from.
        files: the published checkpoints.
    """
    process = RunProcess(training)
    training.identity["converted"] = [path.name for path in files]
    with process.locked():
        process.prepare_folders(print, 0)
        training.save(0, None)
        outcome = f"converted from {', '.join(str(path) for path in files)}"
        provenance.end_session(process.record, training.output.run_file, 0, outcome, None)
    for line in lines:
        print(line)
    experiment = training.experiment
    print(f"{training.output.checkpoints}: step 0")
    print(f"python evaluate.py --exp {experiment.NAME} --timestamp {experiment.TIMESTAMP}")
    print(f"python train.py --exp {experiment.NAME} --restore {experiment.TIMESTAMP}")
