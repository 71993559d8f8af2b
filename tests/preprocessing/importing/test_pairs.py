"""Pairs in every way of naming them: what is stored is what other libraries wrote."""

import json

import numpy as np
import pytest
import xarray
from astropy.io import fits

from tests.importing_trees import geotiff, numbers, pairs_of_pictures, picture, run_importer, samples_of


def stored(tmp_path, name, side):
    _, found = samples_of(tmp_path, name, side)
    return {sample: fields for (_, sample), (fields, _) in found.items()}


def assert_equal(found, images):
    assert sorted(found) == sorted(images)
    for name, (source, target) in images.items():
        np.testing.assert_array_equal(found[name]["input_image"], source)
        np.testing.assert_array_equal(found[name]["target"], target)


def test_two_folders_by_name(tmp_path, capsys):
    images = pairs_of_pictures(tmp_path)
    (tmp_path / "b/extra.png").write_bytes((tmp_path / "b/im00.png").read_bytes())
    arguments = ("pairs", "--input", tmp_path / "a", "--target", tmp_path / "b", "--dataset", "m")
    assert run_importer(tmp_path, *arguments) == 2
    assert "extra: input_image: there is no extra." in capsys.readouterr().err
    assert run_importer(tmp_path, *arguments, "--leave_out", "missing") == 0
    assert_equal(stored(tmp_path, "m", 16), images)
    manifest, found = samples_of(tmp_path, "m", 16)
    assert manifest.fields["target"].valid_range == (0, 255) and manifest.fields["target"].bands[0] == "red"
    assert {split for split, _ in found} == {"train", "val", "test"} and manifest.first_row == "top"


def test_formats_may_differ_between_the_sides(tmp_path):
    images = {}
    for index in range(4):
        (tmp_path / "b").mkdir(exist_ok=True)
        source = picture(tmp_path / f"a/s{index}.png", numbers(16, 16, 3, seed=index))
        target = np.random.default_rng(index).normal(0, 5, (16, 16)).astype(">f8")
        target[0, 0] = np.nan
        fits.writeto(tmp_path / f"b/s{index}.fits", target)
        images[f"s{index}"] = (source, target[..., None])
    assert run_importer(tmp_path, "pairs", "--input", tmp_path / "a", "--target", tmp_path / "b", "--dataset", "m") == 0
    assert_equal(stored(tmp_path, "m", 16), images)
    manifest, _ = samples_of(tmp_path, "m", 16)
    assert manifest.fields["target"].dtype == "float64" and manifest.fields["input_image"].dtype == "uint8"
    assert manifest.first_row == "bottom"  # as FITS has it


def test_patterns(tmp_path):
    images = {}
    for index in range(3):
        images[f"{index}"] = (
            picture(tmp_path / f"all/in_{index}.png", numbers(16, 16, 3, seed=index)),
            picture(tmp_path / f"all/out_{index}.png", numbers(16, 16, 3, seed=9 + index)),
        )
    folder = tmp_path / "all"
    patterns = ("--pattern", "in_{name}.png", "out_{name}.png")
    assert run_importer(tmp_path, "pairs", "--input", folder, "--target", folder, *patterns, "--dataset", "m") == 0
    assert_equal(stored(tmp_path, "m", 16), images)


def test_table_of_pairs_with_splits(tmp_path):
    images = pairs_of_pictures(tmp_path, 3)
    rows = [f"a/im0{i}.png,b/im0{2 - i}.png,{split}" for i, split in enumerate(("train", "val", "test"))]
    (tmp_path / "pairs.csv").write_text("input,target,split\n" + "\n".join(rows) + "\n")
    assert run_importer(tmp_path, "pairs", "--pairs", tmp_path / "pairs.csv", "--dataset", "m") == 0
    _, found = samples_of(tmp_path, "m", 16)
    assert sorted(found) == [("test", "im00"), ("train", "im02"), ("val", "im01")]
    np.testing.assert_array_equal(found["train", "im02"][0]["input_image"], images["im00"][0])


@pytest.mark.parametrize("order", ["AB", "BA"])
def test_side_by_side(tmp_path, order):
    wholes = {f"s{i}": picture(tmp_path / f"in/s{i}.png", numbers(16, 32, 3, seed=i)) for i in range(3)}
    arguments = ("pairs", "--input", tmp_path / "in", "--side-by-side", order, "--dataset", "m")
    assert run_importer(tmp_path, *arguments) == 0
    halves = {name: (whole[:, :16], whole[:, 16:]) for name, whole in wholes.items()}
    assert_equal(
        stored(tmp_path, "m", 16), {name: pair[:: 1 if order == "AB" else -1] for name, pair in halves.items()}
    )


