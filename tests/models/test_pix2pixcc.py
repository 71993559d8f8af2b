"""Pix2PixCC beyond its golden files: published sizes, initial weights, its losses in training, errors."""

import keras
import numpy as np
import pytest

from tests.networks import random_batch, variables_after

pytestmark = pytest.mark.slow  # published networks take seconds to build

SMALL = {"filters": 4, "downsamplings": 1, "residual_blocks": 1, "discriminator_filters": 4}
LOSSES = {
    "gen_loss": {"gen_lsgan": 1.0, "gen_fm": 10.0, "gen_cc": 5.0, "gen_gan": None},
    "disc_loss": {"disc_lsgan": 1.0, "disc_bce": None},
}


@pytest.fixture
def gan_of(build):
    """``gan_of(size, bands, **params)``: the model with its published losses, small unless stated."""

    def built(size=48, bands=(2, 3), learning_rate=None, **params):
        return build("pix2pixcc", size, bands, params=SMALL | params, learning_rate=learning_rate, **LOSSES)

    return built


@pytest.mark.parametrize(
    ("params", "count"),
    [({"filters": 32}, 48_399_873), ({"filters": 32, "transposed": False}, 48_399_873)],
)
def test_published_numbers_of_parameters(params, count, build_networks, zero_weights):
    gan = build_networks("pix2pixcc", 32, (1, 1), params=params)
    assert gan.generator.count_params() == count
    assert gan.discriminator.count_params() == 2_763_713


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bands", "norm", "count"),
    [((1, 1), "instance", 193_571_841), ((3, 1), "instance", 193_578_113), ((7, 1), "instance", 193_590_657),
     ((1, 1), "batch", 193_614_593)],
)  # fmt: skip
def test_published_numbers_of_parameters_at_full_width(bands, norm, count, build_networks, zero_weights):
    """The numbers of weights that are trained; batch normalisation also has running statistics."""
    generator = build_networks("pix2pixcc", 32, bands, params={"norm": norm}).generator
    assert sum(int(np.prod(weight.shape)) for weight in generator.trainable_weights) == count


def test_initial_weights(build_networks):
    """Convolutions Normal(0, 0.02); biases and transposed convolutions uniform; scales of norms Normal(1, 0.02)."""
    gan = build_networks("pix2pixcc", 32, (2, 3), params=SMALL | {"filters": 32, "norm": "batch"})
    names = gan.published_names()["generator"]
    kernel, bias = (names[f"model.4.{part}"].numpy() for part in ("weight", "bias"))
    assert kernel.std() == pytest.approx(0.02, rel=0.05) and kernel.mean() == pytest.approx(0, abs=1e-3)
    assert 0.8 < np.abs(bias).max() * (32 * 25) ** 0.5 <= 1
    transposed = names["model.8.weight"].numpy()
    assert transposed.shape == (3, 3, 32, 64)
    assert np.abs(transposed).max() == pytest.approx((32 * 9) ** -0.5, rel=1e-2)
    scales = names["model.5.weight"].numpy()
    assert scales.mean() == pytest.approx(1, abs=0.02) and 0 < scales.std() < 0.04


@pytest.mark.parametrize("params", [{}, {"scales": 2, "norm": "batch", "padding": "reflection", "transposed": False}])
def test_its_losses_decrease_on_one_batch(params, gan_of):
    gan = gan_of(learning_rate={"generator": 1e-3}, **params)
    batch = random_batch(gan.exp)
    batch["target"] = batch["input_image"][..., :1] * np.array([0.5, -0.3, 0.2], "float32") + 0.1
    losses = [{name: float(value) for name, value in gan.train_step(**batch).items()} for _ in range(30)]
    assert losses[0].keys() == {
        "total_gen_loss", "gen_lsgan", "gen_fm", "gen_cc", "total_disc_loss", "disc_lsgan",
    }  # fmt: skip
    assert losses[-1]["gen_cc"] < 0.6 * losses[0]["gen_cc"]
    total = sum(weight * losses[-1][name] for name, weight in LOSSES["gen_loss"].items() if weight)
    assert losses[-1]["total_gen_loss"] == pytest.approx(total, rel=1e-5)


def test_accumulated_features_are_those_as_published(gan_of):
    """Of two scales, the first is counted twice; an explicit key wins."""
    assert not gan_of(scales=2).loss_settings["fm_accumulated"]
    assert gan_of(scales=2, as_published=True).loss_settings["fm_accumulated"]
    assert not gan_of(scales=2, as_published=True, accumulated_features=False).loss_settings["fm_accumulated"]


def test_settings_of_the_inspector_reach_the_loss(gan_of):
    batch = random_batch(gan_of().exp)
    values = []
    for params in ({}, {"correlation_scales": 1}, {"concordance": False}):
        keras.utils.set_random_seed(0)
        gan = gan_of(**params)
        values.append(float(gan.train_step(**batch)["gen_cc"]))
    assert len({round(value, 4) for value in values}) == 3


def test_optimisers_have_the_published_settings(gan_of):
    optimizer = gan_of().generator_optimizer
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.5, 0.999, 1e-8)
    assert float(optimizer.learning_rate) == pytest.approx(2e-4)
    assert gan_of(beta_1=0.9, epsilon=1e-4).discriminator_optimizer.beta_1 == 0.9


@pytest.mark.parametrize(
    ("size", "params", "message"),
    [
        (48, {"norm": "layer"}, "'norm' must be one of instance, batch, not 'layer'"),
        (48, {"padding": "same"}, "'padding' must be one of replication, reflection, zero, not 'same'"),
        (48, {"scales": 0}, "'scales' must be 1 or more, not 0"),
        (48, {"scales": 3}, "at least 96, not 48 and 48"),
        (48, {"downsamplings": 5}, "multiples of 32, not 48 and 48"),
        (32, {"downsamplings": 5}, "at least 64, not 32 and 32"),
        (48, {"trans_conv": True}, "unknown key 'trans_conv'"),
    ],
)
def test_errors_are_one_line(size, params, message, gan_of):
    with pytest.raises(ValueError, match=message) as error:
        gan_of(size, **params)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("params", [{}, {"norm": "batch", "transposed": False, "downsamplings": 2}])
def test_recomputed_features_change_no_step(params, gan_of):
    """Weights, statistics and the optimiser's slots are equal bit for bit."""
    found = []
    for recompute in (False, True):
        keras.utils.set_random_seed(1)
        gan = gan_of(recompute=recompute, **params)
        assert hasattr(gan, "segments") == recompute
        found.append(variables_after(gan, random_batch(gan.exp)))
    assert found[0].keys() == found[1].keys()
    for name, array in found[0].items():
        np.testing.assert_array_equal(found[1][name], array, err_msg=name)
