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


def test_a_plugin_that_needs_more_than_the_input_is_an_error(experiment_of, tmp_path):
    experiment = experiment_of({"input_image": field(), "target": field()})
    gan = SimpleNamespace(predict=lambda input_image, cloud_mask: input_image)
    with pytest.raises(UserError, match=r"mine.py: predict\(\) asks for cloud_mask, which no scene has"):
        Network(experiment, gan, tmp_path / "mine.py", geometry_of(experiment))


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
