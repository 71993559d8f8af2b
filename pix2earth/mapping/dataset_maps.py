"""Predictions of a dataset's samples as GeoTIFFs, georeferenced by the CRS and transform of their records."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import tensorflow as tf
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import RasterioError

from pix2earth.batches.time_steps import flat, fold
from pix2earth.console.progress import tracked
from pix2earth.figures import preview
from pix2earth.mapping.opening import GEOGRAPHIC_TOLERANCE, TOLERANCE, ground_size
from pix2earth.mapping.scene import validity
from pix2earth.records.format import read
from pix2earth.records.manifest import Field
from pix2earth.records.metadata import acquisition_times
from pix2earth.runs import identity
from pix2earth.scoring.scorer import Scorer
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError
from sensors.lexicon import described

COMPARED = ("CHECKPOINT", "STEP", "CODE", "INPUT", "INPUT_MANIFEST", "SPLIT")
"""The tags by which an existing prediction is known as the one that would be written."""


def band_names(bands: Sequence[str], time_steps: int | None) -> list[str]:
    """Return a name for each band of a prediction; with several time steps ``B02 1``, ``B03 1``, ``B02 2`` ..."""
    if not time_steps or time_steps == 1:
        return list(bands)
    return [f"{band} {number}" for number in range(1, time_steps + 1) for band in bands]


def band_tags(field: Field, units: str) -> list[dict[str, str]]:
    """Return the GeoTIFF tags of each band of a prediction, as of ``band_names``: unit and, where known, wavelength.

    Args:
        field: that is predicted.
        units: of the written values; "" where they have none.
    """
    tags = []
    for band in described(field.bands):
        known = {"UNIT": units} if units else {}
        if band:
            known["LONG_NAME"] = band.long_name
        if band and band.wavelength and not band.nominal:
            known["WAVELENGTH_NM"] = f"{band.wavelength:g}"
            known |= {"BANDWIDTH_NM": f"{band.bandwidth:g}"} if band.bandwidth else {}
        tags.append(known)
    return tags * (field.time_steps or 1)


def predict_dataset(scorer: Scorer, split: str, folder: Path, *, overwrite: bool) -> int:
    """Write the predictions that do not exist yet; return the number of samples.

    All samples of the split are predicted, also those that the experiment leaves out of its training.

    Args:
        scorer: the restored network and its dataset.
        split: of the samples.
        folder: for the files ``<sample>.tif``.
        overwrite: write existing predictions again.

    Raises:
        UserError: a file of that name is of another checkpoint, plug-in, dataset or split, or a record is damaged.
    """
    names, tags = scorer.dataset.all_names(split), tags_of(scorer, split)
    sizes: set[str] = set()
    remaining = [name for name in names if overwrite or not _exists(folder / f"{name}.tif", tags)]
    if len(remaining) < len(names):
        print(f"{folder}: resumed, {len(names) - len(remaining)} of {len(names)} files exist")
    predictions = _predictions(scorer, split, remaining)
    images, looked_at = [], {remaining[place] for place in preview.places_shown(len(remaining))}
    for name, prediction in tracked(predictions, f"predict {split}", len(remaining), "samples"):
        metadata = read(scorer.dataset.listing.path(split, name), scorer.dataset.manifest)[1]
        sizes |= other_pixel_size(metadata, scorer)
        units = "" if scorer.experiment.NORMALIZE == "l2" else scorer.target.units  # unit norm: no physical unit
        bands = band_names(scorer.target.bands, scorer.target.time_steps)
        about_bands = band_tags(scorer.target, units)
        manifest = scorer.dataset.manifest
        # A map shows the target; where its time is not stated, that of the input is the nearest that is known.
        times = acquisition_times(metadata, manifest.target) or acquisition_times(metadata, manifest.input)
        path = folder / f"{name}.tif"
        write_map(path, prediction, metadata, scorer.target.size, bands, units, tags, about_bands, times)
        if name in looked_at:
            shown = prediction[..., : len(scorer.target.bands)]
            images.append(preview.shown(name, shown, scorer.target, upwards=manifest.upwards))
    if images:
        caption, beside = f"{tags['EXPERIMENT']}: {split}", preview.path_beside(folder)
        print(preview.draw(images, scorer.target, beside, caption, len(remaining)))
    if sizes:
        trained = scorer.target.gsd
        print(
            f"{scorer.dataset.listing.folder}: targets with pixels of {', '.join(sorted(sizes))}, where the network was"
            f" trained on {trained:g} m: expect artefacts",
            file=sys.stderr,
        )
    return len(names)


def tags_of(scorer: Scorer, split: str) -> dict[str, str]:
    """Return the GeoTIFF tags of the predictions of a split: their origin, and the dataset that was read."""
    experiment, origin = scorer.experiment, scorer.origin
    assert origin is not None
    dataset = identity.dataset(scorer.dataset.listing)
    roots = [Path(root) for root in experiment.environment.MODELS_ROOT]
    return {
        **origin.tags(),
        "INPUT": f"{dataset['name']} {dataset['fingerprint']}",
        "INPUT_MANIFEST": identity.digest([dataset["fields"], dataset["roles"]]),
        "SPLIT": split,
        "CODE": identity.code(scorer.plugin, Path(experiment.PROJECT_ROOT), roots)["plugin"]["sha256"],
    }


def other_pixel_size(metadata: dict[str, Any], scorer: Scorer) -> set[str]:
    """Return the size of a target's pixels in a record where it is not that of the training, else nothing."""
    trained, crs = scorer.target.gsd, metadata.get("crs")
    if not (trained and crs and metadata.get("transform")):
        return set()
    crs = CRS.from_user_input(crs)
    pixel = ground_size(crs, Affine(*metadata["transform"]), scorer.target.size)
    tolerance = TOLERANCE if crs.is_projected else GEOGRAPHIC_TOLERANCE
    return set() if pixel is None or math.isclose(pixel, trained, rel_tol=tolerance) else {f"{pixel:.3g} m"}


