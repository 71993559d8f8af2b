"""Trivial answers are those of independent NumPy, SciPy and TensorFlow computations, and XLA compiles them."""

from datetime import datetime

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.baselines import suitability, time_steps
from pix2earth.baselines.answers.applying import beside_network
from pix2earth.baselines.answers.building import ANSWERS, build
from pix2earth.baselines.radar_regression import RadarFit
from pix2earth.baselines.samples import Sample
from pix2earth.baselines.upsampling import back_projected, bicubic_image
from pix2earth.records.degradation import degraded
from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.manifest import Field

BANDS = ["B02", "B03", "B04"]
SIZE = (16, 16)


def image(*shape, bands=BANDS, gsd=None, units="1"):
    return Field(dtype="float32", shape=[*shape, len(bands)], bands=list(bands), gsd=gsd, units=units)


def mask(*shape, kind="mask"):
    return Field(dtype="uint8", shape=[*shape, 1], kind=kind, bands=["hidden"])


def random(*shape):
    return np.random.default_rng(3).uniform(0.1, 1, shape).astype(np.float32)


DAYS = Field(dtype="uint16", shape=[4, 1, 1, 1], bands=["day"], units="d", valid_range=(1.0, 366.0))
DAY = DAYS.model_copy(update={"shape": [1, 1, 1]})
COARSE, FINE = image(8, 8, gsd=20.0), image(*SIZE, bands=BANDS[:2], gsd=10.0)
STACK = image(4, *SIZE)
RADAR = image(*SIZE, bands=["VV", "VH"], units="dB")


@pytest.fixture
def answer_of(manifest_of):
    """``answer_of(kind, input, target, further, **roles)``: a trivial answer of a dataset with these fields."""

    def make(kind, source, target, further=None, **roles):
        manifest = manifest_of(source, target)
        fields = {**manifest.fields, **(further or {})}
        return build(kind, manifest.model_copy(update={"fields": fields, **roles}), target.size)

    return make


def compiled(answer, values, further=None, weights=()):
    """Return the answer as XLA computes it."""
    fields = {name: tf.constant(array) for name, array in (further or {}).items()}
    return tf.function(answer, jit_compile=True)(tf.constant(values), fields, [tf.constant(w) for w in weights]).numpy()


# ---- without weights ---------------------------------------------------------------------------------------------


def test_bicubic_is_that_of_tensorflow_on_repeated_pixels(answer_of):
    coarse = random(1, 8, 8, 3)
    repeated = coarse.repeat(2, axis=1).repeat(2, axis=2)
    expected = bicubic_image(coarse[0, ..., :2], 2)
    np.testing.assert_allclose(compiled(answer_of("bicubic", COARSE, FINE), repeated)[0], expected, atol=2e-6)


