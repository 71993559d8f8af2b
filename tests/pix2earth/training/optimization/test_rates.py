"""Learning rates of plug-ins with any networks: by name, scheduled, and with clipped gradients."""

from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from pix2earth.settings.errors import UserError
from pix2earth.settings.schema import ExperimentFile
from pix2earth.training import devices
from pix2earth.training.optimization.rates import Rates, clip_gradients

PLUGIN = Path("mine.py")


def experiment_with(**keys):
    settings = ExperimentFile(model_name="a", **keys)
    return SimpleNamespace(settings=settings, file="experiment.json", STEPS=settings.steps)


@pytest.fixture
def gan(small_gan):
    """A plug-in with a third network, in a dictionary."""
    plugin = small_gan()
    plugin.optimizers = {"flow": keras.optimizers.SGD(0.5)}
    return plugin


def rates_of(gan):
    return pytest.approx(devices.learning_rates(gan))


def test_without_a_key_the_rates_are_those_of_the_plug_in(gan):
    Rates(experiment_with(), gan, PLUGIN)
    assert {"generator_optimizer": 1e-2, "discriminator_optimizer": 2e-2, "optimizers/flow": 0.5} == rates_of(gan)


def test_one_number_is_for_every_network(gan):
    Rates(experiment_with(learning_rate=0.25), gan, PLUGIN)
    assert dict.fromkeys(["generator_optimizer", "discriminator_optimizer", "optimizers/flow"], 0.25) == rates_of(gan)


def test_a_third_network_has_a_rate_by_its_name(gan):
    Rates(experiment_with(learning_rate={"flow": 0.25}), gan, PLUGIN)
    assert {"generator_optimizer": 1e-2, "discriminator_optimizer": 2e-2, "optimizers/flow": 0.25} == rates_of(gan)


def test_every_step_has_the_rate_of_the_schedule(gan):
    rates = Rates(experiment_with(steps=10, schedule={"flow": {"kind": "linear"}}), gan, PLUGIN)
    for step, expected in ((0, 0.5), (5, 0.25), (9, 0.05), (5, 0.25)):  # also backwards: it depends on the step alone
        rates.apply(step, 0.0, 1.0)
        assert {"generator_optimizer": 1e-2, "discriminator_optimizer": 2e-2, "optimizers/flow": expected} == rates_of(
            gan
        )


def test_a_schedule_in_epochs_counts_epochs(gan):
    schedule = {"kind": "linear", "unit": "epochs", "begin": 1}
    rates = Rates(experiment_with(learning_rate=1.0, schedule={"generator": schedule}), gan, PLUGIN)
    rates.apply(9999, 2.0, 5.0)
    assert devices.learning_rates(gan)["generator_optimizer"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"learning_rate": {"flwo": 1.0}},
            "experiment.json: learning_rate.flwo: mine.py has no network of this name with an optimiser;"
            " did you mean 'flow'?",
        ),
        (
            {"schedule": {"critic": {"kind": "linear"}}},
            "experiment.json: schedule.critic: mine.py has no network of this name with an optimiser;"
            " there are: discriminator, flow, generator",
        ),
    ],
)
def test_an_unknown_network_is_an_error(gan, keys, message):
    with pytest.raises(UserError) as error:
        Rates(experiment_with(**keys), gan, PLUGIN)
    assert str(error.value) == message


def test_two_schedules_of_one_optimiser_are_an_error(gan):
    gan.optimizers["flow"] = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5))
    Rates(experiment_with(learning_rate=0.25), gan, PLUGIN)  # the plug-in's schedule stays
    assert float(gan.optimizers["flow"].learning_rate) == 0.5
    with pytest.raises(UserError, match="gives the optimiser of 'flow' a schedule of its own"):
        Rates(experiment_with(schedule={"kind": "cosine"}), gan, PLUGIN)


@pytest.mark.parametrize("wrap", [lambda one: one, keras.optimizers.LossScaleOptimizer])
def test_gradients_are_clipped_by_their_norm_over_all_weights(namespace, wrap):
    gradients = [tf.constant([3.0, 4.0]), tf.constant([12.0])]  # of norm 13
    weights = [keras.Variable([0.0, 0.0]), keras.Variable([0.0])]
    gan = namespace(optimizer=wrap(keras.optimizers.SGD(1.0, clipvalue=1e-3)))
    gan.optimizer.build(weights)
    clip_gradients(experiment_with(clip_norm=6.5), gan, PLUGIN, 1)
    scale = float(gan.optimizer.scale_loss(tf.constant(1.0)))
    gan.optimizer.apply([gradient * scale for gradient in gradients], weights)
    np.testing.assert_allclose(np.concatenate(weights), [-1.5, -2.0, -6.0], rtol=1e-6)


def test_clipping_is_refused_where_it_would_differ(gan, namespace):
    with pytest.raises(UserError, match="clip_norm: is not possible on 2 devices"):
        clip_gradients(experiment_with(clip_norm=1.0), gan, PLUGIN, 2)
    former = type("Adam", (), {"apply_gradients": None, "learning_rate": tf.Variable(1.0)})()
    with pytest.raises(UserError, match=r"clip_norm: mine of mine\.py is of Keras 2"):
        clip_gradients(experiment_with(clip_norm=1.0), namespace(mine=former), PLUGIN, 1)
