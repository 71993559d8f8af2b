"""Rasters as scenes: bands by name or order, values converted to those of the dataset."""

import numpy as np
import pytest

from experiment import PROJECT
from pix2earth.mapping.bands.finding import numbers_of
from pix2earth.mapping.raster_scene import Chosen, RasterScene
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

FIELD = Field(dtype="uint16", shape=[8, 8, 3], bands=["B02", "B03", "B04"], scale=1e-4, offset=-0.1, nodata=0, gsd=10.0)
NUMBERS = np.random.default_rng(2).integers(1, 10000, (12, 17, 3), np.uint16)


def read_all(path, field=FIELD):
    scene = RasterScene(path, field)
    return scene.read(0, 0, *scene.size)


def test_bands_are_found_by_name(raster):
    five = np.concatenate([NUMBERS[..., ::-1], NUMBERS[..., :1] + 1, NUMBERS[..., :1] + 2], axis=-1)
    path = raster(five, bands=["B04, red", "b03", "B02", "B08", None])
    assert np.array_equal(read_all(path), NUMBERS)


DEVIATIONS = ["B02_std", "B03_std", "B04_std", "B02", "B03", "B04"]


@pytest.mark.parametrize("bands", [DEVIATIONS, ["x", "B02 raw", "B03 raw", "B4", "B2", "b3"]])
def test_the_whole_name_of_a_band_counts_before_names_that_contain_it(raster, bands):
    six = np.concatenate([NUMBERS + 1, NUMBERS], axis=-1)
    if bands[3] == "B4":
        six = six[..., [0, 1, 2, 5, 3, 4]]
    assert np.array_equal(read_all(raster(six, bands=bands)), NUMBERS)


def test_names_that_fit_several_bands_are_refused_and_listed(raster):
    bands = ["B02 2019-01-01", "B03", "B04", "B02 2020-01-01"]
    path = raster(np.concatenate([NUMBERS, NUMBERS[..., :1] + 1], axis=-1), bands=bands)
    with pytest.raises(UserError) as error:
        RasterScene(path, FIELD)
    assert str(error.value) == (
        f"{path}: B02 may be band 1 'B02 2019-01-01' and 4 'B02 2020-01-01'; choose by numbers: --bands N,N..., in the"
        " order B02, B03, B04; its bands are 1 B02 2019-01-01, 2 B03, 3 B04, 4 B02 2020-01-01"
    )
    scene = RasterScene(path, FIELD, chosen=Chosen((4, 2, 3)))
    assert np.array_equal(scene.read(0, 0, *scene.size)[..., 0], NUMBERS[..., 0] + 1)
    for chosen in ((1, 2), (1, 2, 5)):
        with pytest.raises(UserError, match=r"must be 3 of the 4 bands of .*, in the order B02, B03, B04"):
            RasterScene(path, FIELD, chosen=Chosen(chosen))


@pytest.mark.parametrize("text", ["", "1,,2", "0,1,2", "-1", "a"])
def test_numbers_of_bands_are_whole_and_positive(text):
    with pytest.raises(UserError, match="must be numbers of bands from 1 on, with commas"):
        numbers_of(text)
    assert numbers_of("4, 5,6") == (4, 5, 6) and numbers_of(None) == ()


def test_a_band_of_transparency_is_the_mask(tmp_path):
    import rasterio
    from rasterio.enums import ColorInterp

    path = tmp_path / "rgba.tif"
    alpha = np.full((1, 12, 17), 255, np.uint16)
    alpha[0, 3, 4] = 0
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    with rasterio.open(path, "w", driver="GTiff", width=17, height=12, count=4, dtype="uint16") as raster:
        raster.write(np.concatenate([np.moveaxis(NUMBERS, -1, 0), alpha]))
        raster.colorinterp = colours
    read = read_all(path)
    assert np.isnan(read[3, 4]).all() and np.isnan(read).sum() == 3
    assert np.array_equal(np.where(np.isnan(read), NUMBERS, read), NUMBERS)


