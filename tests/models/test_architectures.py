"""The ten architectures of ARISGAN: published numbers of parameters, differences from the published ones, sizes."""

import numpy as np
import pytest

# Generator at 256 px and 21 bands, at 256 px and 3 bands, at 64 px and 21 bands; discriminator with 21 and 3 bands; its
# output at 256 px; batch statistics of both at 256 px and 3 bands.
PATCHGAN = (2_788_864, 2_770_432, (30, 30, 1))
PUBLISHED = {
    "aris-a": (55_574_816, 55_258_016, 54_590_496, *PATCHGAN, 10_880, 1_792),
    "aris-b": (55_430_688, 55_404_768, 54_446_368, *PATCHGAN, 10_880, 1_792),
    "aris-c": (55_319_488, 55_002_688, 53_843_648, *PATCHGAN, 10_880, 1_792),
    "pix2pix": (54_444_288, 54_425_856, 52_559_872, *PATCHGAN, 10_880, 1_792),
    "srgan": (1_160_192, 1_066_880, 1_160_192, 5_275_658, 5_265_290, (8, 8, 10), 1_536, 3_840),
    "dsen2w": (1_354_935, 1_333_713, 1_354_935, 19_926_794, 19_916_426, (8, 8, 10), 1_536, 7_808),
    "dmnet": (905_408, 895_040, 905_408, *PATCHGAN, 0, 1_792),
    "psgan": (1_780_404, 1_775_148, 1_780_404, 396_288, 391_104, (32, 32, 1), 6, 0),
    "srs3": (421_152, 104_352, 421_152, *PATCHGAN, 0, 1_792),
    "tarsgan": (6_652_215, 6_646_545, 6_652_215, 5_228_288, 5_217_920, (16, 16, 512), 0, 3_712),
}
GATES = 16 * (3 * 3 + 2) * 32  # learnt factors of tarsgan: blocks x gates x channels
SMALL = {"tarsgan": {"layers": 1}, "dsen2w": {"layers": 2}}


def random_image(exp, size=1, low=-1.0):
    shape = (size, exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS)
    return np.random.default_rng(0).uniform(low, 1, shape).astype("float32")


def statistics(network):
    return sum(int(np.prod(weight.shape)) for weight in network.non_trainable_weights)


