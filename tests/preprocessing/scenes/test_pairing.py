"""Step 20 on fake products: the pairs, and the file that lists them."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyproj import Transformer
from shapely import box

from experiment import PROJECT
from preprocessing.scenes import inventory, pairing
from preprocessing.scenes.observations import Observation
from preprocessing.scenes.pairing import inventory_name, pair
from tests.product_roots import killed_step, step, write_environment
from tests.products import ORIGIN, write_safe, write_sen3

SCRIPT = "20_create_inventory.py"
METRES_EAST, METRES_NORTH = (1200, 6000, 6000, 1200), (3000, 3000, -5000, -5000)


def to_latitude(east: float, north: float) -> tuple[float, float]:
    """Return latitude and longitude of a position in metres from the fake tile's upper left corner."""
    return Transformer.from_crs(32617, 4326).transform(ORIGIN[0] + east, ORIGIN[1] + north)


EAST_HALF = [to_latitude(east, north) for east, north in zip(METRES_EAST, METRES_NORTH, strict=True)]
"""Footprint of a frame over the eastern half of the fake tile of 2400 m."""
SHARED = PROJECT.parent / "shared"


def observation(time: datetime, name: str = "S3A.SEN3") -> Observation:
    return Observation(name, time.isoformat(), "", "", "", "", box(0, 0, 1, 1).wkt, time.isoformat())


def run(environment: Path, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        pairing.main(["--env", str(environment), "--tile", "T17XNA", *arguments])
    return ended.value.code


@pytest.mark.parametrize(
    ("hours", "name"),
    [(10.0, "inv_T17XNA_10h"), (0.5, "inv_T17XNA_05h"), (1.5, "inv_T17XNA_15h"), (100, "inv_T17XNA_100h")],
)
def test_the_name_has_the_hours_without_the_dot(hours, name):
    assert inventory_name("T17XNA", hours) == name


def test_pairs_differ_by_less_than_the_limit_in_both_directions():
    noon = datetime(2020, 7, 2, 12, tzinfo=UTC)
    offsets = [-3600, -3599.999999, -1, 0, 3599.999999, 3600]
    frames = [observation(noon + timedelta(seconds=offset)) for offset in offsets]
    pairs = pair([observation(noon, "S2A.SAFE")], frames, timedelta(hours=1))
    assert [one.timediff.total_seconds() for one in pairs] == [3599.999999, 1, 0, 3599.999999]
    assert all(one.overlap == 1 for one in pairs)


@pytest.fixture
def environment(tmp_path) -> Path:
    """Two scenes of the tile at two dates, another tile, and frames as folders and zips, flat and nested."""
    path = write_environment(tmp_path)
    s2, s3 = tmp_path / "s2", tmp_path / "s3"
    write_safe(s2, bands=())
    write_safe(s2, baseline="05.10", discriminator="20240101T000000", bands=(), zipped=True)
    write_safe(s2 / "2021", satellite="S2B", sensing="20210101T001500", bands=())
    write_safe(s2, tile="T17XNB", bands=())
    write_safe(s2, level="L2A", bands=())
    write_sen3(s3)
    write_sen3(s3 / "2020" / "07", platform="S3B", start="20200702T190001", footprint=EAST_HALF, zipped=True)
    write_sen3(s3 / "2020" / "12", start="20201231T233000")
    write_sen3(s3, kind="ERR", start="20200702T161500")
    write_sen3(s3, start="20200703T161401")
    return path


def test_the_inventory_of_all_years_platforms_and_folders(environment, capsys):
    assert run(environment, "--timediff", "3") == 0
    folder = environment.parent / "data" / "_inventory"
    table = inventory.read(folder / "inv_T17XNA_3h.csv")
    assert table["index"].tolist() == [0, 1, 2]
    assert [name[:3] for name in table["s2"]] == ["S2A", "S2A", "202"]
    assert [name.split("/")[-1][:3] for name in table["s3"]] == ["S3A", "S3B", "S3A"]
    assert table["s3filetype"].tolist() == ["SEN3", "zip", "SEN3"]
    assert table["timediff"].dt.total_seconds().tolist() == [4500, 5460, 2700]
    assert table["year"].tolist() == [2020, 2020, 2021]  # the pair at new year has frames of the year before
    assert table["overlap"].tolist() == pytest.approx([1, 0.5, 1], abs=1e-3)
    assert "_N0510_" in table["s2"][0]
    printed = capsys.readouterr().out
    assert "left out: S2A_MSIL1C_20200702T172901_N0209_R012_T17XNA_20200702T203040.SAFE, of which" in printed
    assert "1 Sentinel-2 products are left out: they are not L1C (--level)" in printed
    assert "2020       1      2                       1" in printed
    assert sorted(path.name for path in folder.iterdir()) == ["inv_T17XNA_3h.csv", "inv_T17XNA_3h.png"]


@pytest.mark.slow
def test_a_second_run_gives_the_same_bytes(environment):
    run(environment, "--timediff", "3")
    path = environment.parent / "data" / "_inventory" / "inv_T17XNA_3h.csv"
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert run(environment, "--timediff", "3", "--workers", "2") == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert run(environment, "--timediff", "3", "--replace") == 0
    assert path.read_bytes() == before[0]


def test_new_products_renumber_rows_only_with_replace(environment, capsys):
    run(environment, "--timediff", "3")
    write_sen3(environment.parent / "s3", platform="S3B", start="20200702T161401")
    capsys.readouterr()
    assert run(environment, "--timediff", "3") == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "/s, " not in line]
    assert "inv_T17XNA_3h.csv: exists with other rows (3, now 4)" in line
    assert run(environment, "--timediff", "3", "--replace") == 0


