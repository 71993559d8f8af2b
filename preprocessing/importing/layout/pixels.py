"""The pixels of a tile in one field, as the dataset stores them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from pix2earth.image_files.image_file import Box, ImageFile, Pixels
from pix2earth.records.field import Field
from pix2earth.settings.errors import UserError
from preprocessing.importing.layout.grids import Placement, Warp
from preprocessing.importing.layout.scenes import BandSource, Steps, opened
from preprocessing.sources.description import SourceField

MARGIN = 3
"""Pixels around a tile that are read to resample it."""
MUCH = 1.2
"""Images whose pixels become larger by more than this factor are averaged, others interpolated."""


class Stored(NamedTuple):
    """Pixels of a field as the dataset stores them.

    Attributes:
        array: (height, width, band), or with time steps before them.
        missing: where they are no measurement, bool of the same shape; None: nowhere.
    """

    array: np.ndarray
    missing: np.ndarray | None


def stored(source_field: SourceField, field: Field, steps: Steps, placement: Placement) -> Stored:
    """Return the pixels of a tile.

    Args:
        source_field: description of the field.
        field: of the manifest.
        steps: its files.
        placement: where the tile lies in them.

    Raises:
        UserError: a file is damaged, a number does not fit the type, or pixels are missing and nothing can say so.
    """
    parts = [[_layer(source_field, field, source, placement) for source in one] for one in steps]
    layers = [_joined(one) for one in parts]
    array, missing = layers[0] if len(layers) == 1 else _stacked(layers)
    if source_field.fold and array.ndim == 3:
        array = _folded(array, source_field.fold)
        missing = None if missing is None else _folded(missing, source_field.fold)
    elif field.time_steps == 1 and array.ndim == 3:
        array, missing = array[None], None if missing is None else missing[None]
    place = str(steps[0][0].file)
    if source_field.kind == "mask":
        array = as_mask(array, source_field)
    array = _converted(array, missing, np.dtype(field.dtype), place)
    if missing is None or not missing.any():
        return Stored(array, None)
    if array.dtype.kind == "f":
        filler: float = np.nan if field.nodata is None else field.nodata
    elif field.nodata is not None:
        filler = field.nodata
    elif source_field.kind == "mask":
        filler = 0
    else:
        raise UserError(
            f"{place}: has pixels without a measurement (transparent, masked or beyond its edge), which {array.dtype}"
            " can only mark by a number; state one that no pixel has: --set FIELD.nodata=0"
        )
    array = np.where(missing, np.array(filler, array.dtype), array)
    return Stored(array, missing)


def _joined(layers: list[Stored]) -> Stored:
    """Return layers as bands of one time step."""
    if len(layers) == 1:
        return layers[0]
    array = np.concatenate([layer.array for layer in layers], axis=-1)
    return Stored(array, _together(layers, -1))


def _stacked(layers: list[Stored]) -> Stored:
    """Return layers as time steps."""
    array = np.stack([layer.array for layer in layers])
    if all(layer.missing is None for layer in layers):
        return Stored(array, None)
    return Stored(array, np.stack([_missing(layer) for layer in layers]))


def _together(layers: list[Stored], axis: int) -> np.ndarray | None:
    if all(layer.missing is None for layer in layers):
        return None
    return np.concatenate([_missing(layer) for layer in layers], axis=axis)


def _missing(layer: Stored) -> np.ndarray:
    return np.zeros(layer.array.shape, bool) if layer.missing is None else layer.missing


def _folded(array: np.ndarray, steps: int) -> np.ndarray:
    """Return bands of successive time steps (height, width, step x band) with an axis of time steps."""
    height, width, count = array.shape
    return np.ascontiguousarray(np.moveaxis(array.reshape(height, width, steps, count // steps), 2, 0))


def _layer(source_field: SourceField, field: Field, source: BandSource, placement: Placement) -> Stored:
    """Return the bands of one source, (height, width, band) of the placement's size."""
    file = opened(source, source_field)
    width = file.size[1] // (source_field.pieces or 1)
    left = ((source.layer.piece or 1) - 1) * width
    box = placement.box
    if placement.warp:
        box = _box_of(file, placement.warp, placement.size)
        if min(box.height, box.width) <= 0:
            return _nothing(file, source, placement, field)
    pixels = file.read(Box(box.row, box.column + left, box.height, box.width), source.sample)
    nodata = source_field.nodata if source_field.nodata is not None else file.nodata
    missing = _no_measurement(pixels, nodata)
    array = pixels.array
    if source.layer.select is not None:
        chosen = [number - 1 for number in source.layer.select]
        array, missing = array[..., chosen], None if missing is None else missing[..., chosen]
    scale, offset = physical_numbers(source_field, file)
    if (scale, offset) != (field.scale, field.offset):  # files differ in their scale: the dataset has physical values
        array = (array * scale + offset).astype(np.float32)
    if placement.how == "pad":
        return _padded(array, missing, placement.size)
    if placement.how in ("warp", "resize") and (placement.how == "warp" or box[2:] != placement.size):
        return resampled(array, missing, placement, file, box, source_field.kind)
    return Stored(array, missing)


