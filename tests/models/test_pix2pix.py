"""pix2pix: parameters as published, and the sizes that it can take."""

import numpy as np
import pytest


def generator(plugin, exp):
    """Return the generator alone: no optimiser slots for 54 million weights."""
    gan_class = plugin("pix2pix").GAN
    gan = gan_class.__new__(gan_class)
    gan.exp = exp
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


@pytest.mark.parametrize(
    ("tilesize", "height", "width", "multiple"),
    [(256, 300, 256, 256), (128, 128, 192, 128), (64, 96, 64, 64)],
)
def test_size_that_cannot_be_halved(tilesize, height, width, multiple, plugin, experiment):
    """The message names the tile size and the multiple needed."""
    with pytest.raises(
        ValueError, match=f"tilesize {tilesize} needs .* multiples of {multiple}, not {height} and {width}"
    ):
        plugin("pix2pix").GAN(experiment(tilesize, IMG_HEIGHT=height, IMG_WIDTH=width))