@pytest.mark.parametrize("fwhm", [None, 2.5])
def test_back_projection_is_the_iteration_of_upsampling_and_degrading(answer_of, fwhm):
    kind = {"kind": "average"} if fwhm is None else {"kind": "gaussian", "fwhm": fwhm}
    degradation = Degradation(**kind, factor=2)
    coarse = random(1, 8, 8, 3)
    answer = answer_of("back_projection", COARSE, FINE, degradation=degradation)
    expected = back_projected(coarse[0, ..., :2], 2, lambda fine: degraded(fine, degradation).astype(np.float32))
    found = compiled(answer, coarse.repeat(2, axis=1).repeat(2, axis=2))[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(degraded(found, degradation) - coarse[0, ..., :2]).max() < 0.05  # hardly any residual is left


@pytest.mark.parametrize("folded", [False, True])
def test_linear_in_time_is_that_of_numpy(answer_of, folded):
    images, hidden = random(2, 4, *SIZE, 3), np.random.default_rng(4).random((2, 4, *SIZE, 1)) < 0.5
    hidden[0, :, :3] = True  # nowhere clear
    days = np.array([[300.0, 350.0, 10.0, 40.0], [1.0, 2.0, 9.0, 200.0]], np.float32)
    roles = {"dates": DAYS, "hidden": mask(4, *SIZE)}
    answer = answer_of("linear_in_time", STACK, STACK, roles, input_mask="hidden")
    given = {
        "hidden": hidden.astype(np.float32),
        "dates": days[:, :, None, None, None] * np.ones((1, 1, *SIZE, 1), "f"),
    }
    values = images
    if folded:
        values, *others = (np.moveaxis(each, 1, 3).reshape(2, *SIZE, -1) for each in (images, *given.values()))
        given = dict(zip(given, others, strict=True))
    found = compiled(answer, values, given)
    if folded:
        found = np.moveaxis(found.reshape(2, *SIZE, 4, 3), 3, 1)
    for sample, rising in enumerate(([300, 350, 10 + 365.25, 40 + 365.25], days[1])):
        expected = time_steps.filled_linearly(images[sample], ~hidden[sample], np.array(rising))
        np.testing.assert_allclose(found[sample], expected, atol=1e-5)


def test_linear_in_time_without_dates_takes_equal_steps(answer_of):
    images, hidden = random(1, 4, *SIZE, 3), np.zeros((1, 4, *SIZE, 1), np.float32)
    hidden[0, 1] = 1
    answer = answer_of("linear_in_time", STACK, STACK, {"hidden": mask(4, *SIZE)}, input_mask="hidden")
    found = compiled(answer, images, {"hidden": hidden})
    np.testing.assert_allclose(found[0, 1], (images[0, 0] + images[0, 2]) / 2, atol=1e-6)


def test_nearest_clear_is_that_of_numpy(answer_of):
    images = random(2, 4, *SIZE, 3)
    classes = np.random.default_rng(5).integers(0, 3, (2, 4, *SIZE, 1)).astype(np.int32)
    classes[0, :, :3] = 1  # nowhere clear
    days = np.array([[100.0, 90.0, 40.0, 60.0], [5.0, 1.0, 9.0, 2.0]], np.float32)
    further = {"dates": DAYS, "cloud_class": mask(4, *SIZE, kind="classes")}
    answer = answer_of("nearest_clear", STACK, FINE, further)
    given = {"cloud_class": classes, "dates": days[:, :, None, None, None]}
    found = compiled(answer, images, given)
    for sample in range(2):
        distance = np.abs(days[sample] - days[sample, -1])
        expected = time_steps.nearest_clear(images[sample, ..., :2], classes[sample] == 0, distance)
        np.testing.assert_array_equal(found[sample], expected)


@pytest.fixture
def dated_stacks():
    """Two stacks of four time steps, not in the order of time, hidden pixels NaN, and the days from their targets."""
    images, hidden = random(2, 4, *SIZE, 3), np.random.default_rng(8).random((2, 4, *SIZE, 1)) < 0.5
    hidden[1, :, :3] = True  # nowhere clear
    hidden[0, 2] = False  # clear at the day of the target
    days = np.array([[-400.0, -3.5, 0.0, 20.0], [310.0, -20.0, 12.25, -700.0]], np.float32)
    return np.where(hidden, np.float32(np.nan), images), ~hidden, days


def given_of(clear, days):
    return {"hidden": (~clear).astype(np.float32), "days_from_target": days[:, :, None, None, None]}


DATED = {"hidden": mask(4, *SIZE), "days_from_target": DAYS, "dates": DAYS}


def test_linear_in_time_at_the_date_of_the_target_is_that_of_numpy(answer_of, dated_stacks):
    images, clear, days = dated_stacks
    answer = answer_of("linear_in_time", STACK, FINE, DATED, input_mask="hidden")
    found = compiled(answer, images, given_of(clear, days))
    assert found.shape == (2, *SIZE, 2)
    for sample, row, column, band in np.ndindex(found.shape):
        seen = clear[sample, :, row, column, 0]
        values, order = images[sample, :, row, column, band], np.argsort(days[sample])
        if seen.any():  # beyond the ends np.interp copies
            order = order[seen[order]]
            expected = np.interp(0.0, days[sample, order], values[order])
        else:
            expected = images[sample, ..., band][clear[sample, ..., 0]].mean()
        assert found[sample, row, column, band] == pytest.approx(expected, abs=2e-6)
    np.testing.assert_array_equal(found[0], images[0, 2, ..., :2])


def test_nearest_clear_is_nearest_to_the_date_of_the_target(answer_of, dated_stacks):
    images, clear, days = dated_stacks
    images = np.nan_to_num(images, nan=7.0)
    answer = answer_of("nearest_clear", STACK, FINE, DATED, input_mask="hidden")
    found = compiled(answer, images, given_of(clear, days))
    for sample in range(2):
        expected = time_steps.nearest_clear(images[sample, ..., :2], clear[sample], np.abs(days[sample]))
        np.testing.assert_array_equal(found[sample], expected)


@pytest.mark.parametrize("kind", ["linear_in_time", "nearest_clear"])
def test_the_date_of_the_target_must_be_known(answer_of, manifest_of, kind):
    with pytest.raises(suitability.UnknownDate, match="field days_from_target"):
        answer_of(kind, STACK, FINE, {"hidden": mask(4, *SIZE)}, input_mask="hidden")


def test_evaluations_say_what_they_cannot_compute(manifest_of, dataset_of):
    manifest = manifest_of(STACK, FINE, {"hidden": mask(4, *SIZE)}).model_copy(update={"input_mask": "hidden"})
    sample = {name: np.ones(field.shape, field.dtype) for name, field in manifest.fields.items()}
    dataset, lines = dataset_of(manifest, {"a": sample}), []
    assert beside_network(dataset.experiment, dataset.listing, [], lines.append) == []
    undated, unfitted = lines
    assert undated.startswith(
        f"{dataset.listing.folder}: linear-in-time and nearest-clear cannot be computed: when the target was"
    )
    assert "no training samples" in unfitted


def test_days_of_the_year_mean_a_target_at_the_last_time_step(manifest_of):
    manifest = manifest_of(STACK, FINE)
    fields = {**manifest.fields, "hidden": mask(4, *SIZE)}
    manifest = manifest.model_copy(update={"fields": fields, "input_mask": "hidden"})
    assert suitability.undated_kinds(manifest, SIZE) == ["linear_in_time", "nearest_clear"]
    fields["dates"] = DAYS
    assert suitability.suitable(manifest, SIZE) == ["linear_fit", "nearest_clear"]
    fields["days_from_target"] = DAYS
    assert suitability.suitable(manifest, SIZE) == ["linear_fit", "linear_in_time", "nearest_clear"]
    assert suitability.undated_kinds(manifest, SIZE) == []


# ---- with weights ------------------------------------------------------------------------------------------------


def test_the_linear_map_of_neighbours_is_a_convolution_before_the_upsampling(answer_of):
    from scipy.ndimage import correlate

    answer, coarse = answer_of("linear_fit", COARSE, FINE), random(1, 8, 8, 3)
    weights = np.random.default_rng(6).normal(size=answer.shapes[0]).astype(np.float32)
    kernel, constant = weights[:-1].reshape(3, 3, 3, 2), weights[-1]
    fitted = np.stack(
        [
            sum(correlate(coarse[0, ..., band], kernel[:, :, band, out], mode="reflect") for band in range(3))
            + constant[out]
            for out in range(2)
        ],
        axis=-1,
    )
    repeated = coarse.repeat(2, axis=1).repeat(2, axis=2)
    expected = bicubic_image(fitted.astype(np.float32), 2)
    np.testing.assert_allclose(compiled(answer, repeated, weights=[weights])[0], expected, atol=2e-5)
    by_features = answer.features(tf.constant(repeated), {}) @ weights
    np.testing.assert_allclose(by_features[0], expected, atol=2e-5)


def test_the_regression_of_radar_is_that_of_the_tables(answer_of):
    """The coefficients are those of another implementation, which the synthetic tables use."""
    generator = np.random.default_rng(7)
    fit = RadarFit(5)
    samples = [
        Sample(
            {
                "input_image": generator.normal(-12, 4, (*SIZE, 2)).astype(np.float32),
                "target": generator.random((*SIZE, 2)).astype(np.float32),
                "land_cover": np.ones((*SIZE, 1), np.uint8),
                "dates": np.full((1, 1, 1), day, np.float32),
            },
            [datetime(2020, 1, 1)],
        )
        for day in range(10, 360, 10)
    ]
    for sample in samples:
        fit.add(sample)
    ridge = 1e-6 * np.trace(fit.squares) / len(fit.squares) * np.eye(len(fit.squares))
    weights = np.linalg.solve(fit.squares + ridge, fit.products).astype(np.float32)
    answer = answer_of("regression", RADAR, FINE, {"dates": DAY})
    assert answer.shapes == (weights.shape,)
    found = compiled(
        answer, samples[3].fields["input_image"][None], {"dates": np.full((1, *SIZE, 1), 40, "f")}, [weights]
    )
    np.testing.assert_allclose(found[0], fit.regression()(samples[3]), atol=1e-4)


# ---- what fits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "source", "target", "reason"),
    [
        ("bicubic", image(*SIZE), FINE, "the input is not coarser"),
        ("bicubic", image(8, 8, bands=["B08"]), FINE, "lacks the target's bands"),
        ("bicubic", image(8, 8, units="dB"), FINE, "other units"),
        ("bicubic", image(4, 8, 8), FINE, "must have no time steps"),
        ("back_projection", COARSE, FINE, "does not state 'degradation'"),
        ("linear_fit", mask(*SIZE), FINE, "input_image is no image"),
        ("linear_in_time", image(*SIZE), FINE, "must have the same time steps"),
        ("linear_in_time", STACK, FINE, "state 'input_mask'"),
        ("linear_in_time", STACK, STACK, "state 'input_mask'"),
        ("nearest_clear", STACK, STACK, "the target must have none"),
        ("regression", image(*SIZE), FINE, "VV and VH in dB"),
        ("regression", image(8, 8, bands=["VV", "VH"], units="dB"), FINE, "must have the pixels of the input"),
    ],
)
def test_what_a_dataset_lacks_is_said(answer_of, kind, source, target, reason):
    with pytest.raises(suitability.Unsuitable, match=reason):
        answer_of(kind, source, target)


def test_images_of_another_size_than_the_target_are_refused(manifest_of):
    with pytest.raises(suitability.Unsuitable, match="8 x 8 pixels and the target has 16 x 16"):
        build("bicubic", manifest_of(COARSE, FINE), (8, 8))


def test_every_kind_has_an_answer():
    assert list(ANSWERS) == list(suitability.KINDS)


def test_suitable_lists_those_that_fit(manifest_of):
    manifest = manifest_of(COARSE, FINE)
    assert suitability.suitable(manifest, SIZE) == ["bicubic", "linear_fit"]
    manifest = manifest.model_copy(update={"degradation": Degradation(kind="average", factor=2)})
    assert suitability.suitable(manifest, SIZE) == ["bicubic", "back_projection", "linear_fit"]


def test_gaps_have_no_linear_fit(manifest_of):
    """It is nearly exact in clear pixels, where interpolation in time is exact and has no PSNR."""
    manifest = manifest_of(STACK, STACK, {"cloud_mask": mask(4, *SIZE)})
    assert suitability.suitable(manifest, SIZE) == ["linear_in_time"]
