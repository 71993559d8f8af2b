"""As published, the RSGAN networks learn in turn, and the generator's loss also moves the discriminator."""

import numpy as np
import pytest
import tensorflow as tf

from tests.networks import random_batch

pytestmark = pytest.mark.slow  # published networks take seconds to build

PARAMS = {"filters": [4, 8, 8], "discriminator_filters": [4, 8, 8], "as_published": True}


@pytest.mark.parametrize(("step", "generator_moves"), [(3, True), (4, False), (5, False)])
def test_networks_learn_in_turn(step, generator_moves, build):
    gan = build("cgan", 32, params=PARAMS)
    networks = (gan.generator, gan.discriminator)
    before = [network.trainable_weights[0].numpy() for network in networks]
    gan.train_step(**random_batch(gan.exp) | {"step": tf.constant(step, "int64")})
    moved = [not np.array_equal(old, each.trainable_weights[0]) for old, each in zip(before, networks, strict=True)]
    assert moved == [generator_moves, True]
