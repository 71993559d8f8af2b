"""Figures of the tables: five tiles, chosen by a measure, as each row predicts them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from experiment import Environment
from pix2earth.results.trained import TIMESTAMP, trained_row
from pix2earth.runs.folders import RunFolders
from pix2earth.scoring.tables import csv_files
from pix2earth.scoring.undefined import mean_of_finite
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.results.prediction_rows import PredictionRow
    from pix2earth.scoring.scorer import Scorer
    from pix2earth.scoring.shown.samples import ShownSamples

QUANTILES = {"worst": 0.0, "1st quartile": 0.25, "median": 0.5, "3rd quartile": 0.75, "best": 1.0}
"""Of PSNR: the tiles that are shown."""
CHOSEN = "the worst, the quartiles, the median and the best by PSNR"
LETTERS = 140
"""In a line of the caption."""


class GivenBaseline(NamedTuple):
    """A baseline that evaluations do not have.

    Attributes:
        name: as it is shown.
        images: from names of held-out samples to predictions in physical units (sample, [time step,] height, width,
            band).
    """

    name: str
    images: Callable[[Sequence[str]], np.ndarray]


class _First(NamedTuple):
    """What the first trained row gives to the figure: tiles, inputs, targets, and name and images of the baseline."""

    scorer: Scorer
    names: list[str]
    chosen_by: str
    images: ShownSamples
    baseline: tuple[str, np.ndarray] | None


def draw(
    environment: Environment,
    rows: Sequence[tuple[str, str]],
    output: Path,
    *,
    baseline: GivenBaseline | None = None,
    chosen_by: str | None = None,
) -> Path:
    """Draw input, hardest baseline, trained rows and target of five held-out tiles; return the path.

    The tiles are the worst, the quartiles, the median and the best by PSNR of the hardest baseline, or of a row;
    without a baseline of the first trained row. Rows that are not trained are left out, and named in the caption.

    Args:
        environment: the machine.
        rows: title and experiment of each row of a table, of one dataset.
        output: of the PNG.
        baseline: the hardest one, where it is none of those that evaluations score; None: the hardest of these.
        chosen_by: title of the row by whose PSNR tiles are chosen; None: the hardest baseline.

    Raises:
        UserError: no row is trained, or that row is not, or rows have different datasets.
    """
    trained, left_out = sorted_out(environment, rows)
    if not trained:
        raise UserError(f"{output.name}: no row is trained")
    if chosen_by and chosen_by not in trained:
        raise UserError(f"{output.name}: {chosen_by!r}, by whose PSNR tiles are chosen, is not trained")
    from pix2earth.console.quiet import quieten_tensorflow

    quieten_tensorflow()
    from pix2earth.results import prediction_rows

    by = _scores(environment, trained[chosen_by], "PSNR") if chosen_by else None
    first = _first(environment, trained, baseline, (chosen_by, by) if chosen_by and by else None)
    made = [_row(first, *first.baseline)] if first.baseline else []
    for number, (title, experiment) in enumerate(trained.items()):
        found = _predicted(environment, experiment, first) if number else first.images
        made.append(_row(first, title, found.predictions))
    manifest = first.scorer.experiment.manifest
    titles = [f"{words}\n{name}" for words, name in zip(QUANTILES, first.names, strict=True)]
    prediction_rows.draw(
        manifest, titles, first.images, made, output, caption(first.chosen_by, left_out),
        text={"experiments": ", ".join(trained.values())}, physical=first.scorer.experiment.NORMALIZE != "l2",
    )  # fmt: skip
    return output


def sorted_out(
    environment: Environment, rows: Sequence[tuple[str, str]]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the trained rows, title -> experiment, and the titles of the others by what happened to them.

    Args:
        environment: the machine.
        rows: title and experiment of each.
    """
    trained: dict[str, str] = {}
    left_out: dict[str, list[str]] = {}
    for title, experiment in rows:
        row = trained_row(Path(environment.EXPERIMENT_ROOT), experiment, ("PSNR",))
        if row.scores:
            trained[title] = experiment
        else:
            left_out.setdefault(row.outcome, []).append(title)
    return trained, left_out


def caption(chosen_by: str, left_out: Mapping[str, Sequence[str]]) -> str:
    """Return what is above a figure: how tiles were chosen, and which rows are left out."""
    lines = [f"Held-out tiles: {CHOSEN} of {chosen_by}. PSNR of each tile."]
    lines += [f"Left out ({outcome}): {', '.join(titles)}." for outcome, titles in left_out.items()]
    return "\n".join(part for line in lines for part in textwrap.wrap(line, LETTERS))


def chosen_tiles(scores: Mapping[str, float]) -> list[str]:
    """Return the tiles at the quantiles of their scores, from the worst to the best; of equal ones by name.

    Args:
        scores: tile -> PSNR; those that are not finite do not count.

    Raises:
        UserError: there is no finite score.
    """
    ranked = sorted((value, name) for name, value in scores.items() if np.isfinite(value))
    if not ranked:
        raise UserError("no PSNR of a held-out tile is finite, by which tiles could be chosen")
    return [ranked[round(quantile * (len(ranked) - 1))][1] for quantile in QUANTILES.values()]


