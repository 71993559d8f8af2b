"""A plug-in's settings: defaults, names, types; and its optimisers' learning rates."""

from types import SimpleNamespace

import keras
import pytest

from layers.optimizers import adam
from layers.params import known_params

DEFAULTS = {"blocks": 5, "rate": 0.5, "attention": False, "mode": "max", "anything": None}


def params(**given):
    """Return what a plug-in makes of these settings."""
    return known_params(SimpleNamespace(PARAMS=given), DEFAULTS)


def test_defaults_and_overrides():
    """A whole number becomes the float that the default is."""
    assert params() == DEFAULTS
    assert params(blocks=7, rate=1, anything=[1]) == DEFAULTS | {"blocks": 7, "rate": 1.0, "anything": [1]}


def test_unknown_name_tells_the_nearest():
    """A typing error is not ignored."""
    with pytest.raises(ValueError, match=r"params: unknown key 'block'.*did you mean 'blocks'"):
        params(block=7)


def test_no_names_at_all():
    """A plug-in without settings says so."""
    with pytest.raises(ValueError, match="unknown key 'blocks'; this model takes none"):
        known_params(SimpleNamespace(PARAMS={"blocks": 1}), {})


@pytest.mark.parametrize("wrong", [{"blocks": 2.5}, {"blocks": True}, {"rate": "1"}, {"attention": 1}, {"mode": None}])
def test_wrong_type(wrong):
    """A bool is no number, and None no text."""
    (name,) = wrong
    with pytest.raises(ValueError, match=f"'{name}' must be"):
        params(**wrong)


def test_all_errors_at_once():
    """One run, one list."""
    with pytest.raises(ValueError, match=r"block.*mode"):
        params(block=1, mode=3)


def test_learning_rates():
    """The experiment's rate where it has one, else the model's."""
    experiment = SimpleNamespace(LEARNING_RATE={"generator": 0.01, "discriminator": None}, PRECISION="float32")
    generator, discriminator = adam(experiment, "generator"), adam(experiment, "discriminator")
    assert float(generator.learning_rate) == pytest.approx(0.01)
    assert float(discriminator.learning_rate) == pytest.approx(2e-4)
    assert (discriminator.beta_1, discriminator.beta_2, discriminator.epsilon) == (0.5, 0.999, 1e-7)


@pytest.mark.parametrize(
    ("precision", "scaled"), [("float32", False), ("mixed_bfloat16", False), ("mixed_float16", True)]
)
def test_only_float16_scales_its_loss(precision, scaled):
    """bfloat16 has the exponents of float32."""
    experiment = SimpleNamespace(LEARNING_RATE={"generator": None, "discriminator": None}, PRECISION=precision)
    assert isinstance(adam(experiment, "generator"), keras.optimizers.LossScaleOptimizer) == scaled
