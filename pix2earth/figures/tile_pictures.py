"""Pictures of evaluated tiles, kept as WebP beside the scores for the page of ``compare.py``.

Input, target and baseline are kept once for all runs on the same samples, predictions for each run. All runs have the
same contrast: it is fixed by the quantity, or by the targets of the first evaluation.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from metrics import ALL_METRICS
from pix2earth.batches import time_steps
from pix2earth.figures.images import MISSING, STRETCH_PERCENTILES
from pix2earth.figures.shown_bands import shown_bands
from pix2earth.records.field import Field
from pix2earth.scoring.evaluating import kept_folder
from pix2earth.scoring.shown_samples import ShownSamples, shown
from pix2earth.scoring.tiles.tile_folder import ABOUT, STRETCH, pictures_of_run, pictures_of_sample
from pix2earth.settings import atomic
from sensors import lexicon

if TYPE_CHECKING:
    import pandas as pd

    from pix2earth.scoring.scorer import Scorer

EVENLY, MOST = 64, 128
"""Tiles that are kept of every evaluation, evenly chosen, and the largest number with the extreme ones."""
SIDE = 256
"""Largest side of a picture in pixels; more pixels are averaged."""
QUALITY = 80
REFLECTANCE = (0.0, 0.3)
GAMMA = 1.4
SHOWN_STEPS = 4
"""Time steps of an input that are kept where the target has none."""


class Contrast(NamedTuple):
    """How values become colours.

    Attributes:
        low: the value that is black.
        high: the value that is white.
        gamma: shares of the range are raised to 1 / gamma.
        words: for the reader.
    """

    low: float
    high: float
    gamma: float
    words: str


# ---- which tiles ---------------------------------------------------------------------------------------------------


def chosen(table: pd.DataFrame, kept: Sequence[str]) -> list[str]:
    """Return the tiles whose pictures are kept, at most ``MOST``.

    They are ``EVENLY`` tiles, the same for all runs; the best, the median and the worst one by each metric; and those
    that other runs have kept.

    Args:
        table: scores of a split, with the column "tile".
        kept: tiles with a picture of the target.
    """
    names = sorted(table["tile"].astype(str))
    places = np.linspace(0, len(names) - 1, min(EVENLY, len(names))).round().astype(int)
    order = dict.fromkeys(names[place] for place in places)
    for metric in (column for column in table.columns if column in ALL_METRICS):
        ranking = table.sort_values(metric)["tile"][np.isfinite(table.sort_values(metric)[metric])].astype(str).tolist()
        if ranking:
            order |= dict.fromkeys((ranking[0], ranking[-1], ranking[len(ranking) // 2]))
    order |= dict.fromkeys(sorted(set(kept) & set(names)))
    return sorted(list(order)[:MOST])


# ---- contrast ------------------------------------------------------------------------------------------------------


def contrast_of(field: Field, values: np.ndarray, *, physical: bool) -> Contrast:
    """Return the contrast of the images of a field.

    Args:
        field: of the images.
        values: physical values (..., 3) of shown bands, from which it is computed where the quantity does not fix it.
        physical: whether the values are physical ones, not those of images of unit norm.
    """
    indices = shown_bands(field)
    known = lexicon.described(field.bands)
    reflectance = all((band := known[index]) and band.quantity == "reflectance" for index in indices)
    if physical and reflectance and field.units in ("", "1"):
        return Contrast(*REFLECTANCE, GAMMA, f"reflectance {REFLECTANCE[0]:g} to {REFLECTANCE[1]:g}, gamma {GAMMA:g}")
    if physical and field.dtype == "uint8" and len(set(indices)) == 3:
        return Contrast(field.offset, field.offset + 255 * field.scale, 1.0, "8 bits as stored")
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, STRETCH_PERCENTILES).tolist() if finite.size else (0.0, 1.0)
    unit = "" if field.units in ("", "1") else f" {field.units}"
    return Contrast(low, high if high > low else low + 1.0, 1.0, f"{low:.3g} to {high:.3g}{unit}")


def coloured(values: np.ndarray, contrast: Contrast) -> np.ndarray:
    """Return an image as colours, uint8 (height, width, 3); grey where any band has no value.

    Args:
        values: (height, width, 3).
        contrast: of the image.
    """
    shares = np.clip((values - contrast.low) / (contrast.high - contrast.low), 0, 1) ** (1 / contrast.gamma)
    has_value = np.isfinite(values).all(axis=-1, keepdims=True)
    return np.rint(255 * np.where(has_value, np.nan_to_num(shares), MISSING)).astype(np.uint8)


def webp(colours: np.ndarray) -> bytes:
    """Return an image (height, width, 3), uint8, as WebP of at most ``SIDE`` pixels of height and step of time."""
    from PIL import Image

    image = Image.fromarray(colours)
    factor = SIDE / image.height
    if factor < 1:
        image = image.resize((max(1, round(image.width * factor)), SIDE), Image.Resampling.BOX)
    content = io.BytesIO()
    image.save(content, format="webp", quality=QUALITY, method=4)
    return content.getvalue()


# ---- pictures ------------------------------------------------------------------------------------------------------


def keep_beside(scorer: Scorer, split: str, table: pd.DataFrame, scores: Path) -> None:
    """Keep pictures of tiles of an evaluation, where it is recorded what was evaluated; of pairs alone.

    Args:
        scorer: of the network.
        split: of the samples.
        table: their scores.
        scores: the CSV with them.

    Raises:
        UserError: a record is damaged.
        OSError: a file cannot be written.
    """
    if scorer.paired and (folder := kept_folder(scorer, split, scores)):
        keep(scorer, split, table, folder, scores.stem)


def keep(scorer: Scorer, split: str, table: pd.DataFrame, folder: Path, run: str) -> int:
    """Keep pictures of tiles of an evaluation, and return their number.

    Those of the run's former evaluations are replaced. Networks predict these tiles a second time.

    Args:
        scorer: of the network.
        split: of the samples.
        table: their scores.
        folder: that of the samples, as ``tile_folder`` returns it.
        run: name of the run's CSV without suffix.

    Raises:
        UserError: a record is damaged.
        OSError: a file cannot be written.
    """
    of_target = pictures_of_sample(folder, "target")
    names = chosen(table, [path.stem for path in of_target.glob("*.webp")])
    of_run = pictures_of_run(folder, run)
    shutil.rmtree(of_run, ignore_errors=True)
    contrasts: dict[str, Contrast] | None = None
    for start in range(0, len(names), scorer.batch):
        part = names[start : start + scorer.batch]
        images = shown(scorer, split, part, with_baseline=True)
        contrasts = contrasts or _contrasts(scorer, images, folder)
        for number, name in enumerate(part):
            for title, colours in _of_sample(scorer, images, number, contrasts):
                path = (of_run if title == "prediction" else pictures_of_sample(folder, title)) / f"{name}.webp"
                if not path.exists():  # pictures of the sample are the same for all runs
                    atomic.write_bytes(path, webp(colours))
    origin = scorer.origin
    atomic.write_json(of_run / ABOUT, {"checkpoint": origin.checkpoint if origin else None, "tiles": len(names)})
    return len(names)


def _contrasts(scorer: Scorer, images: ShownSamples, folder: Path) -> dict[str, Contrast]:
    """Return the contrast of input and target, which the first evaluation of the samples has determined."""
    path = folder / STRETCH
    if path.is_file():
        content = json.loads(path.read_text(encoding="utf-8"))
        return {role: Contrast(**values) for role, values in content.items()}
    manifest, physical = scorer.experiment.manifest, scorer.experiment.NORMALIZE != "l2"
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    found = {
        role: contrast_of(field, _steps(values, field)[..., list(shown_bands(field))], physical=physical)
        for role, field, values in (("target", target, images.targets), ("input", source, images.inputs))
    }
    if _alike(source, target):
        found["input"] = found["target"]
    atomic.write_json(path, {role: contrast._asdict() for role, contrast in found.items()})
    return found


def _alike(source: Field, target: Field) -> bool:
    """Return whether input and target show the same bands in one unit."""
    bands = [[field.bands[index] for index in shown_bands(field)] for field in (source, target)]
    return bands[0] == bands[1] and source.units == target.units


def _of_sample(
    scorer: Scorer, images: ShownSamples, number: int, contrasts: Mapping[str, Contrast]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield title and colours of every picture of a sample; time steps of the target lie side by side."""
    manifest = scorer.experiment.manifest
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    strips: dict[str, Any] = {"target": images.targets, "prediction": images.predictions}
    if scorer.baseline and images.baselines is not None:
        strips[scorer.baseline.name] = images.baselines
    for title, values in strips.items():
        steps = _steps(values[number][None], target)[..., list(shown_bands(target))]
        yield title, np.concatenate([coloured(step, contrasts["target"]) for step in steps], axis=1)
    steps = _steps(images.inputs[number][None], source)[..., list(shown_bands(source))]
    parts = [coloured(step, contrasts["input"]) for step in steps]
    if target.time_steps or len(parts) == 1:
        yield "input", np.concatenate(parts, axis=1)
    else:
        yield from ((f"input {index}", part) for index, part in enumerate(parts[:SHOWN_STEPS], 1))


def _steps(values: np.ndarray, field: Field) -> np.ndarray:
    """Return the time steps of images as images, (sample * time step, height, width, band)."""
    return time_steps.separate(values, field.time_steps)