def test_two_domains_without_pairs(tmp_path):
    for index in range(4):
        picture(tmp_path / f"a/x{index}.png", numbers(16, 16, 3, seed=index))
        picture(tmp_path / f"b/y{index}.png", numbers(16, 16, 1, seed=index))
    arguments = ("pairs", "--input", tmp_path / "a", "--target", tmp_path / "b", "--unpaired", "--dataset", "m")
    assert run_importer(tmp_path, *arguments) == 0
    manifest, found = samples_of(tmp_path, "m", 16)
    assert manifest.pools == {"input": ["input_image"], "target": ["target"]}
    assert sorted(name for _, name in found) == [f"input-x{i}" for i in range(4)] + [f"target-y{i}" for i in range(4)]
    assert all(list(fields) == (["input_image"] if name[0] == "i" else ["target"])
               for (_, name), (fields, _) in found.items())  # fmt: skip


def test_masks_say_where_pixels_are_valid(tmp_path):
    pairs_of_pictures(tmp_path, 3)
    masks = {f"im0{i}": picture(tmp_path / f"m/im0{i}.png", (numbers(16, 16, 1, seed=i) > 99) * np.uint8(255))
             for i in range(3)}  # fmt: skip
    folders = ("--input", tmp_path / "a", "--target", tmp_path / "b", "--mask", tmp_path / "m")
    assert run_importer(tmp_path, "pairs", *folders, "--dataset", "m") == 0
    manifest, found = samples_of(tmp_path, "m", 16)
    assert manifest.mask == "mask"
    for (_, name), (fields, _) in found.items():
        np.testing.assert_array_equal(fields["mask"], masks[name] > 0)


def test_stacks_of_numpy(tmp_path):
    source, target = numbers(12, 16, 16, 3, dtype="float32"), numbers(12, 16, 16, 1, dtype="uint16", seed=1, high=900)
    np.save(tmp_path / "x.npy", source)
    np.savez(tmp_path / "y.npz", target)
    files = ("--input", tmp_path / "x.npy", "--target", tmp_path / "y.npz")
    assert run_importer(tmp_path, "pairs", *files, "--dataset", "m") == 0
    assert_equal(stored(tmp_path, "m", 16), {f"x_{i:02d}": (source[i], target[i]) for i in range(12)})


def test_one_zarr_store(tmp_path):
    source, target = numbers(5, 16, 16, 2, dtype="int16"), numbers(5, 16, 16, dtype="float32", seed=1)
    store = tmp_path / "all.zarr"
    xarray.Dataset(
        {"a": (("sample", "y", "x", "band"), source), "b": (("sample", "y", "x"), target)}
    ).to_zarr(store, consolidated=False)  # fmt: skip
    variables = ("--set", "input_image.variable=a", "target.variable=b")
    assert run_importer(tmp_path, "pairs", "--input", store, "--target", store, "--dataset", "m", *variables) == 0
    assert_equal(stored(tmp_path, "m", 16), {f"all_{i}": (source[i], target[i][..., None]) for i in range(5)})


def shares_of_pixels(pixels, side):
    """Return which share of each of ``side`` larger pixels lies in each of ``pixels`` smaller ones."""
    ends = np.arange(side + 1) * pixels / side
    low, high = np.arange(pixels), np.arange(pixels) + 1
    overlap = np.minimum(ends[1:, None], high) - np.maximum(ends[:-1, None], low)
    return np.clip(overlap, 0, None) * side / pixels


