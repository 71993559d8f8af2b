"""TIFF and JPEG 2000 by GDAL, with or without coordinates; pages of a TIFF are time steps unless stated otherwise."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pix2earth.image_files.image_file import (
    Box,
    ImageFile,
    Pixels,
    arranged_shape,
    checked_axes,
    part_of,
    supported,
)
from pix2earth.settings.errors import UserError

ACQUIRED = "ACQUIRED"
"""Tag with the time of acquisition, as the toolkit's own maps have it."""


@contextmanager
def opened(path: str | Path, shown: Path, kind: str) -> Iterator[Any]:
    """Open a raster by GDAL.

    Args:
        path: of the file, or GDAL's name for a part of it.
        shown: in messages.
        kind: of the file, in messages.

    Raises:
        UserError: it is damaged, also where that is found inside of the block.
    """
    import rasterio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            # Else a truncated JPEG is grey at its end, without an error.
            with rasterio.Env(GDAL_ERROR_ON_LIBJPEG_WARNING=True), rasterio.open(path) as source:
                yield source
    except rasterio.errors.RasterioError as error:
        reason = str(error.__cause__ or error).split("\n")[0].removeprefix(f"{shown}: ")
        raise UserError(f"{shown}: is a damaged {kind} file ({reason}); copy it again") from None


def read_raster(path: Path, kind: str, axes: str | None) -> ImageFile:
    """Return a TIFF or JPEG 2000 file; see ``read_image_file``.

    A GDAL scale or offset that differs among bands is applied: pixels are then float32 in physical units.

    Raises:
        UserError: it is damaged, or its pages differ.
    """
    with opened(path, path, kind) as source:
        pages: list[str] = [name for name in source.subdatasets if name.startswith("GTIFF_DIR:")] or [str(path)]
        scales = set(zip(source.scales, source.offsets, strict=True))
        alpha = alpha_of(source)
        count = source.count - (alpha is not None)
        dtypes = {source.dtypes[index] for index in range(source.count) if index + 1 != alpha}
        numbers = supported(_dtype(dtypes), path) if len(scales) == 1 else "float32"
        size = (source.height, source.width)
        stated = _stated(source, alpha)
        per_page = source.width, source.height, source.count
    for page in pages[1:]:
        with opened(page, path, kind) as source:
            if (source.width, source.height, source.count) != per_page:
                raise UserError(
                    f"{path}: its pages differ: {per_page[0]} x {per_page[1]} pixels of {per_page[2]} bands, and"
                    f" {source.width} x {source.height} of {source.count}; split the file"
                )
    several = len(pages) > 1
    shape: tuple[int, ...] = (len(pages), *size, count) if several else (*size, count)
    if several and axes and len(axes) == 3 and count == 1:
        shape = shape[:-1]
    letters = checked_axes(axes if several else None, "THWC" if several else "HWC", len(shape), path)
    scale, offset = scales.pop() if len(scales) == 1 else (1.0, 0.0)
    if kind == "TIFF" and stated["crs"]:
        kind = "GeoTIFF"
    arranged, sizes = arranged_shape(shape, letters)
    if stated["bands"] and len(stated["bands"]) != sizes[-1]:
        stated["bands"] = None
    load = functools.partial(_load, path, pages, letters, physical=len(scales) > 1)
    return ImageFile(path, kind, arranged, sizes, numbers, load, scale=scale, offset=offset, **stated)


def alpha_of(source: Any) -> int | None:
    """Return the number of a raster's alpha band, or None."""
    from rasterio.enums import ColorInterp

    found = [number for number, meaning in enumerate(source.colorinterp, 1) if meaning == ColorInterp.alpha]
    return found[0] if found and source.count > 1 else None


def _dtype(names: set[str]) -> Any:
    """Return the type that holds all numbers of some types."""
    import numpy as np

    return np.result_type(*(np.dtype(name) for name in names))


def _stated(source: Any, alpha: int | None) -> dict[str, Any]:
    """Return what an open raster states, by the names of ``ImageFile``."""
    crs = source.crs
    code = crs.to_epsg() if crs else None
    tags = source.tags()
    names = [name for number, name in enumerate(source.descriptions, 1) if number != alpha]
    units = {unit for unit in source.units if unit}
    nodata = source.nodata
    identity = source.transform.is_identity
    return {
        "bands": tuple(names) if all(names) and len(set(names)) == len(names) else None,
        "nodata": None if nodata is None or nodata != nodata else float(nodata),
        "units": units.pop() if len(units) == 1 else "",
        "crs": f"EPSG:{code}" if code else (crs.to_wkt() if crs else None),
        "transform": None if identity else tuple(source.transform)[:6],
        "times": (tags[ACQUIRED],) if _is_time(tags.get(ACQUIRED, "")) else (),
        "keywords": tags,
    }


def _is_time(text: str) -> bool:
    from datetime import datetime

    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _load(path: Path, pages: list[str], letters: str, sample: int | None, box: Box | None, *, physical: bool) -> Pixels:
    """Return pixels of a raster; of all pages, or of the page of a sample."""
    import numpy as np

    if "N" in letters:
        pages, letters = [pages[sample or 0]], letters.replace("N", "")
    layers = [_page(page, path, box, physical=physical) for page in pages]
    masks = [layer.mask for layer in layers if layer.mask is not None]
    mask = np.logical_and.reduce(masks) if masks else None
    if len(layers) == 1 and "T" not in letters:
        return Pixels(layers[0].array, mask)
    stack = np.stack([layer.array for layer in layers])
    return Pixels(part_of(stack[..., 0] if len(letters) == 3 else stack, letters, None, None), mask)


def _page(page: str, path: Path, box: Box | None, *, physical: bool) -> Pixels:
    import numpy as np
    from rasterio.enums import MaskFlags
    from rasterio.windows import Window

    window = Window(box.column, box.row, box.width, box.height) if box else None
    with opened(page, path, "raster") as source:
        alpha = alpha_of(source)
        numbers = [number for number in range(1, source.count + 1) if number != alpha]
        stored = source.read(numbers, window=window)
        mask = None
        if alpha:
            mask = source.read(alpha, window=window) > 0
        elif MaskFlags.per_dataset in source.mask_flag_enums[0]:
            mask = source.dataset_mask(window=window) > 0
        if physical:
            pairs = [(source.scales[number - 1], source.offsets[number - 1]) for number in numbers]
            factors, summands = (np.array(one, np.float64)[:, None, None] for one in zip(*pairs, strict=True))
            missing = stored == source.nodata if source.nodata is not None else np.zeros(stored.shape, bool)
            stored = np.where(missing, np.nan, stored * factors + summands).astype(np.float32)
    return Pixels(np.ascontiguousarray(np.moveaxis(stored, 0, -1)), mask)
