"""GAPFILL: sizes, hidden and clear pixels, statistics in predictions, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pix2earth.records.manifest import Field
from tests.networks import eager_step, random_batch

pytestmark = pytest.mark.slow  # published networks take seconds to build

SIDE, BANDS, STEPS = 32, 2, 2
PARAMS = {"filters": 2, "blocks": 1, "discriminator_filters": 2}


def fields(steps=STEPS, target_steps=None, bands=BANDS, side=SIDE):
    """Fields of an input of some time steps, and of a target and a mask of as many or fewer."""
    names = [f"b{number}" for number in range(bands)]
    shape = [target_steps or steps, side, side]
    return {
        "input_image": Field(dtype="uint16", shape=[steps, side, side, bands], bands=names),
        "target": Field(dtype="uint16", shape=[*shape, bands], bands=names),
        "cloud_mask": Field(dtype="uint8", shape=[*shape, 1], kind="mask", bands=["gap"]),
    }


@pytest.fixture
def gan_of(build):
    def built(chosen=None, side=SIDE, **settings):
        losses = {"gen_loss": {"gen_gan": None, "gen_hinge_hidden": 1, "gen_l2_hidden": 5}}
        losses["disc_loss"] = {"disc_bce": None, "disc_hinge_hidden": 1}
        defaults = {"fold_dates": True, "params": PARAMS, **losses}
        return build("gapfill", side, fields=chosen or fields(), **defaults | settings)

    return built


def inputs_of(gan):
    batch = random_batch(gan.exp, "cloud_mask")
    return {name: batch[name] for name in ("input_image", "cloud_mask")}


@pytest.mark.parametrize("target_steps", [1, 2])
def test_clear_pixels_are_the_input_and_hidden_ones_are_not_seen(target_steps, gan_of):
    gan = gan_of(fields(STEPS, target_steps))
    inputs = inputs_of(gan)
    hidden = np.repeat(inputs["cloud_mask"], BANDS, axis=-1) > 0
    image = inputs["input_image"].numpy()
    seen = image[..., -hidden.shape[-1] :]
    found = gan.predict(**inputs).numpy()
    np.testing.assert_array_equal(found[~hidden], seen[~hidden])
    other = image.copy()
    other[..., -hidden.shape[-1] :][hidden] = 7
    np.testing.assert_array_equal(gan.predict(tf.constant(other), inputs["cloud_mask"]), found)


def test_a_prediction_depends_on_the_images_beside_it_only_as_published(gan_of):
    for params, same in (({}, True), ({"as_published": True}, False),
                         ({"as_published": True, "statistics": "running"}, True)):  # fmt: skip
        gan = gan_of(params=PARAMS | params)
        inputs = inputs_of(gan)
        first = {name: array[:1] for name, array in inputs.items()}
        difference = np.abs(gan.predict(**first) - gan.predict(**inputs)[:1]).max()
        assert (difference < 1e-5) == same


def test_missing_pixels_of_the_target_are_not_learnt(gan_of):
    """The losses are the same, whatever they hold."""
    losses = []
    for value in (-1.0, 1.0):
        keras.utils.set_random_seed(1)
        gan = gan_of()
        batch = random_batch(gan.exp, "cloud_mask")
        validity = np.ones((2, SIDE, SIDE, 1), "float32")
        validity[:, :8] = 0
        hidden = np.ones((2, SIDE, SIDE, STEPS), "float32")
        target = np.where(validity > 0, batch["target"], value).astype("float32")
        found = eager_step(gan, **batch | {"target": tf.constant(target), "cloud_mask": tf.constant(hidden)},
                               validity=tf.constant(validity))  # fmt: skip
        losses.append(float(found["gen_l2_hidden"]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_parameters_as_published(gan_of):
    """At a width of 16, of which the published number is known; the discriminator has its published width."""
    params = {"filters": 16}
    gan = gan_of(fields(3, bands=6), params=params)
    count = [
        sum(int(np.prod(weight.shape)) for weight in each.trainable_weights)
        for each in (gan.generator, gan.discriminator)
    ]
    assert count == [11_673_474, 8_744_322]


def test_errors(gan_of, build):
    with pytest.raises(ValueError, match='"fold_dates": true'):
        gan_of(fold_dates=False)
    with pytest.raises(ValueError, match="needs a field cloud_mask; the dataset has input_image, target"):
        build("gapfill", SIDE)
    with pytest.raises(ValueError, match="the input has 2 channels, the target 4, the mask 2"):
        gan_of(fields() | {"input_image": fields(1)["input_image"]})
    with pytest.raises(ValueError, match="multiples of 16"):
        gan_of(fields(side=40), side=40)
    with pytest.raises(ValueError, match="at least 32, not 16 and 16"):
        gan_of(fields(side=16), side=16)
    with pytest.raises(ValueError, match="statistics must be one of running, batch"):
        gan_of(params=PARAMS | {"statistics": "none"})