def test_ground_control_points_are_no_grid(tmp_path):
    import rasterio
    from rasterio.control import GroundControlPoint

    path = tmp_path / "gcps.tif"
    points = [GroundControlPoint(row, column, 10 + column, 50 - row) for row in (0, 11) for column in (0, 16)]
    with rasterio.open(path, "w", driver="GTiff", width=17, height=12, count=3, dtype="uint16") as raster:
        raster.write(np.moveaxis(NUMBERS, -1, 0))
        raster.gcps = (points, rasterio.CRS.from_epsg(4326))
    with pytest.raises(UserError, match=r"gcps\.tif: has ground control points and no grid; warp it first: gdalwarp"):
        RasterScene(path, FIELD)


def test_without_names_bands_are_taken_in_order(raster):
    assert np.array_equal(read_all(raster(NUMBERS)), NUMBERS)
    with pytest.raises(UserError, match="has 2 bands; the network takes 3: B02, B03, B04"):
        read_all(raster(NUMBERS[..., :2]))


def test_missing_bands_are_named(raster):
    with pytest.raises(UserError, match="lacks B02, B04; its bands are 1 blue, 2 B03, 3 red"):
        read_all(raster(NUMBERS, bands=["blue", "B03", "red"]))


def test_a_window(raster):
    assert np.array_equal(RasterScene(raster(NUMBERS), FIELD).read(3, 5, 4, 2), NUMBERS[3:7, 5:7])


def test_a_folder_with_one_raster_per_band(raster, tmp_path):
    for index, band in enumerate(FIELD.bands):
        raster(NUMBERS[..., index : index + 1], f"bands/T18SVG_20160112_{band}_10m.tif")
    raster(NUMBERS[::2, ::2, :1], "bands/T18SVG_20160112_B05_20m.tif")  # another grid, but not a band of the field
    assert np.array_equal(read_all(tmp_path / "bands"), NUMBERS)
    raster(NUMBERS[::2, ::2, :1], "bands/T18SVG_20160112_B03_20m.tif")
    with pytest.raises(UserError, match=r"B03_10m.tif and T18SVG_20160112_B03_20m.tif are named for one band"):
        read_all(tmp_path / "bands")
    (tmp_path / "bands/T18SVG_20160112_B03_10m.tif").unlink()
    with pytest.raises(UserError, match=r"B03_20m.tif: has another grid than T18SVG_20160112_B02_10m.tif"):
        read_all(tmp_path / "bands")
    (tmp_path / "bands/T18SVG_20160112_B03_20m.tif").unlink()
    with pytest.raises(UserError, match="has no raster that is named for B03"):
        read_all(tmp_path / "bands")


def test_nodata_is_that_of_the_file_or_else_of_the_dataset(raster):
    numbers = NUMBERS.copy()
    numbers[2, 3, 1], numbers[4, 5, 0] = 0, 65535
    read = read_all(raster(numbers))
    assert np.isnan(read[2, 3, 1]) and np.isnan(read).sum() == 1
    read = read_all(raster(numbers, nodata=65535))
    assert np.isnan(read[4, 5, 0]) and np.isnan(read).sum() == 1


def test_floating_point_values_are_physical(raster):
    reflectance = (NUMBERS * 1e-4 - 0.1).astype(np.float32)
    reflectance[1, 1, 1] = np.nan
    read = read_all(raster(reflectance))
    assert np.isnan(read[1, 1, 1]) and np.isnan(read).sum() == 1
    np.testing.assert_allclose(np.nan_to_num(read, nan=NUMBERS[1, 1, 1]), NUMBERS, atol=1e-3)


def test_floating_point_values_of_a_floating_point_field_are_unchanged(raster):
    field = Field(dtype="float32", shape=[8, 8, 3], bands=["a", "b", "c"])
    values = np.random.default_rng(0).normal(size=(9, 9, 3)).astype(np.float32)
    assert np.array_equal(read_all(raster(values), field), values)


