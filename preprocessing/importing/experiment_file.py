"""The ``experiment.json`` to begin with: a small network that fits the fields of a dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pix2earth.baselines.suitability import DATES, DAYS_FROM_TARGET, coarser, suitable
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
STARTS = ("bicubic", "linear_in_time", "nearest_clear", "linear_fit")
"""Trivial answers that a network may begin at, the most fitting one first."""
METRICS = ["PSNR", "SSIM", "RMSE", "MAE", "CC", "sCC", "UIQC", "HPSI", "SAM", "ERGAS"]
"""The default metrics; SAM needs several bands, and ERGAS pixel sizes."""


def experiment_for(manifest: Manifest, training: int) -> str | None:
    """Return the text of an ``experiment.json`` for a dataset.

    Inputs with larger pixels and the target's bands get ``residual_upsampler``, domains without pairs ``UNPAIRED``,
    stacks of dates with days from the target ``DATED``, images without an input ``masked_unet`` with ``occlusion``,
    everything else a small ``pix2pixcc`` that adds to a trivial answer where there is one (``start_from``); time steps
    are folded into bands.

    Args:
        manifest: of the dataset.
        training: number of training samples.

    Returns:
        The text, or None for masks alone, which another experiment reads (``occlusion``).
    """
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    content: dict[str, Any] = {}
    if manifest.pools:
        content["model_name"] = UNPAIRED
    elif manifest.input == manifest.target:
        if target.kind != "image":
            return None
        content |= {"model_name": "masked_unet", "params": {"filters": 16, "discriminator_filters": 16}}
    elif _is_dated(manifest):
        content |= {**DATED, "params": {"filters": 16, "downsamplings": _halvings(manifest.tilesize)}}
    elif _sharpens(manifest):
        content |= {"model_name": "residual_upsampler", "params": {"discriminator_filters": 8, "beta_1": 0.9}}
    else:
        content |= {"model_name": "pix2pixcc", "params": {**SMALL, "downsamplings": _halvings(manifest.tilesize)}}
    content |= {"dataset": manifest.name, "tilesize": manifest.tilesize}
    if source.time_steps or target.time_steps:
        content["fold_dates"] = True
    content |= {"schedule": {"kind": "cosine"}, **_losses(content["model_name"], manifest)}
    batch = 1 if manifest.tilesize >= LARGE else 4
    content |= {"batch_size": min(batch, max(1, training)), "steps": 2000, "random_resize": 1.0}
    defined = [name for name in METRICS if _defined(name, manifest)]
    if defined != METRICS and not manifest.pools:
        content["metrics"] = defined
    content |= {"sample_freq": 200, "ckpt_freq": 500}
    if content["model_name"] == DATED["model_name"]:  # few dates are soon memorised: the best step is early
        content |= {"steps": 600, "validate_freq": 25}
    return json.dumps(content, indent=2) + "\n"


def _is_dated(manifest: Manifest) -> bool:
    """Return whether the input is a stack of dates around that of the target, in tiles that ``DATED`` can read."""
    if not {DATES, DAYS_FROM_TARGET} <= manifest.fields.keys() or not _halvings(manifest.tilesize):
        return False
    return DATED["start_from"] in suitable(manifest, manifest.fields[manifest.target].size)


def _sharpens(manifest: Manifest) -> bool:
    ratio = manifest.ratio
    several = manifest.fields[manifest.input].time_steps
    return ratio >= 2 and ratio == round(ratio) and manifest.shared_bands is not None and not several


def _losses(model: str, manifest: Manifest) -> dict[str, Any]:
    """Return the keys of a model's start and losses."""
    if model == "masked_unet":
        steps = manifest.fields[manifest.target].time_steps or 1
        positions = [[number] for number in range(1, steps + 1)]
        occlusion = {"positions": positions, "cloud_range": [0.05, 0.6], "masks": "synthetic"}
        # No start: the network itself keeps clear pixels exactly, to which a start would add the network's image.
        return {"occlusion": occlusion, "gen_loss": {"gen_gan": 0.01, "gen_l1_masked": 100}}
    if model == DATED["model_name"]:
        losses = {"gen_loss": {"gen_gan": None, "gen_l1": 100}, "disc_loss": {"disc_bce": None}}
        return {**losses, "learning_rate": 1e-4, "schedule": {"kind": "cosine", "warmup": 50}}
    if model == "residual_upsampler":
        return {"gen_loss": {"gen_gan": 0.001, "gen_l1": 100}, "learning_rate": 1e-3}
    if model == UNPAIRED:
        return {}
    fitting = suitable(manifest, manifest.fields[manifest.target].size)
    start = next((kind for kind in STARTS if kind in fitting), None)
    # Beside a start, strong adversarial losses pull away from the answer before the network adds anything of use.
    weights = {"gen_lsgan": 0.01, "gen_fm": 0.1} if start else {"gen_lsgan": 1, "gen_fm": 10}
    losses = {"gen_loss": {**weights, "gen_l1": 100, "gen_gan": None}, "disc_loss": {"disc_lsgan": 1, "disc_bce": None}}
    return {"start_from": start, **losses} if start else losses


def _defined(name: str, manifest: Manifest) -> bool:
    """Return whether a metric is defined for a dataset."""
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    if name == "SAM":
        return len(target.bands) > 1
    return name != "ERGAS" or bool(source.gsd and target.gsd)


def advice(manifest: Manifest) -> list[str]:
    """Return lines on what would make a better experiment, or why there is none."""
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    if manifest.input == manifest.target and target.kind != "image":
        return [
            f'masks alone are no experiment; the key occlusion of another one reads them: "masks": "{manifest.name}"'
        ]
    if manifest.pools or manifest.input == manifest.target:
        return []
    ratio = target.size[0] / source.size[0]
    if coarser(manifest) and not (source.gsd and target.gsd) and ratio > 1 and ratio == round(ratio):
        return [
            f"{manifest.input}: a pixel is {ratio:g} pixels of {manifest.target} wide, and no pixel size is known; for"
            f" networks and metrics of super-resolution state both in metres, or their ratio: --set"
            f" {manifest.input}.gsd={ratio:g} {manifest.target}.gsd=1"
        ]
    return []


def _halvings(side: int) -> int:
    """Return how often a generator halves tiles of a side: at most three times."""
    return next(number for number in (3, 2, 1, 0) if side % 2**number == 0)


def check_experiment(root: Path, name: str, text: str) -> Path:
    """Return the path of an experiment that may be written; called before an import, which may take long.

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
    return file


def write_experiment(root: Path, name: str, text: str) -> None:
    """Write ``<root>/<name>/experiment.json``; see ``check_experiment``."""
    atomic.write_text(check_experiment(root, name, text), text)
    print(f"{root / name / 'experiment.json'}: written; train with: python train.py --exp {name}")
