"""The masked U-Net: clear pixels are copied, hidden pixels are learnt, and its errors for fields that do not fit."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.records.manifest import Field
from tests.networks import random_batch

RANDOM = np.random.default_rng(1)
SIDE, BANDS, STEPS = 16, 2, 3
PARAMS = {"filters": 4, "discriminator_filters": 4}


def fields(mask_steps=STEPS):
    """Fields of an input of three time steps, and of a target and a mask of ``mask_steps`` (None: no time axis)."""
    time = [] if mask_steps is None else [mask_steps]
    return {
        "input_image": Field(dtype="uint16", shape=[STEPS, SIDE, SIDE, BANDS], bands=["a", "b"]),
        "target": Field(dtype="uint16", shape=[*time, SIDE, SIDE, BANDS], bands=["a", "b"]),
        "cloud_mask": Field(dtype="uint8", shape=[*time, SIDE, SIDE, 1], kind="mask", bands=["gap"]),
    }


@pytest.fixture
def gan_of(build):
    """``gan_of(fields, **settings)``: the model on these fields, with time steps folded into bands."""

    def built(chosen, **settings):
        defaults = {"fold_dates": True, "params": PARAMS, "gen_loss": {"gen_gan": 0.01}}
        return build("masked_unet", SIDE, fields=chosen, **defaults | settings)

    return built


def inputs_of(gan):
    batch = random_batch(gan.exp, "cloud_mask")
    return {name: batch[name] for name in ("input_image", "cloud_mask")}


@pytest.mark.parametrize("mask_steps", [None, STEPS])
def test_clear_pixels_are_the_last_bands_of_the_input(mask_steps, gan_of):
    gan = gan_of(fields(mask_steps))
    inputs = inputs_of(gan)
    prediction = gan.predict(**inputs).numpy()
    channels = prediction.shape[-1]
    assert channels == BANDS * (mask_steps or 1)
    hidden = inputs["cloud_mask"].numpy().repeat(BANDS, axis=-1) > 0
    image = inputs["input_image"].numpy()[..., -channels:]
    np.testing.assert_array_equal(prediction[~hidden], image[~hidden])
    assert np.abs(prediction[hidden] - image[hidden]).min() > 0


def test_without_keep_clear_clear_pixels_change_too(gan_of):
    gan = gan_of(fields(), params=PARAMS | {"keep_clear": False})
    inputs = inputs_of(gan)
    assert np.abs(gan.predict(**inputs) - inputs["input_image"]).min() > 0


def test_hidden_pixels_have_a_higher_weight_in_the_masked_loss(plugin):
    prediction, target = RANDOM.random((2, 4, 4, 6)), RANDOM.random((2, 4, 4, 6))
    mask = RANDOM.integers(0, 2, (2, 4, 4, 3))
    weights = np.where(mask.repeat(2, axis=-1) > 0, 4.0, 1.0)
    expected = np.average(np.abs(prediction - target), weights=weights)
    arguments = (tf.constant(array, tf.float32) for array in (prediction, target, mask))
    assert float(plugin("masked_unet").masked_l1(*arguments, 4.0)) == pytest.approx(expected, rel=1e-5)


def test_it_learns_hidden_pixels(gan_of):
    """If they have the same value everywhere, a few steps decrease the loss to about a quarter."""
    gan = gan_of(fields(None), learning_rate={"generator": 5e-3, "discriminator": 2e-4})
    inputs = inputs_of(gan)
    target = tf.where(inputs["cloud_mask"] > 0, 0.5, inputs["input_image"][..., -BANDS:])
    losses = [float(gan.train_step(**inputs, target=target, step=tf.constant(0, tf.int64))["gen_l1_masked"])
              for _ in range(80)]  # fmt: skip
    assert losses[-1] < 0.5 * losses[0]


def test_hidden_pixels_are_a_weighted_mean_of_the_time_steps(gan_of):
    """With correction and scores of zero, the mean over the time steps of each band."""
    gan = gan_of(fields(None))
    inputs = inputs_of(gan)
    for layer in gan.generator.layers[-12:]:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    series = inputs["input_image"].numpy().reshape(2, SIDE, SIDE, STEPS, BANDS)
    hidden = inputs["cloud_mask"].numpy()[..., 0] > 0
    np.testing.assert_allclose(gan.predict(**inputs).numpy()[hidden], series.mean(axis=3)[hidden], atol=1e-6)


def test_errors(gan_of, build):
    with pytest.raises(ValueError, match='"fold_dates": true'):
        gan_of(fields(), fold_dates=False)
    with pytest.raises(ValueError, match="needs a field cloud_mask; the dataset has input_image, target"):
        build("masked_unet", SIDE)
    with pytest.raises(ValueError, match="target's 2 bands in every time step of the input, which has 5 channels"):
        build("masked_unet", SIDE, bands=(5, 2), fields={"cloud_mask": fields(None)["cloud_mask"]})
    with pytest.raises(ValueError, match="multiples of 4"):
        gan_of(fields(), img_height=18)
