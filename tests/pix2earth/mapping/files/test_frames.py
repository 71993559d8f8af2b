"""Dates in the names of files: how they are written, and what is none."""

import pytest

from pix2earth.mapping.files.dated_names import dated
from pix2earth.mapping.files.frames import check_written
from pix2earth.settings.errors import UserError


@pytest.mark.parametrize(
    ("name", "written", "text", "time", "words"),
    [
        ("ndvi_20151208b", None, "20151208b", "2015-12-08", ("ndvi",)),
        ("S2A_2015-12-08_B04", None, "2015-12-08", "2015-12-08", ("S2A", "B04")),
        ("T18SVG_20160112T155921_north", None, "20160112T155921", "2016-01-12T15:59:21", ("T18SVG", "north")),
        ("hls.2018245.v2", "%Y%j", "2018245", "2018-09-02", ("hls", "v2")),
        ("08.12.2015", "%d.%m.%Y", "08.12.2015", "2015-12-08", ()),
        ("1234567_20151208", None, "20151208", "2015-12-08", ("1234567",)),
    ],
)
def test_dates_in_names(name, written, text, time, words):
    assert dated(name, written) == (text, time, words)


@pytest.mark.parametrize(
    ("name", "written"),
    [("tile_20151340", None), ("tile_120151208", None), ("tile_2015120", None), ("ndvi", None), ("20151208", "%Y-%j")],
    ids=["month 13", "a digit before", "a digit too few", "no digit", "written otherwise"],
)
def test_what_is_no_date(name, written):
    assert dated(name, written) is None


@pytest.mark.parametrize(
    ("written", "fault"), [("%Y%b%d", "'%b' is not read"), ("%Y%m", "year and day"), ("%j", "year")]
)
def test_ways_of_writing_that_name_no_day(written, fault):
    with pytest.raises(UserError, match=fault):
        check_written(written)
