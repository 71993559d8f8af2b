"""Settings of a plug-in: defaults, names and types; and learning rates of its optimisers."""

import keras
import pytest

from layers.optimizers import adam
from layers.params import known_params
from tests.networks import network_fields

DEFAULTS = {"blocks": 5, "rate": 0.5, "attention": False, "mode": "max", "anything": None}


@pytest.fixture
def experiment(experiment_of):
    """``experiment(**settings)``: an Experiment with these settings."""
    return lambda **settings: experiment_of(network_fields(64), **settings)


@pytest.fixture
def params(experiment):
    """``params(**settings)``: the settings of a plug-in whose experiment has these."""
    return lambda **settings: known_params(experiment(params=settings), DEFAULTS)


def test_defaults_and_overrides(params):
    """An integer becomes a float if the default is a float."""
    assert params() == DEFAULTS
    assert params(blocks=7, rate=1, anything=[1]) == DEFAULTS | {"blocks": 7, "rate": 1.0, "anything": [1]}


def test_an_unknown_name_is_an_error_with_the_nearest_one(params):
    with pytest.raises(ValueError, match=r"params: unknown key 'block'.*did you mean 'blocks'"):
        params(block=7)


def test_a_plugin_without_settings_takes_none(experiment):
    with pytest.raises(ValueError, match="unknown key 'blocks'; this model takes none"):
        known_params(experiment(params={"blocks": 1}), {})


@pytest.mark.parametrize("wrong", [{"blocks": 2.5}, {"blocks": True}, {"rate": "1"}, {"attention": 1}, {"mode": None}])
def test_a_wrong_type_is_an_error(wrong, params):
    """A boolean is no number, and None is no string."""
    (name,) = wrong
    with pytest.raises(ValueError, match=f"'{name}' must be"):
        params(**wrong)


def test_all_errors_are_in_one_message(params):
    with pytest.raises(ValueError, match=r"block.*mode"):
        params(block=1, mode=3)


def test_learning_rates(experiment):
    """The rate of the experiment if it has one, otherwise that of the model."""
    opened = experiment(learning_rate={"generator": 0.01})
    generator, discriminator = adam(opened, "generator"), adam(opened, "discriminator")
    assert float(generator.learning_rate) == pytest.approx(0.01)
    assert float(discriminator.learning_rate) == pytest.approx(2e-4)
    assert (discriminator.beta_1, discriminator.beta_2, discriminator.epsilon) == (0.5, 0.999, 1e-7)


@pytest.mark.parametrize(
    ("precision", "scaled"), [("float32", False), ("mixed_bfloat16", False), ("mixed_float16", True)]
)
def test_only_float16_scales_its_loss(precision, scaled, experiment):
    """bfloat16 has the range of exponents of float32."""
    optimizer = adam(experiment(precision=precision), "generator")
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer) == scaled
