"""Values far outside of the range of the training: reported where there are some, refused where they are most."""

import numpy as np
import pytest

from pix2earth.mapping.bands.values import check_picture, check_values
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

REFLECTANCE = Field(dtype="float32", shape=[8, 8, 2], bands=["B03", "B04"], valid_range=(0.0, 0.5))


def values(share):
    """Return reflectance of which a share are digital numbers, in both bands."""
    found = np.full((100, 10, 2), 0.2)
    found[: round(100 * share)] = 2000.0
    return found


def test_values_of_the_range_and_a_few_beyond_it_are_taken(capsys):
    check_values("a.tif", values(0.0), REFLECTANCE, "")
    bright = np.where(values(0.9) > 1, 0.99, 0.2)  # twice the range: clouds, which the range leaves out
    check_values("a.tif", bright, REFLECTANCE, "")
    check_values("a.tif", np.full((2, 2, 2), np.nan), REFLECTANCE, "")
    check_values("a.tif", values(1.0), REFLECTANCE.model_copy(update={"kind": "classes"}), "")
    check_values("a.tif", values(1.0), REFLECTANCE.model_copy(update={"valid_range": None}), "")
    assert capsys.readouterr().err == ""


def test_some_are_reported_and_most_refused(capsys):
    check_values("a.tif", values(0.3), REFLECTANCE, "")
    said = capsys.readouterr().err
    assert said == (
        "a.tif: 30% of its values lie far outside of 0 to 0.5, the range of the training (such as 2000): expect"
        " artefacts\n"
    )
    with pytest.raises(UserError, match=r"^a\.tif: 80% of its values .* \(such as 2000\); state the scale$"):
        check_values("a.tif", values(0.8), REFLECTANCE, "state the scale")


def test_numbers_are_compared_in_physical_values_and_each_band_with_its_own_range():
    field = Field(dtype="int16", shape=[8, 8, 2], bands=["VV", "VH"], scale=0.01, units="dB",
                  valid_range=([-25.0, -32.0], [5.0, -5.0]))  # fmt: skip
    check_values("a.tif", np.full((4, 4, 2), [-1000.0, -1700.0]), field, "")
    with pytest.raises(UserError, match=r"100% .* far outside of -32 to 5 dB, .* \(such as -1000 dB\)"):
        check_values("a.tif", np.full((4, 4, 2), -100000.0), field, "")


STORED = Field(dtype="uint16", shape=[8, 8, 2], bands=["B03", "B04"], scale=1e-4, valid_range=(0.0, 1.0))


def test_a_picture_where_reflectance_is_stored_with_16_bits(capsys):
    with pytest.raises(
        UserError, match=r"8-bit numbers, where the dataset stores uint16, and becomes 0 to 0\.0255 of 0"
    ):
        check_picture("a.tif", ["uint8", "uint8"], STORED, "state the scale")
    others = [
        (["uint16"] * 2, STORED),
        (["uint8"] * 2, STORED.model_copy(update={"dtype": "uint8", "scale": 1 / 255})),
        (["uint8"] * 2, STORED.model_copy(update={"scale": 1 / 255})),
        (["uint8"] * 2, STORED.model_copy(update={"kind": "classes"})),
    ]
    for dtypes, field in others:
        check_picture("a.tif", dtypes, field, "")
    assert capsys.readouterr().err == ""
    check_picture("a.tif", ["uint8"], STORED.model_copy(update={"scale": 1e-3}), "")
    check_picture("a.tif", ["uint8"], STORED.model_copy(update={"valid_range": None}), "")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "becomes 0 to 0.255 of 0 to 1: expect artefacts if it is a picture" in lines[0]
