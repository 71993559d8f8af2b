"""Scores by region: time steps are scored separately, with the values that NumPy computes."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.scoring import regions

RANDOM = np.random.default_rng(3)


def test_masks_are_complements_within_the_valid_pixels():
    mask = RANDOM.integers(0, 2, (2, 3, 4, 5, 1)).astype("float32")
    valid = RANDOM.integers(0, 2, (2, 4, 5)).astype(bool)
    masks = regions.masks(tf.constant(mask), 3, regions.by_time_step(tf.constant(valid), 3))
    valid = valid.repeat(3, axis=0)
    inside = mask.reshape(6, 4, 5) > 0
    np.testing.assert_array_equal(masks["inside"], inside & valid)
    np.testing.assert_array_equal(masks["outside"], ~inside & valid)


def test_the_mean_ignores_time_steps_without_a_score():
    scores = tf.constant([1.0, float("nan"), 4.0, float("nan"), float("inf"), float("nan")])
    means = regions.mean_over_time_steps(scores, 3).numpy()
    assert means[0] == 2.5 and np.isnan(means[1])


@pytest.mark.parametrize("fold", [False, True])
def test_scores_by_region(fold, manifest_of, dataset_of, namespace, tmp_path):
    """MAE inside and outside of the gaps of every time step equals NumPy's; the MAE of the whole image too."""
    from pix2earth.records.manifest import Field
    from pix2earth.scoring.scorer import Scorer

    bands = {"bands": ["B02", "B03"], "scale": 1e-4, "valid_range": (0.0, 1.0)}
    stack = Field(dtype="uint16", shape=[3, 8, 8, 2], **bands)
    gap = Field(dtype="uint8", shape=[3, 8, 8, 1], kind="mask", bands=["gap"])
    arrays = {
        "input_image": RANDOM.integers(1, 10000, stack.shape, "uint16"),
        "target": RANDOM.integers(1, 10000, stack.shape, "uint16"),
        "gap": RANDOM.integers(0, 2, gap.shape, "uint8"),
    }
    arrays["gap"][1] = 0  # a time step without gaps has no score inside
    manifest = manifest_of(stack, stack, {"gap": gap}, score_by="gap")
    dataset = dataset_of(manifest, {"tile": arrays}, fold_dates=fold, normalize="none")
    gan = namespace(generator=lambda image, training: image)
    scorer = Scorer(dataset, gan, tmp_path / "mine.py", ["MAE"])
    assert scorer.columns == ["MAE", "MAE.inside", "MAE.outside"]
    (row,) = scorer.rows("val", ["tile"])
    error = np.abs(arrays["input_image"] * 1e-4 - arrays["target"] * 1e-4)
    inside = arrays["gap"][..., 0] > 0
    assert row["MAE"] == pytest.approx(error.mean(), rel=1e-5)
    assert row["MAE.inside"] == pytest.approx(np.mean([error[step][inside[step]].mean() for step in (0, 2)]), rel=1e-5)
    outside = np.mean([error[step][~inside[step]].mean() for step in range(3)])
    assert row["MAE.outside"] == pytest.approx(outside, rel=1e-5)
    assert Scorer(dataset, gan, tmp_path / "mine.py", ["MAE"], regions=False).columns == ["MAE"]
