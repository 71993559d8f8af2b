"""`models.layers`: names, shapes, weights and values of the helpers of the original ARISGAN code."""

import inspect
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import models.layers as layers
from pix2earth.plugins import state

SIGNATURES = {
    "conv": "kernel_size, filters, stride, batchnorm, lrelu, padding='same'",
    "deconv": "kernel_size, filters, stride, batchnorm, relu, dropout, activation=None",
    "lrelu": "", "sigmoid": "", "batchnorm": "",
    "dropout": "rate",
    "relu": "max_value=None",
    "prelu": "alpha_initializer=0.25",
    "pixelshuffler": "scale_factor",
    "multiply_lambda": "units", "multiply_layer": "units",
    "residual_block_srgan": "kernel_size=3, filters=64, stride=1",
    "residual_block_dsen2": "kernel_size=3, filters=64, stride=1",
    "dense_block": "input_tensor, layers=5, kernel_size=3, filters=32, stride=1",
    "experimental_dense_block": "input_tensor, layers=4, kernel_size=3, filters=32, stride=2",
    "sis2_dense_multireceptive_field_dmnet": "input_tensor, kernel_sizes, filters",
    "sis2_dense_multireceptive_field_srs3": "input_tensor, kernel_sizes, filters",
    "awrrdb_block": "input_tensor, tilesize, filters",
    "sis2_pix2pix": "input_tensor, pxshape, output_channels, kernel_size=4",
    "PReLU": "alpha_initializer, **", "PixelShuffler": "scale_factor, **",
}  # fmt: skip


def text_of(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_KEYWORD:
        return "**"
    return parameter.name if parameter.default is parameter.empty else f"{parameter.name}={parameter.default!r}"


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_the_original_ones(name):
    """Switches that were added follow the original parameters."""
    parameters = inspect.signature(getattr(layers, name)).parameters.values()
    assert ", ".join(text_of(one) for one in parameters if one.name not in ("correct", "learnt")) == SIGNATURES[name]


def test_module_level_names():
    assert layers.K is tf.keras.backend
    assert layers.List[int]


# ---- layers --------------------------------------------------------------------------------------------------------


def types(layer) -> list[str]:
    return [type(one).__name__ for one in getattr(layer, "layers", [layer])]


@pytest.mark.parametrize(
    ("flags", "layer_types"),
    [
        ({"batchnorm": False, "lrelu": False}, ["Conv2D"]),
        ({"lrelu": True, "batchnorm": False}, ["Conv2D", "LeakyReLU"]),
        ({"batchnorm": True, "lrelu": False}, ["Conv2D", "BatchNormalization"]),
        ({"batchnorm": True, "lrelu": True}, ["Conv2D", "BatchNormalization", "LeakyReLU"]),
    ],
)
def test_conv(flags, layer_types):
    block = layers.conv(5, 7, 2, **flags)
    assert types(block) == layer_types
    assert isinstance(block, keras.Sequential) == (len(layer_types) > 1)
    assert block(np.zeros((1, 8, 8, 3))).shape == (1, 4, 4, 7)
    assert block.weights[0].shape == (5, 5, 3, 7)


def test_conv_valid_has_no_bias_and_small_weights():
    layer = layers.conv(4, 64, 1, True, True, padding="valid")
    assert layer(np.zeros((1, 8, 8, 64))).shape == (1, 5, 5, 64)
    convolution, normalization, leaky = layer.layers
    assert not convolution.use_bias
    assert np.std(convolution.kernel) == pytest.approx(0.02, rel=0.02)
    assert (normalization.momentum, normalization.epsilon, leaky.negative_slope) == (0.99, 1e-3, 0.3)


@pytest.mark.parametrize(
    ("flags", "layer_types"),
    [
        ((False, False, None), ["Conv2DTranspose"]),
        ((False, False, 0.0), ["Conv2DTranspose", "Dropout"]),
        ((True, True, 0.5), ["Conv2DTranspose", "BatchNormalization", "Dropout", "ReLU"]),
        ((False, True, None), ["Conv2DTranspose", "ReLU"]),
    ],
)
def test_deconv(flags, layer_types):
    block = layers.deconv(4, 7, 2, *flags)
    assert types(block) == layer_types
    assert block(np.zeros((1, 8, 8, 3))).shape == (1, 16, 16, 7)


def test_deconv_applies_its_own_activation_first():
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 3)).astype("float32")
    layer = layers.deconv(1, 2, 1, False, False, None, activation="tanh")
    output = layer(x)
    np.testing.assert_allclose(output, np.tanh(x @ np.asarray(layer.kernel)[0, 0].T), atol=1e-6)


