"""Samples as figures show them: missing pixels are NaN, and panels of the plug-in are in physical units."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.records.manifest import Field
from pix2earth.scoring.scorer import Scorer
from pix2earth.scoring.shown import baseline as shown_baseline
from pix2earth.scoring.shown.samples import shown
from pix2earth.settings.errors import UserError

SIDE, BANDS = 16, ["B02", "B03", "B04"]
IMAGE = {"dtype": "uint16", "bands": BANDS, "scale": 1e-4, "nodata": 0, "valid_range": (0.0, 2.0)}
SOURCE = Field(shape=[SIDE // 2, SIDE // 2, 3], gsd=20.0, **IMAGE)
TARGET = Field(shape=[SIDE, SIDE, 3], gsd=10.0, **IMAGE)
CLEAR = Field(dtype="uint8", shape=[SIDE, SIDE, 1], kind="mask", bands=["clear"])


def sample(number, **fields):
    random = np.random.default_rng(number)
    return {
        name: random.integers(1, 2, field.shape).astype(np.uint8)
        if field.kind == "mask"
        else random.integers(1000, 9000, field.shape).astype(field.dtype)
        for name, field in fields.items()
    }


@pytest.fixture
def scorer_of(dataset_of, manifest_of, namespace, tmp_path):
    def scorer(samples, source=SOURCE, target=TARGET, fields=None, mask=None, input_mask=None, panels=None, **settings):
        gan = namespace(generator=lambda image, training: tf.identity(image))
        if source.time_steps and not target.time_steps:
            gan.generator = lambda image, training: image[..., -len(target.bands) :]
        if target.time_steps and not settings.get("fold_dates"):
            gan.generator = lambda image, training: tf.stack([image] * target.time_steps, axis=1)
        elif target.time_steps:
            gan.generator = lambda image, training: tf.concat([image] * target.time_steps, axis=-1)
        if panels:
            gan.panels = panels
        manifest = manifest_of(source, target, fields, mask=mask).model_copy(update={"input_mask": input_mask})
        return Scorer(dataset_of(manifest, samples, **settings), gan, tmp_path / "mine.py", ["PSNR"])

    return scorer


def test_nodata_of_input_and_target_and_what_the_mask_hides_are_missing(scorer_of):
    data = {"a": sample(1, input_image=SOURCE, target=TARGET, clear=CLEAR)}
    data["a"]["input_image"][2, 3, 1] = 0
    data["a"]["target"][5, 6, 2] = 0
    data["a"]["clear"][8:, 4] = 0
    images = shown(scorer_of(data, fields={"clear": CLEAR}, mask="clear"), "val", ["a"])
    expected = np.zeros((SIDE, SIDE), bool)
    expected[4:6, 6:8] = True  # a coarse pixel covers four
    np.testing.assert_array_equal(np.isnan(images.inputs[0]), expected[..., None].repeat(3, -1))
    np.testing.assert_allclose(images.inputs[0][::2, ::2][0], data["a"]["input_image"][0] * 1e-4, rtol=1e-5)
    expected = np.zeros((SIDE, SIDE), bool)
    expected[5, 6] = True
    expected[8:, 4] = True
    np.testing.assert_array_equal(np.isnan(images.targets[0]), expected[..., None].repeat(3, -1))
    assert np.isfinite(images.predictions).all() and images.panels == {}


def test_not_finite_values_of_floats_are_missing(scorer_of):
    floats = {"dtype": "float32", "scale": 1.0, "nodata": None}
    source, target = SOURCE.model_copy(update=floats), TARGET.model_copy(update=floats)
    data = {"a": sample(1, input_image=source, target=target)}
    data["a"]["input_image"][0, 0, 0], data["a"]["target"][1, 1, 1] = np.inf, np.nan
    images = shown(scorer_of(data, source, target), "val", ["a"])
    assert np.isnan(images.inputs[0, :2, :2]).all() and np.isnan(images.inputs).sum() == 12
    assert np.isnan(images.targets[0, 1, 1]).all() and np.isnan(images.targets).sum() == 3


@pytest.mark.parametrize("fold", [False, True])
def test_time_steps_of_targets_miss_their_own_pixels(scorer_of, fold):
    several = Field(shape=[2, SIDE, SIDE, 3], gsd=10.0, **IMAGE)
    data = {"a": sample(1, input_image=SOURCE, target=several)}
    data["a"]["target"][1, 3, 4, 0] = 0
    images = shown(scorer_of(data, target=several, fold_dates=fold), "val", ["a"])
    assert images.targets.shape == (1, 2, SIDE, SIDE, 3)
    assert np.isfinite(images.targets[0, 0]).all()
    assert np.isnan(images.targets[0, 1, 3, 4]).all() and np.isnan(images.targets).sum() == 3


@pytest.mark.parametrize("fold", [False, True])
def test_a_mask_without_time_steps_hides_all_of_them(scorer_of, fold):
    several = Field(shape=[2, SIDE, SIDE, 3], gsd=10.0, **(IMAGE | {"nodata": None}))
    data = {"a": sample(1, input_image=SOURCE, target=several, clear=CLEAR)}
    data["a"]["clear"][3, 4] = 0
    scorer = scorer_of(data, target=several, fields={"clear": CLEAR}, mask="clear", fold_dates=fold)
    targets = shown(scorer, "val", ["a"]).targets
    missing = np.isnan(targets[0, ..., 3, 4, :])
    assert missing.all() and np.isnan(targets).sum() == missing.sum() == 6


def test_samples_and_their_panels_come_in_the_order_of_the_names(scorer_of):
    data = {name: sample(number, input_image=SOURCE, target=TARGET) for number, name in enumerate("abc")}
    scorer = scorer_of(data, panels=lambda target: {"Input again": target, "First": target[..., :1]})
    scorer.batch = 2  # two batches
    names = ["c", "a", "b"]
    images = shown(scorer, "val", names, with_panels=True)
    for place, name in enumerate(names):
        np.testing.assert_allclose(images.targets[place], data[name]["target"] * 1e-4, atol=1e-5)
        np.testing.assert_allclose(images.panels["Input again"].values[place], images.targets[place], atol=1e-5)
    assert images.panels["First"].role is None and images.panels["Input again"].role == "input"
    assert -1 <= images.panels["First"].values.min() < 0, "values of the network"
    assert shown(scorer, "val", names).panels == {}


def test_validity_always_exists_for_panels(scorer_of):
    whole = TARGET.model_copy(update={"nodata": None})
    data = {"a": sample(1, input_image=SOURCE, target=whole)}
    images = shown(scorer_of(data, target=whole, panels=lambda validity: {"Valid": validity}), "val", ["a"],
                   with_panels=True)  # fmt: skip
    np.testing.assert_array_equal(images.panels["Valid"].values, np.ones((1, SIDE, SIDE, 1)))


def test_other_titles_for_other_samples_are_an_error(scorer_of):
    data = {name: sample(number, input_image=SOURCE, target=TARGET) for number, name in enumerate("ab")}
    titles = iter("xy")
    scorer = scorer_of(data, panels=lambda target: {next(titles): target})
    scorer.batch = 1
    with pytest.raises(UserError, match=r"mine\.py: panels\(\) returns other titles or shapes for some samples"):
        shown(scorer, "val", ["a", "b"], with_panels=True)


# ---- baselines and their scores ------------------------------------------------------------------------------------


def test_the_baseline_of_a_coarser_input_is_bicubic_with_its_scores(scorer_of):
    scorer = scorer_of({name: sample(number, input_image=SOURCE, target=TARGET) for number, name in enumerate("ab")})
    images = shown(scorer, "val", ["b", "a"], with_baseline=True, with_scores=True)
    assert images.baseline_name == "bicubic" and images.baselines.shape == images.targets.shape
    rows = {row["tile"]: row for row in scorer.rows("val", ["a", "b"])}
    for role, column in (("prediction", "PSNR"), ("baseline", "PSNR_bicubic")):
        expected = [rows[name][column] for name in "ba"]
        np.testing.assert_allclose(images.scores[role]["PSNR"], expected, rtol=1e-5)


def test_a_scorer_without_baselines_shows_one_that_needs_no_fit(scorer_of):
    scorer = scorer_of({"a": sample(1, input_image=SOURCE, target=TARGET)})
    with_it = shown(scorer, "val", ["a"], with_baseline=True).baselines
    scorer.baseline, scorer.answers = None, []
    images = shown(scorer, "val", ["a"], with_baseline=True)
    assert images.baseline_name == "bicubic"
    np.testing.assert_array_equal(images.baselines, with_it)
    assert shown(scorer, "val", ["a"]).baselines is None


def test_there_is_no_baseline_where_the_input_lacks_the_bands_of_the_target(scorer_of):
    radar = SOURCE.model_copy(update={"bands": ["VV", "VH", "HH"], "units": "dB"})
    images = shown(
        scorer_of({"a": sample(1, input_image=radar, target=TARGET)}, radar), "val", ["a"], with_baseline=True
    )
    assert images.baselines is None and images.baseline_name == ""


def test_scores_are_over_valid_pixels_and_means_over_time_steps(scorer_of):
    image = Field(dtype="float32", shape=[2, SIDE, SIDE, 3], bands=BANDS)
    scorer = scorer_of({"a": sample(1, input_image=image, target=image)}, image, image, normalize="none")
    targets = np.full((1, 2, SIDE, SIDE, 3), 0.5, np.float32)
    predictions = targets + np.array([0.1, 0.01], np.float32)[:, None, None, None]
    targets[0, 0, :8], predictions[0, 0, :8] = np.nan, 7
    found = shown_baseline.scores(scorer, targets, predictions)
    np.testing.assert_allclose(found["PSNR"], [30.0], rtol=1e-4)
    assert ("SSIM" in found) == ("SSIM" in scorer.names)
    everywhere = shown_baseline.scores(scorer, np.full_like(targets, np.nan), predictions)
    assert np.isnan(everywhere["PSNR"]).all()


NDVI = {"dtype": "int16", "bands": ["NDVI"], "scale": 1e-4, "valid_range": (-0.2, 1.0)}
HIDDEN = Field(dtype="uint8", shape=[2, SIDE, SIDE, 1], kind="mask", bands=["hidden"])
DAYS = Field(dtype="float32", shape=[2, 1, 1, 1], bands=["days"], units="d", valid_range=(-400.0, 400.0))


@pytest.mark.parametrize("bands", [["NDVI"], ["B02"]])
def test_what_is_hidden_in_an_index_is_missing_and_days_are_known(scorer_of, bands):
    """A cloud is seen in reflectance; in NDVI it looks like any other value."""
    source, target = (
        Field(shape=shape, **(NDVI | {"bands": bands})) for shape in ([2, SIDE, SIDE, 1], [SIDE, SIDE, 1])
    )
    fields = {"hidden": HIDDEN, "days_from_target": DAYS}
    data = {"a": sample(1, input_image=source, target=target, hidden=HIDDEN)}
    data["a"]["hidden"] = np.random.default_rng(2).integers(0, 2, HIDDEN.shape).astype(np.uint8)
    data["a"]["days_from_target"] = np.array([-367, 7.5], np.float32).reshape(2, 1, 1, 1)
    scorer = scorer_of(data, source, target, fields, input_mask="hidden", fold_dates=True)
    images = shown(scorer, "val", ["a"])
    assert images.days.tolist() == [[-367, 7.5]]
    hidden = np.isnan(images.inputs[0]).reshape(2, SIDE, SIDE, 1) if bands == ["NDVI"] else None
    if hidden is None:
        assert np.isfinite(images.inputs).all()
    else:
        np.testing.assert_array_equal(hidden, data["a"]["hidden"] == 1)


def test_days_are_none_where_the_dataset_does_not_state_them(scorer_of):
    assert shown(scorer_of({"a": sample(1, input_image=SOURCE, target=TARGET)}), "val", ["a"]).days is None


def test_a_baseline_by_its_name(scorer_of):
    scorer = scorer_of({"a": sample(1, input_image=SOURCE, target=TARGET)})
    assert scorer.baselines[0] == "bicubic"
    for name in scorer.baselines:
        chosen = shown_baseline.named(scorer, name)
        images = shown(scorer, "val", ["a"], with_baseline=True, baseline=chosen)
        assert images.baseline_name == name
        row = next(scorer.rows("val", ["a"]))
        squares = np.mean((images.baselines - images.targets) ** 2)
        assert 10 * np.log10(scorer.scale.data_range**2 / squares) == pytest.approx(row[f"PSNR_{name}"], abs=1e-3)
