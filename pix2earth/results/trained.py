"""What a trained run brought, for a line of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pix2earth.runs import provenance
from pix2earth.runs.folders import RunFolders
from pix2earth.scoring import origins
from pix2earth.scoring.failures import in_words
from pix2earth.scoring.tables import csv_files
from pix2earth.scoring.undefined import mean_of_finite

TIMESTAMP = "results"
"""Of all runs of tables."""


class TrainedRow(NamedTuple):
    """A run in a table.

    Attributes:
        experiment: its name.
        outcome: "completed", or what happened instead, in words; then there are no scores.
        scores: mean of each column of the evaluation over the samples of the held-out split; "samples", their number.
        speed: median images a second of the training.
        parameters: number of trainable weights of each network.
    """

    experiment: str
    outcome: str
    scores: dict[str, float]
    speed: float | None
    parameters: dict[str, int] | None


def trained_row(root: Path, experiment: str, metrics: Sequence[str]) -> TrainedRow:
    """Return the line of a run; a model with predictions that fail has no scores.

    Args:
        root: the experiment root.
        experiment: its name below it.
        metrics: whose columns are read, those of baselines, regions and time steps included.
    """
    folders = RunFolders(root, experiment, TIMESTAMP)
    run = provenance.load(folders.run_file)
    if run is None:
        return TrainedRow(experiment, "not trained", {}, None, None)
    session = run["sessions"][-1]
    scores = means(folders.evaluation, metrics) if session["outcome"] == "completed" else {}
    outcome = session["outcome"].split(":")[0]
    if outcome != "completed":
        outcome = f"{outcome} after step {session.get('last_step', session['first_step'])}"
    elif failed := _failed(folders.evaluation, int(scores["samples"])):
        outcome, scores = failed, {}
    return TrainedRow(experiment, outcome, scores, session.get("images_per_second"), run.get("parameters"))


def means(path: Path, metrics: Sequence[str]) -> dict[str, float]:
    """Return the means of an evaluation's columns of some metrics over the samples of the held-out split."""
    table = csv_files.read(path)
    table = table[table["split"] == "test"]
    chosen = [name for name in table.columns if name.split("_")[0].split(".")[0] in metrics]
    return {"samples": len(table)} | {name: mean_of_finite(table[name].to_numpy(float)) for name in chosen}


def _failed(path: Path, samples: int) -> str:
    """Return the predictions of an evaluation that fail in words; "" where there are none."""
    entry = (origins.load(path) or {}).get("splits", {}).get("test", {})
    return in_words(entry.get("failures", {}), samples)


def with_commas(parameters: dict[str, int] | None) -> str:
    """Return the numbers of weights of all networks in one cell; "" where they are not known."""
    return " + ".join(f"{count:,}" for count in parameters.values()) if parameters else ""