@pytest.mark.parametrize("size", ["crop", "pad", "resize"])
def test_other_sizes(tmp_path, size, capsys):
    images = {}
    for index, side in enumerate((20, 20, 24)):
        source, target = numbers(side, side, 3, seed=index), numbers(side, side, 3, seed=9 + index)
        images[f"s{index}"] = (
            picture(tmp_path / f"a/s{index}.png", source),
            picture(tmp_path / f"b/s{index}.png", target),
        )
    arguments = ("pairs", "--input", tmp_path / "a", "--target", tmp_path / "b", "--dataset", "m")
    assert run_importer(tmp_path, *arguments) == 2
    assert (
        "targets have several sizes (2 of 20 x 20, 1 of 24 x 24); state --tilesize, such as 16, and what to do"
        in capsys.readouterr().err
    )
    assert run_importer(tmp_path, *arguments, "--tilesize", 16) == 2
    assert "has 20 x 20 pixels, not 16 x 16; say what to do: --size tile, crop" in capsys.readouterr().err
    side = 32 if size == "pad" else 16
    nodata = ("--set", "input_image.nodata=0", "target.nodata=0")
    assert run_importer(tmp_path, *arguments, "--tilesize", side, "--size", size, *nodata) == 0, capsys.readouterr().err
    for name, fields in stored(tmp_path, "m", side).items():
        for field, image in zip(("input_image", "target"), images[name], strict=True):
            if size == "crop":
                low = (len(image) - 16) // 2
                np.testing.assert_array_equal(fields[field], image[low : low + 16, low : low + 16])
            elif size == "pad":
                np.testing.assert_array_equal(fields[field][: len(image), : len(image)], image)
                assert not fields[field][len(image) :].any() and not fields[field][:, len(image) :].any()
            else:
                shares = shares_of_pixels(len(image), 16)
                expected = np.einsum("ai,bj,ijc->abc", shares, shares, image)
                assert np.abs(fields[field] - expected).max() <= 0.5 + 1e-3


def test_padding_needs_nodata(tmp_path, capsys):
    pairs_of_pictures(tmp_path, 3)
    arguments = ("pairs", "--input", tmp_path / "a", "--target", tmp_path / "b", "--dataset", "m")
    assert run_importer(tmp_path, *arguments, "--tilesize", 32, "--size", "pad") == 2
    assert (
        "which uint8 can only mark by a number; state one that no pixel has: --set FIELD.nodata=0"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "data").exists()


def tiles_of_rasters(folder):
    """Return the options that cut a coarse and a fine raster of a folder into tiles."""
    rasters = ("--input", folder / "coarse.tif", "--target", folder / "fine.tif")
    return (*rasters, "--tilesize", 24, "--size", "tile")


def test_fine_and_coarse_rasters_are_cut_on_one_grid(tmp_path):
    fine, coarse = (
        numbers(100, 130, 3, dtype="uint16", high=9000),
        numbers(40, 50, 3, dtype="uint16", seed=1, high=9000),
    )
    # The coarse raster begins 7 fine pixels to the right of the fine one, and 4 below.
    geotiff(tmp_path / "fine.tif", fine, tags={"ACQUIRED": "2024-05-01T10:00:00"})
    geotiff(tmp_path / "coarse.tif", coarse, pixel=30, corner=(400070.0, 4999960.0))
    arguments = tiles_of_rasters(tmp_path)
    assert (
        run_importer(tmp_path, "pairs", *arguments, "--dataset", "m", "--set", "split.train=0.6", "split.test=0.2") == 0
    )
    manifest, found = samples_of(tmp_path, "m", 24)
    assert manifest.ratio == 3 and manifest.fields["input_image"].shape == [8, 8, 3]
    assert len(found) >= 12 and {split for split, _ in found} == {"train", "val", "test"}
    for fields, metadata in (entry for entry in found.values()):
        a, _, left, _, e, top = metadata["transform"]
        row, column = round((5000000 - top) / 10), round((left - 400000) / 10)
        assert (a, e, (row - 4) % 3, (column - 7) % 3) == (10, -10, 0, 0)
        np.testing.assert_array_equal(fields["target"], fine[row : row + 24, column : column + 24])
        row, column = (row - 4) // 3, (column - 7) // 3
        np.testing.assert_array_equal(fields["input_image"], coarse[row : row + 8, column : column + 8])
        assert metadata["acquired"] == {"target": ["2024-05-01T10:00:00"]}