def test_a_product_that_cannot_be_read_is_reported_and_left_out(environment, capsys):
    (environment.parent / "s2" / "S2A_MSIL1C_20200801T172901_N0209_R012_T17XNA_20200801T203040.zip").write_text("no")
    broken = write_sen3(environment.parent / "s3", start="20200702T170000")
    (broken / "xfdumanifest.xml").write_text("<a")
    assert run(environment, "--timediff", "3") == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "/s, " not in line]
    assert len(lines) == 3 and "20200801T172901" in lines[0] and broken.name in lines[1]
    assert lines[2] == "2 products failed and were left out"
    assert len(inventory.read(environment.parent / "data" / "_inventory" / "inv_T17XNA_3h.csv")) == 3


def test_the_level_is_an_option(environment):
    assert run(environment, "--timediff", "3", "--level", "L2A") == 0
    table = inventory.read(environment.parent / "data" / "_inventory" / "inv_T17XNA_3h.csv")
    assert ["MSIL2A" in name for name in table["s2"]] == [True, True]


def test_a_tile_in_a_product_of_many(tmp_path):
    path = write_environment(tmp_path)
    write_safe(tmp_path / "s2", long_naming=True, tile="T17XNB", other_tiles=["T17XNA"], bands=())
    write_safe(tmp_path / "s2", long_naming=True, tile="T17XNB", discriminator="20200801T000000", bands=())
    write_sen3(tmp_path / "s3")
    assert run(path, "--timediff", "3") == 0
    assert len(inventory.read(tmp_path / "data" / "_inventory" / "inv_T17XNA_3h.csv")) == 1


def paired(path: Path) -> list[tuple[str, str]]:
    assert run(path, "--timediff", "3") == 0
    table = inventory.read(path.parent / "data" / "_inventory" / "inv_T17XNA_3h.csv")
    return list(zip(table["s2"], table["s3"], strict=True))


OLD_NAMING = {"long_naming": True, "other_tiles": ["T17XMA"], "bands": ()}


@pytest.mark.parametrize(
    "others", [[{"discriminator": "20200703T000000", **OLD_NAMING}], [{"baseline": "05.10", "bands": ()}]]
)
def test_one_datatake_in_several_products_is_one_scene(others, tmp_path, capsys):
    """In the old naming twice, or in both: the old name begins with the time of its creation."""
    path = write_environment(tmp_path)
    old = write_safe(tmp_path / "s2", **OLD_NAMING)
    (newest,) = (write_safe(tmp_path / "s2", **other) for other in others)
    frame = write_sen3(tmp_path / "s3")
    assert paired(path) == [(newest.name, frame.name)]
    assert f"left out: {old.name}, of which {newest.name} is a newer version" in capsys.readouterr().out


@pytest.mark.parametrize("long_naming", [False, True])
def test_a_sliver_that_was_processed_later_does_not_replace_the_tile(long_naming, tmp_path, capsys):
    path = write_environment(tmp_path)
    whole = write_safe(tmp_path / "s2", bands=())
    fifth = [to_latitude(x, y) for x, y in ((1920, 0), (2400, 0), (2400, -2400), (1920, -2400))]
    sliver = write_safe(
        tmp_path / "s2", discriminator="20200703T000000", footprint=fifth, bands=(), long_naming=long_naming
    )
    frame = write_sen3(tmp_path / "s3")
    assert paired(path) == [(whole.name, frame.name)]
    assert f"left out: {sliver.name}, which shows a part of {whole.name}" in capsys.readouterr().out


def test_the_halves_of_a_tile_in_two_products_are_both_paired(tmp_path):
    path = write_environment(tmp_path)
    for left, right, created in ((0, 1400, "20200702T203040"), (1000, 2400, "20200702T204050")):
        half = [to_latitude(x, y) for x, y in ((left, 0), (right, 0), (right, -2400), (left, -2400))]
        write_safe(tmp_path / "s2", discriminator=created, footprint=half, bands=())
    write_sen3(tmp_path / "s3")
    assert len(paired(path)) == 2


