"""Batch normalisation with unbiased running variances, against NumPy, in all precisions."""

import numpy as np
import pytest

from layers.batch_norm import UnbiasedBatchNorm

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(3, 4, 5, 2), (6, 7, 2), (4, 2)])
def test_training_and_inference(shape):
    layer, x = UnbiasedBatchNorm(momentum=0.7, epsilon=1e-3), RANDOM.normal(2, 3, shape).astype("float32")
    layer.build(shape)
    layer.gamma.assign([2.0, 3.0])
    layer.beta.assign([-1.0, 0.5])
    axes = tuple(range(len(shape) - 1))
    mean, variance, unbiased = x.mean(axes), x.var(axes), x.var(axes, ddof=1)
    expected = (x - mean) / np.sqrt(variance + 1e-3) * [2.0, 3.0] + [-1.0, 0.5]
    np.testing.assert_allclose(layer(x, training=True), expected, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.3 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.7 + 0.3 * unbiased, rtol=1e-5)
    kept = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
    expected = (x - kept[0]) / np.sqrt(kept[1] + 1e-3) * [2.0, 3.0] + [-1.0, 0.5]
    np.testing.assert_allclose(layer(x, training=False), expected, atol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean, kept[0])


def test_a_batch_of_one_pixel_does_not_make_statistics_infinite():
    layer = UnbiasedBatchNorm()
    layer(np.ones((1, 1, 1, 3), "float32"), training=True)
    assert np.isfinite(layer.moving_variance).all()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_statistics_of_half_precision_are_float32(policy):
    layer, x = UnbiasedBatchNorm(dtype=policy), RANDOM.normal(100, 1, (4, 8, 8, 2)).astype("float32")
    assert layer(x, training=True).dtype == policy.removeprefix("mixed_")
    assert layer.moving_mean.dtype == "float32"
