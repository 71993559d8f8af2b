"""The guided upsampler: consistent from the first step, taught by its guide; datasets that do not fit are refused."""

import numpy as np
import pytest

from layers.weighted_upsampling import Bicubic
from pix2earth.records.manifest import Field
from pix2earth.settings.value_transform import ValueTransform
from tests.networks import random_batch

SIDE, BANDS = 24, ["B11", "B12"]
PARAMS = {"filters": 8, "blocks": 1, "discriminator_filters": 8}


def fields(ratio=2, source=(), target=(), size=SIDE, **changed):
    """The fields of a dataset for sharpening; ``source`` and ``target`` are changes of single fields."""
    stated = {"dtype": "uint16", "bands": BANDS, "scale": 1e-4, "nodata": 0, "valid_range": (0.0, 1.0)}
    return {
        "input_image": Field(
            **stated | {"shape": [SIDE // ratio, SIDE // ratio, 2], "gsd": 20.0 * ratio} | dict(source)
        ),
        "guide": Field(dtype="uint16", shape=[size, size, 1], bands=["B08"], scale=1e-4),
        "target": Field(**stated | {"shape": [SIDE, SIDE, 2], "gsd": 20.0} | dict(target)),
    } | changed


@pytest.fixture
def gan_of(build):
    """``gan_of(fields, **settings)``: the model on these fields."""

    def built(chosen, roles=None, **settings):
        defaults = {"params": PARAMS, "gen_loss": {"gen_l1": 100.0, "gen_gan": 0.01}}
        return build("guided_upsampler", SIDE, fields=chosen, roles={"guide": "guide"} if roles is None else roles,
                     **defaults | settings)  # fmt: skip

    return built


def coarse_inputs(ratio, random, count=2):
    """Coarse pixels, the input as the network receives it, and a guide."""
    coarse = random.uniform(-1, 1, (count, SIDE // ratio, SIDE // ratio, 2)).astype("float32")
    guide = random.uniform(-1, 1, (count, SIDE, SIDE, 1)).astype("float32")
    return coarse, coarse.repeat(ratio, axis=1).repeat(ratio, axis=2), guide


@pytest.mark.parametrize("ratio", [2, 3])
def test_averages_are_the_input_whatever_the_weights_are(ratio, gan_of):
    gan = gan_of(fields(ratio))
    random = np.random.default_rng(1)
    gan.generator.set_weights([random.normal(0, 0.1, each.shape) for each in gan.generator.get_weights()])
    coarse, image, guide = coarse_inputs(ratio, random)
    prediction = gan.predict(input_image=image, guide=guide).numpy()
    assert np.abs(prediction - image).max() > 0.01
    blocks = prediction.reshape(2, SIDE // ratio, ratio, SIDE // ratio, ratio, 2)
    np.testing.assert_allclose(blocks.mean((2, 4)), coarse, atol=2e-6)


def test_it_starts_with_consistent_bicubic_upsampling(gan_of):
    gan = gan_of(fields())
    coarse, image, guide = coarse_inputs(2, np.random.default_rng(2))
    bicubic = Bicubic(2)(coarse)
    difference = np.abs(gan.predict(input_image=image, guide=guide) - gan_of(fields()).predict(image, 0 * guide))
    assert difference.max() < 0.01  # the guide says next to nothing yet
    assert np.abs(gan.predict(input_image=image, guide=guide) - bicubic).mean() < np.abs(image - bicubic).mean()


def test_it_learns_detail_from_the_guide(gan_of):
    """The target is the guide itself: bicubic cannot know its detail, the network can."""
    gan = gan_of(fields(), learning_rate={"generator": 5e-3, "discriminator": 2e-4})
    random = np.random.default_rng(3)
    batch = random_batch(gan.exp, "guide")
    target = batch["guide"].numpy().repeat(2, axis=-1)
    image = target.reshape(2, SIDE // 2, 2, SIDE // 2, 2, 2).mean((2, 4)).repeat(2, axis=1).repeat(2, axis=2)
    batch |= {"target": target, "input_image": image.astype("float32")}
    losses = [float(gan.train_step(**batch)["gen_l1"]) for _ in range(60)]
    assert losses[-1] < 0.4 * losses[0]
    held_out = random.uniform(-1, 1, (1, SIDE, SIDE, 1)).astype("float32")
    coarse = held_out.reshape(1, SIDE // 2, 2, SIDE // 2, 2, 1).mean((2, 4)).repeat(2, axis=-1)
    image = coarse.repeat(2, axis=1).repeat(2, axis=2)
    error = np.abs(gan.predict(input_image=image, guide=held_out) - held_out).mean()
    assert error < 0.5 * np.abs(Bicubic(2)(coarse) - held_out).mean()


def test_the_input_may_have_more_bands_than_the_target(gan_of):
    """Those of the target are sharpened, by their names."""
    target = {"bands": ["B12"], "shape": [SIDE, SIDE, 1]}
    gan = gan_of(fields(target=target))
    coarse, image, guide = coarse_inputs(2, np.random.default_rng(4))
    prediction = gan.predict(input_image=image, guide=guide).numpy()
    blocks = prediction.reshape(2, SIDE // 2, 2, SIDE // 2, 2, 1)
    np.testing.assert_allclose(blocks.mean((2, 4)), coarse[..., 1:], atol=2e-6)


@pytest.mark.parametrize(
    ("chosen", "settings", "message"),
    [
        (fields(), {"roles": {}}, "needs a field 'guide'"),
        (fields(target={"bands": ["B11", "B05"]}), {}, "the input has B11, B12, the target B11, B05"),
        (fields(target={"valid_range": (0.0, 0.5)}), {}, "same units and valid_range"),
        (fields(target={"transform": ValueTransform(kind="asinh", softening=0.1)}), {}, "no transform"),
        (fields(), {"normalize": "l2"}, "other than 'l2'"),
        (fields(source={"gsd": 50.0}), {}, r"2, 3, \.\.\., not 2\.5"),
        (fields(source={"gsd": 20.0, "shape": [SIDE, SIDE, 2]}), {}, r"2, 3, \.\.\., not 1\.0"),
    ],
    ids=["no guide", "other bands", "other range", "a transform", "unit norm", "a broken ratio", "no ratio"],
)
def test_errors(chosen, settings, message, gan_of):
    with pytest.raises(ValueError, match=message):
        gan_of(chosen, **settings)
