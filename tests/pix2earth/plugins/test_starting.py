"""Any generator starts at a trivial answer: gain 0 at first, weights of the answer not trained, errors in one line."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from pix2earth.baselines.upsampling import bicubic_image
from pix2earth.batches.dataset import Dataset
from pix2earth.plugins import contract, needs, starting, state
from pix2earth.settings.errors import UserError

PLUGIN = """
import keras

class GAN:
    def __init__(self, exp):
        image = keras.Input((64, 64, 4))
        x = keras.layers.Conv2D(3, 3, padding="same")(image)
        {generator}
        self.generator_optimizer = keras.optimizers.Adam()
        self.generator_optimizer.build(self.{name}.trainable_variables)

    def train_step(self, input_image, target, step):
        return {{}}
"""
ONE = "self.generator = keras.Model(image, x)"


@pytest.fixture
def built(tiny_root, open_tiny):
    """``built(generator, **settings)``: experiment, plug-in file and plug-in with this line, which makes a network."""

    def build(generator=ONE, name="generator", **settings):
        folder = tiny_root / "plugins"
        folder.mkdir(exist_ok=True)
        (folder / "mine.py").write_text(PLUGIN.format(generator=generator, name=name))
        environment = json.loads((tiny_root / "environment.json").read_text())
        (tiny_root / "environment.json").write_text(json.dumps(environment | {"models_root": ["plugins"]}))
        experiment = open_tiny(tiny_root, "mine", model_name="mine", params={}, **{"start_from": "bicubic", **settings})
        path = folder / "mine.py"
        needs.check(experiment, path)
        return experiment, path, contract.build(experiment, path)

    return build


def image(tiny_arrays):
    """Return stored input of one sample, repeated to the size of the target, in the values of the network."""
    stored = next(iter(tiny_arrays["val"].values()))["input_image"]
    repeated = stored.repeat(2, axis=0).repeat(2, axis=1)
    return stored * 1e-4, tf.constant(repeated[None] * 2e-4 - 1, tf.float32)


def test_is_the_trivial_answer_at_first(built, tiny_arrays):
    _, path, gan = built()
    physical, network = image(tiny_arrays)
    expected = bicubic_image(physical[..., [2, 1, 0]].astype(np.float32), 2) * 2 - 1
    np.testing.assert_allclose(contract.forward(gan, path, {"input_image": network})[0], expected, atol=3e-6)


def test_adds_the_generator_times_the_gain(built, tiny_arrays):
    _, _, gan = built(start_standardize=False)
    network = image(tiny_arrays)[1]
    alone = gan.generator.layers[1]
    before = gan.generator(network)
    starting.start_of(gan).gain.assign([1.0, 0.5, 0.0])
    added = gan.generator(network) - before
    np.testing.assert_allclose(added, alone(network) * np.array([1.0, 0.5, 0.0]), atol=1e-6)


def test_shows_the_generator_standardised_bands_and_scales_its_image(built, tiny_arrays):
    experiment, _, gan = built()
    network = image(tiny_arrays)[1]
    trivial = gan.generator(network)
    dataset = Dataset(experiment)
    entry = starting.fit_start(gan, dataset, dataset.names("train"), lambda _: None)
    starting.start_of(gan).gain.assign([1.0, 0.5, 0.0])

    names = ("input_image", "target", "cloud_mask")
    inputs, targets, mask = (np.stack([fields[name] for fields in tiny_arrays["train"].values()]) for name in names)
    inputs, targets = inputs * 2e-4 - 1, targets * 2e-4 - 1
    mean, deviation = inputs.mean((0, 1, 2)), inputs.std((0, 1, 2))
    alone = gan.generator.get_layer(index=2)
    scaled = targets[mask[..., 0] > 0].std(0) * np.array([1.0, 0.5, 0.0])
    expected = alone(((network - mean) / deviation).numpy()) * scaled
    np.testing.assert_allclose(gan.generator(network) - trivial, expected, atol=2e-6)
    np.testing.assert_allclose(entry["standardized"]["input_mean"], mean, rtol=1e-5)


def test_gain_is_trained_and_the_weights_of_the_answer_are_not(built):
    _, _, gan = built(start_from="linear_fit")
    start = starting.start_of(gan)
    trained = {id(weight) for weight in gan.generator.trainable_variables}
    assert id(start.gain) in trained and id(start.fitted[0]) not in trained and start.fitted[0].shape == (37, 3)
    assert {id(start.gain), id(start.fitted[0])} <= {id(variable) for variable in state.variables(gan).values()}
    # The optimiser was built with the gain: it has slots for it.
    assert len(gan.generator_optimizer.variables) == 2 + 2 * 3


def test_half_precision_computes_the_answer_in_float32(built, tiny_arrays):
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        _, path, gan = built()
        physical, network = image(tiny_arrays)
        found = contract.forward(gan, path, {"input_image": network})
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    assert found.dtype == tf.float32
    expected = bicubic_image(physical[..., [2, 1, 0]].astype(np.float32), 2) * 2 - 1
    np.testing.assert_allclose(found[0], expected, atol=3e-6)


def test_further_outputs_stay_as_they_are(built, tiny_arrays):
    _, _, gan = built("self.generator = keras.Model(image, [x, keras.layers.Conv2D(1, 1)(x)])")
    network = image(tiny_arrays)[1]
    first, second = gan.generator(network)
    assert first.shape == (1, 64, 64, 3)
    np.testing.assert_array_equal(second, gan.generator.get_layer(index=2)(network)[1])


def test_without_a_generator_it_is_refused(built, tiny_root):
    with pytest.raises(UserError) as error:
        built("self.net = keras.Model(image, x); self.predict = lambda input_image: self.net(input_image)", "net")
    assert str(error.value) == (
        f"{tiny_root}/experiments/mine/experiment.json: start_from: mine.py has no network 'generator' of Keras 3 that"
        " makes one image of another; leave start_from out"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start_from": "back_projection"}, "does not state 'degradation'"),
        ({"start_from": "nearest_clear"}, "the input must have time steps"),
        ({"normalize": "l2"}, "images of unit norm have no physical units"),
        ({"img_height": 32, "img_width": 32}, "leave out img_height and img_width"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_built(built, settings, message):
    with pytest.raises(UserError, match=message) as error:
        built(**settings)
    assert "experiment.json: start_from: " in str(error.value)


def test_a_generator_of_something_else_than_the_image_is_refused(built):
    with pytest.raises(UserError, match="first input is the image of 4 channels, not of 7"):
        built("self.generator = keras.Sequential([keras.Input((64, 64, 7)), keras.layers.Conv2D(3, 1)])")


def test_a_step_that_does_not_call_the_generator_is_refused(built):
    experiment, path, gan = built()
    with pytest.raises(UserError, match=r"does not call GAN\.generator in training mode"):
        starting.check_called(gan, path, experiment)
    gan.generator(tf.zeros((1, 64, 64, 4)), training=True)
    starting.check_called(gan, path, experiment)