@pytest.mark.parametrize("crs", ["EPSG:32618", "EPSG:32617"])
def test_other_grids_are_resampled(tmp_path, capsys, crs):
    """A plane of values stays one under bilinear interpolation, so that the result is known at every pixel."""
    from rasterio.warp import transform

    fine = numbers(64, 64, 1, dtype="float32")
    geotiff(tmp_path / "fine.tif", fine, corner=(500000.0, 4400000.0))
    x, y = transform("EPSG:32618", crs, [500000.0 - 800], [4400000.0 + 800])
    rows, columns = np.mgrid[0:80, 0:80] + 0.5
    corner = (x[0] + 3.3, y[0] - 4.1)
    plane = ((columns * 30) * 0.01 + (rows * 30) * 0.02)[..., None].astype("float32")
    geotiff(tmp_path / "coarse.tif", plane, pixel=30, corner=corner, crs=crs)
    arguments = tiles_of_rasters(tmp_path)
    assert run_importer(tmp_path, "pairs", *arguments, "--dataset", "m") == 0
    said = capsys.readouterr().out
    assert f"input_image: has another grid than target ({tmp_path / 'coarse.tif'}); it is resampled" in said
    for fields, metadata in samples_of(tmp_path, "m", 24)[1].values():
        left, top = metadata["transform"][2], metadata["transform"][5]
        centres = np.arange(8) * 30 + 15.0
        xs, ys = np.meshgrid(left + centres, top - centres)
        east, north = transform("EPSG:32618", crs, xs.ravel().tolist(), ys.ravel().tolist())
        expected = (np.array(east) - corner[0]) * 0.01 + (corner[1] - np.array(north)) * 0.02
        assert np.abs(fields["input_image"].ravel() - expected).max() < 0.02  # GDAL interpolates coordinates


def test_mostly_empty_tiles_are_left_out(tmp_path, capsys):
    array = numbers(64, 64, 1, dtype="int16")
    array[:32, :32] = -9999
    array[40, 40] = -9999
    geotiff(tmp_path / "a.tif", array, nodata=-9999)
    geotiff(tmp_path / "b.tif", array, nodata=-9999)
    arguments = ("--input", tmp_path / "a.tif", "--target", tmp_path / "b.tif", "--tilesize", 16, "--size", "tile")
    assert (
        run_importer(tmp_path, "pairs", *arguments, "--dataset", "m", "--valid", 0.95, "--set", "split.by=place") == 0
    )
    said = capsys.readouterr().out
    assert "4 samples are left out: less than 95% of their pixels are measured" in said
    assert len(samples_of(tmp_path, "m", 16)[1]) == 12


def test_scales_that_differ_among_files(tmp_path, capsys):
    physical = {}
    for index in range(4):
        values = numbers(16, 16, dtype="int16", seed=index)
        hdu = fits.PrimaryHDU(values * (index + 1) * 0.5 + 3.0)
        hdu.scale("int16", bscale=(index + 1) * 0.5, bzero=3.0)
        (tmp_path / "a").mkdir(exist_ok=True)
        hdu.writeto(tmp_path / f"a/s{index}.fits")
        physical[f"s{index}"] = values * (index + 1) * 0.5 + 3.0
        picture(tmp_path / f"b/s{index}.png", numbers(16, 16, 1, seed=index))
    assert run_importer(tmp_path, "pairs", "--input", tmp_path / "a", "--target", tmp_path / "b", "--dataset", "m") == 0
    assert (
        "input_image: scale or offset differ among files; the dataset holds physical values" in capsys.readouterr().out
    )
    for name, fields in stored(tmp_path, "m", 16).items():
        np.testing.assert_allclose(fields["input_image"][..., 0], physical[name], rtol=1e-6)


def test_dry_run_finds_what_is_suspicious_and_writes_nothing(tmp_path, capsys):
    for index in range(4):
        image = numbers(16, 16, 3, seed=index)
        image[..., 1] = 7
        image[0, 0], image[0, 1] = 0, 255
        picture(tmp_path / f"a/s{index}.png", image)
        picture(tmp_path / f"b/s{index}.png", image)
        digital = numbers(16, 16, 2, dtype="uint16", high=9000)
        geotiff(tmp_path / f"c/s{index}.tif", digital, down=-1, corner=(400000.0 + 1000 * index, 5e6))
    arguments = ("pairs", "--input", tmp_path / "a", "--dataset", "m", "--dry-run")
    assert run_importer(tmp_path, *arguments, "--target", tmp_path / "b", "--write-experiment", "first") == 0
    said = capsys.readouterr().out
    assert "input_image: equals target in 2 of 2 samples" in said
    assert "stretched for display one by one" not in said  # two training samples are too few to say
    assert not (tmp_path / "data").exists()
    experiment = json.loads((tmp_path / "exp/first/experiment.json").read_text())
    assert (experiment["dataset"], experiment["tilesize"]) == ("m", 16)
    assert run_importer(tmp_path, *arguments, "--target", tmp_path / "c", "--set", "target.bands=[B04, B08]",
                        "split.by=group", "split.group={name}") == 0  # fmt: skip
    said = capsys.readouterr().out
    assert "target: values up to" in said and "are no reflectance; digital numbers? state scale" in said
    assert "first row in the south: latitude flipped?" in said
