"""Each loss, compared with its value in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from losses import (
    DISCRIMINATOR_LOSSES,
    GENERATOR_LOSSES,
    compares_with_target,
    discriminator_loss,
    generator_loss,
    is_adversarial,
    needs_discriminator,
)

TARGET = np.array([0.0, 1.0, -1.0, 0.5], "float32").reshape(1, 2, 2, 1)
GENERATED = np.array([0.5, 1.0, -0.5, -0.5], "float32").reshape(1, 2, 2, 1)
REAL_OUTPUT = np.array([2.0, -0.5, 0.5], "float32").reshape(1, 3, 1, 1)
FAKE_OUTPUT = np.array([-2.0, 0.25, 1.0], "float32").reshape(1, 3, 1, 1)
REAL_PROBABILITY = np.array([0.9, 0.5, 1.0], "float32").reshape(1, 3, 1, 1)
FAKE_PROBABILITY = np.array([0.1, 0.5, 0.0], "float32").reshape(1, 3, 1, 1)


def softplus(x):
    """Return log(1 + e^x)."""
    return np.log1p(np.exp(x))


GENERATOR = {
    "gen_gan": (FAKE_OUTPUT, np.mean(softplus(-FAKE_OUTPUT))),
    "gen_nll": (FAKE_OUTPUT, np.mean(softplus(-FAKE_OUTPUT))),
    "gen_l1": (FAKE_OUTPUT, (0.5 + 0 + 0.5 + 1) / 4),
    "gen_l2": (FAKE_OUTPUT, (0.25 + 0 + 0.25 + 1) / 4),
    "gen_rmse": (FAKE_OUTPUT, np.sqrt(1.5 / 4)),
    "gen_wstein": (FAKE_OUTPUT, 0.25),
    "gen_lsgan": (FAKE_OUTPUT, (9 + 0.5625 + 0) / 3),
    "gen_hinge": (FAKE_OUTPUT, 0.25),
    "gen_sam": (FAKE_OUTPUT, 3 / 8 * np.pi),  # of one band: right angle with a zero, 0, 0, opposite
    "gen_tv": (FAKE_OUTPUT, (1 + 1.5) / 2 + (0.5 + 0) / 2),
}
DISCRIMINATOR = {
    "disc_bce": (REAL_OUTPUT, FAKE_OUTPUT, np.mean(softplus(-REAL_OUTPUT)) + np.mean(softplus(FAKE_OUTPUT))),
    "disc_nll": (REAL_OUTPUT, FAKE_OUTPUT, np.mean(softplus(-REAL_OUTPUT)) + np.mean(softplus(FAKE_OUTPUT))),
    "disc_wstein": (REAL_OUTPUT, FAKE_OUTPUT, -0.25 - 2 / 3),
    "disc_lsgan": (REAL_OUTPUT, FAKE_OUTPUT, 0.5 * ((1 + 2.25 + 0.25) / 3 + (4 + 0.0625 + 1) / 3)),
    "disc_hinge": (REAL_OUTPUT, FAKE_OUTPUT, (0 + 1.5 + 0.5) / 3 + (0 + 1.25 + 2) / 3),
    "disc_fooling_rate": (REAL_OUTPUT, FAKE_OUTPUT, 2 / 3),
    "disc_recall": (REAL_OUTPUT, FAKE_OUTPUT, 2 / 3),
    "disc_precision": (REAL_OUTPUT, FAKE_OUTPUT, 1 / 2),
}


def test_every_loss_is_tested():
    """Every name of the two tables has an expected value here or in a test of its own."""
    assert set(GENERATOR) | {"gen_ssim", "gen_cc", "gen_fm"} == set(GENERATOR_LOSSES)
    assert set(DISCRIMINATOR) == set(DISCRIMINATOR_LOSSES)


@pytest.mark.parametrize("name", GENERATOR)
def test_generator_term(name):
    """The term has the expected value, and the total is the term times its weight."""
    output, expected = GENERATOR[name]
    total, terms = generator_loss(output, GENERATED, TARGET, {name: 3.0})
    assert float(terms[name]) == pytest.approx(expected, rel=1e-5)
    assert float(total) == pytest.approx(3 * expected, rel=1e-5)


@pytest.mark.parametrize("name", DISCRIMINATOR)
def test_discriminator_term(name):
    """The term has the expected value, and the total is the term times its weight."""
    real, generated, expected = DISCRIMINATOR[name]
    total, terms = discriminator_loss(real, generated, {name: 0.5})
    assert float(terms[name]) == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert float(total) == pytest.approx(0.5 * expected, rel=1e-5, abs=1e-6)


def test_shares_of_probabilities_and_of_a_discriminator_that_takes_nothing_for_real():
    probabilities = keras.losses.BinaryCrossentropy(from_logits=False)
    real, generated = np.array([0.6, 0.2, 0.9, 0.8], "float32"), np.array([0.4, 0.7, 0.1, 0.5], "float32")
    names = ("disc_fooling_rate", "disc_recall", "disc_precision")
    total, terms = discriminator_loss(real, generated, dict.fromkeys(names, 0.0), probabilities)
    assert [float(terms[name]) for name in names] == [0.25, 0.75, 0.75] and float(total) == 0
    _, terms = discriminator_loss(generated * 0, generated * 0, dict.fromkeys(names, 0.0), probabilities)
    assert [float(terms[name]) for name in names] == [0, 0, 0]


def test_the_spectral_angle_is_that_of_the_metric_and_has_a_gradient_where_it_is_zero():
    random = np.random.default_rng(0)
    target, generated = (random.uniform(0.1, 1.0, (2, 8, 8, 4)).astype("float32") for _ in range(2))
    cosines = (target * generated).sum(-1) / np.linalg.norm(target, axis=-1) / np.linalg.norm(generated, axis=-1)
    _, terms = generator_loss(None, generated, target, {"gen_sam": 1.0})
    assert float(terms["gen_sam"]) == pytest.approx(np.arccos(cosines.astype(np.float64)).mean(), rel=1e-4)
    for image in (tf.constant(target), tf.zeros_like(target)):
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = generator_loss(None, image, target, {"gen_sam": 1.0})[0]
        assert np.isfinite(tape.gradient(loss, image)).all()


def test_total_variation_of_one_row_is_that_across():
    row = np.array([0.0, 1.0, 3.0], "float32").reshape(1, 1, 3, 1)
    _, terms = generator_loss(None, row, row, {"gen_tv": 1.0})
    assert float(terms["gen_tv"]) == 1.5


def test_label_smoothing_is_one_sided():
    _, terms = discriminator_loss(REAL_OUTPUT, FAKE_OUTPUT, {"disc_bce": 1.0}, label_smoothing=0.1)
    real = 0.9 * softplus(-REAL_OUTPUT) + 0.1 * softplus(REAL_OUTPUT)
    assert float(terms["disc_bce"]) == pytest.approx(np.mean(real) + np.mean(softplus(FAKE_OUTPUT)), rel=1e-5)


def test_which_losses_need_a_discriminator():
    adversarial = {"gen_gan", "gen_nll", "gen_wstein", "gen_lsgan", "gen_hinge", "gen_fm"}
    assert {name for name in GENERATOR_LOSSES if is_adversarial(name)} == adversarial
    assert not needs_discriminator({"gen_l1": 1.0, "gen_gan": None}, {"disc_bce": None})
    assert needs_discriminator({"gen_l1": 1.0, "gen_gan": 0.0}, {})
    assert needs_discriminator({"gen_l1": 1.0}, {"disc_bce": 1.0})


def test_which_losses_need_pairs():
    compared = {"gen_ssim", "gen_l1", "gen_l2", "gen_rmse", "gen_sam", "gen_cc"}
    assert {name for name in GENERATOR_LOSSES if compares_with_target(name)} == compared


def test_a_weight_may_be_a_variable_also_where_it_is_zero():
    weight = tf.Variable(0.0)
    compiled = tf.function(lambda: generator_loss(FAKE_OUTPUT, GENERATED, TARGET, {"gen_gan": weight})[0])
    assert float(compiled()) == 0
    weight.assign(2.0)
    assert float(compiled()) == pytest.approx(2 * GENERATOR["gen_gan"][1], rel=1e-5)


def test_a_loss_object_for_probabilities_takes_probabilities():
    sigmoid = keras.losses.BinaryCrossentropy(from_logits=False)
    _, terms = generator_loss(REAL_PROBABILITY, GENERATED, TARGET, {"gen_gan": 1.0}, sigmoid)
    assert float(terms["gen_gan"]) == pytest.approx(-(np.log(0.9) + np.log(0.5)) / 3, rel=1e-5)


def test_nll_of_probabilities():
    """The formula of the original ARISGAN code, with its epsilon."""
    sigmoid = keras.losses.BinaryCrossentropy(from_logits=False)
    _, terms = generator_loss(FAKE_PROBABILITY, GENERATED, TARGET, {"gen_nll": 1.0}, sigmoid)
    assert float(terms["gen_nll"]) == pytest.approx(np.mean(-np.log(np.array([0.1, 0.5, 0.0]) + 1e-8)), rel=1e-5)
    _, terms = discriminator_loss(REAL_PROBABILITY, FAKE_PROBABILITY, {"disc_nll": 1.0}, sigmoid)
    assert float(terms["disc_nll"]) == pytest.approx(-(np.log(0.9) + np.log(0.5)) * 2 / 3, rel=1e-5)


def test_a_loss_object_may_be_any_function():
    _, terms = discriminator_loss(
        REAL_OUTPUT, FAKE_OUTPUT, {"disc_bce": 1.0}, lambda labels, outputs: labels[0, 0, 0, 0]
    )
    assert float(terms["disc_bce"]) == 1.0


def test_the_mean_equals_that_of_keras_on_one_device():
    keras_loss = keras.losses.BinaryCrossentropy(from_logits=True)
    _, terms = generator_loss(FAKE_OUTPUT, GENERATED, TARGET, {"gen_gan": 1.0}, keras_loss)
    expected = keras_loss(np.ones_like(FAKE_OUTPUT), FAKE_OUTPUT)
    assert float(terms["gen_gan"]) == pytest.approx(float(expected), rel=1e-6)


def test_half_precision_is_cast_first():
    """The square of 300 overflows float16; the loss does not overflow."""
    generated = np.full((1, 64, 64, 1), 300.0, "float16")
    total, _ = generator_loss(FAKE_OUTPUT, generated, np.zeros_like(generated), {"gen_l2": 1.0})
    assert keras.backend.standardize_dtype(total.dtype) == "float32"
    assert float(total) == 90000.0
