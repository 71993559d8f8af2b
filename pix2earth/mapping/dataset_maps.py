"""Predictions of a dataset's samples as GeoTIFFs, georeferenced by the CRS and transform of their records."""

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
from pix2earth.mapping.scene import validity
from pix2earth.records.format import read
from pix2earth.scoring.scorer import Scorer, flat
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError


def band_names(bands: Sequence[str], time_steps: int | None) -> list[str]:
    """Return a name for each band of a prediction; with several time steps ``B02 1``, ``B03 1``, ``B02 2`` ..."""
    if not time_steps or time_steps == 1:
        return list(bands)
    return [f"{band} {number}" for number in range(1, time_steps + 1) for band in bands]


def predict_dataset(scorer: Scorer, split: str, folder: Path, tags: dict[str, str], *, overwrite: bool) -> int:
    """Write the predictions that do not exist yet; return the number of samples.

    Args:
        scorer: the restored network and its dataset.
        split: of the samples.
        folder: for the files ``<sample>.tif``.
        tags: GeoTIFF tags with the origin of the predictions.
        overwrite: write existing predictions again.

    Raises:
        UserError: a file of that name is of another run or step, or a record is damaged.
    """
    names = scorer.dataset.names(split)
    remaining = [name for name in names if overwrite or not _exists(folder / f"{name}.tif", tags)]
    if len(remaining) < len(names):
        print(f"{folder}: resumed, {len(names) - len(remaining)} of {len(names)} files exist")
    predictions = _predictions(scorer, split, remaining)
    for name, prediction in tracked(predictions, f"predict {split}", len(remaining), "samples"):
        metadata = read(scorer.dataset.listing.path(split, name), scorer.dataset.manifest)[1]
        units = "" if scorer.experiment.NORMALIZE == "l2" else scorer.target.units  # unit norm: no physical unit
        bands = band_names(scorer.target.bands, scorer.target.time_steps)
        write_map(folder / f"{name}.tif", prediction, metadata, scorer.target.size, bands, units, tags)
    return len(names)


def _predictions(scorer: Scorer, split: str, names: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each name and its prediction, float32 ``(height, width, band)``, NaN where the input has no measurement."""
    compute = tf.function(lambda batch: flat(scorer.predict(batch)[2]), autograph=False)
    for group, batch in scorer.batches(split, names):
        inputs = batch[scorer.dataset.manifest.input].numpy()
        for name, stored, prediction in zip(group, inputs, compute(batch).numpy(), strict=False):
            prediction[~_validity(scorer, stored, prediction.shape)] = np.nan
            yield name, prediction


def _validity(scorer: Scorer, stored: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return where an input has a measurement, on the grid of the prediction, bool ``(height, width)``.

    Args:
        scorer: with the dataset of the input.
        stored: one input as stored, ``([time step,] height, width, band)``.
        shape: of the prediction.
    """
    field = scorer.dataset.manifest.fields[scorer.dataset.manifest.input]
    values = stored.astype(np.float64)
    if field.nodata is not None:
        values[values == field.nodata] = np.nan
    steps = field.time_steps or 1
    folded = np.moveaxis(values.reshape(steps, *field.size, -1), 0, 2).reshape(*field.size, -1)
    valid = validity(folded, steps)
    rows, columns = (np.arange(length) * side // length for length, side in zip(shape, field.size, strict=False))
    return valid[rows][:, columns]


def _exists(path: Path, tags: dict[str, str]) -> bool:
    """Return whether a prediction with these tags exists.

    Raises:
        UserError: the file exists with other tags.
    """
    if not path.exists():
        return False
    try:
        with rasterio.open(path) as raster:
            existing_tags = raster.tags()
    except RasterioError:
        existing_tags = {}
    if any(existing_tags.get(key) != value for key, value in tags.items()):
        raise UserError(f"{path}: exists and is not of this run and step; use another --output, or --overwrite")
    return True


def write_map(
    path: Path,
    prediction: np.ndarray,
    metadata: dict[str, Any],
    size: tuple[int, int],
    bands: Sequence[str],
    units: str,
    tags: dict[str, str],
) -> None:
    """Write one prediction as GeoTIFF.

    Args:
        path: of the file.
        prediction: float32 ``(height, width, band)``.
        metadata: of the record: ``crs``, ``transform`` of the target, ``acquired`` times; each may be missing.
        size: (height, width) of the target, to which the transform belongs.
        bands: names of the bands.
        units: of the values.
        tags: further GeoTIFF tags.
    """
    height, width, count = prediction.shape
    georeference: dict[str, Any] = {}
    if metadata.get("transform"):
        target_transform = Affine(*metadata["transform"])
        georeference["transform"] = target_transform @ Affine.scale(size[1] / width, size[0] / height)
    if metadata.get("crs"):
        georeference["crs"] = metadata["crs"]
    acquired = {"ACQUIRED": ", ".join(metadata["acquired"])} if metadata.get("acquired") else {}
    with atomic.replacing(path) as temporary:
        with rasterio.open(
            temporary, "w", driver="GTiff", height=height, width=width, count=count, dtype="float32", nodata=np.nan,
            compress="deflate", predictor=3, **georeference,
        ) as raster:  # fmt: skip
            raster.write(np.moveaxis(prediction, -1, 0))
            raster.descriptions, raster.units = tuple(bands), (units,) * count
            raster.update_tags(**tags, **acquired)