def test_single_layers():
    x = np.array([[-4.0, 0.0, 9.0]], "float32")
    np.testing.assert_allclose(layers.lrelu()(x), [[-1.2, 0, 9]], rtol=1e-6)
    np.testing.assert_allclose(layers.sigmoid()(x), 1 / (1 + np.exp(-x)), rtol=1e-5)
    np.testing.assert_allclose(layers.relu()(x), [[0, 0, 9]])
    np.testing.assert_allclose(layers.relu(6)(x), [[0, 0, 6]])
    np.testing.assert_allclose(layers.batchnorm()(x), x / np.sqrt(1.001), rtol=1e-6)
    np.testing.assert_allclose(layers.multiply_layer(3)([x, x]), x * x)
    assert layers.dropout(0.4).rate == 0.4


def test_prelu_has_one_slope_for_each_channel():
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    layer = layers.prelu()
    np.testing.assert_allclose(layer(x), np.where(x > 0, x, 0.25 * x), rtol=1e-6)
    assert layer.alpha.shape == (3,)
    layer.alpha.assign([0.0, -1.0, 2.0])
    np.testing.assert_allclose(layer(x), np.where(x > 0, x, x * np.array([0, -1, 2])), rtol=1e-5)


# ---- the two errors of the original code and their switches ---------------------------------------------------------


def original_shuffle(x: np.ndarray, ratio: int) -> np.ndarray:
    """The permutation of the original code, value by value: (B, H, W, r, r, C) as (B, H, W, C, r, r)."""
    batch, height, width, channels = x.shape
    inner = channels // ratio**2
    flat = [
        x[b, row, column, (i * ratio + j) * inner + k]
        for b in range(batch)
        for row in range(height)
        for column in range(width)
        for k in range(inner)
        for i in range(ratio)
        for j in range(ratio)
    ]
    return np.array(flat).reshape(batch, height * ratio, width * ratio, inner)


@pytest.mark.parametrize(("ratio", "inner"), [(2, 1), (2, 3), (3, 2)])
def test_pixelshuffler_puts_pixels_in_the_wrong_places_as_the_original(ratio, inner):
    x = np.arange(2 * 4 * 3 * ratio**2 * inner).reshape(2, 4, 3, -1)
    output = layers.pixelshuffler(ratio)(x)
    assert output.dtype == "float32"
    np.testing.assert_array_equal(output, original_shuffle(x, ratio))
    assert not np.array_equal(output, tf.nn.depth_to_space(x, ratio))


@pytest.mark.parametrize("ratio", [2, 3])
def test_pixelshuffler_with_its_switch_is_depth_to_space(ratio):
    x = np.arange(2 * 4 * 3 * ratio**2 * 2).reshape(2, 4, 3, -1).astype("float32")
    np.testing.assert_array_equal(layers.pixelshuffler(ratio, correct=True)(x), tf.nn.depth_to_space(x, ratio))


def test_multiply_lambda_has_new_random_factors_at_every_call():
    layer, ones = layers.multiply_lambda(500), np.ones((2, 3, 3, 500), "float32")
    for training in (False, True):
        first, second = (np.asarray(layer(ones, training=training)) for _ in range(2))
        assert (first == first[:1, :1, :1]).all()
        assert (first != second).all()
        assert np.mean(first[0, 0, 0]) == pytest.approx(0, abs=0.3)
        assert np.std(first[0, 0, 0]) == pytest.approx(1, abs=0.25)
    assert layer.weights == []


def test_checkpoints_include_the_state_of_the_random_factors_of_multiply_lambda():
    image = keras.Input((4, 4, 3))
    gan = SimpleNamespace(generator=keras.Model(image, keras.Sequential([layers.multiply_lambda(3)])(image)))
    saved = {key: np.asarray(value) for key, value in state.variables(gan).items()}
    ones = np.ones((1, 4, 4, 3), "float32")
    with state.kept(gan):
        gan.generator(ones)
    first = np.asarray(gan.generator(ones, training=True))
    for key, variable in state.variables(gan).items():
        variable.assign(saved[key])
    np.testing.assert_array_equal(gan.generator(ones, training=True), first)
    assert any(key.startswith("generator/") for key in saved)


def test_multiply_lambda_with_its_switch_learns():
    layer, x = layers.multiply_lambda(3, learnt=True), np.full((1, 2, 2, 3), 2.0, "float32")
    np.testing.assert_array_equal(layer(x), x)
    layer.factor.assign([0.0, 1.0, 2.0])
    np.testing.assert_array_equal(layer(x)[0, 0, 0], [0, 2, 4])
    assert [weight.shape for weight in layer.trainable_weights] == [(3,)]


# ---- blocks --------------------------------------------------------------------------------------------------------


def weights_of(channels: int, build, size: int = 8) -> tuple[keras.Model, int]:
    image = keras.Input((size, size, channels))
    model = keras.Model(image, build(image))
    return model, model.count_params()


def test_residual_blocks_leave_the_addition_to_the_caller():
    srgan, dsen2 = layers.residual_block_srgan(), layers.residual_block_dsen2(filters=5)
    assert srgan(np.zeros((1, 8, 8, 64))).shape == (1, 8, 8, 64)
    assert dsen2(np.ones((1, 8, 8, 5))).shape == (1, 8, 8, 5)
    assert srgan.count_params() == 2 * 9 * 64 * 64 + 2 * 4 * 64 + 64
    assert dsen2.count_params() == 3 * 9 * 5 * 5 + 4 * 5


