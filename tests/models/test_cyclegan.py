"""The CycleGANs: losses by hand, pools of what discriminators see, missing pixels, errors."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiment import PROJECT
from pix2earth.plugins.declared import declared
from tests.networks import random_batch

SIDE = 32
PARAMS = {"filters": [4, 8, 8], "discriminator_filters": [4, 8, 8]}
LOSSES = {"gen_loss": {"gen_gan": 1, "gen_cycle": 10, "gen_identity": 5}, "disc_loss": {"disc_bce": 1}}


def image(value, batch=1):
    return tf.fill((batch, SIDE, SIDE, 3), float(value))


@pytest.fixture
def by_hand(build):
    """``by_hand(model)``: a CycleGAN whose generators double and add 1, and whose logits are the last image's mean."""

    def built(model="cyclegan_unpaired", **settings):
        gan = build(model, SIDE, (3, 3), params=PARAMS | settings.pop("params", {}), **LOSSES | settings)
        gan.generator, gan.backward = (lambda x, training: 2 * x), (lambda x, training: x + 1)
        gan.discriminator = gan.backward_discriminator = lambda images, training: tf.reduce_mean(
            images[-1], axis=(1, 2, 3)
        )
        return gan

    return built


def softplus(value):
    return math.log1p(math.exp(value))


def test_generator_losses_by_hand(by_hand):
    """Input 1, target 3. There: 2, back 3. Back: 4, there 8. Smooth L1 of d is d - 0.5 from 1 on."""
    total, terms, generated = by_hand().generator_terms(image(1), image(3), {})
    assert [float(tf.reduce_mean(each)) for each in generated] == [2, 4]
    assert float(terms["gen_cycle"]) == pytest.approx((2 - 0.5) + (5 - 0.5))
    # Identity: the target 3 becomes 6, the input 1 becomes 2.
    assert float(terms["gen_identity"]) == pytest.approx((3 - 0.5) + (1 - 0.5))
    assert float(terms["gen_gan"]) == pytest.approx(softplus(-2) + softplus(-4), rel=1e-6)
    assert float(total) == pytest.approx(softplus(-2) + softplus(-4) + 10 * 6 + 5 * 3, rel=1e-6)
    assert set(terms) == {"gen_gan", "gen_cycle", "gen_identity"}


def test_identity_counts_only_where_it_is_named(by_hand):
    gan = by_hand(gen_loss={"gen_gan": 1})
    total, terms, _ = gan.generator_terms(image(1), image(3), {})
    assert set(terms) == {"gen_gan", "gen_cycle"}  # the weight of the cycle has a default
    assert float(total) == pytest.approx(softplus(-2) + softplus(-4) + 10 * 6, rel=1e-6)


