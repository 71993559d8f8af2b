"""The table of a network beside all baselines: numbers of NumPy, over the valid pixels of the scored split."""

from pathlib import Path

import numpy as np
import pytest

from pix2earth.baselines.upsampling import bicubic_image
from pix2earth.records.manifest import Field
from pix2earth.records.overrides.occlusion import with_occlusion
from pix2earth.scoring import beside_baselines
from pix2earth.settings.errors import UserError
from pix2earth.settings.occlusion import Occlusion
from tests.pix2earth.scoring.test_scorer import (
    CLEAR,
    SCALE,
    SOURCE,
    TARGET,
    expected_prediction,
    gan,
    physical,
    samples,
    scorer_of,
)

__all__ = ["gan", "scorer_of"]


def test_errors_of_bands_are_pooled_over_all_valid_pixels(scorer_of):
    data = samples(3, ("input_image", SOURCE), ("target", TARGET), ("clear", CLEAR))
    data["tile01"]["target"][2:5, 3] = 0  # nodata
    scorer = scorer_of(data, ["PSNR"], fields={"clear": CLEAR}, mask="clear")
    rows = beside_baselines.table(scorer, "val").set_index("prediction")
    assert list(rows.index) == ["bicubic", "small"]
    errors = {"bicubic": [], "small": []}
    for fields in data.values():
        valid = (fields["target"] > 0).all(-1) & (fields["clear"][..., 0] > 0)
        coarse = physical(fields["input_image"]).astype(np.float32)[..., [2, 1, 0]]
        predictions = {
            "bicubic": bicubic_image(coarse, 2),
            "small": expected_prediction(fields["input_image"], "symmetric"),
        }
        for name, prediction in predictions.items():
            errors[name].append((prediction - physical(fields["target"]))[valid])
    for name, parts in errors.items():
        expected = np.sqrt(np.mean(np.concatenate(parts) ** 2, axis=0)) / SCALE
        np.testing.assert_allclose(
            rows.loc[name, ["RMSE B04", "RMSE B03", "RMSE B02"]].astype(float), expected, rtol=1e-5
        )
    evaluated = list(scorer.rows("val", list(data)))
    assert rows["PSNR"]["small"] == pytest.approx(np.mean([row["PSNR"] for row in evaluated]), rel=1e-6)
    assert rows["PSNR"]["bicubic"] == pytest.approx(np.mean([row["PSNR_bicubic"] for row in evaluated]), rel=1e-5)


@pytest.mark.parametrize("settings", [{"normalize": "l2"}, {"img_height": 48, "img_width": 48}])
def test_what_is_no_image_in_physical_units_is_refused(scorer_of, settings):
    scorer = scorer_of(samples(1, ("input_image", SOURCE), ("target", TARGET)), ["PSNR"], **settings)
    with pytest.raises(UserError, match="--baselines: compares images in physical units"):
        beside_baselines.table(scorer, "val")


def test_an_input_that_is_made_is_refused(scorer_of):
    data, occlusion = (
        samples(1, ("input_image", SOURCE), ("target", TARGET)),
        {"positions": [[1]], "masks": "synthetic"},
    )
    scorer = scorer_of(data, ["PSNR"])
    manifest = with_occlusion(scorer.experiment.manifest, Occlusion(**occlusion), Path("x"), Path("y"), 24)
    scorer.experiment.manifest = manifest
    with pytest.raises(UserError, match=r"--baselines: read the input that records hold, and .* makes it by occlusion"):
        beside_baselines.table(scorer, "val")


def test_values_that_are_no_integers_are_in_physical_units(scorer_of):
    source = Field(dtype="float32", shape=[12, 12, 3], bands=["a", "b", "c"], gsd=2.0)
    target = Field(dtype="float32", shape=[24, 24, 3], bands=["a", "b", "c"], gsd=1.0)
    random = np.random.default_rng(0)
    fields = {"input_image": source, "target": target}
    data = {"tile": {name: random.random(field.shape).astype(np.float32) for name, field in fields.items()}}
    scorer = scorer_of(data, ["PSNR"], source=source, target=target, normalize="none")
    rows = beside_baselines.table(scorer, "val").set_index("prediction")
    error = bicubic_image(data["tile"]["input_image"], 2) - data["tile"]["target"]
    assert rows["RMSE b"]["bicubic"] == pytest.approx(np.sqrt(np.mean(error[..., 1] ** 2)), rel=1e-5)
