"""Collocation to a fraction of a pixel, compared with SciPy on a map and with linear fields."""

from functools import partial

import numpy as np
import pytest
from affine import Affine
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.windows import Window
from rasterio.windows import transform as window_transform
from scipy.interpolate import griddata
from scipy.ndimage import uniform_filter
from scipy.spatial import cKDTree

from experiment import PROJECT
from pix2earth.settings.errors import UserError
from sensors.collocation import Collocation, part_near
from sensors.sentinel2 import Safe
from sensors.sentinel3 import Sen3
from tests.products import OLCI_BANDS, ORIGIN, RADIANCE_SCALE, write_sen3

DATA = PROJECT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"there are no real products: {DATA}")
UTM = CRS.from_epsg(32617)
GRID = Affine(10, 0, ORIGIN[0], 0, -10, ORIGIN[1])
SIZE = (240, 240)


def swath_on_the_map(sen3: Sen3, epsg: int = 32617) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of every pixel of a swath, by its own latitude and longitude."""
    latitude, longitude = sen3.latitude_longitude()
    return Transformer.from_crs(4326, epsg, always_xy=True).transform(longitude, latitude)


def centres(transform: Affine = GRID, size: tuple[int, int] = SIZE) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    return transform.c + transform.a * columns, transform.f + transform.e * rows


def nearest_pixels(sen3: Sen3, x: np.ndarray, y: np.ndarray, epsg: int = 32617) -> tuple[np.ndarray, np.ndarray]:
    """Return the flat index of the nearest swath pixel and its distance in metres, by SciPy's tree on the map."""
    swath = np.stack(swath_on_the_map(sen3, epsg), axis=-1).reshape(-1, 2)
    distance, number = cKDTree(swath).query(np.stack([x, y], axis=-1))
    return number, distance


@pytest.fixture(scope="module")
def sen3(tmp_path_factory) -> Sen3:
    return Sen3.open(write_sen3(tmp_path_factory.mktemp("swath")))


def numbered(sen3: Sen3) -> np.ndarray:
    """Return the flat index of each pixel as a band."""
    return np.arange(sen3.size[0] * sen3.size[1], dtype=np.float64).reshape(sen3.size)


def test_every_position_gets_the_pixel_whose_centre_is_nearest(sen3):
    collocated = Collocation(sen3, UTM, GRID, SIZE).take(numbered(sen3))
    expected, distance = nearest_pixels(sen3, *centres())
    # Degrees are stored to a millionth (0.1 m): positions half way between two centres may get either pixel.
    assert (collocated != expected).mean() < 0.001
    # The comparison notices half a pixel of the grid.
    shifted, _ = nearest_pixels(sen3, *(at - 5 for at in centres()))
    assert (collocated != shifted).mean() > 0.02
    assert distance.max() < 200


def test_a_point_has_the_same_position_on_swath_and_grid(sen3):
    """Pixel (9, 11) of the swath, projected to the map by its own latitude and longitude."""
    x, y = (float(at[9, 11]) for at in swath_on_the_map(sen3))
    column, row = (x - ORIGIN[0]) / 10, (ORIGIN[1] - y) / 10
    assert 30 < column < 210 and 30 < row < 210
    marked = np.zeros(sen3.size, np.float32)
    marked[9, 11] = 1
    collocated = Collocation(sen3, UTM, GRID, SIZE).take(marked)
    assert collocated[int(row), int(column)] == 1
    # Its block, 27 x 29.4 pixels rotated by 12 degrees, is centred on it; half a pixel of the grid would be 5 m.
    rows, columns = np.nonzero(collocated)
    assert len(rows) == pytest.approx(27 * 29.4, rel=0.02)
    assert rows.mean() + 0.5 == pytest.approx(row, abs=0.15)
    assert columns.mean() + 0.5 == pytest.approx(column, abs=0.15)


@pytest.mark.parametrize("turn", [12, 192, -100])
def test_bilinear_reproduces_a_linear_field_at_the_centres_of_the_pixels(turn, tmp_path):
    """Rows may run in any direction: descending, ascending, or across."""
    swath = Sen3.open(write_sen3(tmp_path, turn=turn, edge=0))
    x, y = swath_on_the_map(swath)
    for field, at in ((x - ORIGIN[0], centres()[0] - ORIGIN[0]), (y - ORIGIN[1], centres()[1] - ORIGIN[1])):
        collocation = Collocation(swath, UTM, GRID, SIZE, "bilinear")
        collocated = collocation.take(field)
        assert collocation.valid.all()
        np.testing.assert_allclose(collocated, at, atol=0.2)


