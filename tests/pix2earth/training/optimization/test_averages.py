"""Averages of the generator's weights: equal to the formula, in checkpoints, and used for prediction only."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.plugins import state
from pix2earth.settings.errors import UserError
from pix2earth.training.optimization import averages

PLUGIN = Path("mine.py")
EXPERIMENT = SimpleNamespace(settings=SimpleNamespace(ema=0.9), file="experiment.json")


def weights_of(network):
    return [weight.numpy() for weight in network.trainable_weights]


@pytest.fixture
def gan(small_gan):
    averaged = small_gan()
    averages.add(EXPERIMENT, averaged, PLUGIN)
    return averaged


def test_without_the_key_there_are_none(small_gan):
    gan = small_gan()
    averages.add(SimpleNamespace(settings=SimpleNamespace(ema=None)), gan, PLUGIN)
    with averages.used(gan):
        assert not hasattr(gan, averages.ATTRIBUTE)


def test_they_follow_the_weights_and_only_those_of_the_generator(gan):
    expected = [weight.astype(np.float64) for weight in weights_of(gan.generator)]
    for step in range(150):
        if step < 3:
            gan.learn()
        averages.update(gan, 0.9, tf.constant(step, tf.int64))
        decay = min(0.9, (1 + step) / (10 + step))
        pairs = zip(expected, weights_of(gan.generator), strict=True)
        expected = [decay * average + (1 - decay) * weight for average, weight in pairs]
    for average, value in zip(gan.averaged_weights, expected, strict=True):
        np.testing.assert_allclose(average.numpy(), value, rtol=1e-5, atol=1e-6)


def test_they_are_used_in_a_block_and_the_weights_come_back_also_after_an_error(gan):
    gan.learn()
    averages.update(gan, 0.9, tf.constant(0, tf.int64))
    before = weights_of(gan.generator)
    with pytest.raises(KeyError), averages.used(gan):
        for weight, average in zip(weights_of(gan.generator), gan.averaged_weights, strict=True):
            np.testing.assert_array_equal(weight, average.numpy())
        assert not np.array_equal(weights_of(gan.generator)[0], before[0])
        raise KeyError
    for weight, value in zip(weights_of(gan.generator), before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_a_checkpoint_holds_them(gan):
    listed = {id(variable) for variable in state.variables(gan).values()}
    assert gan.averaged_weights and {id(average) for average in gan.averaged_weights} <= listed


def test_errors(namespace, gan):
    with pytest.raises(UserError, match="has an attribute averaged_weights"):
        averages.add(EXPERIMENT, gan, PLUGIN)
    with pytest.raises(UserError, match=r"mine\.py has no network whose name begins with 'generator'"):
        averages.add(EXPERIMENT, namespace(), PLUGIN)
