"""The pixel shuffle, compared with depth to space of TensorFlow, and the inverse of nearest-neighbour upsampling."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers.pixel_shuffle import Decimate, PixelShuffle


@pytest.mark.parametrize("ratio", [2, 3])
def test_equals_depth_to_space(ratio):
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 3 * ratio**2)).astype("float32")
    np.testing.assert_array_equal(PixelShuffle(ratio)(x), tf.nn.depth_to_space(x, ratio))


def test_any_size():
    """Height and width may be unknown when the network is built."""
    image = keras.Input((None, None, 8))
    network = keras.Model(image, PixelShuffle(2)(image))
    assert network.output_shape == (None, None, None, 2)
    step = tf.function(network, input_signature=[tf.TensorSpec((None, None, None, 8))])
    assert step(tf.zeros((1, 3, 5, 8))).shape == (1, 6, 10, 2)


def test_a_wrong_number_of_channels_is_an_error():
    with pytest.raises(ValueError, match="takes a multiple of 9 channels, not 8"):
        PixelShuffle(3)(np.zeros((1, 2, 2, 8), "float32"))


@pytest.mark.parametrize("ratio", [2, 3, 4])
def test_decimation_is_the_exact_inverse_of_nearest_upsampling(ratio):
    coarse = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype("float32")
    fine = coarse.repeat(ratio, axis=1).repeat(ratio, axis=2)
    np.testing.assert_array_equal(Decimate(ratio)(fine), coarse)


def test_saved_and_loaded(tmp_path):
    image = keras.Input((12, 12, 4))
    network = keras.Model(image, PixelShuffle(2)(Decimate(3)(image)))
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    x = np.random.default_rng(0).normal(size=(1, 12, 12, 4)).astype("float32")
    np.testing.assert_array_equal(loaded(x), network(x))