def test_bilinear_takes_flags_from_the_nearest_pixel_and_spreads_fill(sen3):
    nearest, bilinear = (Collocation(sen3, UTM, GRID, SIZE, method) for method in ("nearest", "bilinear"))
    flags = np.random.default_rng(5).integers(0, 1 << 32, sen3.size, dtype=np.uint32)
    assert bilinear.take(flags).dtype == np.uint32
    np.testing.assert_array_equal(bilinear.take(flags), nearest.take(flags))
    holed = numbered(sen3)
    holed[9, 11] = np.nan
    assert np.isnan(bilinear.take(holed)).sum() > np.isnan(nearest.take(holed)).sum() > 700


def test_readers_and_arrays_give_the_bands_of_the_swath(sen3):
    collocation = Collocation(sen3, UTM, GRID, SIZE)
    expected, _ = nearest_pixels(sen3, *centres())
    for band in OLCI_BANDS:
        collocated = collocation.take(partial(sen3.radiance, band))
        assert collocated.dtype == np.float32 and collocated.shape == SIZE
        np.testing.assert_array_equal(collocated, collocation.take(sen3.radiance(band)))
        differences = np.abs(collocated - sen3.radiance(band).ravel()[expected])
        assert (differences > 0).mean() < 0.001
    assert collocation.take(sen3.flags).dtype == np.uint32
    assert np.abs(collocated).min() > RADIANCE_SCALE


def test_positions_are_read_once_for_all_bands(sen3, monkeypatch):
    collocation = Collocation(sen3, UTM, GRID, SIZE)
    monkeypatch.setattr(Sen3, "latitude_longitude", None)
    assert all(np.isfinite(collocation.take(partial(sen3.radiance, band))).all() for band in OLCI_BANDS)


def test_only_the_pixels_around_the_window_are_read(tmp_path):
    """A swath of 135 x 130 pixels, a window of 1.2 km in it."""
    whole = Sen3.open(write_sen3(tmp_path, area=(505000, 8080000, 535000, 8110000)))
    grid = GRID @ Affine.translation(100, 100)
    collocation = Collocation(whole, UTM, grid, (120, 120))
    asked = []

    def reader(rows, columns):
        asked.append((rows, columns))
        return numbered(whole)[rows, columns]

    collocated = collocation.take(reader)
    assert collocation.valid.all()
    assert asked == [(collocation.rows, collocation.columns)]
    assert whole.size[0] > 120 and whole.size[1] > 120
    assert all(side.stop - side.start < 16 for side in asked[0])
    expected, _ = nearest_pixels(whole, *centres(grid, (120, 120)))
    assert (collocated != expected).mean() < 0.001


@pytest.mark.parametrize("without", [(), ("tie_geo_coordinates.nc",)], ids=["by tie points", "by pixels"])
def test_a_part_for_a_scene_gives_the_same_as_the_whole(without, tmp_path):
    whole = Sen3.open(write_sen3(tmp_path, area=(505000, 8080000, 535000, 8110000), without=without))
    part = part_near(whole, UTM, GRID, SIZE)
    assert part is not None and all(inner < outer / 3 for inner, outer in zip(part.size, whole.size, strict=True))
    for method in ("nearest", "bilinear"):
        one, other = (Collocation(one, UTM, GRID, SIZE, method) for one in (whole, part))
        np.testing.assert_array_equal(one.valid, other.valid)
        np.testing.assert_array_equal(
            one.take(partial(whole.radiance, "Oa10")), other.take(partial(part.radiance, "Oa10"))
        )  # fmt: skip


def test_a_window_beside_the_swath_is_not_valid_anywhere(sen3):
    for metres in (20_000, 2_000_000):
        grid = Affine.translation(metres, 0) @ GRID
        collocation = Collocation(sen3, UTM, grid, (30, 40), "bilinear")
        assert not collocation.valid.any()
        assert np.isnan(collocation.take(partial(sen3.radiance, "Oa01"))).all()
        np.testing.assert_array_equal(collocation.take(sen3.flags), np.zeros((30, 40), np.uint32))
        assert part_near(sen3, UTM, grid, (30, 40)) is None


def test_a_window_on_the_edge_is_valid_where_a_pixel_covers_it(sen3):
    grid = Affine.translation(4000, 0) @ GRID
    collocation = Collocation(sen3, UTM, grid, SIZE)
    _, distance = nearest_pixels(sen3, *centres(grid))
    half_diagonal = np.hypot(270, 294) / 2
    assert 0.05 < collocation.valid.mean() < 0.95
    assert collocation.valid[distance < half_diagonal].all()
    assert not collocation.valid[distance > 1.25 * half_diagonal].any()
    collocated = collocation.take(numbered(sen3))
    np.testing.assert_array_equal(np.isnan(collocated), ~collocation.valid)


def test_reduced_resolution_has_a_larger_radius(tmp_path):
    coarse = Sen3.open(write_sen3(tmp_path, kind="ERR"))
    collocation = Collocation(coarse, UTM, GRID, SIZE)
    expected, _ = nearest_pixels(coarse, *centres())
    assert collocation.valid.all()
    assert (collocation.take(numbered(coarse)) != expected).mean() < 0.001


