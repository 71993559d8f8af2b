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
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics import ALL_METRICS
from pix2earth.batches import time_steps
from pix2earth.figures.panels.contrast import Contrast, alike, coloured, contrast_of
from pix2earth.figures.panels.shown_bands import shown_bands
from pix2earth.records.field import Field
from pix2earth.scoring.evaluating import kept_folder
from pix2earth.scoring.shown.samples import ShownSamples, shown
from pix2earth.scoring.tiles.measurements import Measuring
from pix2earth.scoring.tiles.tile_folder import ABOUT, STRETCH, pictures_of_run, pictures_of_sample
from pix2earth.settings import atomic

if TYPE_CHECKING:
    import pandas as pd

    from pix2earth.scoring.scorer import Scorer

EVENLY, MOST = 64, 128
"""Tiles that are kept of every evaluation, evenly chosen, and the largest number with the extreme ones."""
SIDE = 256
"""Largest side of a picture in pixels; more pixels are averaged."""
QUALITY = 80
SHOWN_STEPS = 4
"""Time steps of an input that are kept where the target has none."""


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
    target = scorer.target
    if scorer.experiment.NORMALIZE == "l2":
        target = target.model_copy(update={"units": "unit norm"})
    upwards = scorer.experiment.manifest.upwards
    measured = {of_run: Measuring(target, upwards=upwards)}
    for start in range(0, len(names), scorer.batch):
        part = names[start : start + scorer.batch]
        images = shown(scorer, split, part, with_baseline=True)
        contrasts = contrasts or _contrasts(scorer, images, folder)
        measured[of_run].add(part, images.targets, images.predictions)
        if images.baselines is not None:
            of_baseline = pictures_of_sample(folder, images.baseline_name)
            measured.setdefault(of_baseline, Measuring(target, upwards=upwards)).add(
                part, images.targets, images.baselines
            )
        for number, name in enumerate(part):
            for title, colours in _of_sample(scorer, images, number, contrasts):
                path = (of_run if title == "prediction" else pictures_of_sample(folder, title)) / f"{name}.webp"
                # Pictures of the sample are the same for all runs, unless they were kept before first_row was known.
                if upwards or not path.exists():
                    atomic.write_bytes(path, webp(colours))
    for place, measuring in measured.items():
        measuring.write(place)
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
    if alike(source, target):
        found["input"] = found["target"]
    atomic.write_json(path, {role: contrast._asdict() for role, contrast in found.items()})
    return found


def _of_sample(
    scorer: Scorer, images: ShownSamples, number: int, contrasts: Mapping[str, Contrast]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield title and colours of every picture of a sample; time steps of the target lie side by side."""
    manifest = scorer.experiment.manifest
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    strips: dict[str, Any] = {"target": images.targets, "prediction": images.predictions}
    if images.baselines is not None:
        strips[images.baseline_name] = images.baselines
    down = slice(None, None, -1 if manifest.upwards else 1)
    for title, values in strips.items():
        steps = _steps(values[number][None], target)[:, down][..., list(shown_bands(target))]
        yield title, np.concatenate([coloured(step, contrasts["target"]) for step in steps], axis=1)
    steps = _steps(images.inputs[number][None], source)[:, down][..., list(shown_bands(source))]
    parts = [coloured(step, contrasts["input"]) for step in steps]
    if target.time_steps or len(parts) == 1:
        yield "input", np.concatenate(parts, axis=1)
    else:
        yield from ((f"input {index}", part) for index, part in enumerate(parts[:SHOWN_STEPS], 1))


def _steps(values: np.ndarray, field: Field) -> np.ndarray:
    """Return the time steps of images as images, (sample * time step, height, width, band)."""
    return time_steps.separate(values, field.time_steps)
