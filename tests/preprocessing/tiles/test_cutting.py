"""Step 40 on fake products whose pixels are functions of the position, and on the real pair."""

import json
from pathlib import Path

import h5netcdf
import numpy as np
import pyproj
import pytest
import rasterio
import shapely

from experiment import PROJECT, Environment
from pix2earth.settings.errors import UserError
from preprocessing.tiles.cutting import cut
from preprocessing.tiles.cutting_jobs import Draw
from preprocessing.tiles.cutting_plan import CutRequest, plan
from preprocessing.tiles.paired_scene import share
from tests.product_roots import step
from tests.products import OLCI_BANDS, ORIGIN, synthetic_radiance, synthetic_reflectance, write_safe, write_sen3

SHARED = PROJECT.parent / "shared" / "data"
HEADER = "index,year,month,s2,s2date,s3,s3date,timediff,s3filetype,overlap\n"
SIDE = 32
TO_DEGREES = pyproj.Transformer.from_crs(32617, 4326, always_xy=True).transform


def kml(*squares) -> str:
    """A KML of squares in metres of the fake scene's grid: left, bottom, right, top from its upper left corner."""
    polygons = []
    for left, bottom, right, top in squares:
        outline = shapely.segmentize(shapely.box(left, bottom, right, top), 200)
        x, y = TO_DEGREES(*(shapely.get_coordinates(outline) + ORIGIN).T)
        ring = " ".join(f"{one},{other}" for one, other in zip(x, y, strict=True))
        polygons.append(
            f"<Placemark><Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing>"
            "</outerBoundaryIs></Polygon></Placemark>"
        )
    return f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{"".join(polygons)}</Document></kml>'


@pytest.fixture
def root(tmp_path):
    """``root(safe={...}, sen3={...})``: an environment with one pair and the selection "some"."""

    def make(safe=None, sen3=None):
        s2 = write_safe(tmp_path / "s2", **(safe or {}))
        s3 = write_sen3(tmp_path / "s3", **(sen3 or {}))
        inventory = tmp_path / "data" / "_inventory"
        inventory.mkdir(parents=True)
        (tmp_path / "data" / "_masks").mkdir()
        row = f"12,2020,7,{s2.name},2020-07-02 17:29:01,{s3.name},2020-07-02 16:14:01,0 days 01:15:00,SEN3,1.0\n"
        (inventory / "inv_T17XNA_10h.csv").write_text(HEADER + row)
        (inventory / "some.json").write_text('{"inventory": "inv_T17XNA_10h", "s2_indices": [12]}')
        roots = {"data_root": "data", "s2_root": "s2", "s3_root": "s3"}
        (tmp_path / "environment.json").write_text(json.dumps(roots))
        return tmp_path

    return make


def run(root, quantity=4, overlap=0.5, **draw):
    request = CutRequest("some", Draw(SIDE, **draw), quantity, overlap)
    jobs, lines = plan(Environment(root / "environment.json"), request)
    assert not lines
    return cut(jobs[0])


def tifs(root):
    return sorted((root / "data" / "_tif" / "inv_T17XNA_10h" / str(SIDE)).glob("*"))


def centres(raster):
    rows, columns = np.mgrid[0 : raster.height, 0 : raster.width] + 0.5
    return raster.transform.c + 10 * columns, raster.transform.f - 10 * rows


def nearest_pixels(sen3: Path, x, y, epsg: int):
    """Find the pixel of the swath nearest to each position, by brute force in metres on the map, one row at a time."""
    with h5netcdf.File(sen3 / "geo_coordinates.nc") as file:
        latitude, longitude = (file[name][...] * 1e-6 for name in ("latitude", "longitude"))
    u, v = pyproj.Transformer.from_crs(4326, epsg, always_xy=True).transform(longitude.ravel(), latitude.ravel())
    flat = np.stack(
        [np.hypot(u - row[:, None], v - low[:, None]).argmin(axis=1) for row, low in zip(x, y, strict=True)]
    )
    return np.unravel_index(flat, latitude.shape)


