"""The demo dataset against the rasters that it is cut from."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import rowcol
from rasterio.windows import Window

from experiment import PROJECT
from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.format import read
from pix2earth.records.listing import Listing, record_of
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import INDEX, SPLITS, UNFINISHED
from pix2earth.records.splitting.grid_splits import block_splits
from pix2earth.records.splitting.leaks import check_for_leaks
from pix2earth.settings.errors import UserError
from preprocessing import sample_scenes, samples

SIDE, FACTOR = 96, 3


def run(environment: Path, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        samples.main(["--env", str(environment), *arguments])
    return ended.value.code


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    path = folder / "environment.json"
    path.write_text(json.dumps({"data_root": str(folder / "data")}))
    assert run(path) == 0
    return path


@pytest.fixture
def folder(environment: Path) -> Path:
    return environment.parent / "data" / "demo" / str(SIDE)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """An environment without data."""
    path = tmp_path / "environment.json"
    path.write_text(json.dumps({"data_root": str(tmp_path / "data")}))
    return path


@pytest.fixture
def tiles(folder: Path) -> list[tuple[str, dict, dict]]:
    """Split, fields, and what is known of each record."""
    manifest = load_manifest(folder, "demo")
    return [(path.parent.name, *read(path, manifest)) for path in sorted(folder.glob("*/*.tfrecord"))]


def pixels(band: str, about: dict) -> np.ndarray:
    """Read a tile from the shipped raster, found by the transform of the record alone."""
    if about["name"].startswith("18svg"):
        file, number = f"s2_18svg/T18SVG_20160112_{band}.jp2", 1
    else:
        file = f"s2_slovenia/S2A_L1C_{about['name'].removeprefix('slovenia_')}.tif"
        number = {"B02": 2, "B03": 3, "B04": 4, "B08": 8}[band]
    with rasterio.open(PROJECT / "samples" / file) as raster:
        assert about["crs"] == f"EPSG:{raster.crs.to_epsg()}"
        a, _, left, _, e, top = about["transform"]
        row, column = rowcol(raster.transform, left + a / 2, top + e / 2)
        return raster.read(number, window=Window(column, row, SIDE, SIDE))


def test_targets_are_the_pixels_of_the_rasters(tiles):
    for _, fields, about in tiles[::29] + tiles[-2:]:
        for index, band in enumerate(("B02", "B03", "B04", "B08")):
            np.testing.assert_array_equal(fields["target"][..., index], pixels(band, about))


def test_inputs_are_the_block_means_of_the_targets(tiles):
    for _, fields, _ in tiles[::7]:
        total = np.zeros(fields["input_image"].shape, np.int64)
        for row in range(FACTOR):
            for column in range(FACTOR):
                total += fields["target"][row::FACTOR, column::FACTOR]
        count = FACTOR * FACTOR
        np.testing.assert_array_equal(fields["input_image"], (total + count // 2) // count)


def test_no_two_tiles_of_a_date_share_ground(tiles):
    seen = set()
    for _, fields, about in tiles:
        a, _, left, _, e, top = about["transform"]
        row, column = round(top / e), round(left / a)
        inside = itertools.product(range(row, row + SIDE), range(column, column + SIDE))
        covered = {(about["acquired"][0], *pixel) for pixel in inside}
        assert not covered & seen, about["name"]
        seen |= covered
        assert (fields["target"] > 0).all()


def test_splits_hold_what_they_should(folder, tiles):
    names = {split: [about["name"] for of, _, about in tiles if of == split] for split in SPLITS}
    assert {split: len(members) for split, members in names.items()} == load_manifest(folder, "demo").records
    assert sum(map(len, names.values())) == 12 * 12 + 2
    large = sum(name.startswith("18svg") for members in names.values() for name in members)
    assert all(0.1 < len(names[split]) / large < 0.2 for split in ("val", "test"))
    assert names["test"][-2:] == ["slovenia_20150711", "slovenia_20150830"]
    assert not any("slovenia" in name for name in names["train"] + names["val"])


def test_dates_are_those_of_the_files(tiles):
    for _, _, about in tiles:
        if about["name"].startswith("slovenia"):
            day = about["name"].removeprefix("slovenia_")
            with rasterio.open(PROJECT / f"samples/s2_slovenia/S2A_L1C_{day}.tif") as raster:
                assert about["acquired"] == [raster.tags()["DATE"]]
        else:
            assert about["acquired"] == ["2016-01-12"]


def test_index_and_manifest_agree_with_the_records(folder):
    manifest = load_manifest(folder, "demo")
    listing = Listing(folder, manifest)
    for split in SPLITS:
        for name in listing.names(split):
            assert record_of(listing.path(split, name), split) == listing.indexed[split][name]
    assert (folder / INDEX).is_file()
    assert manifest.fingerprint == listing.fingerprint
    assert manifest.ratio == FACTOR
    assert manifest.degradation == Degradation(kind="average", factor=FACTOR)
    assert manifest.shared_bands == [0, 1, 2, 3]
    assert manifest.split.seed == 0


def test_second_call_changes_nothing(environment, folder, capsys):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert run(environment) == 0
    assert "complete already" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize("arguments", [("--factor", "2"), ("--seed", "1"), ("--fwhm", "3")])
def test_existing_dataset_of_another_recipe_is_refused(environment, capsys, arguments):
    assert run(environment, *arguments) == 2
    assert "--replace" in capsys.readouterr().err


def test_interrupted_writing_continues(other, capsys):
    arguments = ("--tilesize", "192", "--factor", "2")
    assert run(other, *arguments) == 0
    assert "slovenia_20150711: is left out" in capsys.readouterr().out
    folder = other.parent / "data" / "demo" / "192"
    complete = (folder / "dataset.json").read_bytes()
    records = sorted(folder.glob("*/*.tfrecord"))
    kept = records[0].stat().st_mtime_ns
    records[-1].unlink()
    records[-2].write_bytes(records[-2].read_bytes()[:100])
    (folder / "dataset.json").unlink()
    (folder / UNFINISHED).touch()
    assert run(other, *arguments, "--seed", "1") == 2
    assert "another seed" in capsys.readouterr().err
    assert run(other, *arguments) == 0
    assert (folder / "dataset.json").read_bytes() == complete
    assert records[0].stat().st_mtime_ns == kept
    assert run(other, *arguments, "--seed", "1", "--replace") == 0
    assert load_manifest(folder, "demo").split.seed == 1


def test_leak_is_found(other):
    assert run(other, "--tilesize", "384") == 0
    folder = other.parent / "data" / "demo" / "384"
    manifest = load_manifest(folder, "demo")
    assert check_for_leaks(folder, manifest).startswith("no leak: 9 tiles")
    leaked = next((folder / "train").iterdir())
    (folder / "test" / leaked.name).write_bytes(leaked.read_bytes())
    with pytest.raises(ValueError, match="share ground"):
        check_for_leaks(folder, manifest)


@pytest.mark.parametrize(("rows", "columns"), [(1, 3), (2, 2), (3, 3), (12, 12), (9, 13)])
def test_every_split_gets_whole_blocks(rows, columns):
    splits = block_splits(rows, columns, seed=5)
    assert set(splits.values()) == set(SPLITS)
    assert len(splits) == rows * columns
    if rows > 3:
        assert all(splits[row, column] == splits[row // 2 * 2, column // 2 * 2] for row, column in splits)
        assert splits != block_splits(rows, columns, seed=6)


def test_missing_samples_are_named(other, monkeypatch, capsys):
    monkeypatch.setattr(sample_scenes, "SAMPLES", other.parent)
    assert run(other) == 2
    assert "T18SVG_20160112_B02.jp2: is missing" in capsys.readouterr().err


def test_damaged_samples_are_named(monkeypatch, tmp_path):
    raster = tmp_path / "S2A_L1C_20150711.tif"
    raster.write_bytes((sample_scenes.SAMPLES / "s2_slovenia" / raster.name).read_bytes()[:9000])
    with pytest.raises(UserError, match=raster.name):
        with sample_scenes.opened(sample_scenes.SourceScene("broken", "2015-07-11", (raster,))) as scene:
            scene.read(0, 0, SIDE)


def test_too_large_tiles_are_refused(other, capsys):
    assert run(other, "--tilesize", "600") == 2
    assert "use at most 576" in capsys.readouterr().err


def test_wrong_factor_ends_with_one_line_and_status_2():
    command = [sys.executable, "-m", "preprocessing.samples", "--factor", "5"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "--factor 5: does not divide --tilesize 96; --tilesize 95 or 100 would do\n"


def test_help_imports_nothing_heavy():
    program = (
        "import sys\nfrom preprocessing import samples\n"
        "try: samples.main(['--help'])\n"
        "except SystemExit: print(sorted({'tensorflow', 'numpy', 'rasterio'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("[]\n")


def test_a_suffix_ends_every_name(tmp_path, capsys):
    path = tmp_path / "environment.json"
    path.write_text(json.dumps({"data_root": str(tmp_path / "data")}))
    size = ("--tilesize", "256", "--factor", "16")
    assert run(path, *size, "--suffix", "notinmask") == 0
    names = [record.stem for record in (tmp_path / "data" / "demo" / "256").glob("*/*.tfrecord")]
    assert len(names) == 16
    assert all(name.endswith("_notinmask") for name in names)
    assert run(path, *size, "--suffix", "notinmask") == 0
    assert run(path, *size) == 2
    assert (
        "exists and holds 16 samples, of other tiles than the 16 planned; choose another --dataset"
        in capsys.readouterr().err
    )


def test_a_filter_that_is_none(environment, capsys):
    assert run(environment, "--fwhm", "-1") == 2
    assert capsys.readouterr().err == "--fwhm -1: must be above 0 and at most --tilesize 96\n"


def test_a_suffix_that_cannot_be_in_a_name(environment, capsys):
    assert run(environment, "--suffix", "../up") == 2
    assert "--suffix ../up: must be letters, digits and '_', such as notinmask" in capsys.readouterr().err
