"""Regions: dates are scored one by one, and NumPy agrees."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.scoring import regions

RANDOM = np.random.default_rng(3)


def test_folded_and_unfolded_dates_are_the_same():
    stack = RANDOM.random((2, 3, 4, 5, 6)).astype("float32")
    folded = stack.transpose(0, 2, 3, 1, 4).reshape(2, 4, 5, 18)
    expected = stack.reshape(6, 4, 5, 6)
    np.testing.assert_array_equal(regions.by_date(tf.constant(stack), 3), expected)
    np.testing.assert_array_equal(regions.by_date(tf.constant(folded), 3), expected)


def test_one_date_stays():
    image = RANDOM.random((2, 4, 5, 6)).astype("float32")
    np.testing.assert_array_equal(regions.by_date(tf.constant(image), None), image)


def test_masks_are_complements_within_what_counts():
    mask = RANDOM.integers(0, 2, (2, 3, 4, 5, 1)).astype("float32")
    valid = RANDOM.integers(0, 2, (2, 4, 5)).astype(bool)
    made = regions.masks(tf.constant(mask), 3, tf.constant(valid))
    everywhere = valid.repeat(3, axis=0)
    inside = mask.reshape(6, 4, 5) > 0
    np.testing.assert_array_equal(made["inside"], inside & everywhere)
    np.testing.assert_array_equal(made["outside"], ~inside & everywhere)


def test_mean_leaves_out_dates_without_a_score():
    scores = tf.constant([1.0, float("nan"), 4.0, float("nan"), float("inf"), float("nan")])
    made = regions.mean_over_dates(scores, 3).numpy()
    assert made[0] == 2.5 and np.isnan(made[1])


@pytest.mark.parametrize("fold", [False, True])
def test_scores_by_region(fold, manifest_of, dataset_of, namespace, tmp_path):
    """MAE inside and outside of the gaps of every date, as NumPy has it; columns beside those of the whole."""
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
    arrays["gap"][1] = 0  # a date without gaps has no score inside
    manifest = manifest_of(stack, stack, {"gap": gap}, score_by="gap")
    dataset = dataset_of(manifest, {"tile": arrays}, fold_dates=fold, normalize="none")
    gan = namespace(generator=lambda image, training: image)
    scorer = Scorer(dataset, gan, tmp_path / "mine.py", ["MAE"])
    assert scorer.columns == ["MAE", "MAE.inside", "MAE.outside"]
    (row,) = scorer.rows("val", ["tile"])
    error = np.abs(arrays["input_image"] * 1e-4 - arrays["target"] * 1e-4)
    inside = arrays["gap"][..., 0] > 0
    assert row["MAE"] == pytest.approx(error.mean(), rel=1e-5)
    assert row["MAE.inside"] == pytest.approx(np.mean([error[date][inside[date]].mean() for date in (0, 2)]), rel=1e-5)
    outside = np.mean([error[date][~inside[date]].mean() for date in range(3)])
    assert row["MAE.outside"] == pytest.approx(outside, rel=1e-5)
    assert Scorer(dataset, gan, tmp_path / "mine.py", ["MAE"], regions=False).columns == ["MAE"]
