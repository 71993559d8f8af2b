"""The tables on synthetic data: published models as they are, and from trivial answers on, beside all baselines."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiment import PROJECT, Environment
from pix2earth.baselines.samples import BaselineSet, Predictor
from pix2earth.results import compared_tiles, judged_rows
from pix2earth.results.budgets import ON_SYNTHETIC
from pix2earth.results.compared_tiles import GivenBaseline
from pix2earth.results.trained import TrainedRow, trained_row, with_commas
from pix2earth.scoring.baseline_scores import DIGITS, METRICS, WHOLE, ScoreRow, rows
from pix2earth.settings import atomic, commented_json
from pix2earth.settings.errors import UserError
from synthetic.presets import datasets
from synthetic.presets.baselines import BASELINES, SyntheticDataset, description

TITLES = {"published": "published models", "quarter_hour": "from a trivial answer on"}
"""Of the tables' sections, by the tables' folders below the experiment root."""
FITTED = "linear fit"
"""A baseline of evaluations that the baselines of the presets lack."""
PROFILE = "cpu"
SHOWN = ("PSNR", "RMSE")
"""Metrics that are shown for a region too."""
REFERENCES = ("mean of the true land cover",)
"""Baselines that read the true classes, which no network sees: shown, but not compared with."""


def settings(table: str, row: str, steps: int | None, seed: int) -> dict[str, Any]:
    """Return the experiment of a row with another number of steps; None: that of its budget."""
    example = ON_SYNTHETIC[table][row]
    path = PROJECT / "experiments" / (example.source or row) / "experiment.json"
    data: dict[str, Any] = commented_json.read(path).data
    return {
        **data, **example.changes,
        "steps": steps or example.steps, "seed": seed, "metrics": list(METRICS), "ckpt_freq": 200, "sample_freq": 1000,
        "validate_freq": 1000, "keep_checkpoints": 1,
    }  # fmt: skip


def prepare(environment: Environment, options: argparse.Namespace) -> None:
    """Write datasets and experiments, unless they exist.

    Raises:
        UserError: another dataset of that name exists.
    """
    examples = ON_SYNTHETIC[options.table]
    for preset in dict.fromkeys(examples[row].preset for row in options.models):
        made = {"preset": preset, "profile": PROFILE, "o": str(_folder(environment, preset)), "overwrite": False}
        chosen = {"cfg": None, "factor": None, "seed": None, "workers": os.cpu_count() or 1}
        datasets.make(argparse.Namespace(**made, **chosen))
    for row in options.models:
        folder = Path(environment.EXPERIMENT_ROOT) / options.table / row
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_json(folder / "experiment.json", settings(options.table, row, options.steps, options.seed))


def _folder(environment: Environment, preset: str) -> Path:
    return Path(environment.DATA_ROOT) / "synthetic" / preset


def tables(environment: Environment, options: argparse.Namespace) -> str:
    """Return the Markdown of all tables: for each preset its baselines, and the models that were trained on it."""
    root, sections, examples = Path(environment.EXPERIMENT_ROOT), [], ON_SYNTHETIC[options.table]
    title = TITLES[options.table]
    for preset in dict.fromkeys(example.preset for example in examples.values()):
        folder = _folder(environment, preset)
        if not folder.is_dir():
            sections.append(f"### {preset}, {title}\n\nNot trained.")
            continue
        dataset, baselines, scored = _scored(str(folder))
        models = [
            (
                titled(name, preset),
                trained_row(root, f"{options.table}/{name}", METRICS),
                options.steps or example.steps,
            )
            for name, example in examples.items()
            if example.preset == preset
        ]
        region = next((title for title, (side, _) in baselines.regions.items() if side == "inside"), None)
        shown = beside_models(dataset, scored, evaluated(models, region))
        lines = table(shown, models, region) if shown else ["Not trained."]
        text = description(dataset, dataset.target.bands)
        sections.append(
            "\n".join([f"### {preset}, {title}", "", *lines, "", text, *_judged(environment, options, preset)])
        )
    return "\n\n".join([f"Profile `{PROFILE}`; seed of the runs {options.seed}.", *sections])


@functools.cache
def _scored(folder: str) -> tuple[SyntheticDataset, BaselineSet, list[ScoreRow]]:
    """Return a dataset with its baselines and their scores, which are computed once: tables and figures need them."""
    dataset = SyntheticDataset(folder)
    baselines = BASELINES[dataset.configuration.preset](dataset)
    return dataset, baselines, rows(dataset, baselines)


def hardest_of(scored: Sequence[ScoreRow]) -> ScoreRow:
    """Return the scores over the whole image of the baseline with the highest PSNR that a network could beat."""
    candidates = (line for line in scored if line.region == WHOLE and line.baseline not in REFERENCES)
    return max(candidates, key=lambda line: line.scores["PSNR"])


def _judged(environment: Environment, options: argparse.Namespace, preset: str) -> list[str]:
    """Return the lines on the land cover of generated series, where a table has such rows that are trained."""
    if options.table == "published" or preset != "series":
        return []
    rows = [(titled(row, preset), f"{options.table}/{row}") for row in ON_SYNTHETIC[options.table] if preset in row]
    found = judged_rows.judgements(environment, rows)
    return ["", "Land cover that a classifier of true frames sees:", "", *judged_rows.table(found)] if found else []


def titled(row: str, preset: str) -> str:
    """Return the name of a row in the table of its preset."""
    return row.removeprefix(f"{preset}/")


def evaluated(models: Sequence[tuple[str, TrainedRow, int]], region: str | None) -> list[ScoreRow]:
    """Return the scores of the baselines that evaluations of models have; none where no model is trained."""
    scores: dict[str, float] = next((run.scores for _, run, _ in models if run.scores), {})
    names = [column.removeprefix("PSNR_") for column in scores if column.startswith("PSNR_")]
    places = [(WHOLE, ""), *([(region, ".inside")] if region else [])]
    return [
        ScoreRow(title, name.replace("-", " "), int(scores["samples"]), _of_baseline(scores, side, name))
        for name in names
        for title, side in places
        if f"PSNR{side}_{name}" in scores
    ]


def beside_models(
    dataset: SyntheticDataset, scored: Sequence[ScoreRow], of_evaluations: Sequence[ScoreRow]
) -> list[ScoreRow]:
    """Return the baselines that stand beside models: of single frames those of the preset and the fitted one.

    Of stacks, evaluations compute a score over all time steps together, and baselines of presets one of each: only the
    former are comparable with models.
    """
    if dataset.target.time_steps:
        return list(of_evaluations)
    return [*scored, *(line for line in of_evaluations if line.baseline == FITTED)]


def _of_baseline(scores: Mapping[str, float], side: str, name: str) -> dict[str, float]:
    return {metric: scores[f"{metric}{side}_{name}"] for metric in METRICS}


def figures(environment: Environment, folder: Path, table: str = "published") -> list[Path]:
    """Draw for each preset some tiles by the models that are trained on it; return the paths of the figures.

    Raises:
        UserError: no model is trained.
    """
    drawn = []
    examples = ON_SYNTHETIC[table]
    for preset in dict.fromkeys(example.preset for example in examples.values()):
        shown = [
            (titled(name, preset), f"{table}/{name}") for name, example in examples.items() if example.preset == preset
        ]
        if compared_tiles.sorted_out(environment, shown)[0]:
            path = folder / f"{table}-{preset}.png".replace("_", "-")
            given = shown_baseline(environment, preset, [experiment for _, experiment in shown])
            drawn.append(compared_tiles.draw(environment, shown, path, baseline=given))
    if not drawn:
        raise UserError(f"{table}: no row is trained")
    return drawn


def shown_baseline(environment: Environment, preset: str, experiments: Sequence[str]) -> GivenBaseline | None:
    """Return the hardest baseline beside the rows of a preset; None where evaluations have it.

    Args:
        environment: the machine.
        preset: of the data.
        experiments: the rows of the preset, of which one is trained.
    """
    dataset, baselines, scored = _scored(str(_folder(environment, preset)))
    runs = [(name, trained_row(Path(environment.EXPERIMENT_ROOT), name, METRICS), 0) for name in experiments]
    name = hardest_of(beside_models(dataset, scored, evaluated(runs, None)) or scored).baseline
    return _given(dataset, baselines, name) if name in baselines.predictors else None


def hardest_baseline(folder: Path) -> GivenBaseline:
    """Return the hardest baseline of a synthetic dataset, which predicts all bands of the target.

    Args:
        folder: ``<data_root>/<dataset>``.

    Raises:
        UserError: the dataset is not synthetic, or a record is damaged.
    """
    dataset, baselines, scored = _scored(str(folder))
    return _given(dataset, baselines, hardest_of(scored).baseline)


def _given(dataset: SyntheticDataset, baselines: BaselineSet, name: str) -> GivenBaseline:
    return GivenBaseline(name, functools.partial(_predicted, dataset, baselines.predictors[name]))


def _predicted(dataset: SyntheticDataset, predict: Predictor, names: Sequence[str]) -> np.ndarray:
    """Return the predictions of a baseline (sample, [time step,] height, width, band) of test samples."""
    if dataset.manifest.sequence is None:
        return np.stack([np.asarray(predict(sample), np.float32) for sample in dataset.named("test", names)])
    found: dict[str, np.ndarray] = {}
    for members, sequence in zip(dataset.sequence_names("test"), dataset.sequences("test"), strict=True):
        if not found.keys() >= set(names) and not set(members).isdisjoint(names):
            found |= dict(zip(members, np.asarray(predict(sequence), np.float32), strict=True))
    return np.stack([found[name] for name in names])


def table(scored: Sequence[ScoreRow], models: Sequence[tuple[str, TrainedRow, int]], region: str | None) -> list[str]:
    """Return the lines of a Markdown table of one preset: baselines, then models.

    Args:
        scored: the baselines.
        models: name, run and steps of each.
        region: title of the region inside of the mask, or None where there is no mask.
    """
    hardest = hardest_of(scored)
    titles = [*METRICS, *(f"{name} {region}" for name in SHOWN if region)]
    heading = ["prediction", *titles, f"PSNR above {hardest.baseline}", "steps", "parameters"]
    lines = [f"| {' | '.join(heading)} |", f"|---|{'---:|' * (len(heading) - 1)}"]
    for baseline in dict.fromkeys(line.baseline for line in scored):
        found = {line.region: line.scores for line in scored if line.baseline == baseline}
        cells = [_number(name, found[WHOLE][name]) for name in METRICS]
        cells += [_number(name, found[region][name]) for name in SHOWN if region]
        lines.append(f"| {baseline} | {' | '.join(cells)} | | 0 | 0 |")
    for name, run, steps in models:
        lines.append(f"| {name} | {' | '.join(_cells(run, region, hardest, len(titles)))} | {steps} |"
                     f" {with_commas(run.parameters)} |")  # fmt: skip
    return lines


def _cells(run: TrainedRow, region: str | None, hardest: ScoreRow, count: int) -> list[str]:
    """Return the scores of a model and how far its PSNR is above the hardest baseline, or what happened instead."""
    if not run.scores:
        return [run.outcome, *[""] * count]
    cells = [_number(name, run.scores[name]) for name in METRICS]
    cells += [_number(name, run.scores[f"{name}.inside"]) for name in SHOWN if region]
    return [*cells, f"{run.scores['PSNR'] - hardest.scores['PSNR']:+.2f}"]


def _number(metric: str, value: float) -> str:
    return DIGITS[metric] % value
