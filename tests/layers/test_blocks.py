"""Convolution blocks, PatchGAN and U-Net: layers, parameters and shapes as published."""

import keras
import numpy as np
import pytest

from layers.convolution import conv, deconv
from layers.patchgan import patchgan
from layers.unet import unet


def names(block):
    """Return the class names of a block's layers."""
    return [type(layer).__name__ for layer in getattr(block, "layers", [block])]


def test_conv_block():
    """The order of layers, no bias, Normal(0, 0.02), slope 0.3."""
    assert names(conv(3, 8, 1, batchnorm=False, lrelu=False)) == ["Conv2D"]
    block = conv(4, 8, 2, batchnorm=True, lrelu=True)
    assert names(block) == ["Conv2D", "BatchNormalization", "LeakyReLU"]
    assert block(np.zeros((1, 16, 16, 3), "float32")).shape == (1, 8, 8, 8)
    assert block.layers[0].bias is None
    assert np.std(block.layers[0].kernel) == pytest.approx(0.02, rel=0.2)
    assert block.layers[2].negative_slope == pytest.approx(0.3)


def test_deconv_block():
    """The order of layers; the output is upsampled by 2."""
    assert names(deconv(4, 8, 2, batchnorm=False, relu=False, dropout=None)) == ["Conv2DTranspose"]
    block = deconv(4, 8, 2, batchnorm=True, relu=True, dropout=0.5)
    assert names(block) == ["Conv2DTranspose", "BatchNormalization", "Dropout", "ReLU"]
    assert block(np.zeros((1, 16, 16, 3), "float32")).shape == (1, 32, 32, 8)


@pytest.mark.parametrize(("channels", "parameters"), [(21, 2_788_864), (3, 2_770_432)])
def test_patchgan_has_the_published_parameters(channels, parameters):
    """Numbers of parameters and batch statistics, and the names of its inputs."""
    network = patchgan(channels, 3)
    assert network.count_params() == parameters
    assert sum(np.prod(weight.shape) for weight in network.non_trainable_weights) == 1_792
    assert [tensor.name for tensor in network.inputs] == ["input_image", "target_image"]


@pytest.mark.parametrize(("size", "patches"), [(256, 30), (128, 14), (64, 6)])
def test_patchgan_output(size, patches):
    """The number of patches a side."""
    shapes = [(None, size, size, 21), (None, size, size, 3)]
    assert patchgan(21, 3).compute_output_shape(shapes) == (None, patches, patches, 1)


def test_patchgan_of_the_smallest_image():
    """It has at least 3 * 2**downsamplings pixels a side."""
    network = patchgan(3, 3, filters=8, downsamplings=2)
    images = np.zeros((2, 12, 16, 3), "float32")
    assert network([images, images]).shape == (2, 1, 2, 1)


def test_unet_of_the_smallest_tile_and_a_wide_image():
    """Five downsamplings, all with 512 channels."""
    image = keras.Input((32, 64, 5))
    output = unet(image, 32, 7)
    assert output.shape == (None, 32, 64, 7)
