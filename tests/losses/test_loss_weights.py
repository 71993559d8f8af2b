"""Weights of losses (None, 0, a number), and unknown names."""

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


def test_the_tables_import_neither_keras_nor_tensorflow():
    """An experiment can be validated without them."""
    code = "import losses, sys; print([m for m in ('keras', 'tensorflow', 'numpy') if m in sys.modules])"
    process = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"


PROBABILITIES = keras.losses.BinaryCrossentropy(from_logits=False)


def test_a_term_with_weight_zero_is_returned_but_not_added():
    """If it is NaN, total and gradient are finite."""
    image = tf.Variable(IMAGE)
    logits = tf.Variable(LOGITS)
    with tf.GradientTape() as tape:
        total, terms = generator_loss(logits, image, IMAGE + 1.0, {"gen_nll": 0, "gen_l1": 100.0}, PROBABILITIES)
    assert np.isnan(terms["gen_nll"])  # logits are no probabilities
    assert float(total) == 100.0
    image_gradient, logits_gradient = tape.gradient(total, [image, logits])
    assert np.all(np.isfinite(image_gradient))
    assert logits_gradient is None


def test_a_term_with_weight_zero_does_not_change_the_discriminator_loss():
    """The same for the discriminator, whose nll is NaN for logits."""
    logits = tf.Variable(LOGITS)
    with tf.GradientTape() as tape:
        total, terms = discriminator_loss(logits, logits, {"disc_bce": 1.0, "disc_nll": 0.0}, PROBABILITIES)
    assert np.isnan(terms["disc_nll"])
    assert np.isfinite(total)
    assert np.all(np.isfinite(tape.gradient(total, logits)))


def test_none_and_absent_are_not_computed():
    """In both cases the term is not returned."""
    _, terms = generator_loss(LOGITS, IMAGE, IMAGE, {"gen_l1": 1.0, "gen_ssim": None})
    assert list(terms) == ["gen_l1"]


@pytest.mark.parametrize("weights", [{}, {"gen_l1": None}, {"gen_l1": 0, "gen_gan": 0.0}])
def test_without_weights_the_total_is_a_scalar_tensor_of_zero(weights):
    total, _ = generator_loss(LOGITS, IMAGE, IMAGE + 1.0, weights)
    assert total.shape == ()
    assert float(total) == 0.0


def test_terms_have_the_order_of_the_table():
    """The order in experiment.json does not change rounding errors."""
    weights = dict.fromkeys(reversed(GENERATOR_LOSSES), 1.0)
    features = {"disc_real_features": [[LOGITS]], "disc_generated_features": [[LOGITS]]}
    _, terms = generator_loss(LOGITS, IMAGE, IMAGE, weights, fields=features)
    assert list(terms) == list(GENERATOR_LOSSES)


def test_total_is_the_weighted_sum():
    """Also with negative weights."""
    total, terms = generator_loss(
        LOGITS, IMAGE + 0.5, IMAGE, {"gen_gan": 1.0, "gen_l1": 100.0, "gen_ssim": 10.0, "gen_wstein": -2}
    )
    expected = terms["gen_gan"] + 10 * terms["gen_ssim"] + 100 * terms["gen_l1"] - 2 * terms["gen_wstein"]
    assert float(total) == pytest.approx(float(expected), rel=1e-6)


def test_an_unknown_name_is_an_error_with_the_nearest_one():
    """Or with all names, if none is similar."""
    with pytest.raises(ValueError, match=r"'gen_sim'.*did you mean 'gen_ssim'"):
        generator_loss(LOGITS, IMAGE, IMAGE, {"gen_sim": 1.0})
    with pytest.raises(ValueError, match=r"'zzz'.*disc_hinge"):
        discriminator_loss(LOGITS, LOGITS, {"zzz": None})


def test_rmse_has_a_gradient_at_zero():
    """Without the epsilon it would be NaN."""
    image = tf.Variable(IMAGE)
    with tf.GradientTape() as tape:
        total, _ = generator_loss(LOGITS, image, IMAGE, {"gen_rmse": 1.0})
    assert np.all(tape.gradient(total, image) == 0.0)
