"""GAPFILL: time steps, bands and masks of datasets, hidden and clear pixels, statistics in predictions, errors."""

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
    batch = random_batch(gan.exp, "input_mask")
    return {name: batch[name] for name in ("input_image", "input_mask")}


@pytest.mark.parametrize("target_steps", [1, 2])
def test_clear_pixels_are_the_input_and_hidden_ones_are_not_seen(target_steps, gan_of):
    gan = gan_of(fields(STEPS, target_steps))
    inputs = inputs_of(gan)
    hidden = np.repeat(inputs["input_mask"], BANDS, axis=-1) > 0
    image = inputs["input_image"].numpy()
    seen = image[..., -hidden.shape[-1] :]
    found = gan.predict(**inputs).numpy()
    np.testing.assert_array_equal(found[~hidden], seen[~hidden])
    other = image.copy()
    other[..., -hidden.shape[-1] :][hidden] = 7
    np.testing.assert_array_equal(gan.predict(tf.constant(other), inputs["input_mask"]), found)


FOUR = {
    "input_image": Field(dtype="uint16", shape=[4, SIDE, SIDE, 2], bands=["red", "nir"]),
    "target": Field(dtype="uint16", shape=[4, SIDE, SIDE, 2], bands=["red", "nir"]),
    "gaps": Field(dtype="uint8", shape=[4, SIDE, SIDE, 1], kind="mask", bands=["gap"]),
}
"""Four time steps of two bands, and a mask of each."""


def hides_one(pixel, steps, mask_steps=4):
    """Return a mask, (1, SIDE, SIDE, time step), of one pixel in some time steps."""
    mask = np.zeros((1, SIDE, SIDE, mask_steps), "float32")
    mask[0, *pixel, list(steps)] = 1
    return tf.constant(mask)


@pytest.mark.parametrize(
    ("target", "mask_steps", "hidden", "channels", "filled"),
    [
        # Input and target have the channels red 1, nir 1, red 2, ...; time steps 2 and 4 are hidden.
        ([4, SIDE, SIDE, 2], 4, [1, 3], [0, 1, 2, 3, 4, 5, 6, 7], [2, 3, 6, 7]),
        # A target of the last two time steps, whose bands are in another order: nir 3, red 3, nir 4, red 4.
        (([2, SIDE, SIDE, 2], ["nir", "red"]), 4, [1, 3], [5, 4, 7, 6], [2, 3]),
        # One band of one time step, without a time axis: nir 4.
        (([SIDE, SIDE, 1], ["nir"]), 4, [1, 3], [7], [0]),
        # One mask for all time steps.
        (([2, SIDE, SIDE, 1], ["red"]), None, [0], [4, 6], [0, 1]),
    ],
)
def test_time_steps_bands_and_masks_are_those_of_the_dataset(target, mask_steps, hidden, channels, filled, gan_of):
    """Clear pixels are the input's, bit for bit; only what the mask hides is generated, and nothing of it is seen."""
    shape, bands = target if isinstance(target, tuple) else (target, ["red", "nir"])
    mask_shape = [*([mask_steps] if mask_steps else []), SIDE, SIDE, 1]
    fields = FOUR | {
        "target": Field(dtype="uint16", shape=shape, bands=bands),
        "gaps": Field(dtype="uint8", shape=mask_shape, kind="mask", bands=["gap"]),
    }
    gan = gan_of(fields, roles={"input_mask": "gaps"})
    image = np.random.default_rng(0).uniform(-1, 1, (1, SIDE, SIDE, 8)).astype("float32")
    mask = hides_one((5, 6), hidden, mask_steps or 1)
    found = gan.predict(tf.constant(image), mask).numpy()
    expected = image[..., channels]
    others = np.ones(found.shape, bool)
    others[0, 5, 6, filled] = False
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found[others], expected[others])
    assert (found[0, 5, 6, filled] != expected[0, 5, 6, filled]).all()
    unseen = image.copy()
    steps = hidden if mask_steps else range(4)
    unseen[0, 5, 6, [2 * step + band for step in steps for band in (0, 1)]] = 9
    np.testing.assert_array_equal(gan.predict(tf.constant(unseen), mask), found)


def test_the_error_is_that_of_hidden_pixels_of_the_target(gan_of):
    """By hand: four time steps of two bands, one hidden pixel in the third: mean over its two bands."""
    gan = gan_of(FOUR, roles={"input_mask": "gaps"}, gen_loss={"gen_gan": None, "gen_l2_hidden": 1})
    batch = random_batch(gan.exp, "input_mask", size=1) | {"input_mask": hides_one((5, 6), [2])}
    weights = gan.generator.get_weights()
    output = gan.generator(batch["input_image"] * (1 - np.repeat(batch["input_mask"], 2, axis=-1)), training=True)
    gan.generator.set_weights(weights)  # of the spectral norms, which training moves
    losses = eager_step(gan, **batch)
    expected = np.mean((output - batch["target"]).numpy()[0, 5, 6, 4:6] ** 2)
    assert float(losses["gen_l2_hidden"]) == pytest.approx(float(expected), rel=1e-4)


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
        batch = random_batch(gan.exp, "input_mask")
        validity = np.ones((2, SIDE, SIDE, 1), "float32")
        validity[:, :8] = 0
        hidden = np.ones((2, SIDE, SIDE, STEPS), "float32")
        target = np.where(validity > 0, batch["target"], value).astype("float32")
        found = eager_step(gan, **batch | {"target": tf.constant(target), "input_mask": tf.constant(hidden)},
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
    with pytest.raises(ValueError, match="names as input_mask; the dataset has input_image, target"):
        build("gapfill", SIDE)
    with pytest.raises(ValueError, match="fewer than the target's 2"):
        gan_of(fields() | {"input_image": fields(1)["input_image"]})
    with pytest.raises(ValueError, match="which lacks green of the target's bands"):
        gan_of(FOUR | {"target": Field(dtype="uint16", shape=[4, SIDE, SIDE, 2], bands=["red", "green"])},
               roles={"input_mask": "gaps"})  # fmt: skip
    with pytest.raises(ValueError, match="multiples of 16"):
        gan_of(fields(side=40), side=40)
    with pytest.raises(ValueError, match="at least 32, not 16 and 16"):
        gan_of(fields(side=16), side=16)
    with pytest.raises(ValueError, match="statistics must be one of running, batch"):
        gan_of(params=PARAMS | {"statistics": "none"})
