"""Times of acquisition: of a record, or of its fields."""

import pytest

from pix2earth.records.manifest import Field
from pix2earth.records.metadata import acquisition_times, stored_times, times_of_steps
from pix2earth.settings.errors import InvalidData

IMAGE = Field(dtype="uint16", shape=[4, 4, 1], bands=["x"])
SERIES = Field(dtype="uint16", shape=[3, 4, 4, 1], bands=["x"])
FIELDS = {"input_image": SERIES, "target": IMAGE}
DAYS = ["2023-07-01", "2023-07-02T10:00:00Z", "2023-07-03T10:00:00+02:00"]


def about(acquired):
    return {"name": "a", "acquired": acquired}


def test_times_of_fields_and_of_the_record():
    by_field = about({"input_image": DAYS, "target": ["2023-07-09"]})
    assert acquisition_times(by_field, "target") == ["2023-07-09"]
    assert acquisition_times(by_field, "target", "input_image") == ["2023-07-09", *DAYS]
    assert acquisition_times(by_field) == [*DAYS, "2023-07-09"]
    assert acquisition_times(by_field, "radar") == []
    assert acquisition_times(about(DAYS), "target") == acquisition_times(about(DAYS)) == DAYS
    assert acquisition_times({"name": "of ARISGAN"}) == acquisition_times(about([])) == []


def test_the_time_of_each_time_step():
    assert times_of_steps(about({"input_image": DAYS}), "input_image", SERIES) == DAYS
    assert times_of_steps(about({"input_image": DAYS[:1]}), "input_image", SERIES) == DAYS[:1] * 3
    assert times_of_steps(about({"input_image": DAYS}), "target", IMAGE) == []
    assert times_of_steps(about(DAYS[:1]), "target", IMAGE) == DAYS[:1]
    assert times_of_steps(about(DAYS), "input_image", SERIES) == [], "a list does not say whose times they are"


@pytest.mark.parametrize(
    ("acquired", "line"),
    [
        ("2024-01-12", "a: acquired: must be a list of times, not the text '2024-01-12'"),
        ({"targt": ["2024-01-12"]}, "a: acquired: there is no field 'targt'; did you mean 'target'?"),
        ({"target": "2024-01-12"}, "a: acquired: target: must be a list of one time, not '2024-01-12'"),
        ({"target": []}, "a: acquired: target: must be a list of one time, not []"),
        (
            {"input_image": DAYS[:2]},
            "a: acquired: input_image: must be a list of one time, or 3: one for each time step, not"
            " ['2023-07-01', '2023-07-02T10:00:00Z']",
        ),
        (
            {"target": ["12.1.2024"]},
            "a: acquired: target: '12.1.2024' is no time of ISO 8601, such as 2024-01-12",
        ),
        ({"target": [2024]}, "a: acquired: target: 2024 is no time of ISO 8601, such as 2024-01-12"),
    ],
)
def test_what_is_no_time_of_a_field_is_one_line(acquired, line):
    with pytest.raises(InvalidData) as caught:
        stored_times("a", acquired, FIELDS)
    assert caught.value.lines == (line,)


def test_what_is_stored():
    assert stored_times("a", tuple(DAYS), FIELDS) == DAYS
    stored = stored_times("a", {"target": (DAYS[0],), "input_image": DAYS}, FIELDS)
    assert list(stored.items()) == [("input_image", DAYS), ("target", [DAYS[0]])]
