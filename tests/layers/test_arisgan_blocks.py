"""Dense blocks, gates, pixel shuffles and strided discriminators: shapes, parameters and values as published."""

import keras
import numpy as np
import pytest

from layers.dense_block import dense_block, strided_dense_block
from layers.gates import Gate, RandomGate
from layers.multireceptive import multireceptive
from layers.pixel_shuffle import ScatteringShuffle
from layers.residual import prelu
from layers.strided_discriminator import pairs, strided_discriminator, ten_probabilities


def image(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize("channels", [3, 32, 192])
def test_dense_block_has_the_published_parameters(channels):
    x = keras.Input((8, 8, channels))
    network = keras.Model(x, dense_block(x))
    assert network.count_params() == 288 * (5 * channels + 320)
    assert network.output_shape == (None, 8, 8, 32)


def test_every_convolution_of_a_dense_block_gets_the_features_of_all_before_it():
    x = keras.Input((8, 8, 3))
    channels = [layer.input.shape[-1] for layer in keras.Model(x, dense_block(x)).layers
                if hasattr(layer, "kernel_size") or isinstance(layer, keras.Sequential)]  # fmt: skip
    assert channels == [3, 35, 67, 99, 131]


def test_strided_dense_block_keeps_the_size():
    x = keras.Input((8, 12, 3))
    assert strided_dense_block(x, stride=4).shape == (None, 8, 12, 32)


def test_multireceptive_field_concatenates_its_convolutions():
    x = keras.Input((16, 16, 2))
    network = keras.Model(x, multireceptive(x, (3, 5), filters=4))
    assert network.count_params() == (9 + 25) * 2 * 4
    values = np.asarray(network(image(1, 16, 16, 2)))
    kernels = [layer for layer in network.layers if hasattr(layer, "kernel_size")]
    for kernel, part in zip(kernels, np.split(values, 2, axis=-1), strict=True):
        np.testing.assert_array_equal(part, np.maximum(kernel(image(1, 16, 16, 2)), 0))


def test_gate_has_its_initial_factor_and_one_weight_for_each_channel():
    gate = Gate(0.2)
    x = image(2, 4, 4, 3)
    np.testing.assert_allclose(gate(x), 0.2 * x, rtol=1e-6)
    gate.set_weights([np.array([1.0, 0.0, -2.0], "float32")])
    np.testing.assert_allclose(gate(x), x * [1, 0, -2], rtol=1e-6)
    assert Gate.from_config(gate.get_config()).initial == 0.2


def test_random_gate_has_one_random_factor_for_each_channel_and_call():
    gate = RandomGate(seed=1)
    ones = np.ones((2, 4, 4, 1000), "float32")
    first, second = np.asarray(gate(ones)), np.asarray(gate(ones))
    assert (first == first[:1, :1, :1]).all()
    assert (first != second).mean() > 0.99
    assert first[0, 0, 0].mean() == pytest.approx(0, abs=0.1)
    assert first[0, 0, 0].std() == pytest.approx(1, abs=0.1)
    assert not gate.trainable_weights
    # Its state is a variable, so that checkpoints include it.
    assert [tuple(variable.shape) for variable in gate.variables] == [(2,)]


def test_scattering_shuffle_is_the_published_permutation():
    """Reshape to (B, H, W, r, r, C), transpose to (B, H, W, C, r, r), reshape to (B, H r, W r, C)."""
    x = np.arange(2 * 3 * 4 * 8, dtype="float32").reshape(2, 3, 4, 8)
    published = x.reshape(2, 3, 4, 2, 2, 2).transpose(0, 1, 2, 5, 3, 4).reshape(2, 6, 8, 2)
    np.testing.assert_array_equal(ScatteringShuffle(2)(x), published)


def test_prelu_has_one_slope_for_each_channel():
    layer = prelu()
    x = image(1, 4, 4, 3)
    np.testing.assert_allclose(layer(x), np.where(x > 0, x, 0.25 * x), rtol=1e-6)
    assert layer.count_params() == 3


def test_strided_discriminator_takes_any_size():
    network = strided_discriminator(2, 3, pairs(4, 8), ten_probabilities)
    probabilities = np.asarray(network([image(1, 20, 12, 2), image(1, 20, 12, 3)]))
    assert probabilities.shape == (1, 5, 3, 10)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    kinds = [[type(layer).__name__ for layer in block.layers] for block in network.layers
             if isinstance(block, keras.Sequential)]  # fmt: skip
    assert kinds == [["Conv2D", "LeakyReLU"]] + [["Conv2D", "BatchNormalization", "LeakyReLU"]] * 3
