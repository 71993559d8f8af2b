"""Inference over scenes: the joined predictions of windows equal the prediction of the whole image."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import correlate

from pix2earth.mapping.geometry import geometry_of
from pix2earth.mapping.inference import Network, Plan, batch_size
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

SIDE = 64
BANDS = ["B02", "B03"]
STORED = Field(
    dtype="uint16", shape=[SIDE, SIDE, 2], bands=BANDS, scale=1e-4, offset=-0.1, nodata=0, valid_range=(0.0, 1.0)
)
SIZES = [(301, 517), (64, 64), (65, 129), (20, 33), (1, 1), (200, 3)]


def field(side=SIDE, bands=BANDS, **changes):
    return Field(dtype="float32", shape=[side, side, len(bands)], bands=bands, **changes)


def ground(height, width, bands=2, seed=0):
    return np.random.default_rng(seed).random((height, width, bands), np.float32)


# ---- identity ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", [0, 16, 32])
@pytest.mark.parametrize("size", SIZES)
def test_identity_gives_the_same_pixels(network_of, array_scene, predict_scene, size, overlap):
    values = ground(*size)
    prediction = predict_scene(network_of(field(), field(), lambda image: image), array_scene(values), overlap)
    assert prediction.dtype == np.float32 and np.array_equal(prediction, values)


def test_identity_of_stored_numbers_gives_physical_values(network_of, array_scene, predict_scene):
    numbers = np.random.default_rng(4).integers(1, 12000, (130, 97, 2))
    for normalize in ("symmetric", "unit", "none"):
        network = network_of(STORED, STORED, lambda image: image, normalize=normalize)
        prediction = predict_scene(network, array_scene(numbers), 16)
        np.testing.assert_allclose(prediction, numbers * 1e-4 - 0.1, atol=2e-7)
        assert np.array_equal(np.rint((prediction + 0.1) / 1e-4), numbers)


def test_pixels_with_a_missing_band_are_not_predicted_and_others_are_exact(network_of, array_scene, predict_scene):
    values = ground(150, 301)
    values[20:100, 30:200] = np.nan  # more than a window, so that some windows are empty
    values[140, 5, 1] = np.nan
    prediction = predict_scene(network_of(field(), field(), lambda image: image), array_scene(values), 16)
    missing = np.isnan(values).any(axis=-1)
    assert np.isnan(prediction[missing]).all()
    assert np.array_equal(prediction[~missing], values[~missing])


def test_a_scene_without_measurements(network_of, array_scene, predict_scene):
    prediction = predict_scene(
        network_of(field(), field(), lambda image: image), array_scene(np.full((70, 80, 2), np.nan)), 16
    )
    assert prediction.shape == (70, 80, 2) and np.isnan(prediction).all()


@pytest.mark.parametrize(("size", "factor"), [((48, 64), 1), ((64, 48), 2)])
def test_windows_that_are_not_square(network_of, array_scene, predict_scene, size, factor):
    height, width = size
    source = Field(dtype="float32", shape=[height // factor, width // factor, 2], bands=BANDS)
    target = Field(dtype="float32", shape=[height, width, 2], bands=BANDS)
    values = ground(101, 147)
    prediction = predict_scene(network_of(source, target, lambda image: image), array_scene(values), 8)
    assert np.array_equal(prediction, values.repeat(factor, 0).repeat(factor, 1))


# ---- seams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(301, 517), (64, 200)])
def test_a_local_filter_shows_no_seams(network_of, array_scene, predict_scene, size):
    numbers = np.random.default_rng(5).integers(1, 12000, (*size, 2)).astype(np.float64)
    kernel = np.random.default_rng(6).normal(size=(5, 5))
    weights = np.zeros((5, 5, 2, 2), np.float32)
    weights[:, :, 0, 0] = weights[:, :, 1, 1] = kernel
    stored = STORED.model_copy(update={"offset": 0.0})
    network = network_of(stored, stored, lambda image: tf.nn.conv2d(image, weights, 1, "SAME"))
    prediction = predict_scene(network, array_scene(numbers), 16)
    expected = np.stack([correlate(numbers[..., band], kernel, mode="constant") for band in range(2)], axis=-1)
    assert (
        np.abs(prediction / 1e-4 - expected).max() < 0.1
    )  # digital numbers, of some ten thousand: rounding of float32


# ---- resolutions and time steps ------------------------------------------------------------------------------------


def test_a_coarser_input_is_upsampled(network_of, array_scene, predict_scene):
    # The pipeline upsamples the input to the target's grid.
    values = ground(101, 47)
    prediction = predict_scene(network_of(field(32), field(), lambda image: image), array_scene(values), 8)
    assert np.array_equal(prediction, values.repeat(2, 0).repeat(2, 1))


def test_bands_are_ordered_by_time_step(network_of, array_scene, predict_scene):
    source = Field(dtype="float32", shape=[3, SIDE, SIDE, 2], bands=BANDS)
    values = ground(100, 90, 6)
    prediction = predict_scene(network_of(source, source, lambda image: image), array_scene(values), 16)
    assert np.array_equal(prediction, values)
    first = predict_scene(network_of(source, field(), lambda image: image[:, 1]), array_scene(values), 16)
    assert np.array_equal(first, values[..., 2:4])


def test_one_time_step_with_all_bands_is_enough(network_of, array_scene, predict_scene):
    source = Field(dtype="float32", shape=[2, SIDE, SIDE, 2], bands=BANDS)
    values = ground(70, 70, 4)
    values[10:20, :, :2] = np.nan  # the first time step
    values[15:40, :, 3] = np.nan  # a band of the second
    prediction = predict_scene(network_of(source, field(), lambda image: image[:, 0] * 0 + 1), array_scene(values), 16)
    assert np.isnan(prediction[15:20]).all() and (prediction[:15] == 1).all() and (prediction[20:] == 1).all()


def test_missing_values_are_the_lower_end_of_the_range_for_the_network(network_of, array_scene, predict_scene):
    values = np.full((64, 64, 2), 5000.0)
    values[10, 10] = np.nan
    spread = np.ones((3, 3, 2, 2), np.float32)
    network = network_of(STORED, field(), lambda image: tf.nn.conv2d(image, spread, 1, "SAME"), normalize="unit")
    assert predict_scene(network, array_scene(values), 16)[9, 9, 0] == pytest.approx(8 * 2 * 0.4, rel=1e-5)


def test_classes_are_not_scaled(network_of, array_scene, predict_scene):
    source = Field(dtype="uint8", shape=[SIDE, SIDE, 1], bands=["cover"], kind="classes")
    values = np.random.default_rng(8).integers(0, 11, (70, 70, 1))
    network = network_of(source, field(bands=["cover"]), lambda image: tf.cast(image, tf.float32))
    assert np.array_equal(predict_scene(network, array_scene(values), 16), values)


# ---- further fields ------------------------------------------------------------------------------------------------

MASK = Field(dtype="uint8", shape=[SIDE, SIDE, 1], kind="mask", bands=["hidden"])


@pytest.fixture
def network_with(experiment_of, tmp_path):
    """``network_with(fields, predict)``: a Network whose plug-in is a function of the fields that it names."""

    def network(fields, predict, **settings):
        experiment = experiment_of({"input_image": field(), "target": field(), **fields}, normalize="none", **settings)
        gan, plugin = SimpleNamespace(predict=predict), tmp_path / "mine.py"
        return Network(experiment, gan, plugin, geometry_of(experiment), fields)

    return network


def test_a_plugin_gets_further_fields_by_name(network_with, array_scene, predict_scene):
    def filled(input_image, cloud_mask):
        return tf.where(cloud_mask == 1, 7.0, input_image)

    values, mask = ground(150, 301), np.random.default_rng(1).integers(0, 2, (150, 301, 1))
    network = network_with({"cloud_mask": MASK}, filled)
    prediction = predict_scene(network, array_scene(values), 16, cloud_mask=array_scene(mask))
    assert np.array_equal(prediction, np.where(mask == 1, np.float32(7), values))


def test_a_further_image_is_scaled_by_its_own_range(network_with, array_scene, predict_scene):
    radar = Field(dtype="float32", shape=[SIDE, SIDE, 2], bands=["VV", "VH"], units="dB", valid_range=(-30.0, 10.0))
    network = network_with({"radar": radar}, lambda radar: radar)
    network.experiment.NORMALIZE = "symmetric"
    decibels = np.random.default_rng(2).uniform(-30, 10, (100, 70, 2))
    prediction = predict_scene(network, array_scene(ground(100, 70)), 16, radar=array_scene(decibels))
    # The target's valid range is 0 to 1.
    np.testing.assert_allclose(prediction, ((decibels + 30) / 20 - 1) / 2 + 0.5, atol=1e-6)


@pytest.mark.parametrize("overlap", [0, 19, 32])
@pytest.mark.parametrize("size", [(152, 200), (64, 64), (24, 72)])
def test_coarse_and_fine_fields_lie_where_the_input_does(network_with, array_scene, predict_scene, size, overlap):
    further = {
        "coarse": MASK.model_copy(update={"shape": [SIDE // 8, SIDE // 4, 1], "kind": "classes"}),
        "fine": MASK.model_copy(update={"shape": [SIDE * 2, SIDE * 2, 1]}),
    }

    def both(coarse, fine):
        return tf.concat([tf.cast(coarse, tf.float32), fine], -1)

    random, (height, width) = np.random.default_rng(3), size
    coarse, fine = random.integers(0, 99, (height // 8, width // 4, 1)), random.integers(0, 2, (height, width, 1))
    scenes = {"coarse": array_scene(coarse), "fine": array_scene(fine.repeat(2, 0).repeat(2, 1))}
    prediction = predict_scene(network_with(further, both), array_scene(ground(*size)), overlap, **scenes)
    assert np.array_equal(prediction[..., :1], coarse.repeat(8, 0).repeat(4, 1))
    assert np.array_equal(prediction[..., 1:], fine)


@pytest.mark.parametrize("fold", [False, True])
def test_time_steps_and_single_pixels_of_further_fields(network_with, array_scene, predict_scene, fold):
    masks = MASK.model_copy(update={"shape": [2, SIDE, SIDE, 1]})
    days = Field(dtype="uint16", shape=[2, 1, 1, 1], bands=["day_of_year"])

    def days_by_mask(cloud_mask, dates):
        if not fold:
            cloud_mask, dates = (tf.concat(tf.unstack(each, axis=1), -1) for each in (cloud_mask, dates))
        return cloud_mask * dates

    mask = np.random.default_rng(4).integers(0, 2, (100, 90, 2))
    network = network_with({"cloud_mask": masks, "dates": days}, days_by_mask, fold_dates=fold)
    scenes = {"cloud_mask": array_scene(mask), "dates": array_scene(np.array([[[40, 300]]]))}
    assert np.array_equal(predict_scene(network, array_scene(ground(100, 90)), 32, **scenes), mask * [40, 300])


def test_missing_numbers_of_a_mask_are_those_of_the_dataset(network_with, array_scene, predict_scene):
    values = np.ones((64, 64, 1))
    values[3:5] = np.nan
    for nodata, number in ((None, 0), (9.0, 9)):
        mask = MASK.model_copy(update={"nodata": nodata})
        network = network_with({"cloud_mask": mask}, lambda cloud_mask: tf.repeat(cloud_mask, 2, -1))
        prediction = predict_scene(network, array_scene(ground(64, 64)), 0, cloud_mask=array_scene(values))
        assert (prediction[3:5] == number).all() and (prediction[5:] == 1).all()


def test_a_plugin_that_reads_other_fields_than_are_given_is_an_error(experiment_of, tmp_path):
    experiment = experiment_of({"input_image": field(), "target": field(), "cloud_mask": MASK})
    plugin = tmp_path / "mine.py"
    reading = SimpleNamespace(predict=lambda input_image, cloud_mask: input_image)
    with pytest.raises(
        UserError, match=r"mine.py: predict\(\) reads cloud_mask besides .* add --field cloud_mask=FILE"
    ):
        Network(experiment, reading, plugin, geometry_of(experiment))
    with pytest.raises(UserError, match=r"--field cloud_mask=FILE: predict\(\) of .*mine.py does not read cloud_mask"):
        Network(experiment, SimpleNamespace(), plugin, geometry_of(experiment), ["cloud_mask"])
    with pytest.raises(UserError, match=r"mine.py: predict\(\) asks for 'clod_mask'; did you mean 'cloud_mask'"):
        Network(experiment, SimpleNamespace(predict=lambda clod_mask: 0), plugin, geometry_of(experiment))


# ---- resuming ------------------------------------------------------------------------------------------------------


def test_strips_from_any_row_are_those_of_an_uninterrupted_run(network_of, array_scene):
    network = network_of(field(), field(), lambda image: tf.cumsum(image, axis=1))
    plan = Plan(network, array_scene(ground(301, 100)), (16, 16))
    straight = list(plan.strips(plan.predictions(0), 0, np.zeros((0, 100, 2), np.float32)))
    assert sum(len(strip) for strip, _ in straight) == 301 and len(straight) == 6
    for first in range(1, 6):
        resumed = list(plan.strips(plan.predictions(first), first, straight[first - 1][1]))
        for (strip, carried), (expected, expected_carried) in zip(resumed, straight[first:], strict=True):
            assert np.array_equal(strip, expected) and np.array_equal(carried, expected_carried)


def test_batches_need_little_padding():
    assert [batch_size(count, 256**2) for count in (1, 8, 16, 57, 9)] == [1, 8, 8, 6, 5]
    assert [batch_size(58, side**2) for side in (4096, 16)] == [1, 15]
