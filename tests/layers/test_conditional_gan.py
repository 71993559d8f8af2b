"""The shared training step of conditional GANs: its losses, its updates and loss scaling."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers.conditional_gan import ConditionalGAN
from layers.patchgan import patchgan
from tests.networks import network_fields, random_batch


class Tiny(ConditionalGAN):
    """One convolution with a small PatchGAN."""

    def Generator(self):
        """Return one convolution."""
        image = keras.Input((16, 16, 2))
        return keras.Model(image, keras.layers.Conv2D(3, 3, padding="same", dtype="float32")(image))

    def Discriminator(self):
        """Return a small PatchGAN."""
        return patchgan(2, 3, filters=4, downsamplings=2)


@pytest.fixture
def gan_of(experiment_of):
    """``gan_of(**settings)``: the GAN of an experiment with GAN loss and L1."""

    def built(**settings):
        defaults = {
            "tilesize": 16, "params": {}, "learning_rate": {"generator": 1e-2},
            "gen_loss": {"gen_gan": 1.0, "gen_l1": 10.0, "gen_nll": 0, "gen_l2": None, "gen_rmse": None,
                         "gen_wstein": None},
            "disc_loss": {"disc_bce": 1.0, "disc_nll": None},
        }  # fmt: skip
        return Tiny(experiment_of(network_fields(16, input_bands=2), **defaults | settings))

    return built


def test_losses_by_name(gan_of):
    """The totals are first; terms are unweighted and in the order of the tables."""
    gan = gan_of()
    losses = gan.train_step(**random_batch(gan.exp))
    assert list(losses) == ["total_gen_loss", "gen_gan", "gen_nll", "gen_l1", "total_disc_loss", "disc_bce"]
    assert float(losses["total_gen_loss"]) == pytest.approx(float(losses["gen_gan"] + 10 * losses["gen_l1"]), rel=1e-6)


def test_a_network_without_loss_does_not_change(gan_of):
    """Weights of 0 only are no error."""
    gan = gan_of(disc_loss={"disc_bce": None, "disc_nll": None})
    gan.exp.GEN_LOSS = {"gen_l1": 0}  # in experiment.json, a generator without loss is an error
    before = [gan.generator.get_weights(), [w.numpy() for w in gan.discriminator.trainable_weights]]
    losses = gan.train_step(**random_batch(gan.exp))
    assert float(losses["total_disc_loss"]) == float(losses["total_gen_loss"]) == 0.0
    after = [gan.generator.get_weights(), [w.numpy() for w in gan.discriminator.trainable_weights]]
    for old, new in zip(before, after, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(old, new, strict=True))


def test_float16_lowers_its_scale_until_the_gradient_is_finite(gan_of):
    """The scale is read in each step; it is no constant of the compiled step."""
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        gan = gan_of(precision="mixed_float16", gen_loss={"gen_gan": 1e4, "gen_l1": 10.0})
        batch = random_batch(gan.exp)
        before = gan.generator.get_weights()[0]
        for _ in range(20):
            losses = gan.train_step(**batch)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    assert all(np.isfinite(loss) for loss in losses.values())
    assert float(gan.generator_optimizer.dynamic_scale) < 2.0**15
    assert not np.array_equal(before, gan.generator.get_weights()[0])


def test_equals_gradients_of_the_definition(gan_of):
    """One step of gradient descent; both gradients are those at the weights before the step."""
    gan = gan_of()
    for network in ("generator", "discriminator"):
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(getattr(gan, network).trainable_variables)
        setattr(gan, f"{network}_optimizer", optimizer)
    batch = random_batch(gan.exp)
    image, target = batch["input_image"], batch["target"]
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape(persistent=True) as tape:
        generated = gan.generator(image)
        real, fake = (gan.discriminator([image, x], training=True) for x in (target, generated))
        generator_loss = entropy(tf.ones_like(fake), fake) + 10 * tf.reduce_mean(tf.abs(target - generated))
        discriminator_loss = entropy(tf.ones_like(real), real) + entropy(tf.zeros_like(fake), fake)
    expected = []
    for loss, network in ((generator_loss, gan.generator), (discriminator_loss, gan.discriminator)):
        weights = network.trainable_variables
        expected += [w.numpy() - 0.1 * g.numpy() for w, g in zip(weights, tape.gradient(loss, weights), strict=True)]
    gan.train_step(**batch)
    updated = gan.generator.trainable_variables + gan.discriminator.trainable_variables
    for weight, value in zip(updated, expected, strict=True):
        np.testing.assert_allclose(weight.numpy(), value, atol=1e-6)


def test_a_missing_method_is_an_error_with_its_name(experiment_of):
    with pytest.raises(NotImplementedError, match="Generator"):
        ConditionalGAN(experiment_of(network_fields(64)))
