"""The table of the same architectures that start at back-projection instead of noise."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiment import Environment
from pix2earth.results import architectures, compared_tiles
from pix2earth.results.trained import TrainedRow, trained_row, with_commas

MODELS = (*architectures.MODELS, "residual_upsampler")
FOLDER = "started"
"""Below the experiment root; also the name of the table's place in the page."""
BASELINES = ("bicubic", "back-projection", "linear-fit")
OWN_START = ("residual_upsampler",)
"""Models that add to bicubic interpolation by themselves: they get no other start, and the settings of their demo."""


def settings(model: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the experiment of a model: all are equal but for ``model_name``, and models with a start of their own."""
    changes: dict[str, Any] = {
        "gen_loss": {"gen_gan": 0.003, "gen_l1": 100}, "learning_rate": {"generator": 1e-3, "discriminator": 2e-4},
        "schedule": {"kind": "cosine"}, "start_from": "back_projection",
    }  # fmt: skip
    if model in OWN_START:
        changes |= {
            "start_from": None, "params": {"consistency": True, "beta_1": 0.9},
            "learning_rate": {"generator": 2e-3, "discriminator": 2e-4}, "schedule": {"kind": "cosine", "warmup": 50},
        }  # fmt: skip
    return architectures.settings(model, options) | changes


def prepare(environment: Environment, options: argparse.Namespace) -> None:
    """Write dataset and experiments, unless they exist.

    Raises:
        UserError: another dataset of that name exists.
    """
    architectures.prepare(environment, options, FOLDER, settings)


def row(environment: Environment, model: str) -> TrainedRow:
    """Return a model's line of the table."""
    return trained_row(Path(environment.EXPERIMENT_ROOT), f"{FOLDER}/{model}", architectures.METRICS)


def figures(environment: Environment, folder: Path) -> list[Path]:
    """Draw some tiles by all trained models; return the path of the figure.

    Raises:
        UserError: no model is trained.
    """
    rows = [(model, f"{FOLDER}/{model}") for model in MODELS]
    return [compared_tiles.draw(environment, rows, folder / f"{FOLDER}.png")]


def table(rows: Sequence[TrainedRow], options: argparse.Namespace) -> str:
    """Return the Markdown of the results, baselines first; each model with how far its PSNR is above the hardest."""
    known = next((line.scores for line in rows if line.scores), {})
    metrics, found = architectures.METRICS, [name for name in BASELINES if f"PSNR_{name}" in known]
    hardest = max(found, key=lambda name: known[f"PSNR_{name}"]) if found else None
    heading = f"PSNR above {hardest}" if hardest else "PSNR above the hardest baseline"
    lines = [
        f"| model | {' | '.join(metrics)} | {heading} | parameters, generator + discriminator |",
        f"|---|{'---:|' * (len(metrics) + 2)}",
    ]
    for name in found:
        cells = [architectures.number(known.get(f"{metric}_{name}")) for metric in metrics]
        lines.append(f"| {name} | {' | '.join(cells)} | | 0 |")
    for line in rows:
        cells, above = [line.outcome] + [""] * (len(metrics) - 1), ""
        if line.scores:
            cells = [architectures.number(line.scores.get(name)) for name in metrics]
            above = f"{line.scores['PSNR'] - known[f'PSNR_{hardest}']:+.2f}" if hardest else ""
        model = line.experiment.removeprefix(f"{FOLDER}/")
        lines.append(f"| {model} | {' | '.join(cells)} | {above} | {with_commas(line.parameters)} |")
    return "\n".join([architectures.budget(options, known), "", *lines])
