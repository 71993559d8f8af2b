"""The command that writes datasets for sharpening: values against the rasters, splits, nodata, resuming, errors."""

import os

import numpy as np
import pytest

from experiment import PROJECT
from pix2earth.records.format import read
from pix2earth.records.loading import load_manifest
from tests.folders import everything
from tests.preprocessing.sharpening.conftest import numbers, write_raster
from tests.products import write_safe

SIDE = 8


@pytest.fixture
def pair(tmp_path):
    """Options that name two rasters: 3 fine and 2 coarse bands, 12 x 10 tiles of 8 coarse pixels."""
    fine = write_raster(tmp_path / "fine.tif", numbers(192, 160, 3, 1), ["B02", "B03", "B04"], nodata=0)
    coarse = write_raster(tmp_path / "coarse.tif", numbers(96, 80, 2, 2), ["B11", "B12"], pixel=2, nodata=0)
    return ["--fine", fine, "--coarse", coarse, "--scale", "1e-4", "--tilesize", SIDE, "--dataset", "made"]


def records(environment, name="made", side=SIDE):
    folder = environment.parent / "data" / name / str(side)
    manifest = load_manifest(folder, name)
    return manifest, {(p.parent.name, p.stem): read(p, manifest) for p in sorted(folder.glob("*/*.tfrecord"))}