def _predictions(scorer: Scorer, split: str, names: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each name and its prediction, float32 ``(height, width, band)``, NaN where the input has no measurement."""
    compute = tf.function(lambda batch: flat(scorer.predict(batch)[2]), autograph=False)
    for group, batch in scorer.batches(split, names):
        inputs = batch[_measured_field(scorer)].numpy()
        for name, stored, prediction in zip(group, inputs, compute(batch).numpy(), strict=True):
            if name is None:
                continue
            prediction[~_validity(scorer, stored, prediction.shape)] = np.nan
            yield name, prediction


def _measured_field(scorer: Scorer) -> str:
    """Return the field whose missing pixels are missing in the prediction: the input, or what an occlusion hides."""
    manifest = scorer.dataset.manifest
    return manifest.target if manifest.occlusion else manifest.input


def _validity(scorer: Scorer, stored: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return where an input has a measurement, on the grid of the prediction, bool ``(height, width)``.

    Args:
        scorer: with the dataset of the input.
        stored: one input as stored, ``([time step,] height, width, band)``.
        shape: of the prediction.
    """
    field = scorer.dataset.manifest.fields[_measured_field(scorer)]
    values = stored.astype(np.float64)
    if field.nodata is not None:
        values[values == field.nodata] = np.nan
    valid = validity(fold(values) if field.time_steps else values, field.time_steps or 1)
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
    if any(existing_tags.get(key) != tags.get(key) for key in COMPARED):
        raise UserError(
            f"{path}: exists and is not of this run, step, plug-in, dataset and split; use another --output, or"
            " --overwrite"
        )
    return True


def write_map(
    path: Path,
    prediction: np.ndarray,
    metadata: dict[str, Any],
    size: tuple[int, int],
    bands: Sequence[str],
    units: str,
    tags: dict[str, str],
    tags_of_bands: Sequence[dict[str, str]] = (),
    acquired: Sequence[str] = (),
) -> None:
    """Write one prediction as GeoTIFF.

    Args:
        path: of the file.
        prediction: float32 ``(height, width, band)``.
        metadata: of the record: ``crs``, ``transform`` of the target; each may be missing.
        size: (height, width) of the target, to which the transform belongs.
        bands: names of the bands.
        units: of the values.
        tags: further GeoTIFF tags.
        tags_of_bands: further tags of each band.
        acquired: times of acquisition, for the tag ``ACQUIRED``.
    """
    height, width, count = prediction.shape
    georeference: dict[str, Any] = {}
    if metadata.get("transform"):
        target_transform = Affine(*metadata["transform"])
        georeference["transform"] = target_transform @ Affine.scale(size[1] / width, size[0] / height)
    if metadata.get("crs"):
        georeference["crs"] = metadata["crs"]
    times = {"ACQUIRED": ", ".join(acquired)} if acquired else {}
    with atomic.replacing(path) as temporary:
        with rasterio.open(
            temporary, "w", driver="GTiff", height=height, width=width, count=count, dtype="float32", nodata=np.nan,
            compress="deflate", predictor=3, **georeference,
        ) as raster:  # fmt: skip
            raster.write(np.moveaxis(prediction, -1, 0))
            raster.descriptions, raster.units = tuple(bands), (units,) * count
            raster.update_tags(**tags, **times)
            for number, about in enumerate(tags_of_bands, start=1):
                raster.update_tags(number, **about)
