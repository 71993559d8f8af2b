"""Scores of samples: they equal those that NumPy and scikit-image compute from the physical values."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import minimum_filter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pix2earth.records.manifest import Field
from pix2earth.scoring.scorer import Scorer
from pix2earth.settings.errors import UserError

SIDE, RATIO = 24, 2
LOW, HIGH, SCALE, OFFSET = 0.1, 1.7, 1e-4, -0.1  # reflectance as Sentinel-2 stores it since 2022
GAIN, SHIFT = 0.8, 0.05
BANDS = ["B02", "B03", "B04"]
SOURCE = Field(
    dtype="uint16", shape=[SIDE // RATIO, SIDE // RATIO, 4], bands=[*BANDS, "B08"], scale=SCALE, offset=OFFSET,
    nodata=0, valid_range=(LOW, HIGH), gsd=20.0,
)  # fmt: skip
TARGET = Field(
    dtype="uint16", shape=[SIDE, SIDE, 3], bands=BANDS[::-1], scale=SCALE, offset=OFFSET, nodata=0,
    valid_range=(LOW, HIGH), gsd=10.0, rgb=BANDS[::-1],
)  # fmt: skip
CLEAR = Field(dtype="uint8", shape=[SIDE, SIDE, 1], kind="mask", bands=["clear"])


def samples(count, *fields):
    """Return samples of random fields: numbers well above nodata, masks of 0 and 1."""
    random = np.random.default_rng(7)
    return {
        f"tile{index:02d}": {
            name: random.integers(*((0, 2) if field.kind == "mask" else (2500, 12000)), field.shape, field.dtype)
            for name, field in fields
        }
        for index in range(count)
    }


@pytest.fixture
def gan(namespace):
    """A generator that selects the target's bands and applies gain and shift, in network units."""
    return namespace(generator=lambda image, training: GAIN * tf.gather(image, [2, 1, 0], axis=-1) + SHIFT)


@pytest.fixture
def scorer_of(dataset_of, manifest_of, gan, tmp_path):
    """``scorer_of(data, metrics, source=..., target=..., ...)``: the Scorer of samples with these fields."""

    def scorer(
        data, metrics, *, source=SOURCE, target=TARGET, fields=None, mask=None, plugin=gan, baseline=True, **settings
    ):
        manifest = manifest_of(source, target, fields, mask=mask)
        dataset = dataset_of(manifest, data, **settings)
        return Scorer(dataset, plugin, tmp_path / "mine.py", metrics, baseline=baseline)

    return scorer


def physical(stored):
    return stored.astype(np.float64) * SCALE + OFFSET


def upsampled(coarse, factor=RATIO):
    return coarse.repeat(factor, axis=0).repeat(factor, axis=1)


def expected_prediction(stored, normalize):
    """Return the prediction of the plug-in in physical units, computed from the stored input."""
    values = upsampled(physical(stored))[..., [2, 1, 0]]
    width = {"symmetric": 2.0, "unit": 1.0}.get(normalize)
    if width is None:
        return GAIN * values + SHIFT
    network = (values - LOW) / (HIGH - LOW) * width - (width - 1)
    return (GAIN * network + SHIFT + (width - 1)) / width * (HIGH - LOW) + LOW


def rmse(target, prediction, valid=...):
    return math.sqrt(np.mean((target - prediction)[valid] ** 2))


