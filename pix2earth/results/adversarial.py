"""The table of the super-resolution demo with an adversarial loss: what sharper detail costs."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiment import PROJECT, Environment
from pix2earth.results import architectures, compared_tiles
from pix2earth.results.architectures import number
from pix2earth.results.trained import TrainedRow, trained_row
from pix2earth.settings import commented_json

FOLDER = "adversarial"
"""Below the experiment root; also the name of the table's place in the page."""
DEMO = "demo"
TILESIZE, FACTOR = 96, 3
WEIGHTS = {"l1": 0.0, "gan_0.3": 0.3, "gan_0.6": 0.6}
"""Of the adversarial loss beside 100 of L1, by row."""
SHARE = {"l1": 0.0, "gan_0.3": 0.25, "gan_0.6": 0.5}
"""Of the demo's steps, those with the adversarial loss; they follow."""
MODELS = tuple(WEIGHTS)
METRICS = ("PSNR", "SSIM", "SAM", "PSD", "hallucination", "omission", "improvement")
"""First parts of the names of columns: ``PSD_ratio`` is one."""
SHOWN = {
    "PSNR": "PSNR", "SSIM": "SSIM", "SAM": "SAM", "PSD_ratio": "PSD_ratio (dB)", "hallucination": "hallucination",
    "omission": "omission", "improvement": "improvement",
}  # fmt: skip
BASELINES = ("bicubic", "back-projection")
RATE_AFTER = 0.05
"""Part of the generator's learning rate at the end of the decay and after it, 1e-4; the discriminator has it always."""


def settings(row: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the experiment of a row: that of the demo, continued with the adversarial loss."""
    data: dict[str, Any] = commented_json.read(PROJECT / "experiments" / DEMO / "experiment.json").data
    of_l1 = options.steps or data["steps"]
    data |= {"metrics": ["PSNR", "SSIM", "SAM", "PSD_ratio", "hallucination", "omission", "improvement"]}
    data |= {"seed": options.seed, "steps": round(of_l1 * (1 + SHARE[row])), "keep_checkpoints": 1}
    if not WEIGHTS[row]:
        return data | {"steps": of_l1}
    rate, warmup = data["learning_rate"], data["schedule"]["warmup"]
    return data | {
        "gen_loss": {"gen_gan": {"weight": WEIGHTS[row], "begin": of_l1}, "gen_l1": 100},
        "disc_loss": {"disc_bce": 1},
        "learning_rate": {"generator": rate, "discriminator": rate * RATE_AFTER},
        "schedule": {
            "generator": {"kind": "cosine", "warmup": min(warmup, of_l1 // 2), "end": of_l1, "final": RATE_AFTER}
        },
    }


def prepare(environment: Environment, options: argparse.Namespace) -> None:
    """Write dataset and experiments, unless they exist.

    Raises:
        UserError: another dataset of that name exists.
    """
    of_demo = argparse.Namespace(**vars(options) | {"tilesize": TILESIZE, "factor": FACTOR})
    architectures.prepare(environment, of_demo, FOLDER, settings)


def row(environment: Environment, model: str) -> TrainedRow:
    """Return the line of a row."""
    return trained_row(Path(environment.EXPERIMENT_ROOT), f"{FOLDER}/{model}", METRICS)


def table(rows: Sequence[TrainedRow], options: argparse.Namespace) -> str:
    """Return the Markdown of the results, baselines first."""
    known = next((line.scores for line in rows if line.scores), {})
    lines = [f"| prediction | {' | '.join(SHOWN.values())} | steps |", f"|---|{'---:|' * (len(SHOWN) + 1)}"]
    for name in BASELINES:
        lines.append(f"| {name} | {' | '.join(_cells(known, f'_{name}'))} | 0 |")
    for line in rows:
        name = line.experiment.removeprefix(f"{FOLDER}/")
        cells = _cells(line.scores) if line.scores else [line.outcome, *[""] * (len(SHOWN) - 1)]
        lines.append(f"| {title(name)} | {' | '.join(cells)} | {settings(name, options)['steps']} |")
    words = f"The super-resolution demo, seed {options.seed}; mean over {known.get('samples', 0)} held-out tiles."
    return "\n".join([words, "", *lines])


def title(name: str) -> str:
    """Return what a row is called."""
    return f"adversarial weight {WEIGHTS[name]:g}" if WEIGHTS[name] else "L1 alone"


def figures(environment: Environment, folder: Path) -> list[Path]:
    """Draw some tiles by all trained rows, chosen by PSNR of L1 alone; return the path of the figure.

    Raises:
        UserError: L1 alone is not trained.
    """
    rows = [(title(name), f"{FOLDER}/{name}") for name in MODELS]
    return [compared_tiles.draw(environment, rows, folder / f"{FOLDER}.png", chosen_by=title(MODELS[0]))]


def _cells(scores: Mapping[str, float], suffix: str = "") -> list[str]:
    return [number(scores.get(f"{name}{suffix}")) for name in SHOWN]
