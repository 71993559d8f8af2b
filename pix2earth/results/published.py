"""The tables of the published models: each on one preset of synthetic data, beside all baselines of that preset."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiment import PROJECT, Environment
from pix2earth.results.budgets import EXAMPLES
from pix2earth.results.trained import TrainedRow, trained_row, with_commas
from pix2earth.scoring.baseline_scores import DIGITS, METRICS, WHOLE, ScoreRow, rows
from pix2earth.settings import atomic, commented_json
from synthetic.presets import datasets
from synthetic.presets.baselines import BASELINES, SyntheticDataset, description

FOLDER = "published"
"""Below the experiment root; also the name of the tables' place in the page."""
PROFILE = "cpu"
SHOWN = ("PSNR", "RMSE")
"""Metrics that are shown for a region too."""
REFERENCES = ("mean of the true land cover",)
"""Baselines that read the true classes, which no network sees: shown, but not compared with."""


def settings(example: str, steps: int | None, seed: int) -> dict[str, Any]:
    """Return the experiment of a shipped example with another number of steps; None: that of its budget."""
    data: dict[str, Any] = commented_json.read(PROJECT / "experiments" / example / "experiment.json").data
    steps = steps or EXAMPLES[example].steps
    return data | {
        "steps": steps, "seed": seed, "metrics": list(METRICS), "ckpt_freq": 200, "sample_freq": 1000,
        "validate_freq": 1000, "keep_checkpoints": 1,
    }  # fmt: skip


def prepare(environment: Environment, options: argparse.Namespace) -> None:
    """Write datasets and experiments, unless they exist.

    Raises:
        UserError: another dataset of that name exists.
    """
    for preset in dict.fromkeys(EXAMPLES[example].preset for example in options.models):
        made = {"preset": preset, "profile": PROFILE, "o": str(_folder(environment, preset)), "overwrite": False}
        chosen = {"cfg": None, "factor": None, "seed": None, "workers": os.cpu_count() or 1}
        datasets.make(argparse.Namespace(**made, **chosen))
    for example in options.models:
        folder = Path(environment.EXPERIMENT_ROOT) / FOLDER / example
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_json(folder / "experiment.json", settings(example, options.steps, options.seed))


def _folder(environment: Environment, preset: str) -> Path:
    return Path(environment.DATA_ROOT) / "synthetic" / preset


def tables(environment: Environment, options: argparse.Namespace) -> str:
    """Return the Markdown of all tables: for each preset its baselines, and the models that were trained on it."""
    root, sections = Path(environment.EXPERIMENT_ROOT), []
    for preset in dict.fromkeys(example.preset for example in EXAMPLES.values()):
        folder = _folder(environment, preset)
        if not folder.is_dir():
            sections.append(f"### {preset}, published models\n\nNot trained.")
            continue
        dataset = SyntheticDataset(str(folder))
        baselines = BASELINES[preset](dataset)
        models = [
            (name, trained_row(root, f"{FOLDER}/{name}", METRICS), options.steps or example.steps)
            for name, example in EXAMPLES.items()
            if example.preset == preset
        ]
        region = next((title for title, (side, _) in baselines.regions.items() if side == "inside"), None)
        lines = table(rows(dataset, baselines), models, region)
        text = description(dataset, dataset.target.bands)
        sections.append("\n".join([f"### {preset}, published models", "", *lines, "", text]))
    return "\n\n".join([f"Profile `{PROFILE}`; seed of the runs {options.seed}.", *sections])


def table(scored: Sequence[ScoreRow], models: Sequence[tuple[str, TrainedRow, int]], region: str | None) -> list[str]:
    """Return the lines of a Markdown table of one preset: baselines, then models.

    Args:
        scored: the baselines.
        models: name, run and steps of each.
        region: title of the region inside of the mask, or None where there is no mask.
    """
    hardest = max(
        (line for line in scored if line.region == WHOLE and line.baseline not in REFERENCES),
        key=lambda line: line.scores["PSNR"],
    )
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
