"""pix2pix: the range of its output; its parameters are tested with those of the other architectures."""

import numpy as np

from tests.networks import random_batch


def test_output_is_a_tanh(build_networks):
    """For large values of the input too; the image need not be square."""
    gan = build_networks("pix2pix", 32, img_width=64)
    image = gan.generator(random_batch(gan.exp)["input_image"] * 100.0).numpy()
    assert image.shape == (2, 32, 64, 3)
    assert np.abs(image).max() <= 1.0
