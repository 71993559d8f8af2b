"""Multiply-adds of networks against calculations by hand, forward and backward."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from benchmarks.multiply_adds import Counted, forward_and_backward, traced
from benchmarks.published import LAPTOP, PUBLISHED


def test_network_by_hand():
    """The gradient of a layer has as many multiply-adds as the layer for its kernel, and again for its input."""
    image = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, padding="same")(image)
    x = layers.Conv2D(6, 4, 2, padding="same", use_bias=False)(keras.ops.relu(x))
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Conv2DTranspose(5, 2, 2)(x)
    x = layers.Dense(7)(layers.Flatten()(x))
    first, second, third = 8 * 8 * 4 * (3 * 3 * 2), 4 * 4 * 6 * (4 * 4 * 4), 4 * 4 * 6 * (3 * 3)
    fourth, fifth = 4 * 4 * 6 * (2 * 2 * 5), 8 * 8 * 5 * 7
    forward, backward = forward_and_backward(keras.Model(image, x))
    assert forward == first + second + third + fourth + fifth
    # The image needs no gradient.
    assert backward == first + 2 * (second + third + fourth + fifth)


def test_dilated_and_grouped_convolutions():
    image = keras.Input((16, 16, 4))
    dilated = layers.Conv2D(3, 3, padding="same", dilation_rate=2)(image)
    assert forward_and_backward(keras.Model(image, dilated)) == (16 * 16 * 3 * 9 * 4, 16 * 16 * 3 * 9 * 4)


def test_size_of_a_network_without_one():
    image = keras.Input((None, None, 3))
    network = keras.Model(image, layers.Conv2D(2, 1)(image))
    assert forward_and_backward(network, side=5) == (5 * 5 * 2 * 3, 5 * 5 * 2 * 3)


def test_products_of_matrices():
    left, right = tf.TensorSpec((2, 3, 4)), tf.TensorSpec((2, 5, 4))
    assert sum(traced(lambda a, b: tf.matmul(a, b, transpose_b=True), left, right).values()) == 2 * 3 * 5 * 4
    assert sum(traced(lambda a, b: tf.matmul(a, b, transpose_a=True), left, left).values()) == 2 * 4 * 4 * 3
    assert sum(traced(lambda a, b: tf.einsum("bij,bkj->bik", a, b), left, right).values()) == 2 * 3 * 5 * 4


def test_what_nothing_needs_does_not_count():
    def function(a, b):
        tf.matmul(a, b)
        return tf.matmul(a, a)

    square = tf.TensorSpec((4, 4))
    assert sum(traced(function, square, square).values()) == 4**3


def test_called_functions_count_at_each_call():
    @tf.function
    def product(a):
        return tf.matmul(a, a)

    assert sum(traced(lambda a: product(product(a)), tf.TensorSpec((4, 4))).values()) == 2 * 4**3


def test_unknown_shapes_are_refused():
    with pytest.raises(ValueError, match="is not known before it is computed"):
        traced(lambda a: tf.matmul(a, a), tf.TensorSpec((None, 4)))


@pytest.mark.slow
def test_step_of_a_published_model(tmp_path):
    """The discriminator's gradient is taken twice: for its weights, and for the generator through its input."""
    case = LAPTOP["cgan"]._replace(
        side=16, params={"filters": [2, 3], "discriminator_filters": [2, 3], "dropout": 0.0},
        time_steps=(0, 0), bands=(3, 2),
    )  # fmt: skip
    counted = Counted(case, tmp_path, "cgan")
    (_, forward, backward), (_, judged, learnt) = (counted.networks[name] for name in ("generator", "discriminator"))
    # Layers of 4 x 4 pixels: stride 2 from 5 bands to 2, then stride 1 to 3 and to 1, on 8, 7 and 6 pixels a side.
    first, others = 8 * 8 * 2 * 16 * 5, 7 * 7 * 3 * 16 * 2 + 6 * 6 * 1 * 16 * 3
    assert (judged, learnt) == (first + others, first + 2 * others)
    # Judged are target and generated images; of the latter, the generator gets the gradient with respect to the image.
    assert counted.step == forward + backward + 2 * (judged + learnt) + first + others


