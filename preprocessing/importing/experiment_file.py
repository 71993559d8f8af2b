"""The ``experiment.json`` to begin with: a small network that fits the fields of a dataset."""

from __future__ import annotations

import json
from pathlib import Path

from pix2earth.baselines.suitability import DATES, DAYS_FROM_TARGET, suitable
from pix2earth.records.manifest import Manifest
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError, inside

LARGE = 256
"""Side of a tile in pixels from which the batch is one sample."""
SMALL = {"filters": 16, "residual_blocks": 4, "discriminator_filters": 16}
"""Size of a network that trains without a GPU."""
DATED = {"model_name": "dated_unet", "start_from": "linear_in_time"}
"""The model for stacks of dates whose target is one date."""
UNPAIRED = "cyclegan_unpaired"
"""The model for two domains without pairs."""


def experiment_for(manifest: Manifest, training: int) -> str:
    """Return the text of an ``experiment.json`` for a dataset.

    Inputs with larger pixels and the target's bands get ``residual_upsampler``, domains without pairs ``UNPAIRED``,
    stacks of dates with days from the target ``DATED``, everything else a small ``pix2pixcc``; time steps are folded
    into bands.

    Args:
        manifest: of the dataset.
        training: number of training samples.
    """
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    ratio = manifest.ratio
    sharpens = ratio >= 2 and ratio == round(ratio) and manifest.shared_bands is not None and not source.time_steps
    content: dict[str, object] = {}
    dated = not manifest.pools and not sharpens and _is_dated(manifest)
    if manifest.pools:
        content["model_name"] = UNPAIRED
    elif dated:
        content |= {**DATED, "params": {"filters": 16, "downsamplings": _halvings(manifest.tilesize)}}
    elif sharpens:
        content |= {"model_name": "residual_upsampler", "params": {"discriminator_filters": 8}}
    else:
        content |= {"model_name": "pix2pixcc", "params": {**SMALL, "downsamplings": _halvings(manifest.tilesize)}}
    content |= {"dataset": manifest.name, "tilesize": manifest.tilesize}
    if source.time_steps or target.time_steps:
        content["fold_dates"] = True
    if sharpens:
        content |= {"gen_loss": {"gen_gan": 0.001, "gen_l1": 100}, "learning_rate": 4e-4}
    elif dated:
        content |= {"gen_loss": {"gen_gan": None, "gen_l1": 100}, "disc_loss": {"disc_bce": None}}
        content |= {"learning_rate": 1e-4, "schedule": {"kind": "cosine", "warmup": 50}}
    elif not manifest.pools:
        losses = {"gen_lsgan": 1, "gen_fm": 10, "gen_l1": 100, "gen_gan": None}
        content |= {"gen_loss": losses, "disc_loss": {"disc_lsgan": 1, "disc_bce": None}}
    batch = 1 if manifest.tilesize >= LARGE else 4
    content |= {"batch_size": min(batch, max(1, training)), "steps": 2000, "random_resize": 1.0}
    content |= {"sample_freq": 200, "ckpt_freq": 500}
    if dated:  # few dates are soon learnt by heart: the best step is an early one
        content |= {"steps": 600, "validate_freq": 25}
    return json.dumps(content, indent=2) + "\n"


def _is_dated(manifest: Manifest) -> bool:
    """Return whether the input is a stack of dates around that of the target, in tiles that ``DATED`` can read."""
    if not {DATES, DAYS_FROM_TARGET} <= manifest.fields.keys() or not _halvings(manifest.tilesize):
        return False
    return DATED["start_from"] in suitable(manifest, manifest.fields[manifest.target].size)


def _halvings(side: int) -> int:
    """Return how often a generator halves tiles of a side: at most three times."""
    return next(number for number in (3, 2, 1, 0) if side % 2**number == 0)


def write_experiment(root: Path, name: str, text: str) -> None:
    """Write ``<root>/<name>/experiment.json``.

    Args:
        root: folder of the experiments.
        name: of the experiment, which may have folders.
        text: of the file.

    Raises:
        UserError: the name leaves the folder, or there is a file with another content.
    """
    if not inside(name):
        raise UserError(f"--write-experiment {name}: must be a name below {root}, without '..'")
    file = root / name / "experiment.json"
    if file.is_file() and file.read_text(encoding="utf-8") != text:
        raise UserError(f"{file}: exists and is another one; choose another name for --write-experiment")
    atomic.write_text(file, text)
    print(f"{file}: written; train with: python train.py --exp {name}")