def averaged(values):
    height, width, count = values.shape
    return values.reshape(height // 2, 2, width // 2, 2, count).mean((1, 3))


def test_fields_are_averages_of_the_rasters(pair, run, environment):
    assert run(*pair) == 0
    manifest, found = records(environment)
    fine, coarse = numbers(192, 160, 3, 1), numbers(96, 80, 2, 2)
    assert (manifest.guide, manifest.reduced, manifest.degradation.factor, manifest.ratio) == ("guide", 2, 2, 2.0)
    assert [manifest.fields[name].gsd for name in ("input_image", "guide", "target")] == [40.0, 20.0, 20.0]
    assert len(found) == 120
    for (_, name), (fields, metadata) in found.items():
        row, column = (int(word[1:]) * SIDE for word in name.split("_")[1:])
        target = coarse[row : row + SIDE, column : column + SIDE]
        guide = fine[2 * row : 2 * (row + SIDE), 2 * column : 2 * (column + SIDE)]
        np.testing.assert_array_equal(fields["target"], target)
        np.testing.assert_array_equal(fields["input_image"], np.rint(averaged(target)))
        np.testing.assert_array_equal(fields["guide"], np.rint(averaged(guide)))
        assert metadata["transform"][:6] == [20, 0, 436500 + 20 * column, 0, -20, 4178940 - 20 * row]


def test_splits_are_blocks_with_the_shares_that_are_asked_for(pair, run, environment):
    assert run(*pair, "--train-ratio", 0.5, "--test-ratio", 0.3) == 0
    manifest, found = records(environment)
    assert manifest.records == {"train": 60, "val": 24, "test": 36}
    blocks = {}
    for split, name in found:
        row, column = (int(word[1:]) for word in name.split("_")[1:])
        blocks.setdefault((row // 2, column // 2), set()).add(split)
    # 12 x 10 tiles have 30 blocks of 2 x 2, fewer than enough, so that blocks are single tiles.
    assert any(len(splits) > 1 for splits in blocks.values())
    assert run(*pair, "--replace", "--only-test") == 0
    assert records(environment)[0].records == {"train": 0, "val": 0, "test": 120}


def test_fewer_tiles_are_drawn_by_the_seed(pair, run, environment, capsys):
    chosen = []
    for seed in (0, 0, 1):
        assert run(*pair, "--tiles", 20, "--seed", seed, "--replace") == 0
        chosen.append({name for _, name in records(environment)[1]})
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(chosen[0]) == 20
    assert "20 of its 120 tiles are drawn (--tiles)" in capsys.readouterr().out


def test_nodata_and_saturation_are_kept_out(tmp_path, run, environment, capsys):
    fine, coarse = numbers(32, 32, 1, 1), numbers(16, 16, 1, 2)
    fine[4, 4] = 0  # of tile 0, 0: coarse pixel 2, 2
    coarse[1, 12] = 65535  # of tile 0, 1
    coarse[8:, :8] = 0  # all of tile 1, 0
    pair = (
        "--fine", write_raster(tmp_path / "fine.tif", fine, nodata=0),
        "--coarse", write_raster(tmp_path / "coarse.tif", coarse, pixel=2, nodata=0),
    )  # fmt: skip
    assert run(*pair, "--tilesize", 8, "--dataset", "made", "--only_test", "--scale", 1e-4) == 0
    found = {name: fields for (_, name), (fields, _) in records(environment)[1].items()}
    assert set(found) == {"coarse_r00_c00", "coarse_r00_c01", "coarse_r01_c01"}
    assert "1 tiles are left out" in capsys.readouterr().out
    assert np.argwhere(found["coarse_r00_c00"]["target"] == 0).tolist() == [[2, 2, 0]]
    assert np.argwhere(found["coarse_r00_c01"]["target"] == 0).tolist() == [[1, 4, 0]]
    # The mean of what is left, not of 0 or 65535.
    three = [coarse[0, 12, 0], coarse[0, 13, 0], coarse[1, 13, 0]]
    assert found["coarse_r00_c01"]["input_image"][0, 2, 0] == np.rint(np.mean(three))
    guide = [fine[4, 5, 0], fine[5, 4, 0], fine[5, 5, 0]]
    assert found["coarse_r00_c00"]["guide"][2, 2, 0] == np.rint(np.mean(guide))


def test_products_with_and_without_offset_have_one_meaning(tmp_path, run, environment):
    """The same ground once with numbers from 0 and once from 1000: the dataset has the same numbers for both."""
    one = write_safe(tmp_path, baseline="02.09", satellite="S2A")
    two = write_safe(tmp_path, baseline="05.10", satellite="S2B", sensing="20230702T172901")
    assert run("--input", one, two, "--dataset", "made", "--tilesize", 24) == 0
    manifest, found = records(environment, side=24)
    assert manifest.fields["target"].offset == -0.1
    assert len(found) == 50
    places = {}
    for (split, name), (fields, _) in found.items():
        places.setdefault(name[-8:], []).append((split, fields))
    for (split, first), (other_split, second) in places.values():
        assert split == other_split  # the same place is in the same split on both dates
        for name, values in first.items():
            assert np.abs(values.astype(int) - second[name]).max() <= 1


def test_products_of_one_corner_and_different_sizes_share_their_blocks(tmp_path, run, environment):
    one = write_safe(tmp_path, baseline="02.09", size=(480, 240))
    two = write_safe(tmp_path, baseline="02.09", satellite="S2B")
    assert run("--input", one, two, "--dataset", "made", "--tilesize", 12) == 0
    splits = {}
    for split, name in records(environment, side=12)[1]:
        splits.setdefault(name[-8:], set()).add(split)
    assert max(map(len, splits.values())) == 1


def test_scenes_that_overlap_in_different_splits_are_refused_before_anything_is_written(
    tmp_path, run, environment, capsys
):
    one = write_safe(tmp_path, baseline="02.09")
    two = write_safe(tmp_path, baseline="02.09", satellite="S2B", origin=(520020.0 + 600, 8100000.0))
    assert run("--input", one, two, "--dataset", "made", "--tilesize", 12) == 2
    assert "share ground on 2020-07-02; leave one of the scenes out" in capsys.readouterr().err
    assert not (environment.parent / "data").exists()


def test_floats_with_nan_and_a_nodata_number(tmp_path, run, environment, capsys):
    fine = np.random.default_rng(0).normal(0, 5, (32, 32, 1)).astype(np.float32)
    coarse = np.random.default_rng(1).normal(0, 5, (16, 16, 1)).astype(np.float32)
    coarse[0, 0], coarse[0, 9] = -9999, np.nan
    pair = (
        "--fine", write_raster(tmp_path / "fine.tif", fine, nodata=-9999),
        "--coarse", write_raster(tmp_path / "coarse.tif", coarse, pixel=2, nodata=-9999),
    )  # fmt: skip
    assert run(*pair, "--tilesize", 8, "--dataset", "made", "--only_test") == 0
    manifest, found = records(environment)
    low, high = manifest.fields["target"].valid_range
    assert low <= min(fine.min(), coarse[1:].min()) and max(fine.max(), np.nanmax(coarse)) <= high
    assert manifest.fields["guide"].valid_range == (low, high)
    assert "are the valid range, as measured" in capsys.readouterr().out
    target = found["test", "coarse_r00_c00"][0]["target"]
    assert np.isnan(target[0, 0, 0]) and np.isfinite(target).sum() == 63
    assert np.isnan(found["test", "coarse_r00_c01"][0]["target"][0, 1, 0])
    source = found["test", "coarse_r00_c00"][0]["input_image"]
    np.testing.assert_allclose(source[0, 0, 0], np.mean([coarse[0, 1], coarse[1, 0], coarse[1, 1]]), rtol=1e-6)


def test_an_interrupted_dataset_is_completed_to_the_same_bytes(pair, run, environment):
    assert run(*pair) == 0
    folder = environment.parent / "data" / "made"
    whole = everything(folder)
    for path in sorted(folder.glob("*/train/*.tfrecord"))[:5]:
        path.unlink()
    os.rename(folder / str(SIDE) / "dataset.json", folder / str(SIDE) / "dataset.json.unfinished")
    assert run(*pair) == 0
    assert everything(folder) == whole
    assert run(*pair) == 0  # complete: nothing is written again
    assert everything(folder) == whole


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "--input: name products or folders, or two rasters"),
        (["--fine", "{here}"], "--fine, --coarse: name both rasters"),
        (["--input", "nowhere"], "--input nowhere: there is no such file or folder"),
        (["--input", "{here}/README.md"], "is neither a product nor a folder"),
        (["--input", "{here}/samples/s2_18svg", "--tilesize", "97"], "--tilesize 97: must be a multiple of 2"),
        (["--input", "{here}/samples/s2_18svg", "--tilesize", "600"], "is larger than s2_18svg, which has 576 x 576"),
        (["--input", "{here}/samples/s2_18svg", "{here}/samples/s2_18svg"], "s2_18svg: is named twice"),
        (["--input", "{here}/samples/s2_18svg", "--train_ratio", "1.5"], "--train_ratio 1.5"),
        (["--input", "{here}/samples/s2_18svg", "--valid", "0"], "--valid 0: must be a share"),
        (["--input", "{here}/samples/s2_18svg", "--scale", "-1"], "--scale -1: must be a finite number above 0"),
        (["--input", "{here}/samples/s2_18svg", "--scale", "inf"], "--scale inf: must be a finite number above 0"),
        (["--input", "{here}/samples/s2_18svg", "--offset", "nan"], "--offset nan: must be a finite number"),
        (["--input", "{here}/samples/s2_18svg", "--valid_range", "0", "inf"], "--valid_range 0 inf: must be two"),
        (["--input", "{here}/samples/s2_18svg", "--valid_range", "1", "0"], "--valid_range 1 0: must be two"),
        (["--input", "{here}/samples/s2_18svg", "--tiles", "1"], "--tiles 1: must be at least 3"),
    ],
)  # fmt: skip
def test_errors(run, arguments, line, capsys):
    assert run(*(word.format(here=PROJECT) for word in arguments), "--dataset", "made") == 2
    assert line in capsys.readouterr().err


def test_another_recipe_does_not_replace_a_dataset(pair, run, environment, capsys):
    assert run(*pair) == 0
    before = everything(environment.parent / "data")
    for changed in (["--seed", 5], ["--scale", 2e-4], ["--valid_range", 0, 2]):
        assert run(*pair, *changed) == 2
        assert "--replace" in capsys.readouterr().err
    assert everything(environment.parent / "data") == before
