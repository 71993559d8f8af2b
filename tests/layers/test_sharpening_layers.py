"""Bicubic upsampling is TensorFlow's, and the averages of a consistent image are what was measured."""

import numpy as np
import pytest
import tensorflow as tf

from layers.consistency import AverageConsistency
from layers.weighted_upsampling import Bicubic

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("ratio", [2, 3, 5, 12])
@pytest.mark.parametrize("size", [(8, 8), (6, 11)])
def test_bicubic_is_that_of_tensorflow(ratio, size):
    image = RANDOM.uniform(-1, 1, (2, *size, 3)).astype("float32")
    fine = tuple(side * ratio for side in size)
    expected = tf.image.resize(image, fine, method="bicubic")
    layer = Bicubic(ratio)
    np.testing.assert_allclose(layer(image), expected, atol=5e-3)  # TensorFlow tabulates the kernel at 1024 places
    np.testing.assert_allclose(Bicubic(ratio, tabulated=True)(image), expected, atol=1e-6)
    assert layer.compute_output_shape(image.shape) == tuple(expected.shape)


def test_xla_compiles_bicubic_and_it_computes_the_same():
    image = tf.constant(RANDOM.uniform(-1, 1, (1, 8, 8, 2)), tf.float32)
    layer = Bicubic(2)
    np.testing.assert_allclose(tf.function(layer, jit_compile=True)(image), layer(image), atol=1e-6)


@pytest.mark.parametrize("ratio", [2, 3])
def test_averages_of_a_consistent_image_are_the_coarse_pixels(ratio):
    coarse = RANDOM.uniform(-1, 1, (2, 5, 4, 3)).astype("float32")
    fine = RANDOM.uniform(-1, 1, (2, 5 * ratio, 4 * ratio, 3)).astype("float32")
    layer = AverageConsistency(ratio)
    result = np.asarray(layer([fine, coarse]))
    blocks = result.reshape(2, 5, ratio, 4, ratio, 3)
    np.testing.assert_allclose(blocks.mean((2, 4)), coarse, atol=1e-6)
    # Differences within a block are those of the fine image: detail is kept.
    given = fine.reshape(blocks.shape)
    np.testing.assert_allclose(blocks - blocks.mean((2, 4), keepdims=True), given - given.mean((2, 4), keepdims=True),
                               atol=1e-6)  # fmt: skip
    np.testing.assert_allclose(layer([result, coarse]), result, atol=1e-6)


@pytest.mark.parametrize("layer", [Bicubic(3, tabulated=True, name="up"), AverageConsistency(2, dtype="float32")])
def test_layers_are_made_again_from_their_configuration(layer):
    again = type(layer).from_config(layer.get_config())
    assert again.ratio == layer.ratio and getattr(again, "tabulated", None) == getattr(layer, "tabulated", None)
