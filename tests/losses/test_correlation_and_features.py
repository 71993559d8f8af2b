"""Losses of Pix2PixCC that any model may name: correlation coefficients and feature matching."""

import numpy as np
import pytest
import tensorflow as tf

from losses import generator_loss
from losses.correlation import coefficients

RANDOM = np.random.default_rng(3)
TARGET = RANDOM.normal(size=(2, 16, 12, 2)).astype("float32")
OUTPUT = (0.6 * TARGET + 0.3 * RANDOM.normal(size=TARGET.shape) + 0.2).astype("float32")


def concordance(target, output):
    target, output = target.astype("float64").ravel(), output.astype("float64").ravel()
    pearson = np.corrcoef(target, output)[0, 1]
    spread = target.var(ddof=1) + output.var(ddof=1) + (target.mean() - output.mean()) ** 2
    return 2 * pearson * target.std(ddof=1) * output.std(ddof=1) / spread


def loss(name="gen_cc", output=OUTPUT, target=TARGET, **fields):
    _, terms = generator_loss(None, tf.constant(output), tf.constant(target), {name: 1.0}, fields=fields)
    return float(terms[name])


def test_coefficients_are_those_of_all_values_of_a_batch():
    assert loss(cc_scales=1) == pytest.approx(1 - concordance(TARGET, OUTPUT), rel=1e-4)
    pearson = np.corrcoef(TARGET.ravel(), OUTPUT.ravel())[0, 1]
    assert loss(cc_scales=1, cc_concordance=False) == pytest.approx(1 - pearson, rel=1e-4)


def test_equal_images_have_no_loss_and_reversed_ones_have_two():
    assert loss(output=TARGET) == pytest.approx(0, abs=1e-5)
    assert loss(output=-TARGET + 2 * TARGET.mean(), cc_scales=1) == pytest.approx(2, abs=1e-4)


def test_missing_pixels_do_not_count():
    validity = (RANDOM.random((2, 16, 12, 1)) < 0.7).astype("float32")
    where = validity[..., 0] > 0
    assert loss(cc_scales=1, validity=tf.constant(validity)) == pytest.approx(
        1 - concordance(TARGET[where], OUTPUT[where]), rel=1e-4
    )
    changed = np.where(validity > 0, TARGET, 9.0).astype("float32")
    same = [loss(target=target, validity=tf.constant(validity)) for target in (TARGET, changed)]
    assert same[0] == pytest.approx(same[1], rel=1e-5)
    everywhere = tf.ones((2, 16, 12, 1))
    assert loss(validity=everywhere) == pytest.approx(loss(), rel=1e-4)
    assert np.isfinite(loss(validity=0 * everywhere))


@pytest.mark.parametrize("constant", ["target", "output"])
def test_of_a_constant_image_coefficients_are_0_and_gradients_finite(constant):
    images = {"target": TARGET, "output": OUTPUT} | {constant: np.full_like(TARGET, 0.25)}
    output = tf.Variable(images["output"])
    with tf.GradientTape() as tape:
        values = coefficients(tf.constant(images["target"]), output)
        total, _ = generator_loss(None, output, images["target"], {"gen_cc": 1.0})
    assert [float(value) for value in values] == [0, 0] and float(total) == 1
    assert np.isfinite(tape.gradient(total, output)).all()


def features(count, *, seed):
    random = np.random.default_rng(seed)
    shapes = [(2, 4, 4, 3), (2, 2, 2, 1)]
    return [[random.normal(size=shape).astype("float32") for shape in shapes] for _ in range(count)]


@pytest.mark.parametrize(("accumulated", "counts"), [(False, (1, 1, 1)), (True, (3, 2, 1))])
def test_feature_matching_is_averaged_over_scales(accumulated, counts):
    real, fake = features(3, seed=1), features(3, seed=2)
    scales = [
        sum(np.abs(one - other).mean() for one, other in zip(*pair, strict=True))
        for pair in zip(real, fake, strict=True)
    ]
    given = {"disc_real_features": real, "disc_generated_features": fake, "fm_accumulated": accumulated}
    expected = sum(count * value for count, value in zip(counts, scales, strict=True)) / 3
    assert loss("gen_fm", **given) == pytest.approx(expected, rel=1e-5)


def test_features_of_targets_have_no_gradient():
    real, fake = ([[tf.Variable(each) for each in blocks] for blocks in features(1, seed=seed)] for seed in (1, 2))
    fields = {"disc_real_features": real, "disc_generated_features": fake}
    with tf.GradientTape(persistent=True) as tape:
        total, _ = generator_loss(None, TARGET, TARGET, {"gen_fm": 1.0}, fields=fields)
    assert tape.gradient(total, real[0]) == [None, None]
    assert all(np.any(gradient) for gradient in tape.gradient(total, fake[0]))


def test_a_discriminator_without_features_is_an_error():
    with pytest.raises(ValueError, match="loss 'gen_fm' asks for disc_real_features, which there is not"):
        loss("gen_fm")
