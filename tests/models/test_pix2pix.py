"""pix2pix: parameters as published, and the sizes that it can take."""

import numpy as np
import pytest

from layers.sizes import unet_size


def generator(plugin, exp):
    """Return the generator alone: no optimiser slots for 54 million weights."""
    gan_class = plugin("pix2pix").GAN
    gan = gan_class.__new__(gan_class)
    gan.exp, gan.unet_size = exp, unet_size(exp)
    return gan.Generator()


@pytest.mark.parametrize(
    ("size", "channels", "parameters", "statistics"),
    [
        (256, 21, 54_444_288, 10_880),
        (256, 3, 54_425_856, 10_880),
        (128, 21, 54_078_464, 10_752),
        (64, 21, 52_559_872, 10_240),
    ],
)
def test_published_parameters(size, channels, parameters, statistics, plugin, experiment):
    """Table 3.10 of the specification."""
    network = generator(plugin, experiment(size, INPUT_CHANNELS=channels))
    assert network.count_params() == parameters
    assert sum(np.prod(weight.shape) for weight in network.non_trainable_weights) == statistics
    assert network.output_shape == (None, size, size, 3)


def test_output_is_a_tanh(plugin, experiment, batch):
    """However large the input; the image need not be square."""
    exp = experiment(32, IMG_WIDTH=64)
    image = generator(plugin, exp)(batch(exp)["input_image"] * 100.0).numpy()
    assert image.shape == (2, 32, 64, 3)
    assert np.abs(image).max() <= 1.0