def test_a_grid_across_the_antimeridian_is_covered(tmp_path):
    """Zone 1 starts at 180 degrees east: this grid lies on both sides of it, and so does the swath."""
    x, y = Transformer.from_crs(4326, 32601, always_xy=True).transform(180.0, 66.0)
    grid = Affine(10, 0, x - 1200, 0, -10, y + 1200)
    swath = Sen3.open(write_sen3(tmp_path, epsg=32601, area=(x - 2000, y - 2000, x + 2000, y + 2000)))
    longitude = swath.latitude_longitude()[1]
    assert longitude.min() < -179 and longitude.max() > 179
    collocation = Collocation(swath, CRS.from_epsg(32601), grid, SIZE)
    expected, _ = nearest_pixels(swath, *centres(grid), epsg=32601)
    assert collocation.valid.all()
    assert (collocation.take(numbered(swath)) != expected).mean() < 0.001
    assert swath.footprint.bounds[2] > 180 and swath.footprint.area < 1


def test_pixels_without_position_are_skipped(tmp_path):
    import h5py

    path = write_sen3(tmp_path)
    with h5py.File(path / "geo_coordinates.nc", "r+") as file:
        for name in ("latitude", "longitude"):
            file[name][:4] = -(2**31)
    holed = Sen3.open(path)
    assert np.isnan(holed.latitude_longitude()[0][:4]).all()
    collocated = Collocation(holed, UTM, GRID, SIZE).take(numbered(holed))
    assert np.nanmin(collocated) >= 4 * holed.size[1]


def test_unknown_methods_and_rotated_grids_are_errors(sen3):
    with pytest.raises(UserError, match="collocation 'cubic': is not known; use nearest or bilinear"):
        Collocation(sen3, UTM, GRID, SIZE, "cubic")
    with pytest.raises(UserError, match="rotated against its CRS"):
        Collocation(sen3, UTM, GRID @ Affine.rotation(10), SIZE)


# ---- the semi-real pair ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair() -> tuple[Safe, Sen3]:
    return (
        Safe.open(next((DATA / "s2_l1c_safe_18svg").glob("*_N0201_*.SAFE"))),
        Sen3.open(next((DATA / "s2_s3_pair_semireal").glob("*.SEN3"))),
    )


@needs_data
def test_the_pairs_reflectance_is_that_of_the_scene_at_the_pixels_own_position(pair):
    """Oa08 was computed as the mean of B04 over 300 m x 300 m around each pixel's latitude and longitude."""
    safe, sen3 = pair
    means = uniform_filter(safe.read(["B04"])[..., 0].astype(np.float64), 31)
    x, y = swath_on_the_map(sen3, 32618)
    row, column = (safe.transform.f - y) / 10, (x - safe.transform.c) / 10
    reflectance = sen3.reflectance("Oa08")
    inside = np.isfinite(reflectance) & (row > 16) & (column > 16) & (row < 1184) & (column < 1904)
    expected = means[row[inside].astype(int), column[inside].astype(int)]
    assert inside.sum() > 2000
    assert np.corrcoef(reflectance[inside], expected)[0, 1] > 0.999
    assert abs((reflectance[inside] - expected).mean()) < 0.0005


@needs_data
def test_the_pair_correlates_best_without_a_shift(pair):
    """Collocated Oa08 against the smoothed B04: moving either by 60 m in any direction lowers the correlation."""
    safe, sen3 = pair
    window = Window(500, 300, 600, 600)
    grid = window_transform(window, safe.transform)
    collocated = Collocation(sen3, safe.crs, grid, (600, 600), "bilinear").take(partial(sen3.reflectance, "Oa08"))
    means = uniform_filter(safe.read(["B04"])[..., 0].astype(np.float64), 31)

    def correlation(down: int, right: int) -> float:
        other = means[300 + down : 900 + down, 500 + right : 1100 + right]
        return float(np.corrcoef(collocated.ravel(), other.ravel())[0, 1])

    assert np.isfinite(collocated).all()
    around = [correlation(down, right) for down in (-6, 0, 6) for right in (-6, 0, 6) if down or right]
    assert correlation(0, 0) > max(around)
    # Compared with linear interpolation between pixels 280 m apart by SciPy on the flat map.
    reflectance = sen3.reflectance("Oa08")
    measured, (x, y) = np.isfinite(reflectance), swath_on_the_map(sen3, 32618)
    expected = griddata((x[measured], y[measured]), reflectance[measured], centres(grid, (600, 600)), "linear")
    assert np.corrcoef(collocated.ravel(), expected.ravel())[0, 1] > 0.99
    assert abs((collocated - expected).mean()) < 0.0002