@pytest.mark.parametrize(
    "newer",
    [
        {"start": "20200702T161406", "stop": "20200702T161706", "collection": "003", "created": "20200703T000000"},
        {"start": "20200702T161400", "stop": "20200702T161700", "collection": "002"},
    ],
    ids=["collection", "near real time"],
)
def test_one_pass_in_two_products_is_one_frame(newer, tmp_path, capsys):
    path = write_environment(tmp_path)
    timeliness = "NR" if newer["collection"] == "002" else "NT"
    scene = write_safe(tmp_path / "s2", bands=())
    old = write_sen3(tmp_path / "s3", stop="20200702T161701", timeliness=timeliness, created="20210101T000000")
    kept = write_sen3(tmp_path / "s3", **newer)
    assert paired(path) == [(scene.name, kept.name)]
    assert f"left out: {old.name}, of which {kept.name} is a newer version" in capsys.readouterr().out


@pytest.mark.parametrize(("west", "east", "share"), [(0, 2400, 1.0), (-2400, 0, 0.0), (1800, 4800, 0.25)])
def test_the_ground_of_a_tile_in_a_product_of_many_is_its_own(west, east, share, tmp_path):
    """The product's footprint is three tiles wide; a frame covers the tile, the one beside it, or half of it."""
    path = write_environment(tmp_path)
    wide, frame = (
        [to_latitude(x, y) for x, y in ((left, 3000), (right, 3000), (right, -5000), (left, -5000))]
        for left, right in ((-2400, 4800), (west, east))
    )
    write_safe(tmp_path / "s2", long_naming=True, other_tiles=["T17XMA"], footprint=wide, bands=())
    write_sen3(tmp_path / "s3", footprint=frame)
    assert run(path, "--timediff", "3") == 0
    table = inventory.read(tmp_path / "data" / "_inventory" / "inv_T17XNA_3h.csv")
    assert table["overlap"].tolist() == pytest.approx([share], abs=2e-3)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--timediff", "0"], "--timediff: must be a number of hours above 0"),
        (["--timediff", "nan"], "--timediff: must be a number of hours above 0"),
        (["--timediff", "1", "--tile", "17X"], "--tile: must be a tile code such as T17XNA, not 17X"),
        (["--timediff", "1", "--tile", "T17XNC"], "has no product of it; did you mean 'T17XN"),
        (["--timediff", "1", "--workers", "0"], "--workers: must be an integer of at least 1, not 0"),
    ],
)
def test_errors_are_one_line(environment, arguments, fault, capsys):
    assert run(environment, *arguments) == 2
    assert fault in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_a_killed_step_resumes(tmp_path):
    path = write_environment(tmp_path)
    first = write_safe(tmp_path / "s2", sensing="20200101T172901", bands=())
    for day in range(2, 31):
        shutil.copytree(first, tmp_path / "s2" / first.name.replace("20200101", f"202001{day:02d}"))
    write_sen3(tmp_path / "s3", start="20200102T171401")
    journal = tmp_path / "data" / "_inventory" / ".inv_T17XNA_3h.s2.jsonl"
    arguments = ("--tile", "T17XNA", "--timediff", "3")
    killed_step(SCRIPT, path, *arguments, event="open", pattern=r"MTD_MSIL1C\.xml", count=8)
    assert not (tmp_path / "data" / "_inventory" / "inv_T17XNA_3h.csv").exists()
    assert journal.read_text().count("\n") == 7
    done = step(SCRIPT, path, *arguments)
    assert done.returncode == 0, done.stderr
    read_now = int(
        next(line for line in done.stderr.splitlines() if line.startswith("Sentinel-2")).split("/")[1].split()[0]
    )
    assert read_now == 30 - 7
    uninterrupted = write_environment(tmp_path / "uninterrupted").parent
    for root in ("s2", "s3"):
        (uninterrupted / root).rmdir()
        (uninterrupted / root).symlink_to(tmp_path / root)
    assert step(SCRIPT, uninterrupted / "environment.json", *arguments).returncode == 0
    csv = Path("data") / "_inventory" / "inv_T17XNA_3h.csv"
    assert (uninterrupted / csv).read_bytes() == (tmp_path / csv).read_bytes()


def test_the_real_pair(tmp_path):
    if not SHARED.is_dir():
        pytest.skip("there are no shared products")
    path = write_environment(tmp_path)
    for root, pattern in (
        ("s2", "s2_l1c_safe_18svg/*.SAFE"),
        ("s3", "s2_s3_pair_semireal/*.SEN3"),
        ("s3", "olci_efr_real/*.SEN3"),
    ):
        for product in (SHARED / "data").glob(pattern):
            (tmp_path / root / product.name).symlink_to(product)
    assert run(path, "--tile", "T18SVG", "--timediff", "0.7") == 0
    (row,) = inventory.read(tmp_path / "data" / "_inventory" / "inv_T18SVG_07h.csv").to_dict("records")
    assert row["timediff"] == timedelta(minutes=40)
    # That of baseline 05.10 is newer, but was cut to a tenth of this one's ground.
    assert "_N0201_" in row["s2"] and "20160112T152000" in row["s3"]
    assert row["overlap"] == pytest.approx(1, abs=1e-4)