def _table(environment: Environment, experiment: str) -> Any:
    """Return the rows of the held-out split of the evaluation of a row.

    Raises:
        UserError: it has no evaluation.
    """
    path = RunFolders(Path(environment.EXPERIMENT_ROOT), experiment, TIMESTAMP).evaluation
    if not path.is_file():
        raise UserError(f"{path}: is not there")
    table = csv_files.read(path)
    return table[table["split"] == "test"]


def _scores(environment: Environment, experiment: str, column: str) -> dict[str, float]:
    """Return a column of the evaluation of a row by tile."""
    table = _table(environment, experiment)
    return dict(zip(table["tile"].astype(str), table[column].astype(float), strict=True))


def hardest(environment: Environment, experiment: str, baselines: Sequence[str]) -> str | None:
    """Return the baseline with the highest mean PSNR in the evaluation of a row; None where it has none of them.

    As in the tables, the mean is over tiles with a finite PSNR: that of a tile without errors is infinite.

    Args:
        environment: the machine.
        experiment: of the row.
        baselines: names of the baselines that may be shown.
    """
    table = _table(environment, experiment)
    means = {name: mean_of_finite(table[f"PSNR_{name}"]) for name in baselines if f"PSNR_{name}" in table}
    known = {name: value for name, value in means.items() if np.isfinite(value)}
    return max(known, key=lambda name: known[name]) if known else None


def _first(
    environment: Environment,
    trained: Mapping[str, str],
    given: GivenBaseline | None,
    by: tuple[str, Mapping[str, float]] | None,
) -> _First:
    """Return the chosen tiles with the first prediction and the baseline.

    Args:
        environment: the machine.
        trained: title -> experiment.
        given: the baseline, where it is none of evaluations.
        by: title of the row that chooses the tiles, with its scores; None: the baseline does, else the first row.
    """
    from pix2earth.scoring.shown import baseline as shown_baseline
    from pix2earth.scoring.shown.samples import shown
    from pix2earth.training.trained import open_run, restored_scorer

    title, experiment = next(iter(trained.items()))
    scorer, split, _ = restored_scorer(open_run(environment, experiment, TIMESTAMP), "test", "last")
    if given:
        words, scores = by or (given.name, _scores_of(given, scorer, split))
        names = chosen_tiles(scores)
        return _First(scorer, names, words, shown(scorer, split, names), (given.name, given.images(names)))
    name = hardest(environment, experiment, scorer.baselines)
    words, scores = by or (name or title, _scores(environment, experiment, f"PSNR_{name}" if name else "PSNR"))
    names = chosen_tiles(scores)
    chosen = shown_baseline.named(scorer, name) if name else None
    found = shown(scorer, split, names, with_baseline=chosen is not None, baseline=chosen)
    drawn = (name, found.baselines) if name and found.baselines is not None else None
    return _First(scorer, names, words, found, drawn)


def _scores_of(given: GivenBaseline, scorer: Scorer, split: str) -> dict[str, float]:
    """Return the PSNR of a baseline by tile, of all samples of a split."""
    from pix2earth.scoring.shown.samples import shown

    names = scorer.dataset.names(split)
    targets = shown(scorer, split, names).targets
    values = psnr(targets, given.images(names), scorer.scale.data_range)
    return dict(zip(names, values.tolist(), strict=True))


def _row(first: _First, title: str, images: np.ndarray) -> PredictionRow:
    """Return a row of the figure, with the PSNR of each tile."""
    from pix2earth.results.prediction_rows import PredictionRow

    return PredictionRow(title, images, psnr(first.images.targets, images, first.scorer.scale.data_range))


def psnr(targets: np.ndarray, predictions: np.ndarray, data_range: float) -> np.ndarray:
    """Return the PSNR of each sample in dB, (sample,), over all time steps together as evaluations compute it.

    Args:
        targets: (sample, [time step,] height, width, band), or with folded time steps; NaN where not valid.
        predictions: the same.
        data_range: of the values.
    """
    from pix2earth.batches.time_steps import flat

    target, prediction = (flat(np.asarray(values, np.float64)) for values in (targets, predictions))
    valid = np.isfinite(target)
    errors = np.where(valid, (prediction - np.where(valid, target, 0)) ** 2, 0).sum(axis=(1, 2, 3))
    with np.errstate(divide="ignore", invalid="ignore"):
        return 10 * np.log10(data_range**2 * valid.sum(axis=(1, 2, 3)) / errors)


def _predicted(environment: Environment, experiment: str, first: _First) -> ShownSamples:
    """Return the prediction of another row of the same tiles.

    Raises:
        UserError: it has another dataset.
    """
    from pix2earth.scoring.shown.samples import shown
    from pix2earth.training.trained import open_run, restored_scorer

    run = open_run(environment, experiment, TIMESTAMP)
    scorer, split, _ = restored_scorer(run, "test", "last", baseline=False)
    own, others = (each.dataset.listing.folder for each in (scorer, first.scorer))
    if own != others:
        raise UserError(f"{experiment}: has the dataset {own}, and the rows before {others}; draw them apart")
    return shown(scorer, split, first.names)
