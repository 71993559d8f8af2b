"""`models.losses`: the terms of the original ARISGAN code, their sum and their errors."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import losses as corrected
import models.losses as losses

RANDOM = np.random.default_rng(3)
REAL, FAKE = (RANDOM.uniform(0.05, 0.95, (2, 5, 5, 1)).astype("float32") for _ in range(2))
PREDICTION, TARGET = (RANDOM.uniform(0, 1, (2, 16, 16, 3)).astype("float32") for _ in range(2))
BCE = keras.losses.BinaryCrossentropy()


def gaussian_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """Mean structural similarity for a range of 1, with explicit windows of 11 x 11, in float64."""
    taps = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
    window = np.outer(taps, taps)[..., None] / taps.sum() ** 2
    x, y, values = x.astype(float), y.astype(float), []
    for image in range(len(x)):
        for row in range(x.shape[1] - 10):
            for column in range(x.shape[2] - 10):
                a, b = (z[image, row : row + 11, column : column + 11] for z in (x, y))
                mean_a, mean_b, square_a, square_b, product = (
                    (z * window).sum((0, 1)) for z in (a, b, a * a, b * b, a * b)
                )
                luminance = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
                spread = square_a - mean_a**2 + square_b - mean_b**2
                values.append(luminance * (2 * (product - mean_a * mean_b) + 9e-4) / (spread + 9e-4))
    return float(np.mean(values))


GENERATOR = {
    "gen_gan": -np.log(FAKE).mean(),
    "gen_nll": -np.log(FAKE).mean(),
    "gen_ssim": 1 - gaussian_ssim(TARGET, PREDICTION),
    "gen_l1": np.abs(TARGET - PREDICTION).mean(),
    "gen_l2": ((TARGET - PREDICTION) ** 2).mean(),
    "gen_rmse": np.sqrt(((TARGET - PREDICTION) ** 2).mean()),
    "gen_wstein": -FAKE.mean(),
}
DISCRIMINATOR = {
    "disc_bce": -np.log(REAL).mean() - np.log(1 - FAKE).mean(),
    "disc_nll": -np.log(REAL).mean() - np.log(1 - FAKE).mean(),
}


def test_terms_order_and_total_of_the_generator():
    weights = {name: number + 1.0 for number, name in enumerate(reversed(GENERATOR))}
    total, terms = losses.generator_loss(FAKE, PREDICTION, TARGET, weights, BCE)
    assert list(terms) == list(GENERATOR)
    for name, value in GENERATOR.items():
        assert float(terms[name]) == pytest.approx(value, rel=1e-4), name
    assert float(total) == pytest.approx(sum(weights[name] * value for name, value in GENERATOR.items()), rel=1e-4)


def test_terms_order_and_total_of_the_discriminator():
    total, terms = losses.discriminator_loss(REAL, FAKE, {"disc_nll": 2, "disc_bce": 3}, BCE)
    assert list(terms) == list(DISCRIMINATOR)
    for name, value in DISCRIMINATOR.items():
        assert float(terms[name]) == pytest.approx(value, rel=1e-4), name
    assert float(total) == pytest.approx(3 * DISCRIMINATOR["disc_bce"] + 2 * DISCRIMINATOR["disc_nll"], rel=1e-4)


def test_absent_terms_but_ssim_are_computed_with_weight_0():
    total, terms = losses.generator_loss(FAKE, PREDICTION, TARGET, {"gen_l1": 2.0}, BCE)
    assert list(terms) == [name for name in GENERATOR if name != "gen_ssim"]
    assert float(total) == pytest.approx(2 * GENERATOR["gen_l1"], rel=1e-6)
    assert list(losses.discriminator_loss(REAL, FAKE, {}, BCE)[1]) == ["disc_bce", "disc_nll"]


def test_terms_with_null_are_not_computed_and_without_terms_there_is_no_total():
    nothing = dict.fromkeys(GENERATOR)
    assert losses.generator_loss(FAKE, PREDICTION, TARGET, nothing) == (None, {})
    assert losses.discriminator_loss(REAL, FAKE, {"disc_bce": None, "disc_nll": None}) == (None, {})
    total, terms = losses.generator_loss(FAKE, PREDICTION, TARGET, nothing | {"gen_l2": 1})
    assert list(terms) == ["gen_l2"] and float(total) == float(terms["gen_l2"])


def test_a_missing_loss_object_is_an_error_where_it_is_used():
    with pytest.raises(AssertionError, match="gen_gan needs a loss_object"):
        losses.generator_loss(FAKE, PREDICTION, TARGET, {})
    with pytest.raises(AssertionError, match="disc_bce needs a loss_object"):
        losses.discriminator_loss(REAL, FAKE, {"disc_bce": 0})
    losses.generator_loss(FAKE, PREDICTION, TARGET, {"gen_gan": None})
    losses.discriminator_loss(REAL, FAKE, {"disc_bce": None})


def test_a_nan_with_weight_0_makes_the_total_nan_and_gradients_are_finite():
    logits = tf.Variable(REAL - 0.5)
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        total, terms = losses.discriminator_loss(logits, logits, {"disc_bce": 1, "disc_nll": 0}, bce)
    assert math.isnan(total) and math.isnan(terms["disc_nll"]) and math.isfinite(terms["disc_bce"])
    assert np.isfinite(tape.gradient(total, logits)).all()
    total, _ = losses.generator_loss(logits, PREDICTION, TARGET, {"gen_nll": 0}, bce)
    assert math.isnan(total)


def test_the_root_has_no_epsilon():
    prediction = tf.Variable(TARGET)
    with tf.GradientTape() as tape:
        total, terms = losses.generator_loss(FAKE, prediction, TARGET, {"gen_gan": None, "gen_rmse": 1})
    assert float(terms["gen_rmse"]) == 0
    assert np.isnan(tape.gradient(total, prediction)).any()


def test_a_weight_for_a_loss_that_does_not_exist_is_an_error():
    experiment = dict.fromkeys(corrected.GENERATOR_LOSSES) | {"gen_l1": 1.0}
    losses.generator_loss(FAKE, PREDICTION, TARGET, experiment)
    with pytest.raises(ValueError, match=r"models\.losses has no 'gen_hinge', but gen_gan, .*see docs/add-a-model\.md"):
        losses.generator_loss(FAKE, PREDICTION, TARGET, experiment | {"gen_hinge": 1.0})


def test_half_precision_is_summed_in_float32():
    total, _ = losses.generator_loss(
        tf.cast(FAKE, "bfloat16"), tf.cast(PREDICTION, "bfloat16"), TARGET, {"gen_gan": None, "gen_l1": 1}
    )
    assert total.dtype == "float32"
    assert float(total) == pytest.approx(GENERATOR["gen_l1"], rel=1e-2)


def test_the_corrected_losses_take_the_same_calls():
    logits = REAL - 0.5
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    total, terms = corrected.generator_loss(
        logits, PREDICTION, TARGET, {"gen_l1": 1.0, "gen_nll": 0.0, "gen_rmse": 0.0}, bce
    )
    assert float(total) == pytest.approx(GENERATOR["gen_l1"], rel=1e-5)
    assert math.isfinite(terms["gen_nll"])
    assert math.isfinite(corrected.discriminator_loss(logits, logits, {"disc_bce": 1.0, "disc_nll": 0.0}, bce)[0])
