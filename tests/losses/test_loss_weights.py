"""What a weight means: None, 0, a number; and names that do not exist."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiment import PROJECT
from losses import GENERATOR_LOSSES, discriminator_loss, generator_loss

LOGITS = tf.constant([[-2.0], [1.0]])
IMAGE = tf.zeros((1, 16, 16, 3))


def test_importing_the_tables_wakes_nothing():
    """An experiment can be validated before Keras is imported."""
    code = "import losses, sys; print([m for m in ('keras', 'tensorflow', 'numpy') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


PROBABILITIES = keras.losses.BinaryCrossentropy(from_logits=False)


def test_weight_zero_is_logged_but_not_added():
    """A NaN of weight 0 is reported, yet total and gradient stay finite."""
    image = tf.Variable(IMAGE)
    logits = tf.Variable(LOGITS)
    with tf.GradientTape() as tape:
        total, terms = generator_loss(logits, image, IMAGE + 1.0, {"gen_nll": 0, "gen_l1": 100.0}, PROBABILITIES)
    assert np.isnan(terms["gen_nll"])  # logits are no probabilities
    assert float(total) == 100.0
    image_gradient, logits_gradient = tape.gradient(total, [image, logits])
    assert np.all(np.isfinite(image_gradient))
    assert logits_gradient is None


def test_weight_zero_cannot_spoil_the_discriminator():
    """The same for the discriminator, whose nll is NaN on logits."""
    logits = tf.Variable(LOGITS)
    with tf.GradientTape() as tape:
        total, terms = discriminator_loss(logits, logits, {"disc_bce": 1.0, "disc_nll": 0.0}, PROBABILITIES)
    assert np.isnan(terms["disc_nll"])
    assert np.isfinite(total)
    assert np.all(np.isfinite(tape.gradient(total, logits)))


def test_none_and_absent_are_not_computed():
    """Both mean that the term is not even returned."""
    _, terms = generator_loss(LOGITS, IMAGE, IMAGE, {"gen_l1": 1.0, "gen_ssim": None})
    assert list(terms) == ["gen_l1"]


@pytest.mark.parametrize("weights", [{}, {"gen_l1": None}, {"gen_l1": 0, "gen_gan": 0.0}])
def test_nothing_weighted_is_a_zero_scalar(weights):
    """The total is a tensor in every case."""
    total, _ = generator_loss(LOGITS, IMAGE, IMAGE + 1.0, weights)
    assert total.shape == ()
    assert float(total) == 0.0


def test_terms_come_in_the_order_of_the_table():
    """The order in the JSON file does not matter to rounding."""
    weights = dict.fromkeys(reversed(GENERATOR_LOSSES), 1.0)
    _, terms = generator_loss(LOGITS, IMAGE, IMAGE, weights)
    assert list(terms) == list(GENERATOR_LOSSES)


def test_total_is_the_weighted_sum():
    """Negative weights included."""
    total, terms = generator_loss(
        LOGITS, IMAGE + 0.5, IMAGE, {"gen_gan": 1.0, "gen_l1": 100.0, "gen_ssim": 10.0, "gen_wstein": -2}
    )
    expected = terms["gen_gan"] + 10 * terms["gen_ssim"] + 100 * terms["gen_l1"] - 2 * terms["gen_wstein"]
    assert float(total) == pytest.approx(float(expected), rel=1e-6)


def test_unknown_name_tells_the_nearest():
    """Or all names, where none is near."""
    with pytest.raises(ValueError, match=r"'gen_sim'.*did you mean 'gen_ssim'"):
        generator_loss(LOGITS, IMAGE, IMAGE, {"gen_sim": 1.0})
    with pytest.raises(ValueError, match=r"'zzz'.*disc_hinge"):
        discriminator_loss(LOGITS, LOGITS, {"zzz": None})


def test_rmse_has_a_gradient_at_zero():
    """Without the epsilon it is NaN."""
    image = tf.Variable(IMAGE)
    with tf.GradientTape() as tape:
        total, _ = generator_loss(LOGITS, image, IMAGE, {"gen_rmse": 1.0})
    assert np.all(tape.gradient(total, image) == 0.0)