def test_pixels_are_those_of_the_position(root):
    root = root()
    outcome = run(root)
    assert len(outcome.windows) == outcome.written == len(tifs(root)) == 4
    sen3 = next((root / "s3").iterdir())
    with h5netcdf.File(sen3 / "geo_coordinates.nc") as file:
        latitude, longitude = (file[name][...] * 1e-6 for name in ("latitude", "longitude"))
    for path in tifs(root):
        with rasterio.open(path) as raster:
            x, y = centres(raster)
            number, column, row = (int(part) for part in path.stem.replace("x", "_").split("_"))
            assert number == 12
            assert (raster.transform.c, raster.transform.f) == (ORIGIN[0] + 10 * column, ORIGIN[1] - 10 * row)
            for band, name in ((3, "B02"), (4, "B03"), (5, "B04")):
                np.testing.assert_allclose(raster.read(band), synthetic_reflectance(name, x, y), atol=0.6e-4)
            at = nearest_pixels(sen3, x, y, 32617)
            for band in (0, 9, 20):
                expected = synthetic_radiance(OLCI_BANDS[band], longitude[at], latitude[at])
                # Midway between two pixels either may be nearest: distances on the map and in space differ.
                differing = np.abs(raster.read(6 + band) - expected) > 0.0125 / 2 + 1e-4
                assert differing.mean() < 0.002
            assert (raster.read(1) == 1 << 31).all()
            assert (raster.read(2) == 1).all()


def test_a_band_of_20_m_is_not_written_as_10_m(root):
    root = root(safe={"level": "L2A", "without": ["R10m"]})
    with pytest.raises(UserError, match=r"has B02 with pixels of 20 m, not of 10 m"):
        run(root)
    assert not tifs(root)


def test_tags_describe_the_tile(root):
    root = root()
    run(root)
    with rasterio.open(tifs(root)[0]) as raster:
        tags = raster.tags()
    assert tags["S2_SENSING_TIME"] == "2020-07-02T17:29:01Z"
    assert tags["S3_START_TIME"].startswith("2020-07-02T16:14:01")
    assert tags["S2_PRODUCT"].startswith("S2A_MSIL1C_20200702T172901")
    assert tags["S3_PRODUCT"].startswith("S3A_OL_1_EFR____20200702T161401")
    assert tags["INVENTORY_INDEX"] == "12"
    assert tags["IN_MASK"] == "no masks"
    assert tags["COPYRIGHT"] == "contains modified Copernicus Sentinel data 2020"


def windows_of(paths):
    outlines = []
    for path in paths:
        with rasterio.open(path) as raster:
            outlines.append(shapely.box(*raster.bounds))
    return outlines


@pytest.mark.parametrize(("overlap", "limit"), [(0.0, 0.0), (0.3, 0.3)])
def test_tiles_overlap_at_most_as_requested_until_no_position_is_left(root, overlap, limit):
    root = root()
    outcome = run(root, quantity=1000, tile_overlap=overlap)
    assert outcome.exhausted
    assert "no position is left" in outcome.line
    boxes = windows_of(tifs(root))
    assert len(boxes) == len(outcome.windows)
    shares = [one.intersection(two).area / one.area for one in boxes for two in boxes if one is not two]
    assert max(shares) <= limit
    # 7 x 7 tiles of 32 pixels would fit into 240 x 240; drawn at random, more than 40 % of the scene is used.
    assert len(boxes) * SIDE * SIDE > 0.4 * 240 * 240
    if overlap:
        assert len(boxes) > 49


