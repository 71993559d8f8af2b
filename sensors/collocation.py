"""Collocate OLCI with a map grid: find the swath pixel that lies at each pixel of a window, and resample bands to it.

The indices are computed once for a window, by a k-d tree (pyresample) on the part of the swath around it, and serve
every band. Both sides are positions of pixel centres: latitude and longitude of the swath, and the centres that the
window's transform gives, so nothing shifts by half a pixel.

"bilinear" interpolates inside the swath's own cells, starting from the nearest pixel. pyresample's bilinear resampler
chooses its four corners by the quadrants of the map, which leaves streaks where the swath is rotated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pix2earth.settings.errors import UserError
from sensors.sentinel3 import PIXEL_SIZE, Sen3

if TYPE_CHECKING:
    from affine import Affine
    from pyproj import CRS as ProjCRS
    from rasterio.crs import CRS

EARTH_RADIUS = 6_371_000.0
METHODS = ("nearest", "bilinear")
Reader = Callable[[slice, slice], np.ndarray]


class Collocation:
    """The indices of the swath pixels for one window of a north-up grid.

    Attributes:
        valid: bool (height, width): where a pixel of the swath covers the position, whatever its value.
        rows: the rows of the swath that the window needs.
        columns: the columns of the swath that the window needs.
    """

    def __init__(self, sen3: Sen3, crs: CRS, transform: Affine, size: tuple[int, int], method: str = "nearest") -> None:
        """Find the swath pixels of a window.

        Args:
            sen3: the frame; for many windows of one scene pass ``part_near(sen3, ...)`` of the scene, so that every
                file is decoded once.
            crs: CRS of the window.
            transform: affine transform of the window, from (column, row) to the units of ``crs``.
            size: (height, width) of the window in pixels.
            method: "nearest", or "bilinear" between the four pixels around a position.

        Raises:
            UserError: the grid is rotated against its CRS, or the positions cannot be read.
        """
        if method not in METHODS:
            raise UserError(f"collocation '{method}': is not known; use {' or '.join(METHODS)}")
        if transform.b or transform.d:
            raise UserError("the input grid is rotated against its CRS; warp it to a north-up grid first (gdalwarp)")
        self._method = method
        self.valid = np.zeros(size, bool)
        self._flat = np.zeros(size, np.int64)
        rectangle = _rectangle_around(sen3, crs, transform, size)
        self.rows, self.columns = rectangle or (slice(0, 0), slice(0, 0))
        self._coordinates: np.ndarray | None = None
        if rectangle is not None:
            self._search(sen3, crs, transform)

    def take(self, source: Reader | np.ndarray) -> np.ndarray:
        """Return values of the swath on the window, (height, width), in the dtype of the source.

        Args:
            source: an array on the pixels of ``sen3``, or a function that reads it, such as
                ``partial(sen3.radiance, "Oa01")``.

        Returns:
            The values; outside ``valid`` NaN, or 0 for integers. Integers (flags) always come from the nearest pixel.
            "bilinear" gives NaN where one of the four pixels is fill or beyond the edge of the swath.
        """
        from scipy.ndimage import map_coordinates

        values = source(self.rows, self.columns) if callable(source) else source[self.rows, self.columns]
        floating = np.issubdtype(values.dtype, np.floating)
        if self._coordinates is not None and floating:
            interpolated = map_coordinates(
                values, self._coordinates, order=1, mode="constant", cval=np.nan, prefilter=False
            )
            return np.where(self.valid, interpolated, np.nan).astype(values.dtype)
        out = np.full(self.valid.shape, np.nan if floating else 0, values.dtype)
        out[self.valid] = values.ravel()[self._flat[self.valid]]
        return out

    def _search(self, sen3: Sen3, crs: CRS, transform: Affine) -> None:
        """Compute the indices."""
        from pyresample import AreaDefinition, SwathDefinition
        from pyresample.kd_tree import get_neighbour_info

        latitude, longitude = sen3.latitude_longitude(self.rows, self.columns)
        (height, width), projection = self.valid.shape, _projection(crs)
        right, bottom = transform @ (width, height)
        area = AreaDefinition("window", "", "", projection, width, height, (transform.c, bottom, right, transform.f))
        radius = _radius_of_influence(latitude, longitude, sen3.kind)
        # pyresample's own reduction drops pixels beyond the window's border, though they are the nearest inside it.
        with_position, searched, index, _ = get_neighbour_info(
            SwathDefinition(longitude, latitude), area, radius, neighbours=1, reduce_data=False
        )  # fmt: skip
        has_neighbour = index < with_position.sum()
        valid, flat = self.valid.reshape(-1), self._flat.reshape(-1)
        valid[np.flatnonzero(searched)[has_neighbour]] = True
        flat[valid] = np.flatnonzero(with_position)[index[has_neighbour]]
        if self._method == "bilinear" and valid.any() and min(latitude.shape) > 1:
            from pyproj import Transformer

            to_map = Transformer.from_crs(4326, projection, always_xy=True)
            swath = np.stack(to_map.transform(longitude, latitude))
            window = np.stack(_pixel_centres(transform, self.valid.shape))
            self._coordinates = _fractional_indices(swath, window, self._flat)


def _fractional_indices(swath: np.ndarray, window: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """Return the fractional (row, column) in the swath of every pixel of a window.

    Two steps of Newton's method from the nearest pixel are enough, because the swath is nearly regular.

    Args:
        swath: x and y of the swath's pixels on the map, (2, rows, columns).
        window: x and y of the window's pixels, (2, height, width).
        nearest: flat index of the swath pixel nearest to each of the window's pixels, (height, width).

    Returns:
        float64 (2, height, width); -1 where it cannot be computed.
    """
    from scipy.ndimage import map_coordinates

    slopes = np.stack([np.stack(np.gradient(axis)) for axis in swath])
    start = np.stack(np.unravel_index(nearest, swath.shape[1:]))
    inverse = np.moveaxis(slopes[:, :, start[0], start[1]], (0, 1), (-2, -1))
    with np.errstate(invalid="ignore"):
        singular = ~(np.abs(np.linalg.det(inverse)) > 0)
    inverse[singular] = np.eye(2)
    inverse = np.linalg.inv(inverse)
    indices = start.astype(np.float64)
    for _ in range(2):
        reached = np.stack([map_coordinates(axis, indices, order=1, mode="nearest") for axis in swath])
        indices += np.moveaxis(np.einsum("...ij,...j->...i", inverse, np.moveaxis(window - reached, 0, -1)), -1, 0)
        indices[:, singular | ~np.isfinite(indices).all(axis=0)] = -1
    return indices


def _pixel_centres(transform: Affine, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of the pixel centres of a north-up grid, each (height, width)."""
    columns, rows = np.meshgrid(np.arange(size[1]) + 0.5, np.arange(size[0]) + 0.5)
    return transform.c + transform.a * columns, transform.f + transform.e * rows