def ssim_map(target, prediction):
    """Return scikit-image's SSIM at each pixel whose 11 x 11 window lies in the image."""
    _, similarity = structural_similarity(
        target, prediction, data_range=HIGH - LOW, channel_axis=-1, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip
    return similarity[5:-5, 5:-5]


def two_fields(count):
    return samples(count, ("input_image", SOURCE), ("target", TARGET))


# ---- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalize", ["symmetric", "unit", "none"])
def test_scores_are_computed_from_physical_values(scorer_of, normalize):
    data = two_fields(3)
    scorer = scorer_of(data, ["RMSE", "MAE", "PSNR", "SSIM"], normalize=normalize, baseline=False)
    rows = list(scorer.rows("val", list(data)))
    for row, (name, fields) in zip(rows, data.items(), strict=True):
        target, prediction = physical(fields["target"]), expected_prediction(fields["input_image"], normalize)
        assert row == {
            "tile": name,
            "RMSE": pytest.approx(rmse(target, prediction), rel=1e-5),
            "MAE": pytest.approx(np.abs(target - prediction).mean(), rel=1e-5),
            "PSNR": pytest.approx(peak_signal_noise_ratio(target, prediction, data_range=HIGH - LOW), rel=1e-5),
            "SSIM": pytest.approx(ssim_map(target, prediction).mean(), abs=1e-5),
        }


def test_ergas_uses_the_ratio_of_the_manifest(scorer_of):
    data = two_fields(1)
    (row,) = scorer_of(data, ["ERGAS"], baseline=False).rows("val", list(data))
    target, prediction = (
        physical(data["tile00"]["target"]),
        expected_prediction(data["tile00"]["input_image"], "symmetric"),
    )
    relative = ((target - prediction) ** 2).mean(axis=(0, 1)) / target.mean(axis=(0, 1)) ** 2
    assert row["ERGAS"] == pytest.approx(100 / RATIO * math.sqrt(relative.mean()), rel=1e-4)


def test_unit_norm_images_are_scored_unscaled(scorer_of):
    data = two_fields(2)
    scorer = scorer_of(data, ["RMSE", "PSNR"], normalize="l2")
    for row, fields in zip(scorer.rows("val", list(data)), data.values(), strict=True):
        image, target = upsampled(physical(fields["input_image"])), physical(fields["target"])
        image, target = image / np.linalg.norm(image), target / np.linalg.norm(target)
        prediction = GAIN * image[..., [2, 1, 0]] + SHIFT
        assert row["RMSE"] == pytest.approx(rmse(target, prediction), rel=1e-4)
        assert row["PSNR"] == pytest.approx(peak_signal_noise_ratio(target, prediction, data_range=1.0), rel=1e-4)


def test_the_baseline_of_unit_norm_images_has_unit_norm_too(scorer_of):
    data = two_fields(1)
    scorer = scorer_of(data, ["RMSE"], normalize="l2")
    (row,) = scorer.rows("val", list(data))
    coarse, target = physical(data["tile00"]["input_image"])[..., [2, 1, 0]], physical(data["tile00"]["target"])
    prediction = tf.image.resize(coarse, (SIDE, SIDE), method="bicubic").numpy()
    expected = rmse(target / np.linalg.norm(target), prediction / np.linalg.norm(prediction))
    assert row["RMSE_bicubic"] == pytest.approx(expected, rel=1e-4)


def test_a_valid_range_for_each_band_is_undone_for_each_band(scorer_of):
    bounds = ([0.0, 0.1, 0.2], [1.0, 1.2, 1.4])
    target = TARGET.model_copy(update={"valid_range": bounds})
    data = two_fields(1)
    (row,) = scorer_of(data, ["RMSE", "PSNR"], target=target, baseline=False).rows("val", list(data))
    low, high = map(np.array, bounds)
    network = 2 * (upsampled(physical(data["tile00"]["input_image"]))[..., [2, 1, 0]] - LOW) / (HIGH - LOW) - 1
    prediction = (GAIN * network + SHIFT + 1) / 2 * (high - low) + low
    stored = physical(data["tile00"]["target"])
    assert row["RMSE"] == pytest.approx(rmse(stored, prediction), rel=1e-5)
    assert row["PSNR"] == pytest.approx(peak_signal_noise_ratio(stored, prediction, data_range=1.4), rel=1e-5)


def test_predict_is_preferred_and_gets_other_fields(scorer_of, namespace):
    data = samples(2, ("input_image", SOURCE), ("target", TARGET), ("clear", CLEAR))
    plugin = namespace(generator=None, predict=lambda target, clear: target * clear)
    scorer = scorer_of(data, ["MAE"], fields={"clear": CLEAR}, plugin=plugin, normalize="none", baseline=False)
    for row, fields in zip(scorer.rows("val", list(data)), data.values(), strict=True):
        expected = np.mean(physical(fields["target"]) * (fields["clear"] == 0))
        assert row["MAE"] == pytest.approx(expected, rel=1e-5)


def test_a_prediction_in_half_precision_is_scored_in_single(scorer_of, namespace):
    data = two_fields(1)
    plugin = namespace(generator=lambda image, training: tf.cast(image[..., :3] * 0, tf.float16))
    (row,) = scorer_of(data, ["MAE"], plugin=plugin, normalize="none", baseline=False).rows("val", list(data))
    assert row["MAE"] == pytest.approx(physical(data["tile00"]["target"]).mean(), rel=1e-5)


# ---- valid pixels --------------------------------------------------------------------------------------------------


def test_masked_pixels_are_not_scored(scorer_of):
    data = samples(2, ("input_image", SOURCE), ("target", TARGET), ("clear", CLEAR))
    scorer = scorer_of(data, ["RMSE"], fields={"clear": CLEAR}, mask="clear", baseline=False)
    for row, fields in zip(scorer.rows("val", list(data)), data.values(), strict=True):
        target, prediction = physical(fields["target"]), expected_prediction(fields["input_image"], "symmetric")
        assert row["RMSE"] == pytest.approx(rmse(target, prediction, fields["clear"][..., 0] == 1), rel=1e-5)


def test_ssim_uses_windows_of_valid_pixels_only(scorer_of):
    data = samples(1, ("input_image", SOURCE), ("target", TARGET), ("clear", CLEAR))
    fields = data["tile00"]
    fields["clear"][:] = 1
    fields["clear"][20:, :3] = 0
    (row,) = scorer_of(data, ["SSIM"], fields={"clear": CLEAR}, mask="clear", baseline=False).rows("val", list(data))
    valid = minimum_filter(fields["clear"][..., 0], 11)[5:-5, 5:-5] == 1
    similarity = ssim_map(physical(fields["target"]), expected_prediction(fields["input_image"], "symmetric"))
    assert 0 < valid.sum() < valid.size
    assert row["SSIM"] == pytest.approx(similarity[valid].mean(), abs=1e-5)


def test_a_mask_that_the_manifest_does_not_name_is_ignored(scorer_of):
    data = samples(1, ("input_image", SOURCE), ("target", TARGET), ("clear", CLEAR))
    (row,) = scorer_of(data, ["RMSE"], fields={"clear": CLEAR}, baseline=False).rows("val", list(data))
    fields = data["tile00"]
    expected = rmse(physical(fields["target"]), expected_prediction(fields["input_image"], "symmetric"))
    assert row["RMSE"] == pytest.approx(expected, rel=1e-5)


def test_nodata_in_one_band_of_the_target_masks_the_pixel(scorer_of):
    data = two_fields(1)
    stored = data["tile00"]["target"]
    stored[3:9, 4:, 1] = 0
    (row,) = scorer_of(data, ["RMSE"], baseline=False).rows("val", list(data))
    expected = rmse(
        physical(stored), expected_prediction(data["tile00"]["input_image"], "symmetric"), (stored != 0).all(axis=-1)
    )
    assert row["RMSE"] == pytest.approx(expected, rel=1e-5)


def test_nodata_of_the_input_is_the_low_end_of_the_range(scorer_of):
    data = two_fields(1)
    stored = data["tile00"]["input_image"]
    stored[2:5, 2:5] = 0
    (row,) = scorer_of(data, ["RMSE"], baseline=False).rows("val", list(data))
    filled = np.where(stored == 0, round((LOW - OFFSET) / SCALE), stored)
    expected = rmse(physical(data["tile00"]["target"]), expected_prediction(filled, "symmetric"))
    assert row["RMSE"] == pytest.approx(expected, rel=1e-5)


def test_nan_in_the_target_masks_the_pixel(scorer_of):
    target = TARGET.model_copy(update={"dtype": "float32", "nodata": None, "scale": 1.0, "offset": 0.0})
    data = two_fields(1)
    values = physical(data["tile00"]["target"]).astype(np.float32)
    values[5:7, 5:7, 0] = np.nan
    data["tile00"]["target"] = values
    (row,) = scorer_of(data, ["RMSE"], target=target, baseline=False).rows("val", list(data))
    expected = rmse(
        values, expected_prediction(data["tile00"]["input_image"], "symmetric"), np.isfinite(values).all(axis=-1)
    )
    assert row["RMSE"] == pytest.approx(expected, rel=1e-5)


def test_without_a_valid_pixel_the_score_is_undefined(scorer_of):
    data = two_fields(2)
    data["tile01"]["target"][:] = 0
    rows = list(scorer_of(data, ["RMSE"], baseline=False).rows("val", list(data)))
    assert [math.isnan(row["RMSE"]) for row in rows] == [False, True]


# ---- the baseline --------------------------------------------------------------------------------------------------


def test_the_baseline_has_a_column_for_each_metric(scorer_of):
    scorer = scorer_of(two_fields(1), ["RMSE", "PSNR"])
    assert scorer.columns == ["RMSE", "PSNR", "RMSE_bicubic", "PSNR_bicubic"]
    (row,) = scorer.rows("val", ["tile00"])
    assert list(row) == ["tile", *scorer.columns]


def test_without_baseline_there_are_no_such_columns(scorer_of):
    assert scorer_of(two_fields(1), ["RMSE"], baseline=False).columns == ["RMSE"]


def test_an_input_without_the_targets_bands_has_no_baseline(scorer_of):
    source = SOURCE.model_copy(update={"bands": ["VV", "VH", "HH", "HV"]})
    assert scorer_of(two_fields(1), ["RMSE"], source=source).columns == ["RMSE"]


@pytest.mark.parametrize("normalize", ["symmetric", "unit", "none"])
def test_the_bicubic_baseline_is_scored_in_physical_units(scorer_of, normalize):
    data = two_fields(2)
    scorer = scorer_of(data, ["RMSE", "PSNR"], normalize=normalize)
    for row, fields in zip(scorer.rows("val", list(data)), data.values(), strict=True):
        prediction = tf.image.resize(
            physical(fields["input_image"])[..., [2, 1, 0]], (SIDE, SIDE), method="bicubic"
        ).numpy()
        target = physical(fields["target"])
        assert row["RMSE_bicubic"] == pytest.approx(rmse(target, prediction), rel=1e-5)
        assert row["PSNR_bicubic"] == pytest.approx(
            peak_signal_noise_ratio(target, prediction, data_range=HIGH - LOW), rel=1e-5
        )


def test_the_baseline_is_scored_on_the_same_pixels(scorer_of):
    data = two_fields(1)
    stored = data["tile00"]["target"]
    stored[:10] = 0
    (row,) = scorer_of(data, ["RMSE"]).rows("val", list(data))
    coarse = physical(data["tile00"]["input_image"])[..., [2, 1, 0]]
    prediction = tf.image.resize(coarse, (SIDE, SIDE), method="bicubic").numpy()
    assert row["RMSE_bicubic"] == pytest.approx(rmse(physical(stored), prediction, np.s_[10:]), rel=1e-5)


@pytest.mark.parametrize("size", [SIDE, SIDE // 2, SIDE * 2, 16])
def test_a_copy_of_an_input_that_equals_the_target_is_perfect_at_any_size(scorer_of, size):
    data = samples(1, ("target", TARGET))
    data["tile00"]["input_image"] = data["tile00"]["target"]
    source = TARGET.model_copy()
    (row,) = scorer_of(data, ["RMSE"], source=source, img_height=size, img_width=size).rows("val", list(data))
    assert row["RMSE_copy"] == pytest.approx(0.0, abs=1e-6)


# ---- several time steps --------------------------------------------------------------------------------------------

TIME_STEPS = SOURCE.model_copy(update={"shape": [3, SIDE, SIDE, 4], "gsd": 10.0})


@pytest.mark.parametrize("fold", [False, True])
def test_the_median_baseline_and_the_plugin_get_all_time_steps(scorer_of, namespace, fold):
    def last_time_step(image, training):
        last = image[..., 8:] if fold else image[:, 2]
        return tf.gather(last, [2, 1, 0], axis=-1)

    data = samples(2, ("input_image", TIME_STEPS), ("target", TARGET))
    plugin = namespace(generator=last_time_step)
    scorer = scorer_of(data, ["RMSE"], source=TIME_STEPS, plugin=plugin, fold_dates=fold)
    for row, fields in zip(scorer.rows("val", list(data)), data.values(), strict=True):
        source, target = physical(fields["input_image"])[..., [2, 1, 0]], physical(fields["target"])
        assert row["RMSE"] == pytest.approx(rmse(target, source[2]), rel=1e-5)
        assert row["RMSE_median"] == pytest.approx(rmse(target, np.median(source, axis=0)), rel=1e-5)


@pytest.mark.parametrize("fold", [False, True])
def test_a_target_of_several_time_steps_is_scored_over_all_of_them(scorer_of, namespace, fold):
    several = TARGET.model_copy(update={"shape": [3, SIDE, SIDE, 3], "nodata": None})
    data = samples(2, ("input_image", several), ("target", several))
    plugin = namespace(generator=lambda image, training: image)
    scorer = scorer_of(data, ["RMSE"], source=several, target=several, plugin=plugin, fold_dates=fold)
    for row, fields in zip(scorer.rows("val", list(data)), data.values(), strict=True):
        assert row["RMSE"] == pytest.approx(rmse(*map(physical, (fields["target"], fields["input_image"]))), rel=1e-5)


@pytest.mark.parametrize("fold", [False, True])
def test_where_pixels_are_missing_each_time_step_is_scored_over_its_own(scorer_of, namespace, fold):
    """An empty time step has no score, and the others keep theirs."""
    several = TARGET.model_copy(update={"shape": [3, SIDE, SIDE, 3]})
    data = samples(2, ("input_image", several), ("target", several))
    data["tile00"]["target"][1] = data["tile01"]["target"][2, :5] = several.nodata
    plugin = namespace(generator=lambda image, training: image)
    scorer = scorer_of(data, ["RMSE", "HPSI"], source=several, target=several, plugin=plugin, fold_dates=fold)
    for row, fields in zip(scorer.rows("val", list(data)), data.values(), strict=True):
        valid = (fields["target"] != several.nodata).all(axis=-1)
        pairs = zip(*(physical(fields[name]) for name in ("target", "input_image")), valid, strict=True)
        expected = [rmse(target[where], source[where]) for target, source, where in pairs if where.any()]
        assert row["RMSE"] == pytest.approx(np.mean(expected), rel=1e-5)
        assert np.isfinite(row["HPSI"])
    assert scorer.failed == ""


# ---- batches -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 3, 4, 5, 64])
def test_every_sample_is_scored_once_whatever_the_batch(scorer_of, batch):
    data = two_fields(5)
    scorer = scorer_of(data, ["RMSE"], baseline=False)
    scorer.batch = batch
    rows = list(scorer.rows("val", list(data)))
    expected = [rmse(physical(f["target"]), expected_prediction(f["input_image"], "symmetric")) for f in data.values()]
    assert [row["tile"] for row in rows] == list(data)
    assert [row["RMSE"] for row in rows] == pytest.approx(expected, rel=1e-5)


def test_an_incomplete_last_batch_is_not_compiled_again(scorer_of):
    data = two_fields(5)
    scorer = scorer_of(data, ["RMSE"], baseline=False)
    scorer.batch = 2
    list(scorer.rows("val", list(data)))
    assert scorer._compute.experimental_get_tracing_count() == 1


def test_samples_are_scored_in_the_order_of_the_names(scorer_of):
    data = two_fields(4)
    scorer = scorer_of(data, ["RMSE"], baseline=False)
    rows = list(scorer.rows("val", ["tile03", "tile01"]))
    expected = [
        rmse(physical(data[name]["target"]), expected_prediction(data[name]["input_image"], "symmetric"))
        for name in ("tile03", "tile01")
    ]
    assert [row["RMSE"] for row in rows] == pytest.approx(expected, rel=1e-5)


def test_means_ignore_undefined_scores(scorer_of):
    data = two_fields(3)
    data["tile01"]["target"][:] = 0
    scorer = scorer_of(data, ["RMSE", "MAE"], baseline=False)
    rows = list(scorer.rows("val", list(data)))
    means = scorer.means("val", list(data))
    assert means == {name: pytest.approx((rows[0][name] + rows[2][name]) / 2) for name in ("RMSE", "MAE")}


def test_a_damaged_record_is_named_with_its_field(scorer_of, tmp_path):
    data = two_fields(3)
    scorer = scorer_of(data, ["RMSE"], baseline=False)
    path = scorer.dataset.listing.path("val", "tile01")
    content = bytearray(path.read_bytes())
    content[content.index(data["tile01"]["target"].tobytes()) + 100] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{path}: field 'target' does not match its hash"):
        list(scorer.rows("val", list(data)))


def test_predict_returns_physical_input_target_and_prediction(scorer_of):
    data = two_fields(2)
    scorer = scorer_of(data, ["RMSE"])
    batch = next(iter(scorer.dataset.batches("val", list(data), 2)))
    source, target, prediction = (array.numpy() for array in scorer.predict(batch))
    for index, fields in enumerate(data.values()):
        np.testing.assert_allclose(source[index], upsampled(physical(fields["input_image"])), atol=1e-5)
        np.testing.assert_allclose(target[index], physical(fields["target"]), atol=1e-5)
        np.testing.assert_allclose(
            prediction[index], expected_prediction(fields["input_image"], "symmetric"), atol=1e-5
        )


def test_a_metric_that_fails_is_named_with_its_file_and_line(scorer_of, tmp_path, monkeypatch):
    import metrics

    path = tmp_path / "metric_of_this_test.py"
    path.write_text("def bias(target, prediction, mask, scale):\n    return prediction.mean()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(metrics.METRICS, "bias", "metric_of_this_test:bias")
    with pytest.raises(UserError) as caught:
        next(scorer_of(two_fields(1), ["bias"]).rows("val", ["tile00"]))
    assert caught.value.lines[0].startswith(f"{path}:2: metric bias fails: AttributeError")


# ---- predictions that fail, and what is unknown -------------------------------------------------------------------


def failing(kind):
    """Return a generator that fails for the samples whose first pixel is below the middle of the range."""

    def generator(image, training):
        wrong = {"nan": math.nan, "inf": math.inf, "constant": 0.0}[kind]
        prediction = tf.gather(image, [2, 1, 0], axis=-1)
        return tf.where(image[:, :1, :1, :1] < 0, tf.fill(tf.shape(prediction), wrong), prediction)

    return generator


@pytest.mark.parametrize("kind", ["nan", "inf", "constant"])
def test_predictions_that_fail_are_counted(scorer_of, namespace, kind):
    data = two_fields(4)
    low, high = round((LOW + 0.2 - OFFSET) / SCALE), round((HIGH - 0.2 - OFFSET) / SCALE)
    for index, fields in enumerate(data.values()):
        fields["input_image"][0, 0] = low if index < 3 else high
    scorer = scorer_of(data, ["PSNR"], plugin=namespace(generator=failing(kind)))
    list(scorer.rows("val", list(data)))
    assert scorer.failed == f"3 of 4 predictions are {'constant' if kind == 'constant' else 'not finite'}"
    list(scorer.rows("val", ["tile03"]))
    assert scorer.failed == ""


def test_a_constant_prediction_of_a_constant_target_does_not_fail(scorer_of, namespace):
    data = two_fields(1)
    data["tile00"]["target"][:] = 5000
    plugin = namespace(generator=lambda image, training: 0 * tf.gather(image, [2, 1, 0], axis=-1))
    scorer = scorer_of(data, ["PSNR"], plugin=plugin)
    list(scorer.rows("val", list(data)))
    assert scorer.failed == ""


def test_what_is_not_finite_at_masked_pixels_alone_does_not_fail(scorer_of, namespace):
    data = two_fields(1)
    data["tile00"]["target"][0, 0] = 0
    corner = np.zeros((1, SIDE, SIDE, 1), np.float32)
    corner[0, 0, 0] = math.nan
    scorer = scorer_of(data, ["PSNR"], plugin=namespace(generator=lambda image, training: image[..., :3] + corner))
    (row,) = scorer.rows("val", list(data))
    assert scorer.failed == "" and math.isfinite(row["PSNR"])


def test_an_unknown_range_is_reported_once_with_the_values(scorer_of):
    data = two_fields(2)
    numbers = TARGET.model_copy(update={"scale": 1.0, "offset": 0.0, "valid_range": None, "units": "K"})
    scorer = scorer_of(data, ["PSNR"], target=numbers)
    lines = []
    scorer.report = lines.append
    for _ in range(2):
        list(scorer.rows("val", list(data)))
    values = np.concatenate([fields["target"].ravel() for fields in data.values()])
    (line,) = lines
    assert "dataset.json: fields.target.valid_range: is not stated, and 0 to 1 is assumed" in line
    assert f"between {values.min():.4g} and {values.max():.4g} K" in line


@pytest.mark.parametrize("narrow", [False, True])
def test_values_outside_of_the_stated_range_are_reported_but_few_are_not(scorer_of, narrow):
    data = two_fields(1)
    data["tile00"]["input_image"][0, 0] = 65000
    scorer = scorer_of(data, ["PSNR"], target=TARGET.model_copy(update={"valid_range": (LOW, 0.5)} if narrow else {}))
    lines = []
    scorer.report = lines.append
    list(scorer.rows("val", list(data)))
    assert ["of the values lie outside of 0.1 to 0.5" in line for line in lines] == [True] * narrow


def test_metrics_that_are_undefined_for_the_dataset_are_reported_with_the_reason(scorer_of, namespace):
    target = TARGET.model_copy(update={"shape": [SIDE, SIDE, 1], "bands": ["B02"], "rgb": None, "gsd": None})
    data = samples(1, ("input_image", SOURCE), ("target", target))
    scorer = scorer_of(
        data,
        ["SAM", "ERGAS", "PSNR"],
        target=target,
        plugin=namespace(generator=lambda image, training: image[..., :1]),
    )
    lines = []
    scorer.report = lines.append
    (row,) = scorer.rows("val", list(data))
    assert math.isnan(row["SAM"]) and math.isnan(row["ERGAS"]) and math.isfinite(row["PSNR"])
    assert [line.split(": ")[0] for line in lines] == ["SAM", "ERGAS"] and "gsd" in lines[1]


def test_haarpsi_of_a_target_with_time_steps_is_the_mean_of_all_of_them(scorer_of, namespace):
    target = TARGET.model_copy(update={"shape": [2, SIDE, SIDE, 3]})
    source = target.model_copy(update={"gsd": 10.0})
    data = samples(1, ("input_image", source), ("target", target))
    data["tile00"]["input_image"][0] = data["tile00"]["target"][0]
    scorer = scorer_of(
        data, ["HPSI"], source=source, target=target, plugin=namespace(generator=lambda image, training: image),
        baseline=False,
    )  # fmt: skip
    (row,) = scorer.rows("val", list(data))
    assert row["HPSI"] < 0.95, "the second time step is noise"
