"""pix2pix: the range of its output; its parameters are tested with those of the other architectures."""

import numpy as np

from layers.sizes import unet_size


def generator(plugin, exp):
    """Return the generator alone: no optimiser slots for 54 million weights."""
    gan_class = plugin("pix2pix").GAN
    gan = gan_class.__new__(gan_class)
    gan.exp, gan.unet_size = exp, unet_size(exp)
    return gan.Generator()


def test_output_is_a_tanh(plugin, experiment, batch):
    """However large the input; the image need not be square."""
    exp = experiment(32, IMG_WIDTH=64)
    image = generator(plugin, exp)(batch(exp)["input_image"] * 100.0).numpy()
    assert image.shape == (2, 32, 64, 3)
    assert np.abs(image).max() <= 1.0
