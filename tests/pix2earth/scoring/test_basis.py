"""What scores are based on: where time steps were scored together, former scores are not compared."""

import pytest

from pix2earth.scoring import basis

FIELDS = {
    "stack": {"shape": [3, 8, 8, 2], "dtype": "uint16", "nodata": 0},
    "whole": {"shape": [3, 8, 8, 2], "dtype": "uint16", "nodata": None},
    "floats": {"shape": [3, 8, 8, 2], "dtype": "float32", "nodata": None},
    "image": {"shape": [8, 8, 2], "dtype": "float32", "nodata": 0},
    "mask": {"shape": [8, 8, 1], "dtype": "uint8", "nodata": None},
    "masks": {"shape": [3, 8, 8, 1], "dtype": "uint8", "nodata": None},
}


def dataset(target, mask=None):
    roles = {"input": "image", "target": target, "mask": mask}
    return {"name": "x", "fingerprint": "y", "fields": FIELDS, "roles": roles}


@pytest.mark.parametrize(
    ("target", "mask", "expected"),
    [
        ("stack", None, True), ("whole", None, False), ("floats", None, True), ("image", None, False),
        ("whole", "mask", False), ("whole", "masks", True),
    ],
)  # fmt: skip
def test_where_pixels_of_single_time_steps_can_be_missing(target, mask, expected):
    assert basis.by_time_step(dataset(target, mask)) is expected


@pytest.mark.parametrize(
    ("target", "scale", "outdated"),
    [("stack", {}, ("PSNR",)), ("stack", {"by_time_step": True}, ()), ("whole", {}, ()), ("image", {}, ())],
)
def test_former_scores_of_such_targets_are_of_another_definition(target, scale, outdated):
    scale = {"units": "1", "height": 8, "width": 8, "normalize": "unit", "data_range": 1.0, **scale}
    entry = {"scale": scale, "evaluated_on": dataset(target), "metrics": {"PSNR": 1, "HPSI": 2}}
    assert basis.of_entry(entry, "val").outdated == outdated


def test_scores_of_other_hidden_parts_are_not_compared():
    scale = {"units": "1", "height": 8, "width": 8, "normalize": "unit", "data_range": 1.0}
    hidden = {"positions": [[1]], "cloud_range": [0.01, 1.0], "masks": "synthetic"}
    bases = {}
    for name, occlusion in (("none", None), ("one", hidden), ("two", hidden | {"positions": [[2]]})):
        evaluated = dataset("image") | ({"occlusion": occlusion} if occlusion else {})
        bases[name] = basis.of_entry({"scale": scale, "evaluated_on": evaluated, "metrics": {}}, "val")
    assert len({each.key for each in bases.values()}) == 3
    (reason,) = bases["two"].differences(bases["one"]).values()
    now, was = reason.split(" instead of ")
    assert now.startswith("occlusion {") and '"positions": [[2]]' in now and '"positions": [[1]]' in was
    assert "other manifest" in bases["none"].differences(bases["one"])
