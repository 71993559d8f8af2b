"""PNG of integers, with the stretch between values and numbers in its metadata."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np

from pix2earth.image_files.writing import NewImage
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError

COLOURS = {1: "grey", 3: "red, green and blue"}


def write_png(path: Path, image: NewImage) -> None:
    """Write an image of one or three bands as PNG; arguments as of ``write_image_file``.

    It has 16 bits where its source has more than 8, else 8. The text ``STRETCH`` is JSON: the physical value of the
    number n is low + (high - low) * n / largest, of each band; values beyond the range have its ends. Missing pixels
    are transparent.

    Raises:
        UserError: PNG has no such number of bands or time steps.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    if image.time_steps or len(image.bands) not in COLOURS:
        what = f"{image.time_steps} time steps" if image.time_steps else f"{len(image.bands)} bands"
        raise UserError(f"{path}: a PNG has one band or three, the image {what}; choose another format, such as tif")
    deep = image.source is not None and image.source.dtype not in ("uint8", "int8")
    largest = 65535 if deep else 255
    numbers, stretch = stretched(image, largest)
    missing = ~np.isfinite(image.values).all(axis=-1)
    if missing.any():
        opaque = np.where(missing, 0, largest).astype(numbers.dtype)[..., None]
        numbers = np.concatenate([numbers, opaque], axis=-1)
    height, width, count = numbers.shape
    with atomic.replacing(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            temporary, "w", driver="PNG", height=height, width=width, count=count, dtype=numbers.dtype.name,
            WRITE_METADATA_AS_TEXT="YES",
        ) as raster:  # fmt: skip
            raster.write(np.moveaxis(numbers, -1, 0))
            times = {"ACQUIRED": ", ".join(image.times)} if image.times else {}
            history = {"HISTORY": "\n".join(image.history)} if image.history else {}
            raster.update_tags(**image.made_by, **times, **history, STRETCH=json.dumps(stretch))
        temporary.with_name(f"{temporary.name}.aux.xml").unlink(missing_ok=True)


def stretched(image: NewImage, largest: int) -> tuple[np.ndarray, dict[str, object]]:
    """Return an image as integers from 0 to ``largest``, 0 where it is missing, and the stretch, for JSON."""
    finite = np.isfinite(image.values)
    low = np.where(finite, image.values, np.inf).min(axis=(0, 1)).astype(np.float64)
    high = np.where(finite, image.values, -np.inf).max(axis=(0, 1)).astype(np.float64)
    low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)
    if image.limits is not None:
        low, high = (np.broadcast_to(np.asarray(limit, np.float64), low.shape) for limit in image.limits)
    width = np.where(high > low, high - low, 1.0)
    share = np.clip((np.nan_to_num(image.values.astype(np.float64), nan=0.0) - low) / width, 0, 1)
    share[~finite] = 0
    stretch = {
        "low": low.tolist(), "high": (low + width).tolist(), "largest": largest, "bands": list(image.bands),
        "units": image.units,
    }  # fmt: skip
    return np.round(share * largest).astype(np.uint16 if largest > 255 else np.uint8), stretch