@pytest.mark.parametrize("channels", [3, 21, 192])
def test_dense_block_weights(channels):
    model, count = weights_of(channels, layers.dense_block)
    assert count == 288 * (5 * channels + 320)
    assert model.output_shape == (None, 8, 8, 32)


@pytest.mark.parametrize(("depth", "input_channels"), [(1, [4, 6]), (2, [4, 6]), (3, [4, 6, 8])])
def test_dense_block_has_at_least_two_convolutions(depth, input_channels):
    _, count = weights_of(4, lambda x: layers.dense_block(x, layers=depth, kernel_size=1, filters=2))
    assert count == 2 * sum(input_channels)


def test_dense_block_values():
    """With kernels of 1, 2, 3, ..., each output is a weighted sum of the inputs."""
    model, _ = weights_of(1, lambda x: layers.dense_block(x, layers=3, kernel_size=1, filters=1))
    for weight in model.weights:
        weight.assign(np.arange(1.0, 1 + weight.shape[2]).reshape(weight.shape))
    c1 = 1.0
    c2 = c1 + 2 * 1
    expected = c2 + 2 * 1 + 3 * c1  # of [c2, input, c1]
    np.testing.assert_allclose(model(np.ones((1, 8, 8, 1))), expected)


def test_experimental_dense_block_weights():
    model, count = weights_of(3, lambda x: layers.experimental_dense_block(x, filters=2))
    downs, joined, last = [3, 2 + 3, 2 + 3 + 2], [2, 4, 6], 2 + 3 + 2 + 2
    assert count == 9 * 2 * (sum(downs) + sum(joined) + last)
    assert model.output_shape == (None, 8, 8, 2)


def test_multireceptive_fields_are_parallel_and_serial():
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype("float32")
    parallel, count = weights_of(3, lambda x: layers.sis2_dense_multireceptive_field_dmnet(x, [1, 3], 4))
    assert count == 3 * 4 + 9 * 3 * 4
    serial, count = weights_of(3, lambda x: layers.sis2_dense_multireceptive_field_srs3(x, [1, 3], 4))
    assert count == 3 * 4 + 9 * 4 * 4
    for model in (parallel, serial):
        first = np.maximum(x @ np.asarray(model.weights[0])[0, 0], 0)
        second_input = x if model is parallel else first
        second = tf.nn.relu(tf.nn.conv2d(second_input, tf.convert_to_tensor(model.weights[1]), 1, "SAME"))
        np.testing.assert_allclose(model(x), np.concatenate([first, second], -1), atol=1e-6)


@pytest.mark.parametrize(("filters", "learnt"), [(32, False), (6, False), (32, True)])
def test_awrrdb_block(filters, learnt):
    model, count = weights_of(filters, lambda x: layers.awrrdb_block(x, 8, filters, learnt=learnt))
    dense = 9 * filters * (5 * filters + 10 * filters)
    assert count == 3 * dense + learnt * 11 * filters
    assert types(model).count("Factor") == 11 and types(model).count("GaussianNoise") == 3
    x = np.ones((1, 8, 8, filters), "float32")
    assert np.array_equal(model(x), model(x)) == learnt


@pytest.mark.parametrize(
    ("size", "channels", "count"), [(256, 21, 54_444_288), (256, 3, 54_425_856), (64, 21, 52_559_872)]
)
def test_sis2_pix2pix_weights(size, channels, count, monkeypatch):
    monkeypatch.setattr(layers, "_weights", keras.initializers.Zeros)  # only their number is of interest
    model, number = weights_of(channels, lambda x: layers.sis2_pix2pix(x, size, 3), size)
    assert number == count
    assert model.output_shape == (None, size, size, 3)


def test_sis2_pix2pix_ends_in_tanh_and_takes_other_kernels():
    model, count = weights_of(4, lambda x: layers.sis2_pix2pix(x, 32, 6, kernel_size=1), 32)
    encoder, decoder = 4 * 512 + 4 * 512**2, 512**2 + 3 * 1024 * 512 + 1024 * 6
    assert count == encoder + decoder + 4 * 512 * (5 + 4)
    assert np.abs(model(np.full((1, 32, 32, 4), 1e3))).max() <= 1
    assert sum(layer.rate == 0.5 for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dropout)) == 3


def test_a_network_of_helpers_is_saved_and_loaded(tmp_path):
    def build(x):
        x = layers.awrrdb_block(layers.conv(3, 8, 1, False, True)(x), 8, 8, learnt=True)
        return layers.prelu()(layers.pixelshuffler(2, correct=True)(x))

    model, _ = weights_of(3, build)
    model.save(tmp_path / "model.keras")
    x = np.ones((1, 8, 8, 3), "float32")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(x), model(x))