def physical_numbers(source_field: SourceField, file: ImageFile) -> tuple[float, float]:
    """Return scale and offset of a file's numbers: as described, else as the file states them."""
    scale = file.scale if source_field.scale is None else source_field.scale
    return scale, file.offset if source_field.offset is None else source_field.offset


def _no_measurement(pixels: Pixels, nodata: float | None) -> np.ndarray | None:
    """Return where pixels are nodata, NaN or hidden by a mask of the file; None where there is no such pixel."""
    array, found = pixels.array, None
    if array.dtype.kind == "f":
        found = ~np.isfinite(array)
    if nodata is not None:
        found = (array == nodata) if found is None else found | (array == nodata)
    if pixels.mask is not None:
        hidden = np.broadcast_to(~pixels.mask[..., None], array.shape)
        found = hidden if found is None else found | hidden
    return found if found is not None and found.any() else None


def _nothing(file: ImageFile, source: BandSource, placement: Placement, field: Field) -> Stored:
    """Return a tile without a measurement."""
    count = file.band_count if source.layer.select is None else len(source.layer.select)
    shape = (*placement.size, count)
    return Stored(np.zeros(shape, field.dtype), np.ones(shape, bool))


def _padded(array: np.ndarray, missing: np.ndarray | None, size: tuple[int, int]) -> Stored:
    """Return pixels with missing ones below and to the right of them."""
    height, width = array.shape[-3:-1]
    margins = [(0, 0)] * (array.ndim - 3) + [(0, size[0] - height), (0, size[1] - width), (0, 0)]
    known = np.zeros(array.shape, bool) if missing is None else missing
    return Stored(np.pad(array, margins), np.pad(known, margins, constant_values=True))


def _box_of(file: ImageFile, warp: Warp, size: tuple[int, int]) -> Box:
    """Return the pixels of a file that a tile on another grid needs."""
    from affine import Affine
    from rasterio.warp import transform_bounds

    grid, own = Affine(*warp.transform), ~Affine(*(file.transform or ()))
    corners = [grid @ corner for corner in ((0, 0), (size[1], 0), (0, size[0]), (size[1], size[0]))]
    xs, ys = zip(*corners, strict=True)
    left, bottom, right, top = transform_bounds(warp.crs, file.crs, min(xs), min(ys), max(xs), max(ys))
    ends = [own @ corner for corner in ((left, top), (right, top), (left, bottom), (right, bottom))]
    columns, rows = zip(*ends, strict=True)
    first = max(0, math.floor(min(rows)) - MARGIN), max(0, math.floor(min(columns)) - MARGIN)
    last = min(file.size[0], math.ceil(max(rows)) + MARGIN), min(file.size[1], math.ceil(max(columns)) + MARGIN)
    return Box(first[0], first[1], last[0] - first[0], last[1] - first[1])