def part_near(sen3: Sen3, crs: CRS, transform: Affine, size: tuple[int, int]) -> Sen3 | None:
    """Return the rectangle of a swath around a grid, which caches what it reads, or None where they do not touch.

    Raises:
        UserError: the positions cannot be read.
    """
    rectangle = _rectangle_around(sen3, crs, transform, size)
    return None if rectangle is None else sen3.part(*rectangle)


def _rectangle_around(sen3: Sen3, crs: CRS, transform: Affine, size: tuple[int, int]) -> tuple[slice, slice] | None:
    """Return the swath's rows and columns around a grid, or None where they do not touch.

    Coarse positions of the whole swath come first, then all positions of the rectangle that these leave.
    """
    border = _border(crs, transform, size)
    centre = border.mean(axis=0)
    reach = float(np.linalg.norm(border - centre, axis=1).max()) + 3 * PIXEL_SIZE[sen3.kind]
    coarse = sen3.coarse_positions()
    positions = _positions_in_space(coarse.latitude, coarse.longitude)
    # The swath may touch the grid between two of these positions, though both are outside.
    rough = _bounding_rectangle(np.linalg.norm(positions - centre, axis=-1) <= reach + _longest_step(positions))
    if rough is None:
        return None
    first_row, last_row = coarse.rows[rough[0]][[0, -1]]
    first_column, last_column = coarse.columns[rough[1]][[0, -1]]
    rows, columns = slice(first_row, last_row + 1), slice(first_column, last_column + 1)
    positions = _positions_in_space(*sen3.latitude_longitude(rows, columns))
    exact = _bounding_rectangle(np.linalg.norm(positions - centre, axis=-1) <= reach)
    if exact is None:
        return None
    return (
        slice(int(first_row) + exact[0].start, int(first_row) + exact[0].stop),
        slice(int(first_column) + exact[1].start, int(first_column) + exact[1].stop),
    )


def _border(crs: CRS, transform: Affine, size: tuple[int, int]) -> np.ndarray:
    """Return points on the border of a grid, metres from the centre of the Earth, (point, 3)."""
    from pyproj import Transformer

    height, width = size
    share = np.linspace(0, 1, 9)
    zero, one = np.zeros_like(share), np.ones_like(share)
    columns = np.concatenate([share, one, share, zero]) * width
    rows = np.concatenate([zero, share, one, share]) * height
    x, y = transform.c + transform.a * columns, transform.f + transform.e * rows
    longitude, latitude = Transformer.from_crs(_projection(crs), 4326, always_xy=True).transform(x, y)
    return _positions_in_space(latitude, longitude)


def _positions_in_space(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Return x, y, z on a sphere in metres, (..., 3); distances need no special case for antimeridian and poles."""
    phi, theta = np.radians(latitude), np.radians(longitude)
    return EARTH_RADIUS * np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=-1)


def _steps(positions: np.ndarray) -> list[np.ndarray]:
    """Return the finite distances from row to row and from column to column in metres, each 1-D."""
    steps = [np.linalg.norm(np.diff(positions, axis=axis), axis=-1) for axis in (0, 1)]
    return [step[np.isfinite(step)] for step in steps]


def _longest_step(positions: np.ndarray) -> float:
    return max((float(step.max()) for step in _steps(positions) if step.size), default=0.0)


def _radius_of_influence(latitude: np.ndarray, longitude: np.ndarray, kind: str) -> float:
    """Return the radius in metres around a pixel's centre: half its diagonal, and a fifth more for uneven swaths."""
    steps = _steps(_positions_in_space(latitude, longitude))
    # A part of a swath may be too small to measure the distance between pixels.
    sides = [float(np.median(step)) if step.size else PIXEL_SIZE[kind] for step in steps]
    return 0.6 * math.hypot(*sides)


def _bounding_rectangle(mask: np.ndarray) -> tuple[slice, slice] | None:
    """Return the smallest rectangle that holds all True elements, or None where there are none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _projection(crs: CRS) -> ProjCRS:
    """Return rasterio's CRS as pyproj's."""
    from pyproj import CRS as ProjCRS

    return ProjCRS.from_user_input(crs.to_wkt())
