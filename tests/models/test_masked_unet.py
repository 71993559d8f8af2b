"""The masked U-Net: clear pixels are handed through, hidden ones learnt, and the mask is asked for by name."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.records.manifest import Field

RANDOM = np.random.default_rng(1)
SIDE, BANDS, DATES = 16, 2, 3


def fields(mask_dates):
    """The fields of a stack of three dates, and of a mask of so many."""
    dates = [] if mask_dates is None else [mask_dates]
    return {
        "input_image": Field(dtype="uint16", shape=[DATES, SIDE, SIDE, BANDS], bands=["a", "b"]),
        "cloud_mask": Field(dtype="uint8", shape=[*dates, SIDE, SIDE, 1], kind="mask", bands=["gap"]),
    }


@pytest.fixture
def gan_of(plugin, experiment):
    """``gan_of(mask_dates, **changes)``: the plug-in on folded dates."""

    def made(mask_dates=DATES, **changes):
        about = {
            "INPUT_CHANNELS": DATES * BANDS, "OUTPUT_CHANNELS": BANDS * (mask_dates or 1), "FOLD_DATES": True,
            "PARAMS": {"filters": 4, "discriminator_filters": 4}, "GEN_LOSS": {"gen_gan": 0.01},
            "manifest": SimpleNamespace(fields=fields(mask_dates)),
        }  # fmt: skip
        return plugin("masked_unet").GAN(experiment(SIDE, **{**about, **changes}))

    return made


def sample(mask_dates, size=2):
    shape = (size, SIDE, SIDE)
    return {
        "input_image": tf.constant(RANDOM.uniform(-1, 1, (*shape, DATES * BANDS)), "float32"),
        "cloud_mask": tf.constant(RANDOM.integers(0, 2, (*shape, mask_dates or 1)), "float32"),
    }


@pytest.mark.parametrize("mask_dates", [None, DATES])
def test_clear_pixels_are_the_last_bands_of_the_input(mask_dates, gan_of):
    batch = sample(mask_dates)
    made = gan_of(mask_dates).predict(**batch).numpy()
    channels = made.shape[-1]
    hidden = batch["cloud_mask"].numpy().repeat(BANDS, axis=-1) > 0
    image = batch["input_image"].numpy()[..., -channels:]
    np.testing.assert_array_equal(made[~hidden], image[~hidden])
    assert np.abs(made[hidden] - image[hidden]).min() > 0


def test_without_it_clear_pixels_change_too(gan_of):
    batch = sample(DATES)
    gan = gan_of(PARAMS={"filters": 4, "discriminator_filters": 4, "keep_clear": False})
    assert np.abs(gan.predict(**batch) - batch["input_image"]).min() > 0


def test_masked_loss_counts_hidden_pixels_more(plugin):
    made, wanted = RANDOM.random((2, 4, 4, 6)), RANDOM.random((2, 4, 4, 6))
    mask = RANDOM.integers(0, 2, (2, 4, 4, 3))
    weights = np.where(mask.repeat(2, axis=-1) > 0, 4.0, 1.0)
    expected = np.average(np.abs(made - wanted), weights=weights)
    found = plugin("masked_unet").masked_l1(*(tf.constant(array, tf.float32) for array in (made, wanted, mask)), 4.0)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_it_learns_what_is_hidden(gan_of):
    """The same hidden value everywhere: a few steps come nearer to it."""
    rates = {"generator": 5e-3, "discriminator": 2e-4}
    gan, batch = gan_of(None, LEARNING_RATE=rates), sample(None)
    target = tf.where(batch["cloud_mask"] > 0, 0.5, batch["input_image"][..., -BANDS:])
    losses = [float(gan.train_step(**batch, target=target, step=tf.constant(0, tf.int64))["gen_l1_masked"])
              for _ in range(20)]  # fmt: skip
    assert losses[-1] < 0.5 * losses[0]


def test_hidden_pixels_begin_as_a_mixture_of_the_dates(gan_of):
    """With correction and scores at zero: the mean over the dates, band by band."""
    gan, batch = gan_of(None), sample(None)
    for layer in gan.generator.layers[-12:]:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    stack = batch["input_image"].numpy().reshape(2, SIDE, SIDE, DATES, BANDS)
    hidden = batch["cloud_mask"].numpy()[..., 0] > 0
    np.testing.assert_allclose(gan.predict(**batch).numpy()[hidden], stack.mean(axis=3)[hidden], atol=1e-6)


def test_errors(gan_of, plugin, experiment):
    with pytest.raises(ValueError, match='"fold_dates": true'):
        gan_of(FOLD_DATES=False)
    with pytest.raises(ValueError, match="needs a field cloud_mask; the dataset has input_image"):
        gan_of(manifest=SimpleNamespace(fields={"input_image": fields(None)["input_image"]}))
    with pytest.raises(ValueError, match="target's 2 bands on every date of the input, which has 5 channels"):
        gan_of(INPUT_CHANNELS=5)
    with pytest.raises(ValueError, match="multiples of 4"):
        gan_of(IMG_HEIGHT=18)
