"""Convolutions with spectral normalisation, against NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers.spectral_normalization import SpectralConv2D

RANDOM = np.random.default_rng(0)


@pytest.fixture
def layer():
    keras.utils.set_random_seed(0)
    return SpectralConv2D(3, 2, 2)


def matrix_of(layer):
    return np.asarray(layer.kernel).transpose(3, 2, 0, 1).reshape(layer.filters, -1)


def normalized(vector):
    return vector / np.linalg.norm(vector)


def images(channels=4):
    return RANDOM.normal(size=(2, 6, 8, channels)).astype("float32")


def convolved(x, kernel, bias):
    return tf.nn.conv2d(x, kernel, 2, "VALID").numpy() + bias


def test_inference_uses_the_stored_vectors(layer):
    x = images()
    layer.build(x.shape)
    u, v, kernel = (np.asarray(each) for each in (layer.u, layer.v, layer.kernel))
    np.testing.assert_allclose([np.linalg.norm(u), np.linalg.norm(v)], 1, rtol=1e-5)
    expected = convolved(x, kernel / (u @ matrix_of(layer) @ v), np.asarray(layer.bias))
    np.testing.assert_allclose(layer(x, training=False), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_array_equal(layer.u, u)
    np.testing.assert_array_equal(layer.v, v)
    np.testing.assert_array_equal(layer.kernel, kernel)


def test_training_makes_one_power_iteration_first(layer):
    x = images()
    layer.build(x.shape)
    matrix, kernel = matrix_of(layer), np.asarray(layer.kernel)
    v = normalized(matrix.T @ np.asarray(layer.u))
    u = normalized(matrix @ v)
    expected = convolved(x, kernel / (u @ matrix @ v), np.asarray(layer.bias))
    np.testing.assert_allclose(layer(x, training=True), expected, atol=1e-4)
    np.testing.assert_allclose(layer.u, u, atol=1e-5)
    np.testing.assert_allclose(layer.v, v, atol=1e-5)
    np.testing.assert_array_equal(layer.kernel, kernel)


def test_the_estimate_converges_to_the_largest_singular_value(layer):
    x = images()
    for _ in range(200):
        layer(x, training=True)
    found = np.asarray(layer.u) @ matrix_of(layer) @ np.asarray(layer.v)
    np.testing.assert_allclose(found, np.linalg.svd(matrix_of(layer))[1][0], rtol=1e-4)


def test_the_gradient_passes_through_the_kernel_and_not_through_the_vectors(layer):
    """d(sum(W / sigma * g))/dW = g / sigma - sum(W g) / sigma^2 * u v'."""
    x = np.ones((1, 2, 2, 4), "float32")
    layer.build(x.shape)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(tf.constant(x), training=True))
    found = tape.gradient(total, layer.kernel.value).numpy().transpose(3, 2, 0, 1).reshape(3, -1)
    matrix, u, v = matrix_of(layer), np.asarray(layer.u), np.asarray(layer.v)
    sigma = u @ matrix @ v
    expected = 1 / sigma - matrix.sum() / sigma**2 * np.outer(u, v)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_kernels_and_vectors_of_half_precision_are_float32(policy):
    layer = SpectralConv2D(3, 2, dtype=policy)
    assert layer(images(), training=True).dtype == policy.removeprefix("mixed_")
    assert {weight.dtype for weight in layer.weights} == {"float32"}


def test_shape(layer):
    assert layer.compute_output_shape((None, 7, None, 4)) == (None, 3, None, 3)
    assert layer(np.ones((1, 7, 7, 4), "float32")).shape == (1, 3, 3, 3)
