"""Step 50: the six datasets of a folder of tiles."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine

from experiment import PROJECT
from pix2earth.records.format import read
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import UNFINISHED
from pix2earth.records.splitting.splits import Shares
from pix2earth.settings.errors import UserError
from preprocessing.tiles import tile_rasters
from preprocessing.tiles.records_plan import DatasetRequest, Header, check
from preprocessing.tiles.tile_records import KINDS

SCRIPT = PROJECT / "preprocessing" / "50_create_tfrecords.py"
SIDE = 32
DATES = ("2020-07-02", "2020-07-05", "2020-08-02", "2020-08-11")
PLACES = ((500, 920), (60, 20), (190, 150), (320, 280), (570, 20))
"""(column, row) of the tiles of each date; all lie within blocks of 4 x 4 tiles."""


def tile(date: str, place: tuple[int, int]) -> tile_rasters.Tile:
    random = np.random.default_rng([int(date[8:]), *place])
    flags, located = np.zeros((SIDE, SIDE), np.uint32), np.ones((SIDE, SIDE), bool)
    reflectance = (random.integers(100, 9000, (SIDE, SIDE, 3)) / 1e4).astype(np.float32)
    radiance = random.uniform(1, 200, (SIDE, SIDE, 21)).astype(np.float32)
    tags = {
        "S2_PRODUCT": f"S2A_{date}", "S2_SENSING_TIME": f"{date}T17:29:01Z", "S3_START_TIME": f"{date}T16:14:01Z"
    }  # fmt: skip
    transform = Affine(10, 0, 500000 + 10 * place[0], 0, -10, 8100000 - 10 * place[1])
    return tile_rasters.Tile(flags, located, reflectance, radiance, CRS.from_epsg(32617), transform, tags)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data" / "_tif" / "inv_T17XNA_10h" / str(SIDE)
    for index, date in enumerate(DATES):
        for place in PLACES:
            name = f"{index:05d}_{place[0]}x{place[1]}{'_notinmask' if place == PLACES[0] else ''}.tif"
            tile_rasters.write(folder / name, tile(date, place), {"land": 1 << 31})
    (tmp_path / "environment.json").write_text(json.dumps({"data_root": "data"}))
    return tmp_path


@pytest.fixture
def step50(root, monkeypatch, capfd):
    """``step50(*options)``: exit status, stdout and stderr."""

    def run(*options):
        monkeypatch.setattr(sys, "path", list(sys.path))
        main = runpy.run_path(str(SCRIPT))["main"]
        fixed = ["--env", str(root / "environment.json"), "--inventory", "inv_T17XNA_10h", "--tilesize", str(SIDE)]
        with pytest.raises(SystemExit) as ended:
            main([*fixed, "--dataset", "x", *options])
        return ended.value.code, *capfd.readouterr()

    return run


def samples(root, kind):
    folder = root / "data" / f"{kind}_x" / str(SIDE)
    manifest = load_manifest(folder, f"{kind}_x")
    found = {}
    for path in sorted(folder.glob("*/*.tfrecord")):
        found[path.stem] = (path.parent.name, *read(path, manifest))
    return manifest, found


def test_six_datasets_with_the_same_split_by_date(root, step50):
    status, said, _ = step50("--train_ratio", "0.75")
    assert status == 0
    assert "no leak: 20 tiles on 4 dates; no two of one date in different splits overlap; no date is in sev" in said
    splits = []
    for kind in KINDS:
        manifest, found = samples(root, kind)
        assert manifest.records == {"train": 15, "val": 5, "test": 0}
        assert manifest.split.method == "date of the scene"
        splits.append({name: split for name, (split, _, _) in found.items()})
        for name, (_, fields, about) in found.items():
            date, place = DATES[int(name[:5])], tuple(int(part) for part in name.split("_")[1].split("x"))
            source = tile(date, place)
            assert about["crs"] == "EPSG:32617"
            assert tuple(about["transform"]) == source.transform[:6]
            times = [f"{date}T17:29:01Z", f"{date}T16:14:01Z"]
            assert about["acquired"] == (times if kind == "cur" else times[:1])
            physical = fields["target"] * 1e-4 - 0.1
            np.testing.assert_allclose(physical, source.reflectance, atol=1e-6)
        if kind == "cur":
            np.testing.assert_array_equal(fields["input_image"], source.radiance)
    assert all(split == splits[0] for split in splits)
    assert sum(name.endswith("_notinmask") for name in splits[0]) == 4
    dates = {(name[:5], split) for name, split in splits[0].items()}
    assert len(dates) == len(DATES)


def test_a_second_call_changes_nothing_and_another_split_is_refused(root, step50):
    assert step50("--train_ratio", "0.75")[0] == 0
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*.tfrecord")}
    status, said, _ = step50("--train_ratio", "0.75")
    assert (status, "complete already" in said) == (0, True)
    status, _, error = step50("--train_ratio", "0.75", "--seed", "3")
    assert (status, error.count("\n")) == (2, 1)
    assert "--replace" in error
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*.tfrecord")} == before
    assert step50("--train_ratio", "0.5", "--replace")[0] == 0
    assert samples(root, "alt6")[0].records == {"train": 10, "val": 10, "test": 0}


def test_a_killed_step_goes_on(root, step50):
    assert step50("--train_ratio", "0.75")[0] == 0
    folder = root / "data" / "alt3_x" / str(SIDE)
    complete = (folder / "dataset.json").read_bytes()
    records = sorted(folder.glob("*/*.tfrecord"))
    records[0].unlink()
    records[1].write_bytes(records[1].read_bytes()[:90])
    kept = records[2].stat().st_mtime_ns
    (folder / "dataset.json").unlink()
    (folder / UNFINISHED).touch()
    # What another split has left behind is not mixed in.
    status, _, error = step50("--train_ratio", "0.5")
    assert (status, "does not belong to this dataset" in error or "split otherwise" in error) == (2, True)
    assert step50("--train_ratio", "0.75")[0] == 0
    assert (folder / "dataset.json").read_bytes() == complete
    assert records[2].stat().st_mtime_ns == kept


def test_blocks_keep_all_dates_of_a_place_together(root, step50):
    status, said, _ = step50("--split", "block", "--train_ratio", "0.6", "--test_ratio", "0.2")
    assert status == 0
    assert "no two in different splits overlap" in said
    _, found = samples(root, "cur")
    by_place = {}
    for name, (split, _, _) in found.items():
        by_place.setdefault(name.split("_")[1], set()).add(split)
    assert all(len(splits) == 1 for splits in by_place.values())
    assert set.union(*by_place.values()) == {"train", "val", "test"}


def test_overlapping_tiles_are_refused_at_random(root, step50):
    folder = root / "data" / "_tif" / "inv_T17XNA_10h" / str(SIDE)
    for column in range(1, 30, 2):
        place = (500 + column, 920)
        tile_rasters.write(folder / f"00000_{place[0]}x920_notinmask.tif", tile(DATES[0], place), {})
    status, _, error = step50("--split", "random", "--train_ratio", "0.5")
    assert (status, error.count("\n")) == (2, 1)
    assert "share ground on 2020-07-02" in error
    assert not (root / "data" / "cur_x").exists()
    assert step50("--split", "scene", "--train_ratio", "0.5")[0] == 0


def test_one_date_cannot_be_split_by_scene(root, step50):
    for path in (root / "data" / "_tif").rglob("0000[123]_*"):
        path.unlink()
    status, _, error = step50()
    assert (status, error.count("\n")) == (2, 1)
    assert "--split block or random" in error
    assert step50("--split", "random", "--train_ratio", "0.6")[0] == 0


def test_tiles_of_the_original_code_get_their_dates_from_the_inventory(root, step50):
    folder = root / "data" / "_tif" / "inv_T17XNA_10h" / str(SIDE)
    for path in list(folder.iterdir()):
        with rasterio.open(path) as raster:
            stack, profile = raster.read(), raster.profile
        path.unlink()
        plain = {key: profile[key] for key in ("driver", "dtype", "count", "height", "width", "crs", "transform")}
        with rasterio.open(path, "w", **plain) as raster:
            raster.write(stack)
    header = "index,year,month,s2,s2date,s3,s3date,timediff,s3filetype,overlap\n"
    rows = [
        f"{i},2020,7,S2A_{date}.SAFE,{date} 17:29:01,S3A.SEN3,{date} 16:14:01,0 days 01:15:00.000000000,SEN3,1.0\n"
        for i, date in enumerate(DATES)
    ]
    inventory = root / "data" / "_inventory"
    inventory.mkdir()
    (inventory / "inv_T17XNA_10h.csv").write_text(header + "".join(rows))
    assert step50("--train_ratio", "0.75")[0] == 0
    _, found = samples(root, "cur")
    assert len(found) == 20
    for name, (_, fields, about) in found.items():
        assert about["acquired"][0] == f"{DATES[int(name[:5])]}T17:29:01Z"
        place = tuple(int(part) for part in name.split("_")[1].split("x"))
        np.testing.assert_array_equal(fields["input_image"], tile(DATES[int(name[:5])], place).radiance)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--inventory", "inv_T17XNA_9h"], "did you mean 'inv_T17XNA_10h'"),
        (["--tilesize", "64"], "sizes: 32"),
        (["--tilesize", "16"], "must be at least 30"),
        (["--dataset", "../x"], "must be a plain name"),
        (["--train_ratio", "1.5"], "must be shares"),
    ],
)
def test_errors_are_one_line(step50, options, message):
    status, _, error = step50(*options)
    assert (status, error.count("\n")) == (2, 1)
    assert message in error


def test_a_damaged_tile_is_named(root, step50):
    path = next((root / "data" / "_tif").rglob("00002_*"))
    path.write_bytes(path.read_bytes()[:9000])
    status, _, error = step50("--train_ratio", "0.75")
    assert status in (1, 2)
    assert path.name in error
    assert not list(root.rglob("dataset.json"))


def test_the_days_of_olci_are_compared_too():
    """Two scenes of Sentinel-2 on two days, each with the frame of OLCI of the second day."""
    place = (10.0, 0.0, 500000.0, 0.0, -10.0, 8100000.0)
    tiles = [
        Header(Path(f"{name}.tif"), "EPSG:32617", place, (f"2020-07-0{day}T17:29:01Z", f"{olci}T16:14:01Z"), "")
        for name, day, olci in (("a", 1, "2020-07-02"), ("b", 3, "2020-07-02"))
    ]
    request = DatasetRequest("inv", "x", SIDE, Shares(0.8, 0.1), "scene", 0)
    with pytest.raises(UserError, match="train/a and val/b share ground on 2020-07-02; use --split block, or"):
        check(tiles, {"a": "train", "b": "val"}, request)
    apart = [tiles[0], tiles[1]._replace(times=("2020-07-03T17:29:01Z", "2020-07-03T16:14:01Z"))]
    assert check(apart, {"a": "train", "b": "val"}, request).startswith("no leak: 2 tiles on 3 dates")
