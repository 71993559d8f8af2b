"""Descriptions: patterns, templates, the JSON Schema for editors, and conditions on tables."""

import json
from pathlib import Path

import pytest

from pix2earth.documentation.keys import json_schema
from pix2earth.settings.errors import UserError
from preprocessing.sources.description import FOLDER, RowCondition, SourceDescription, load_description, shipped
from preprocessing.sources.patterns import filled, matched, moment
from preprocessing.sources.tables import holds, read_csv


@pytest.mark.parametrize(
    ("pattern", "path", "parts"),
    [
        ("{tile}/cloud/{name}_{time:int}.tif", "T1/cloud/a_b_02.tif", {"tile": "T1", "name": "a_b", "time": "2"}),
        ("{tile}/cloud/{name}_{time:int}.tif", "T1/clear/a_b_02.tif", None),
        ("{tile}/{name}.tif", "T1/x/y.tif", None),
        ("{name:path}.{suffix:suffix}", "x/y.fits.gz", {"name": "x/y", "suffix": "fits.gz"}),
        ("{name:path}.{suffix:suffix}", "a.b.png", {"name": "a.b", "suffix": "png"}),
        ("{site}/{site}_{n:int}.tif", "A/A_1.tif", {"site": "A", "n": "1"}),
        ("{site}/{site}_{n:int}.tif", "A/B_1.tif", None),
        ("{split:train|val}/{name}.png", "test/a.png", None),
        ("v_{date:date}.tif", "v_20200101.tif", {"date": "20200101"}),
        ("v_{date:date}.tif", "v_20200101b.tif", None),
        ("**/{name:word}_*.tif", "x/y/a_b_c.tif", {"name": "a"}),
        ("a.b/{name}.tif", "aXb/n.tif", None),
    ],
)
def test_patterns(pattern, path, parts):
    assert matched(pattern, path) == parts


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("20240112", "2024-01-12"),
        ("2024-01-12", "2024-01-12"),
        ("20240112T154101", "2024-01-12T15:41:01"),
        ("2024-01-12 15:41", "2024-01-12T15:41:00"),
        ("20241312", None),
        ("12", None),
    ],
)
def test_moments(text, time):
    assert moment(text) == time


def test_templates_name_the_nearest_part():
    assert filled("{a}_{b}", {"a": "1", "b": "2"}, "sample") == "1_2"
    with pytest.raises(UserError, match=r"sample: '\{tyle\}': no pattern has a part 'tyle'; did you mean 'tile'"):
        filled("{tyle}", {"tile": "1"}, "sample")


def test_all_shipped_descriptions_are_valid():
    assert {"sen2_mtc", "stgan", "stgan_side_by_side", "hls", "sen12mscr", "sen2venus", "pix2pix", "solar"} <= set(
        shipped()
    )
    assert all(load_description(name).fields for name in shipped())


def test_the_schema_for_editors_is_current():
    text = (FOLDER / "description.schema.json").read_text()
    assert json.loads(text) == json_schema(SourceDescription), "python -m preprocessing.importing --schema writes it"


def test_conditions(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("name;bad;usage\nx;4.5;train\n")
    (row,) = read_csv(path)
    assert holds(RowCondition(table="t", column="bad", below=5), row, path)
    assert not holds(RowCondition(table="t", column="bad", above=5), row, path)
    assert holds(RowCondition(table="t", column="usage", equals="train"), row, path)
    assert holds(RowCondition(table="t", column="bad", equals=4.5), row, path)
    with pytest.raises(UserError, match="column usage: 'train' is no number"):
        holds(RowCondition(table="t", column="usage", below=5), row, path)
