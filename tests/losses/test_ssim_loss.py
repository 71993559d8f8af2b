"""The SSIM loss, compared with tf.image.ssim, the same measure in TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf

from losses import generator_loss
from losses.ssim import gen_ssim


def pair(shape, low, high, seed=0):
    """Return a random batch of images and a copy with noise, in low..high."""
    random = np.random.default_rng(seed)
    first = random.uniform(low, high, shape).astype("float32")
    return first, np.clip(first + random.normal(0, 0.1 * (high - low), shape), low, high).astype("float32")


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0), (0.0, 255.0)])
@pytest.mark.parametrize("shape", [(2, 32, 48, 3), (1, 11, 11, 1)])
def test_equals_tensorflow(shape, low, high):
    """For several data ranges, and for the smallest image, of one window."""
    first, second = pair(shape, low, high)
    expected = np.mean(1.0 - tf.image.ssim(first, second, max_val=high - low).numpy())
    assert float(gen_ssim(second, first, high - low)) == pytest.approx(expected, abs=1e-5)


def test_the_gradient_equals_that_of_tensorflow():
    first, second = pair((2, 24, 24, 3), -1.0, 1.0)
    image = tf.Variable(second)
    with tf.GradientTape(persistent=True) as tape:
        ours = gen_ssim(image, tf.constant(first), 2.0)
        theirs = tf.reduce_mean(1.0 - tf.image.ssim(first, image, max_val=2.0))
    np.testing.assert_allclose(tape.gradient(ours, image), tape.gradient(theirs, image), atol=1e-6)


def test_equal_images_have_no_loss():
    """The SSIM of an image with itself is 1."""
    first, _ = pair((1, 16, 16, 2), -1.0, 1.0)
    assert float(gen_ssim(tf.constant(first), tf.constant(first), 2.0)) == pytest.approx(0.0, abs=1e-6)


def test_the_data_range_is_used():
    """The loss of the same difference is smaller for a wider range."""
    first, second = pair((1, 16, 16, 1), 0.0, 0.1)
    wide, narrow = (
        float(generator_loss([0.0], second, first, {"gen_ssim": 1.0}, data_range=width)[0]) for width in (2.0, 0.1)
    )
    assert wide < narrow


def test_a_too_small_image_is_an_error_with_its_size():
    small = np.zeros((1, 10, 32, 3), "float32")
    with pytest.raises(ValueError, match="at least 11 x 11 pixels, not 10 x 32"):
        generator_loss([0.0], small, small, {"gen_ssim": 1.0})