@pytest.mark.slow
def test_step_of_cyclegan_takes_each_gradient_once(tmp_path):
    """Both generators share the gradient of the images that they bring back."""
    case = LAPTOP["cyclegan"]._replace(
        side=16, bands=(3, 2), params={"filters": [2, 3], "discriminator_filters": [2, 3], "dropout": 0.0}
    )
    counted = Counted(case, tmp_path, "cyclegan")
    generators = [counted.networks[name] for name in ("generator", "backward")]
    discriminators = [counted.networks[name] for name in ("discriminator", "backward_discriminator")]
    generate, learn_to_generate, judge, learn_to_judge = (
        sum(network[index] for network in networks) for networks in (generators, discriminators) for index in (1, 2)
    )
    # First layers of the networks that bring images back: 8 x 8 pixels of two features from 4 x 4 pixels of the image.
    brought_back = 8 * 8 * 2 * 16 * (3 + 2)
    # The discriminators learn from new images, then the generators from others, against the gradient of the former.
    assert counted.step == (
        generate + 2 * (judge + learn_to_judge) + 2 * (generate + learn_to_generate) + brought_back + 2 * judge
    )


@pytest.mark.slow
def test_published_generator_has_no_memory(tmp_path):
    """155 million weights, as published; nothing of their size is allocated."""
    counted = Counted(PUBLISHED["cgan"], tmp_path, "cgan")
    weights, forward, _ = counted.networks["generator"]
    assert weights == 155_224_337
    encoder = [6, 64, 128, 256, 512, 1024, 1024, 1024, 1024]
    sides = [128, 64, 32, 16, 8, 4, 2, 1]
    down = sum(s * s * o * 16 * i for i, o, s in zip(encoder[:-1], encoder[1:], sides, strict=True))
    # Transposed convolutions: each pixel of the input meets the kernel, of 2 x 2 pixels first and 4 x 4 then.
    inputs, outputs = [1024, 2048, 2048, 2048, 1024, 512, 256, 128], [1024, 1024, 1024, 512, 256, 128, 64, 64]
    kernels, given = [4] + [16] * 7, [1, 2, 4, 8, 16, 32, 64, 128]
    up = sum(s * s * i * k * o for i, o, k, s in zip(inputs, outputs, kernels, given, strict=True))
    assert forward == down + up + 256 * 256 * 3 * 9 * 64
    assert np.isclose(forward, 9.8e9, rtol=0.01)


@pytest.mark.slow
def test_published_ctgan_by_hand(tmp_path):
    """Layer by layer as specified; transposed convolutions by the pixels of their input, dilated ones filled up."""
    pixels, channels, features = 256 * 256, 768, 64 * 64
    bottlenecks = 6 * (2 * 32 * 32 + 9 * 32 * 32)
    clouds = 2 * (32 * 64 + 64 * 128 + 128)
    pyramid = 32 * 128 + 3 * 9 * 32 * 128 + 640 * 32
    pooled = 32 * 128
    extractor = pixels * (9 * 4 * 32 + bottlenecks + clouds + pyramid + 9 * 32 * 4) + pooled
    pairs = 9 * 64 * 128 * 128**2 + 9 * 128 * 256 * 64**2
    feed_forward, projections = 2 * features * 4 * features, 4 * features * 16 * 1024
    convolution = features * 4 * features + 31 * 2 * features + 2 * features * features
    conformer = channels * (2 * feed_forward + projections + convolution)
    decoder = 9 * (768 * 384 * 64**2 + 384 * 192 * 128**2) + 49 * 192 * 4 * pixels
    layers_alone = 3 * extractor + 3 * pairs + conformer + decoder
    assert np.isclose(layers_alone, 565.7e9, rtol=1e-4)
    # Dilated convolutions are computed on the multiple of the dilation that holds the image.
    filled = {dilation: (-(-256 // dilation) * dilation) ** 2 - pixels for dilation in (12, 24, 36)}
    # One image is a sequence of one token: queries meet one key, one value and one distance.
    attention = 3 * channels * 16 * 1024
    counted = Counted(PUBLISHED["ctgan"], tmp_path, "ctgan")
    _, forward, _ = counted.networks["generator"]
    assert forward == layers_alone + 3 * sum(filled.values()) * 9 * 32 * 128 + attention
