"""Padding by reflection, against NumPy."""

import numpy as np

from layers.reflection_padding import ReflectionPadding


def test_edges_are_not_repeated():
    x = np.random.default_rng(0).random((2, 5, 4, 3)).astype("float32")
    layer = ReflectionPadding(3)
    expected = np.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(layer(x), expected)
    assert layer.compute_output_shape(x.shape) == expected.shape
    assert layer.compute_output_shape((None, None, 4, 3)) == (None, None, 10, 3)