def test_scale_and_offset_tags(raster):
    same = raster(NUMBERS, "same.tif", scales=[1e-4] * 3, offsets=[-0.1] * 3)
    assert np.array_equal(read_all(same), NUMBERS)
    numbers = NUMBERS.copy()
    numbers[0, 0, 0] = 0  # nodata, which is checked before scale and offset
    other = raster(numbers, "other.tif", scales=[1e-3] * 3, offsets=[0.0] * 3)
    read = read_all(other)
    assert np.isnan(read[0, 0, 0])
    np.testing.assert_allclose(read[1:], NUMBERS[1:] * 10.0 + 1000, rtol=1e-6)


def test_scale_and_offset_of_the_command_line(raster):
    numbers = NUMBERS.copy()
    numbers[0, 0, 0] = 0
    scene = RasterScene(raster(numbers, scales=[1e-4] * 3), FIELD, chosen=Chosen(conversion=(1e-3, 0.0)))
    read = scene.read(0, 0, *scene.size)
    assert np.isnan(read[0, 0, 0]) and scene.numbers == "numbers with --scale and --offset"
    np.testing.assert_allclose(read[1:], NUMBERS[1:] * 10.0 + 1000, rtol=1e-6)
    reflectance = RasterScene(raster(numbers.astype(np.float32)), FIELD, chosen=Chosen(conversion=(1e-4, -0.1)))
    np.testing.assert_allclose(reflectance.read(1, 0, 11, 17), NUMBERS[1:], rtol=1e-6)


def test_what_the_command_line_states_is_part_of_the_identity_of_a_map(raster):
    path = raster(np.concatenate([NUMBERS, NUMBERS], axis=-1), bands=["a", *FIELD.bands, "b", "c"])
    stated = [
        None,
        Chosen((1, 2, 3)),
        Chosen((3, 2, 1)),
        Chosen(conversion=(1e-3, 0.0)),
        Chosen(conversion=(1e-4, 0.0)),
    ]
    found = [str(RasterScene(path, FIELD, chosen=one).identity()) for one in stated]
    assert len(set(found)) == len(stated)


def test_a_sample_is_spread_over_the_raster(raster):
    many = np.arange(40 * 60, dtype=np.uint16).reshape(40, 60, 1).repeat(3, -1) + 1
    many[0, 0] = 0
    sample = RasterScene(raster(many), FIELD).sample(10)
    assert max(sample.shape) <= 10 and sample.shape[2] == 3 and np.nanmin(sample) < 200 and np.nanmax(sample) > 2200


def test_bands_stored_in_several_ways_are_an_error(raster):
    with pytest.raises(UserError, match="its bands are numbers as the dataset stores them and numbers with scale"):
        read_all(raster(NUMBERS, scales=[1.0, 1e-4, 1e-4]))


def test_bands_of_several_time_steps_must_be_in_order(raster):
    field = Field(dtype="uint16", shape=[2, 8, 8, 2], bands=["B02", "B03"], nodata=0)
    four = np.random.default_rng(1).integers(1, 100, (10, 10, 4), np.uint16)
    assert np.array_equal(read_all(raster(four), field), four)
    assert np.array_equal(read_all(raster(four, bands=["B02 1", "B03 1", "B02 2", "B03 2"]), field), four)
    with pytest.raises(UserError, match="band 2 is called 'B02 2' where B03 is expected"):
        read_all(raster(four, bands=["B02 1", "B02 2", "B03 1", "B03 2"]), field)
    with pytest.raises(UserError, match="has 3 bands; the network takes 4: B02, B03 of the first of 2 time steps"):
        read_all(raster(four[..., :3]), field)


def test_the_real_bands_of_the_samples():
    import rasterio

    folder = PROJECT / "samples" / "s2_18svg"
    field = FIELD.model_copy(update={"bands": ["B04", "B08", "B02"]})
    read = RasterScene(folder, field).read(100, 200, 30, 40)
    with rasterio.open(folder / "T18SVG_20160112_B08.jp2") as band:
        assert np.array_equal(read[..., 1], band.read(1)[100:130, 200:240])
