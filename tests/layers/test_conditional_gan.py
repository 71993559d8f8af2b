"""The shared training step: its results, its update, loss scaling and replicas."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers.conditional_gan import ConditionalGAN
from layers.patchgan import patchgan


class Tiny(ConditionalGAN):
    """One convolution against a small PatchGAN."""

    def Generator(self):
        """Return one convolution."""
        image = keras.Input((16, 16, 2))
        return keras.Model(image, keras.layers.Conv2D(3, 3, padding="same", dtype="float32")(image))

    def Discriminator(self):
        """Return a small PatchGAN."""
        return patchgan(2, 3, filters=4, halvings=2)


def experiment(**changes):
    """Return an experiment of L1 and GAN loss."""
    values = {
        "GEN_LOSS": {"gen_gan": 1.0, "gen_l1": 10.0, "gen_nll": 0},
        "DISC_LOSS": {"disc_bce": 1.0},
        "DATA_RANGE": 2.0,
        "LEARNING_RATE": {"generator": 1e-2, "discriminator": None},
        "PRECISION": "float32",
    }
    return SimpleNamespace(**values | changes)


def batch(size=2):
    """Return input, target and step."""
    random = np.random.default_rng(0)
    return {
        "input_image": tf.constant(random.uniform(-1, 1, (size, 16, 16, 2)), "float32"),
        "target": tf.constant(random.uniform(-1, 1, (size, 16, 16, 3)), "float32"),
        "step": tf.constant(0, "int64"),
    }


def test_losses_by_name():
    """Totals first, terms unweighted, in the order of the tables."""
    gan = Tiny(experiment())
    losses = gan.train_step(**batch())
    assert list(losses) == ["total_gen_loss", "gen_gan", "gen_nll", "gen_l1", "total_disc_loss", "disc_bce"]
    assert float(losses["total_gen_loss"]) == pytest.approx(float(losses["gen_gan"] + 10 * losses["gen_l1"]), rel=1e-6)


def test_a_network_without_loss_stays():
    """All weights 0 is no error."""
    gan = Tiny(experiment(DISC_LOSS={}, GEN_LOSS={"gen_l1": 0}))
    before = [gan.generator.get_weights(), [w.numpy() for w in gan.discriminator.trainable_weights]]
    losses = gan.train_step(**batch())
    assert float(losses["total_disc_loss"]) == float(losses["total_gen_loss"]) == 0.0
    after = [gan.generator.get_weights(), [w.numpy() for w in gan.discriminator.trainable_weights]]
    for old, new in zip(before, after, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(old, new, strict=True))


def test_float16_lowers_its_scale_until_the_gradient_is_finite():
    """The scale is read at each step, not compiled in."""
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        gan = Tiny(experiment(PRECISION="mixed_float16", GEN_LOSS={"gen_gan": 1e4, "gen_l1": 10.0}))
        before = gan.generator.get_weights()[0]
        for _ in range(20):
            losses = gan.train_step(**batch())
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    assert all(np.isfinite(loss) for loss in losses.values())
    assert float(gan.generator_optimizer.dynamic_scale) < 2.0**15
    assert not np.array_equal(before, gan.generator.get_weights()[0])


def test_equals_gradients_worked_out_by_hand():
    """One step of plain gradient descent against the definition, both from the weights before it."""
    gan = Tiny(experiment())
    for network in ("generator", "discriminator"):
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(getattr(gan, network).trainable_variables)
        setattr(gan, f"{network}_optimizer", optimizer)
    image, target, entropy = (
        batch()["input_image"],
        batch()["target"],
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    with tf.GradientTape(persistent=True) as tape:
        generated = gan.generator(image)
        real, fake = (gan.discriminator([image, x], training=True) for x in (target, generated))
        generator_loss = entropy(tf.ones_like(fake), fake) + 10 * tf.reduce_mean(tf.abs(target - generated))
        discriminator_loss = entropy(tf.ones_like(real), real) + entropy(tf.zeros_like(fake), fake)
    expected = []
    for loss, network in ((generator_loss, gan.generator), (discriminator_loss, gan.discriminator)):
        weights = network.trainable_variables
        expected += [w.numpy() - 0.1 * g.numpy() for w, g in zip(weights, tape.gradient(loss, weights), strict=True)]
    gan.train_step(**batch())
    found = [w.numpy() for w in gan.generator.trainable_variables + gan.discriminator.trainable_variables]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_missing_builder_is_named():
    """A plug-in that forgot one is told which."""
    with pytest.raises(NotImplementedError, match="Generator"):
        ConditionalGAN(experiment())
