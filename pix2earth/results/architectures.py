"""The table of all architectures of ARISGAN: one dataset, one budget."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiment import Environment
from pix2earth.results import compared_tiles
from pix2earth.results.trained import TrainedRow, trained_row, with_commas
from pix2earth.settings import atomic

MODELS = ("aris-a", "aris-b", "aris-c", "pix2pix", "srgan", "dsen2w", "dmnet", "psgan", "srs3", "tarsgan")
METRICS = ("PSNR", "SSIM", "SAM", "ERGAS", "HPSI")
FOLDER = "architectures"
"""Below the experiment root; also the name of the table's place in the page."""


def settings(model: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the experiment of a model: all are equal but for ``model_name``."""
    return {
        "model_name": model, "dataset": "demo", "tilesize": options.tilesize, "batch_size": options.batch_size,
        "steps": options.steps, "seed": options.seed, "random_resize": 1.0, "gen_loss": {"gen_gan": 1, "gen_l1": 100},
        "metrics": list(METRICS), "ckpt_freq": 100, "sample_freq": 100, "keep_checkpoints": 1,
    }  # fmt: skip


def prepare(
    environment: Environment,
    options: argparse.Namespace,
    below: str = FOLDER,
    settings_of: Callable[[str, argparse.Namespace], dict[str, Any]] = settings,
) -> None:
    """Write dataset and experiments, unless they exist.

    Args:
        environment: the machine.
        options: of the command.
        below: folder of the experiments below the experiment root.
        settings_of: returns the experiment of a model.

    Raises:
        UserError: another dataset of that name exists.
    """
    from preprocessing.demo_dataset import DemoRecipe, make

    make(DemoRecipe("demo", options.tilesize, options.factor, seed=0), Path(environment.DATA_ROOT))
    for model in options.models:
        folder = Path(environment.EXPERIMENT_ROOT) / below / model
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_json(folder / "experiment.json", settings_of(model, options))


def row(environment: Environment, model: str) -> TrainedRow:
    """Return a model's line of the table."""
    return trained_row(Path(environment.EXPERIMENT_ROOT), f"{FOLDER}/{model}", METRICS)


def table(rows: Sequence[TrainedRow], options: argparse.Namespace) -> str:
    """Return the Markdown of the results, bicubic first."""
    known = next((line.scores for line in rows if line.scores), {})
    lines = [
        f"| model | {' | '.join(METRICS)} | img/s | parameters, generator + discriminator |",
        f"|---|{'---:|' * (len(METRICS) + 2)}",
        f"| bicubic | {' | '.join(number(known.get(f'{name}_bicubic')) for name in METRICS)} | | 0 |",
    ]
    for line in rows:
        numbers = [number(line.scores.get(name)) for name in METRICS] if line.scores else [line.outcome] + [""] * 4
        speed = f"{line.speed:.3g}" if line.speed else ""
        model = line.experiment.removeprefix(f"{FOLDER}/")
        lines.append(f"| {model} | {' | '.join(numbers)} | {speed} | {with_commas(line.parameters)} |")
    return "\n".join([budget(options, known), "", *lines])


def figures(environment: Environment, folder: Path) -> list[Path]:
    """Draw some tiles by all trained models; return the path of the figure.

    Raises:
        UserError: no model is trained.
    """
    rows = [(model, f"{FOLDER}/{model}") for model in MODELS]
    return [compared_tiles.draw(environment, rows, folder / f"{FOLDER}.png")]


def budget(options: argparse.Namespace, known: Mapping[str, float]) -> str:
    """Return the sentence on steps and samples above a table.

    Args:
        options: of the command.
        known: scores of a model, with the number of samples.
    """
    return (
        f"{options.steps} steps of batch {options.batch_size}, {options.tilesize} px, factor {options.factor},"
        f" seed {options.seed}; mean over {known.get('samples', 0)} held-out tiles."
    )


def number(value: float | None) -> str:
    """Return a score with four digits, or nothing where there is none."""
    return "" if value is None else f"{value:.4g}"
