"""Published weights go to the variables of their names, or nowhere."""

import keras
import numpy as np
import pytest
from scipy.signal import correlate2d

from layers.published_weights import assign, converted


def test_a_convolution_computes_the_published_one():
    random = np.random.default_rng(0)
    kernel, image = random.normal(size=(3, 2, 5, 3)).astype("float32"), random.normal(size=(9, 8, 2)).astype("float32")
    layer = keras.layers.Conv2D(3, (5, 3))
    layer.build((None, 9, 8, 2))
    assign({"c.weight": kernel, "c.bias": np.arange(3.0), "c.num_batches_tracked": np.array(1)},
           {"c.weight": layer.kernel, "c.bias": layer.bias})  # fmt: skip
    expected = [
        sum(correlate2d(image[..., band], kernel[number, band], "valid") for band in range(2)) + number
        for number in range(3)
    ]
    np.testing.assert_allclose(layer(image[None])[0], np.stack(expected, axis=-1), atol=1e-5)


def test_transposed_convolutions_and_matrices_have_the_shapes_of_keras():
    transposed = keras.layers.Conv2DTranspose(4, (3, 2))
    transposed.build((None, 5, 5, 6))
    assert converted(np.zeros((6, 4, 3, 2))).shape == transposed.kernel.shape
    dense = keras.layers.Dense(4)
    dense.build((None, 6))
    assert converted(np.zeros((4, 6))).shape == dense.kernel.shape


def test_all_that_does_not_fit_is_listed_and_nothing_is_assigned():
    layer = keras.layers.Conv2D(3, 3)
    layer.build((None, 9, 9, 2))
    before = layer.kernel.numpy()
    state = {"weight": np.ones((3, 2, 5, 5)), "other": np.zeros(1)}
    with pytest.raises(ValueError) as error:
        assign(state, {"weight": layer.kernel, "bias": layer.bias})
    assert str(error.value).splitlines() == [
        "other: the network has no such weight", "bias: is missing",
        "weight: is [5, 5, 2, 3], the network has [3, 3, 2, 3]",
    ]  # fmt: skip
    np.testing.assert_array_equal(layer.kernel.numpy(), before)
