"""Which tiles count as independent of each other."""

import pytest

from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.scoring.tiles import places
from pix2earth.settings.errors import UserError

FIELD = Field(dtype="uint16", shape=[64, 64, 1], bands=["B04"])


def manifest(method="spatial block", **changes) -> Manifest:
    return Manifest(name="x", tilesize=64, fields={"input_image": FIELD, "target": FIELD},
                    split=Split(method=method), **changes)  # fmt: skip


def at(x, y, crs="EPSG:32632", **more):
    return {"crs": crs, "transform": [10, 0, x, 0, -10, y], **more}


def test_neighbours_are_in_one_block_of_four_by_four_tiles():
    side = 4 * 640
    corner = at(0, side)
    same = [at(640 * column, side - 640 * row) for row in range(4) for column in range(4)]
    assert {places.unit_of("t", each, manifest()) for each in same} == {places.unit_of("t", corner, manifest())}
    for other in (at(side, side), at(0, 2 * side), at(0, side, "EPSG:32633"), at(-640, side)):
        assert places.unit_of("t", other, manifest()) != places.unit_of("t", corner, manifest())


def test_dates_of_one_place_are_in_one_block():
    first, second = (at(0, 640, acquired=[day]) for day in ("2023-01-01", "2024-01-01"))
    assert places.unit_of("a", first, manifest()) == places.unit_of("b", second, manifest())


def test_without_a_place_the_date_counts_and_without_it_the_tile():
    assert places.unit_of("t", {"acquired": ["2023-01-02T10:00:00Z"]}, manifest()) == ("date", "2023-01-02")
    assert places.unit_of("t", {"crs": None, "transform": None}, manifest()) == ("tile", "t")
    assert places.unit_of("t", {}, manifest()) == ("tile", "t")


def test_sequences_and_scenes_are_named():
    sequential = manifest(sequence=r"(?P<sequence>p\d+)_(?P<position>\d+)")
    assert places.unit_of("p7_03", at(0, 0), sequential) == ("sequence", "p7")
    assert places.unit_of("scene_0004_2", at(0, 0), manifest("scene")) == ("scene", "scene_0004")


def test_a_damaged_file_is_one_line(tmp_path):
    assert places.load(tmp_path) is None
    (tmp_path / "places.csv").write_text("tile,x\na,1\n")
    with pytest.raises(UserError, match=r"places\.csv: is damaged"):
        places.load(tmp_path)
