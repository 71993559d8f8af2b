"""The check for leaks looks at the days of all fields."""

import numpy as np
import pytest

from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.splitting.leaks import Leak, check_for_leaks
from pix2earth.records.writer import DatasetWriter

SIDE = 4
SERIES = Field(dtype="uint16", shape=[2, SIDE, SIDE, 1], bands=["x"])
FIELDS = {"input_image": SERIES, "target": SERIES, "radar": Field(dtype="uint16", shape=[1, 1, 1], bands=["x"])}


@pytest.fixture
def checked(tmp_path):
    """``checked(one, other, ...)``: the result for samples of train, val, ... with these times, on the same ground."""

    def check(*times, east=(0, 0, 0), place=True):
        manifest = Manifest(name="made", tilesize=SIDE, fields=FIELDS, split=Split(method="by hand"))
        arrays = {name: np.ones(field.shape, np.uint16) for name, field in FIELDS.items()}
        with DatasetWriter(tmp_path, manifest) as writer:
            for split, acquired, offset in zip(("train", "val", "test"), times, east, strict=False):
                where = {"crs": "EPSG:32618", "transform": (10, 0, 500000 + offset, 0, -10, 4500000)} if place else {}
                writer.write(split, f"in-{split}", arrays, **where, acquired=acquired)
        return check_for_leaks(tmp_path / "made" / str(SIDE), manifest)

    return check


def times(target, source, **further):
    return {"target": target, "input_image": source, **further}


OTHER = times(["2023-07-11", "2023-07-12"], ["2023-07-13", "2023-07-14"])


@pytest.mark.parametrize(
    "one",
    [
        times(["2023-07-01", "2023-07-12"], ["2023-07-03"]),
        times(["2023-07-01"], ["2023-07-03", "2023-07-13T23:59:59Z"]),
        times(["2023-07-14"], ["2023-07-03"]),
        times(["2023-07-01"], ["2023-07-03"], radar=["2023-07-11T01:00:00Z"]),
        ["2023-07-01", "2023-07-12"],
    ],
    ids=["second step of both targets", "inputs", "target and input", "another field", "a list of the record"],
)
def test_a_day_that_any_fields_share_is_a_leak(checked, one):
    with pytest.raises(Leak, match="train/in-train and val/in-val share ground on 2023-07-1"):
        checked(one, OTHER)


def test_the_same_ground_on_other_days_is_none(checked):
    result = checked(times(["2023-07-01"], ["2023-07-02"]), OTHER)
    assert result == (
        "no leak: 2 tiles on 6 dates; no two of one date in different splits overlap; no date is in several splits"
    )


def test_other_ground_on_the_same_days_is_none(checked):
    result = checked(OTHER, OTHER, east=(0, 10 * SIDE))
    assert result.startswith("no leak: 2 tiles on 4 dates") and result.endswith("4 of the dates are in several splits")


def test_samples_without_times_are_compared_with_each_other(checked):
    with pytest.raises(Leak):
        checked([], [])


def test_samples_without_times_on_other_ground(checked):
    found = checked([], [], east=(0, 10 * SIDE))
    assert found == "no leak: 2 tiles without dates; no two in different splits overlap"


def test_samples_without_a_place_are_counted(checked):
    assert checked([], OTHER, place=False).endswith("; 2 samples without a place are not compared")