def test_a_killed_step_resumes_and_a_finished_one_does_nothing(root):
    root = root()
    first = run(root, quantity=6)
    content = {path.name: path.read_bytes() for path in tifs(root)}
    kept, *lost = tifs(root)
    before = kept.stat().st_mtime_ns
    for path in lost[::2]:
        path.unlink()
    again = run(root, quantity=6)
    assert again.windows == first.windows
    assert again.written == len(lost[::2])
    assert {path.name: path.read_bytes() for path in tifs(root)} == content
    assert kept.stat().st_mtime_ns == before
    # More of them: the first six stay where they are.
    assert run(root, quantity=8).windows[:6] == first.windows
    plot = root / "data" / "_inventory" / "some" / "12.png"
    drawn = plot.stat().st_mtime_ns
    assert run(root, quantity=8).written == 0
    assert plot.stat().st_mtime_ns == drawn


def test_tiles_of_another_draw_are_not_mixed(root):
    root = root()
    run(root)
    with pytest.raises(UserError, match="was cut with seed 0, not 1"):
        run(root, seed=1)
    for path in tifs(root):
        with rasterio.open(path, "r+") as raster:
            raster.update_tags(DRAW="")
    with pytest.raises(UserError, match="another program"):
        run(root, quantity=9)


def test_both_sensors_must_cover_a_tile(root):
    def wedge(band, x, y):
        """Nothing east of 1200 m, though the footprint covers it."""
        return np.where(x < ORIGIN[0] + 1200, synthetic_reflectance(band, x, y), np.nan)

    def clipped(band, longitude, latitude):
        """Nothing south of 1600 m from the top, though the footprint covers it."""
        north = TO_DEGREES(ORIGIN[0], ORIGIN[1] - 1600)[1]
        return np.where(latitude > north, synthetic_radiance(band, longitude, latitude), np.nan)

    root = root({"reflectance": wedge}, {"radiance": clipped})
    outcome = run(root, quantity=1000)
    assert outcome.windows
    assert outcome.rejected["without enough valid pixels"]
    for path in tifs(root):
        with rasterio.open(path) as raster:
            assert np.isfinite(raster.read(3)).mean() >= 0.95
            assert np.isfinite(raster.read(6)).mean() >= 0.95
            assert raster.bounds.right < ORIGIN[0] + 1200 + 16
            assert raster.bounds.bottom > ORIGIN[1] - 1600 - 300


@pytest.mark.parametrize("sensor", ["safe", "sen3"])
def test_tiles_lie_in_both_footprints(root, sensor):
    # The footprint is the western half of the scene; the pixels cover all of it.
    corners = [(0, 0), (1200, 0), (1200, -2400), (0, -2400)]
    ring = [TO_DEGREES(ORIGIN[0] + x, ORIGIN[1] + y)[::-1] for x, y in corners]
    if sensor == "sen3":
        ring[0], ring[3] = ((lat, lon - 0.2) for lat, lon in (ring[0], ring[3]))
    root = root(**{sensor: {"footprint": ring}})
    outcome = run(root, quantity=1000)
    assert outcome.windows
    assert outcome.rejected["outside a footprint"]
    assert all(window.column + SIDE <= 120 + 0.05 * SIDE + 1 for window in outcome.windows)


def test_masks_are_united(root):
    root = root()
    masks = root / "data" / "_masks"
    # Two squares side by side, in two files; together they are the northern half of the scene.
    (masks / "west.kml").write_text(kml((-500, -1200, 1200, 500)))
    (masks / "east.kml").write_text(kml((1200, -1200, 3000, 500), (5000, 0, 6000, 500)))
    outcome = run(root, quantity=1000, masks=("east", "west"))
    assert {window.in_mask for window in outcome.windows} == {True, False}
    for window in outcome.windows:
        # 0.8 of 32 rows: windows whose first 25.6 rows or more are in the northern 120.
        assert window.in_mask == (window.row + 0.8 * SIDE <= 120)
        name = f"00012_{window.column}x{window.row}{'' if window.in_mask else '_notinmask'}.tif"
        assert (root / "data/_tif/inv_T17XNA_10h" / str(SIDE) / name).is_file()


