"""Values of bands at pixels of targets and predictions."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.batches.dataset import Dataset
from pix2earth.figures.publication import band_values
from pix2earth.scoring.scorer import Scorer

BANDS = ["B04", "B03", "B02"]


@pytest.fixture
def scorer(open_tiny, tiny_root, monkeypatch):
    """``scorer(score_by)``: of the tiny dataset; its predictions are the target plus 0.1 in physical units."""

    def opened(score_by=None):
        experiment = open_tiny(tiny_root)
        experiment.manifest = experiment.manifest.model_copy(update={"mask": None, "score_by": score_by})
        made = Scorer(Dataset(experiment), type("GAN", (), {})(), tiny_root / "model.py", ["PSNR"], baseline=False)

        def forward(batch):
            from pix2earth.batches.preparation import prepare

            fields = prepare(batch, experiment)
            return fields, fields["target"] + tf.constant(0.2)  # the range 0 to 1 is -1 to 1 for a network

        monkeypatch.setattr(made, "forward", forward)
        return made

    return opened


def test_all_valid_pixels_have_a_row_in_the_order_of_the_bands(scorer, tiny_arrays):
    names = sorted(tiny_arrays["val"])[:2]
    tables = band_values.of_samples(scorer(), "val", names)
    assert list(tables) == ["target", "prediction"] and list(tables["target"]) == BANDS
    stored = np.concatenate([tiny_arrays["val"][name]["target"].reshape(-1, 3) for name in names]) * 1e-4
    np.testing.assert_allclose(tables["target"].to_numpy(), stored, atol=1e-6)
    np.testing.assert_allclose(tables["prediction"] - tables["target"], 0.1, atol=1e-5)


def test_hidden_and_clear_pixels_are_told_apart(scorer, tiny_arrays):
    names = sorted(tiny_arrays["val"])
    tables = band_values.of_samples(scorer("cloud_mask"), "val", names)
    assert list(tables) == ["target inside", "prediction inside", "target outside"]
    inside = np.concatenate([tiny_arrays["val"][name]["cloud_mask"].ravel() for name in names]) > 0
    stored = np.concatenate([tiny_arrays["val"][name]["target"].reshape(-1, 3) for name in names]) * 1e-4
    np.testing.assert_allclose(tables["target inside"].to_numpy(), stored[inside], atol=1e-6)
    np.testing.assert_allclose(tables["target outside"].to_numpy(), stored[~inside], atol=1e-6)


def test_of_many_pixels_some_are_drawn_the_same_at_each_call(scorer, tiny_arrays, monkeypatch):
    monkeypatch.setattr(band_values, "PIXELS", 1000)
    names = sorted(tiny_arrays["val"])
    first, again = (band_values.of_samples(scorer(), "val", names) for _ in range(2))
    assert 800 < len(first["target"]) < 1200 and len(first["prediction"]) == len(first["target"])
    assert first["target"].equals(again["target"])