@pytest.mark.parametrize("as_published", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_at_256_pixels_and_21_bands(name, as_published, build_networks, zero_weights):
    expected = PUBLISHED[name]
    gan = build_networks(name, 256, (21, 3), params={"as_published": as_published})
    extra = GATES if name == "tarsgan" and not as_published else 0
    assert gan.generator.count_params() == expected[0] + extra
    assert gan.discriminator.count_params() == expected[3]
    assert gan.generator.output_shape == (None, 256, 256, 3)
    shapes = [(None, 256, 256, 21), (None, 256, 256, 3)]
    assert gan.discriminator.compute_output_shape(shapes)[1:] == expected[5]
    assert [tensor.name for tensor in gan.discriminator.inputs] == ["input_image", "target_image"]


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_batch_statistics_of_other_sizes(name, build_networks, zero_weights):
    expected = PUBLISHED[name]
    extra = GATES if name == "tarsgan" else 0
    gan = build_networks(name, 256, (3, 3))
    assert gan.generator.count_params() == expected[1] + extra
    assert gan.discriminator.count_params() == expected[4]
    assert statistics(gan.generator) == expected[6]
    assert statistics(gan.discriminator) == expected[7]
    assert build_networks(name, 64, (21, 3)).generator.count_params() == expected[2] + extra


@pytest.mark.parametrize(
    ("name", "count"),
    [("aris-a", 55_509_024), ("aris-b", 55_364_896), ("aris-c", 55_089_856), ("pix2pix", 54_078_464)],
)
def test_unets_at_128_and_64_pixels(name, count, build_networks, zero_weights):
    network = build_networks(name, 128, (21, 3)).generator
    assert network.count_params() == count
    assert statistics(network) == 10_752
    assert statistics(build_networks(name, 64, (21, 3)).generator) == 10_240


@pytest.mark.parametrize("name", ["dmnet", "srs3"])
def test_the_smallest_image_for_a_patchgan(name, build_networks):
    gan = build_networks(name, 24)
    image = random_image(gan.exp)
    assert gan.discriminator([image, image[..., :3]]).shape == (1, 1, 1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("bands", [(1, 1), (7, 4)])
@pytest.mark.parametrize("name", PUBLISHED)
def test_any_bands_and_an_oblong_image(name, bands, build_networks):
    """96 x 32 pixels: the U-Nets have five downsamplings."""
    gan = build_networks(name, 96, bands, img_width=32, params=SMALL.get(name, {}))
    image = random_image(gan.exp, size=2)
    prediction = np.asarray(gan.generator(image, training=False))
    assert prediction.shape == (2, 96, 32, bands[1])
    assert np.isfinite(gan.discriminator([image, prediction], training=False)).all()


@pytest.mark.parametrize(
    ("name", "size", "params", "message"),
    [
        ("aris-a", 48, {}, "aris-a needs img_height and img_width to be multiples of 32, not 48 and 48; 32 and 32"),
        ("aris-c", 96, {"as_published": True}, "multiples of 64, not 96 and 96; 64 and 64 would do"),
        ("pix2pix", 100, {}, "multiples of 32, not 100 and 100; 96 and 96 would do"),
        ("srgan", 34, {}, "srgan needs .* multiples of 4, not 34 and 34"),
        ("psgan", 66, {}, "psgan needs .* multiples of 4, not 66 and 66"),
        ("srs3", 33, {}, "srs3 needs .* multiples of 2, not 33 and 33"),
        ("dmnet", 22, {}, "dmnet needs img_height and img_width of at least 24, not 22 and 22: its PatchGAN"),
        ("srs3", 16, {}, "srs3 needs .* at least 24, not 16 and 16"),
        ("tarsgan", 33, {"experimental_stride": 2}, "tarsgan needs .* multiples of 2, not 33 and 33"),
        ("tarsgan", 32, {"experimental_stride": "2"}, "'experimental_stride' must be null or an integer"),
        ("dsen2w", 32, {"layer": 3}, "unknown key 'layer'; did you mean 'layers'"),
    ],
)
def test_errors_of_sizes_and_params_are_one_line(name, size, params, message, build):
    with pytest.raises(ValueError, match=message) as error:
        build(name, size, params=params)
    assert "\n" not in str(error.value)


# ---- differences from the published networks -------------------------------------------------------------------------


@pytest.fixture
def pair_of(build_networks):
    """``pair_of(model, size, **params)``: our GAN and the published one, with equal generator weights."""

    def built(model, size=32, **params):
        pair = [build_networks(model, size, params=params | {"as_published": published}) for published in (False, True)]
        if model != "tarsgan":
            pair[1].generator.set_weights(pair[0].generator.get_weights())
        return pair

    return built


def test_srgan_puts_pixels_in_their_places(pair_of):
    """A change of one corner of the input changes only pixels whose receptive field includes the corner."""
    image = np.zeros((1, 128, 128, 5), "float32")
    corner = image.copy()
    corner[0, :4, :4] = 1
    distant = []
    for gan in pair_of("srgan", 128):
        change = np.abs(gan.generator(corner, training=False) - gan.generator(image, training=False)).max(axis=(0, 3))
        distant.append(change[:, 96:].max() + change[96:, :].max())
    assert distant[0] == 0
    assert distant[1] > 0


def test_psgan_may_be_negative(pair_of):
    corrected, published = pair_of("psgan")
    image = random_image(corrected.exp)
    prediction = np.asarray(corrected.generator(image, training=False))
    assert prediction.min() < 0
    np.testing.assert_array_equal(published.generator(image, training=False), np.maximum(prediction, 0))


def test_srs3_has_attention_at_every_pixel(pair_of):
    """In the published network it is 0 at three of four pixels."""
    import keras

    for gan, share in zip(pair_of("srs3"), (1.0, 0.25), strict=True):
        multiply = next(layer for layer in gan.generator.layers if isinstance(layer, keras.layers.Multiply))
        attention = keras.Model(gan.generator.input, multiply.input[1])(random_image(gan.exp))
        assert np.mean(np.asarray(attention) != 0) == pytest.approx(share, abs=1e-3)


def test_tarsgan_predicts_the_same_twice(pair_of):
    corrected, published = pair_of("tarsgan", layers=1)
    image = random_image(corrected.exp)
    first, second = (np.asarray(corrected.generator(image, training=False)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    first, second = (np.asarray(published.generator(image, training=False)) for _ in range(2))
    assert np.abs(first - second).max() > 1e-6


def test_tarsgan_discriminator_returns_probabilities_below_one_half(pair_of):
    corrected, published = pair_of("tarsgan", layers=1)
    image = random_image(corrected.exp)
    images = [image, image[..., :3]]
    assert np.min(corrected.discriminator(images)) < 0.5
    assert np.min(published.discriminator(images)) >= 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["aris-b", "dmnet", "dsen2w"])
def test_models_without_a_difference(name, pair_of):
    corrected, published = pair_of(name)
    image = random_image(corrected.exp)
    np.testing.assert_array_equal(corrected.generator(image), published.generator(image))


def test_strided_dense_blocks_of_tarsgan(build_networks):
    strided = build_networks("tarsgan", 32, params={"layers": 1, "experimental_stride": 2, "concat": False})
    assert strided.generator(random_image(strided.exp), training=False).shape == (1, 32, 32, 3)


def test_dropout_of_psgan(build_networks):
    gan = build_networks("psgan", 32, params={"dropouts": True})
    image = random_image(gan.exp)
    assert np.any(gan.generator(image, training=True) != gan.generator(image, training=True))
