"""Samples in physical units, with their times of acquisition."""

import numpy as np
import pytest

from pix2earth.baselines.samples import PhysicalDataset
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter

IMAGE = Field(dtype="uint16", shape=[4, 4, 1], bands=["x"])
SERIES = Field(dtype="uint16", shape=[2, 4, 4, 1], bands=["x"])
BY_FIELD = {"input_image": ["2023-07-01", "2023-07-03"], "target": ["2023-07-09"]}


@pytest.mark.parametrize("acquired", [BY_FIELD, ["2023-07-09", "2023-07-01", "2023-07-03"]])
def test_the_time_of_the_target_comes_first(tmp_path, acquired):
    fields = {"input_image": SERIES, "target": IMAGE}
    manifest = Manifest(name="made", tilesize=4, fields=fields, split=Split(method="by hand"))
    with DatasetWriter(tmp_path, manifest) as writer:
        arrays = {name: np.ones(field.shape, np.uint16) for name, field in fields.items()}
        writer.write("test", "a", arrays, acquired=acquired)
    (sample,) = PhysicalDataset(str(tmp_path / "made")).samples("test")
    assert [time.day for time in sample.acquired] == [9, 1, 3]