def test_shares_of_area_are_exact():
    window = shapely.box(0, 0, 10, 10)
    ring = shapely.Polygon(shapely.box(0, 0, 10, 10).exterior, [shapely.box(2, 2, 4, 4).exterior])
    assert share(window, ring) == pytest.approx(0.96)
    assert share(window, shapely.box(-1, -1, 11, 11)) == 1
    assert share(window, shapely.box(20, 20, 30, 30)) == 0


def test_products_that_do_not_touch_are_an_error(root):
    root = root(sen3={"area": (700000.0, 8096600.0, 704500.0, 8101000.0)})
    with pytest.raises(UserError, match="does not touch"):
        run(root)


def test_the_overlay_shows_windows_and_masks(root):
    from matplotlib.image import imread

    root = root()
    (root / "data" / "_masks" / "west.kml").write_text(kml((-500, -3000, 1200, 500)))
    run(root, masks=("west",))
    image = np.round(imread(root / "data/_inventory/some/12.png")[..., :3] * 255).astype(int)
    for colour in ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 204, 204)):
        assert (np.abs(image - colour).max(axis=-1) < 3).sum() > 20, colour


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--selection", "sone"], "did you mean 'some'"),
        (["--selection", "some", "--masks", "land"], "there is no"),
        (["--selection", "some", "--overlap", "1.5"], "--overlap 1.5: must be a share"),
        (["--selection", "some", "--quantity", "0"], "--quantity 0: must be at least 1"),
    ],
)
def test_errors_are_one_line(root, arguments, message):
    done = step("40_create_tifs.py", root() / "environment.json", *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr


@pytest.mark.skipif(not (SHARED / "s2_s3_pair_semireal").is_dir(), reason="needs the shared products")
def test_the_real_pair_is_cut_at_its_position(tmp_path):
    s2 = next((SHARED / "s2_l1c_safe_18svg").glob("*N0201*"))
    s3 = next((SHARED / "s2_s3_pair_semireal").glob("*.SEN3"))
    inventory = tmp_path / "data" / "_inventory"
    inventory.mkdir(parents=True)
    row = f"0,2016,1,{s2.name},2016-01-12 16:00:00,{s3.name},2016-01-12 15:20:00,0 days 00:40:00,SEN3,1.0\n"
    (inventory / "inv_T18SVG_2h.csv").write_text(HEADER + row)
    (inventory / "some.json").write_text('{"inventory": "inv_T18SVG_2h", "s2_indices": [0]}')
    roots = {"data_root": "data", "s2_root": str(s2.parent), "s3_root": str(s3.parent)}
    (tmp_path / "environment.json").write_text(json.dumps(roots))
    request = CutRequest("some", Draw(64), 3, 0.5)
    outcome = cut(plan(Environment(tmp_path / "environment.json"), request)[0][0])
    assert len(outcome.windows) == 3
    for path in (tmp_path / "data" / "_tif" / "inv_T18SVG_2h" / "64").iterdir():
        with rasterio.open(path) as raster:
            x, y = centres(raster)
            for band, name in ((3, "B02"), (5, "B04")):
                with rasterio.open(next(s2.glob(f"GRANULE/*/IMG_DATA/*_{name}.jp2"))) as source:
                    # Sampled by coordinates, through the source's own transform.
                    sampled = np.array(list(source.sample(zip(x.ravel(), y.ravel(), strict=True))))
                np.testing.assert_allclose(raster.read(band).ravel(), sampled.ravel() / 10000, atol=1e-6)
            at = nearest_pixels(s3, x, y, 32618)
            with h5netcdf.File(s3 / "Oa08_radiance.nc") as file:
                variable = file["Oa08_radiance"]
                radiance = variable[...][at] * float(variable.attrs["scale_factor"])
            assert (np.abs(raster.read(13) - radiance) > 1e-3).mean() < 0.002