def test_missing_pixels_of_the_target(by_hand):
    """Their values count nowhere: neither around the cycle nor as identity, and both images show them."""
    gan = by_hand()
    validity = np.ones((1, SIDE, SIDE, 1), "float32")
    validity[:, : SIDE // 2] = 0
    target = tf.constant(np.where(validity > 0, image(3), 7.0), "float32")
    _, terms, generated = gan.generator_terms(image(1), target, {"validity": tf.constant(validity)})
    assert float(terms["gen_cycle"]) == pytest.approx(1.5 + 4.5)
    assert float(terms["gen_identity"]) == pytest.approx(2.5 + 0.5)
    # The discriminator of the target's domain sees 7 in half of both images; that of the input 3 + 1 and 7 + 1.
    assert float(terms["gen_gan"]) == pytest.approx(softplus(-(2 + 7) / 2) + softplus(-(4 + 8) / 2), rel=1e-6)
    judged, _ = gan.discriminator_terms(image(1), target, {"validity": tf.constant(validity)}, generated)
    there = softplus(-(3 + 7) / 2) + softplus((2 + 7) / 2)
    assert float(judged) == pytest.approx(there + softplus(-1) + softplus((4 + 8) / 2), rel=1e-6)


@pytest.mark.parametrize("model", ["cyclegan", "cyclegan_unpaired"])
def test_discriminator_losses_by_hand(model, by_hand):
    judged, terms = by_hand(model).discriminator_terms(image(1), image(3), {})
    expected = softplus(-3) + softplus(2) + softplus(-1) + softplus(4)
    assert float(judged) == float(terms["disc_bce"]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("model", ["cyclegan", "cyclegan_unpaired"])
def test_a_pool_keeps_what_a_discriminator_sees(model, by_hand):
    """The paired one keeps each generated image with the one that it was generated from."""
    gan = by_hand(model, params={"pool": 2})
    gan.discriminator_terms(image(1), image(3), {})
    expected = {"cyclegan": ([1, 2], [3, 4]), "cyclegan_unpaired": ([2], [4])}[model]
    for pool, values in zip(gan.pools, expected, strict=True):
        assert int(pool.count) == 1
        assert pool.images.shape == (2, SIDE, SIDE, 3 * len(values))
        np.testing.assert_array_equal(pool.images[0, 0, 0], np.repeat(values, 3))


def test_a_full_pool_gives_images_of_earlier_steps(by_hand, monkeypatch):
    """Each second draw exchanges: the discriminators judge the images of the step before."""
    monkeypatch.setattr(keras.random, "uniform", lambda shape, seed: tf.constant([0.1, 0.0]))
    gan = by_hand(params={"pool": 1})
    gan.discriminator_terms(image(1), image(3), {})
    judged, _ = gan.discriminator_terms(image(0), image(5), {})
    assert float(judged) == pytest.approx(softplus(-5) + softplus(2) + softplus(0) + softplus(4), rel=1e-6)
    assert [float(pool.images[0, 0, 0, 0]) for pool in gan.pools] == [0, 6]


def test_the_published_training_has_no_pool(build):
    assert build("cyclegan", SIDE, params=PARAMS, **LOSSES | {"gen_loss": {"gen_gan": 1}}).pools == []
    unpaired = build("cyclegan_unpaired", SIDE, params=PARAMS, **LOSSES | {"gen_loss": {"gen_gan": 1}})
    assert [pool.images.shape for pool in unpaired.pools] == [(50, SIDE, SIDE, 3), (50, SIDE, SIDE, 5)]


def test_samples_are_said_without_an_import():
    for name, sampling in (("cyclegan", None), ("cyclegan_unpaired", "pools")):
        found = declared(PROJECT / "models" / f"{name}.py", PROJECT)
        assert found.literals.get("sampling") == sampling
        assert found.parameters["train_step"] == ["input_image", "target", "**"]


@pytest.mark.slow
def test_the_generators_do_not_learn_from_the_partner(build):
    """Where the cycle has no weight, exchanging the targets within the batch changes no generator of the input."""
    losses = {"gen_loss": {"gen_gan": 1, "gen_cycle": None}, "disc_loss": {"disc_bce": 1}}
    found = []
    for turned in (False, True):
        keras.utils.set_random_seed(0)
        gan = build("cyclegan_unpaired", SIDE, params=PARAMS | {"dropout": 0.0, "pool": 0}, **losses)
        batch = random_batch(gan.exp)
        target = batch["target"][::-1] if turned else batch["target"]
        gan.train_step(input_image=batch["input_image"], target=target)
        found.append([weight.numpy() for weight in gan.generator.weights])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_errors(build):
    with pytest.raises(ValueError, match="gen_l1, gen_ssim would compare images of different places"):
        build("cyclegan_unpaired", SIDE, params=PARAMS)
    for model in ("cyclegan", "cyclegan_unpaired"):
        with pytest.raises(ValueError, match="as many bands in the input as in the target, not 5 and 3; leave it out"):
            build(model, SIDE, params=PARAMS, **LOSSES)
        with pytest.raises(ValueError, match="'pool' must be 0 or more, not -1"):
            build(model, SIDE, (3, 3), params=PARAMS | {"pool": -1}, **LOSSES)