def _coarser(file: ImageFile, warp: Warp, size: tuple[int, int]) -> float:
    """Return how many pixels of a file the side of a pixel in the middle of a tile is wide."""
    from affine import Affine
    from rasterio.warp import transform

    middle = size[1] / 2, size[0] / 2
    points = [Affine(*warp.transform) @ (middle[0] + x, middle[1] + y) for x, y in ((0, 0), (1, 0), (0, 1))]
    xs, ys = transform(warp.crs, file.crs, *(list(values) for values in zip(*points, strict=True)))
    first, across, down = (~Affine(*(file.transform or ())) @ point for point in zip(xs, ys, strict=True))
    columns, rows = (across[0] - first[0], down[0] - first[0]), (across[1] - first[1], down[1] - first[1])
    return math.sqrt(abs(columns[0] * rows[1] - columns[1] * rows[0]))


def resampled(
    array: np.ndarray, missing: np.ndarray | None, placement: Placement, file: ImageFile, box: Box, kind: str
) -> Stored:
    """Return pixels on another grid: images averaged where they get coarser, else bilinear; others the nearest."""
    from affine import Affine
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    height, width = placement.size
    if placement.warp:
        source_crs, crs = file.crs, placement.warp.crs
        source_grid = Affine(*(file.transform or ())) @ Affine.translation(box.column, box.row)
        grid = Affine(*placement.warp.transform)
        coarser = _coarser(file, placement.warp, placement.size)
    else:
        source_crs = crs = "EPSG:3857"  # any: both grids are in pixels of the source
        source_grid = Affine.identity()
        grid = Affine.scale(array.shape[-2] / width, array.shape[-3] / height)
        coarser = max(grid.a, grid.e)
    method = Resampling.nearest
    if kind == "image":
        method = Resampling.average if coarser > MUCH else Resampling.bilinear
    values = array.astype(np.float64)
    if missing is not None:
        values[missing] = np.nan
    planes = np.moveaxis(values, -1, 0).reshape(-1, *array.shape[-3:-1])
    result = np.full((len(planes), height, width), np.nan)
    reproject(
        np.ascontiguousarray(planes), result, src_transform=source_grid, src_crs=source_crs, src_nodata=np.nan,
        dst_transform=grid, dst_crs=crs, dst_nodata=np.nan, resampling=method,
        **({"XSCALE": 1, "YSCALE": 1} if method == Resampling.bilinear else {}),  # else GDAL blurs a little
    )  # fmt: skip
    shaped = np.moveaxis(result.reshape(array.shape[-1], *array.shape[:-3], height, width), 0, -1)
    absent = ~np.isfinite(shaped)
    shaped = np.where(absent, 0, shaped)
    if array.dtype.kind != "f":
        shaped = np.rint(shaped)
    return Stored(np.ascontiguousarray(shaped.astype(array.dtype)), absent if absent.any() else None)


def as_mask(array: np.ndarray, source_field: SourceField) -> np.ndarray:
    """Return a mask of ones and zeros, uint8."""
    if source_field.bits is not None:
        flags = sum(1 << bit for bit in source_field.bits)
        chosen = (array.astype(np.int64) & flags) != 0
    elif source_field.ones is not None:
        chosen = np.isin(array, source_field.ones)
    else:
        chosen = array > (0 if source_field.above is None else source_field.above)
    return (chosen != source_field.invert).astype(np.uint8)


def _converted(array: np.ndarray, missing: np.ndarray | None, dtype: np.dtype, place: str) -> np.ndarray:
    """Return an array in the type of the dataset.

    Raises:
        UserError: a measured number does not fit.
    """
    if array.dtype == dtype:
        return array
    if dtype.kind != "f":
        known = array if missing is None else array[~missing]
        ends = np.iinfo(dtype)
        if known.size and (known.min() < ends.min or known.max() > ends.max):
            raise UserError(
                f"{place}: holds numbers from {known.min():g} to {known.max():g}, which {dtype} cannot; state another"
                " dtype"
            )
        if array.dtype.kind == "f" and known.size and (known != np.rint(known)).any():
            raise UserError(f"{place}: holds fractions, which {dtype} cannot; state dtype float32")
    with np.errstate(invalid="ignore"):
        return array.astype(dtype)
