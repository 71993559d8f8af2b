"""Predictions of a dataset's samples, one GeoTIFF each, placed on the map by what their records say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import tensorflow as tf
from affine import Affine
from rasterio.errors import RasterioError

from pix2earth.console.progress import tracked
from pix2earth.mapping.scene import present
from pix2earth.records.format import read
from pix2earth.scoring.scorer import Scorer, flat
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError


def band_names(bands: Sequence[str], dates: int | None) -> list[str]:
    """Return a name for each band of a prediction; of several dates with their number, ``B02 1``."""
    if not dates or dates == 1:
        return list(bands)
    return [f"{band} {date}" for date in range(1, dates + 1) for band in bands]


def predict_dataset(scorer: Scorer, split: str, folder: Path, tags: dict[str, str], *, overwrite: bool) -> int:
    """Write the predictions that are not there yet; return how many there are.

    Args:
        scorer: the restored network and its dataset.
        split: which samples.
        folder: where ``<sample>.tif`` are written.
        tags: what every file says of its origin.
        overwrite: write all again.

    Raises:
        UserError: a file of that name comes from elsewhere, or a record is damaged.
    """
    names = scorer.dataset.names(split)
    left = [name for name in names if overwrite or not _is_there(folder / f"{name}.tif", tags)]
    if len(left) < len(names):
        print(f"{folder}: goes on, {len(names) - len(left)} of {len(names)} files are there")
    for name, made in tracked(_predictions(scorer, split, left), f"predict {split}", len(left), "samples"):
        about = read(scorer.dataset.listing.path(split, name), scorer.dataset.manifest)[1]
        units = "" if scorer.experiment.NORMALIZE == "l2" else scorer.target.units  # unit norm: no physical unit
        bands = band_names(scorer.target.bands, scorer.target.time_steps)
        write_map(folder / f"{name}.tif", made, about, scorer.target.size, bands, units, tags)
    return len(names)


def _predictions(scorer: Scorer, split: str, names: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each name and its prediction, float32 ``(height, width, band)``, NaN where the input has nothing."""
    compute = tf.function(lambda batch: flat(scorer.predict(batch)[2]), autograph=False)
    for group, batch in scorer.batches(split, names):
        inputs = batch[scorer.dataset.manifest.input].numpy()
        for name, stored, made in zip(group, inputs, compute(batch).numpy(), strict=False):
            made[~_measured(scorer, stored, made.shape)] = np.nan
            yield name, made


def _measured(scorer: Scorer, stored: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return where an input holds a measurement, on the grid of the prediction, booleans ``(height, width)``."""
    field = scorer.dataset.manifest.fields[scorer.dataset.manifest.input]
    values = stored.astype(np.float64)
    if field.nodata is not None:
        values[values == field.nodata] = np.nan
    dates = field.time_steps or 1
    there = present(np.moveaxis(values.reshape(dates, *field.size, -1), 0, 2).reshape(*field.size, -1), dates)
    rows, columns = (np.arange(length) * side // length for length, side in zip(shape, field.size, strict=False))
    return there[rows][:, columns]


def _is_there(path: Path, tags: dict[str, str]) -> bool:
    if not path.exists():
        return False
    try:
        with rasterio.open(path) as raster:
            found = raster.tags()
    except RasterioError:
        found = {}
    if any(found.get(key) != value for key, value in tags.items()):
        raise UserError(f"{path}: exists and is not of this run and step; use another --output, or --overwrite")
    return True


def write_map(
    path: Path,
    made: np.ndarray,
    about: dict[str, Any],
    size: tuple[int, int],
    bands: Sequence[str],
    units: str,
    tags: dict[str, str],
) -> None:
    """Write one GeoTIFF.

    Args:
        path: of the file.
        made: float32 ``(height, width, band)``.
        about: what the record says: crs, transform of the target, times of acquisition.
        size: (height, width) of the target that the transform belongs to.
        bands: their names.
        units: of the values.
        tags: further facts.
    """
    height, width, count = made.shape
    place: dict[str, Any] = {}
    if about.get("transform"):
        place["transform"] = Affine(*about["transform"]) @ Affine.scale(size[1] / width, size[0] / height)
    if about.get("crs"):
        place["crs"] = about["crs"]
    acquired = {"ACQUIRED": ", ".join(about["acquired"])} if about.get("acquired") else {}
    with atomic.replacing(path) as temporary:
        with rasterio.open(
            temporary, "w", driver="GTiff", height=height, width=width, count=count, dtype="float32", nodata=np.nan,
            compress="deflate", predictor=3, **place,
        ) as raster:  # fmt: skip
            raster.write(np.moveaxis(made, -1, 0))
            raster.descriptions, raster.units = tuple(bands), (units,) * count
            raster.update_tags(**tags, **acquired)
