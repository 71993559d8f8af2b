"""Fields that metrics ask for: the input in physical units, on the grid of the target and in its own pixels."""

import numpy as np
import pytest
import tensorflow as tf

import metrics
from metrics import SUPERRESOLUTION, Scale, score
from pix2earth.records.manifest import Field
from pix2earth.scoring.scorer import Scorer
from pix2earth.settings.errors import UserError

SIDE, RATIO = 48, 2
BANDS = ["B02", "B03"]
SCALE, OFFSET = 1e-4, -0.1
SOURCE = Field(
    dtype="uint16", shape=[SIDE // RATIO, SIDE // RATIO, 3], bands=["B03", "B02", "B08"], scale=SCALE, offset=OFFSET,
    valid_range=(0.0, 1.0), gsd=20.0,
)  # fmt: skip
TARGET = Field(
    dtype="uint16", shape=[SIDE, SIDE, 2], bands=BANDS, scale=SCALE, offset=OFFSET, valid_range=(0.0, 1.0), gsd=10.0
)


@pytest.fixture
def scorer_of(dataset_of, manifest_of, namespace, tmp_path):
    """``scorer_of(metrics, source=..., target=..., ...)``: the Scorer of two samples, and their stored values."""

    def scorer(names, source=SOURCE, target=TARGET, **settings):
        random = np.random.default_rng(2)
        data = {
            f"tile{index}": {
                "input_image": random.integers(2000, 4000, source.shape, "uint16"),
                "target": random.integers(2000, 4000, target.shape, "uint16"),
            }
            for index in range(2)
        }
        gan = namespace(generator=lambda image, training: 0.9 * image[..., : target.shape[-1]] + 0.02)
        dataset = dataset_of(manifest_of(source, target), data, **settings)
        return Scorer(dataset, gan, tmp_path / "mine.py", names, baseline=False), data

    return scorer


def physical(stored):
    return stored * SCALE + OFFSET


@pytest.mark.parametrize("repeated", [False, True])
def test_the_input_in_its_own_pixels(scorer_of, repeated):
    """Bands in the order of the target, physical units; also where records have the pixels of the target."""
    source = SOURCE.model_copy(update={"shape": [SIDE, SIDE, 3]}) if repeated else SOURCE
    scorer, data = scorer_of(list(SUPERRESOLUTION), source)
    assert scorer.undefined == {}
    for row, (tile, sample) in zip(scorer.rows("val", list(data)), data.items(), strict=True):
        stored = physical(sample["input_image"].astype(np.float64))
        on_grid = stored if repeated else stored.repeat(RATIO, 0).repeat(RATIO, 1)
        stored = on_grid.reshape(SIDE // RATIO, RATIO, SIDE // RATIO, RATIO, 3).mean((1, 3))
        prediction = (0.9 * (2 * on_grid - 1) + 0.02 + 1) / 2  # the network's values are -1 to 1
        images = (physical(sample["target"].astype(np.float64)), prediction[..., :2], stored[..., [1, 0]])
        target, made, coarse = (image[None].astype(np.float32) for image in images)
        wanted = score(target, made, Scale(1.0), list(SUPERRESOLUTION), None, {"coarse_input": coarse})
        for name, value in wanted.items():
            assert row[name] == pytest.approx(float(value[0]), rel=2e-3, abs=1e-6), (tile, name)


def test_images_are_physical(scorer_of, monkeypatch):
    """A metric that asks for the input gets it as stored x scale + offset, not the network's values."""

    def mean_of_input(target, prediction, mask, scale, input_image):
        return tf.reduce_mean(input_image, axis=(1, 2, 3))

    monkeypatch.setitem(metrics.METRICS, "InputMean", "metrics.pixelwise:mean_of_input")
    monkeypatch.setattr("metrics.pixelwise.mean_of_input", mean_of_input, raising=False)
    scorer, data = scorer_of(["InputMean"])
    found = [row["InputMean"] for row in scorer.rows("val", list(data))]
    np.testing.assert_allclose(found, [physical(sample["input_image"]).mean() for sample in data.values()], rtol=1e-5)


def changed(field, **update):
    return Field.model_validate(field.model_dump() | update)


@pytest.mark.parametrize(
    ("source", "target", "settings", "reason"),
    [
        (changed(SOURCE, bands=["B03", "B04", "B08"]), TARGET, {}, "lacks bands"),
        (changed(SOURCE, units="dB"), TARGET, {}, "'dB'"),
        (changed(SOURCE, gsd=15.0, shape=[32, 32, 3]), TARGET, {}, "no whole multiple"),
        (changed(SOURCE, gsd=10.0, shape=[SIDE, SIDE, 3]), TARGET, {}, "not coarser"),
        (changed(SOURCE, shape=[16, 16, 3]), changed(TARGET, shape=[32, 32, 2]), {}, "without the border of 16"),
        (SOURCE, TARGET, {"normalize": "l2"}, "unit norm"),
    ],
)
def test_reasons(scorer_of, source, target, settings, reason):
    """The scores are NaN, and one line says why."""
    scorer, data = scorer_of(["hallucination", "PSNR"], source, target, **settings)
    lines = []
    scorer.report = lines.append
    rows = list(scorer.rows("val", list(data)))
    assert np.isnan([row["hallucination"] for row in rows]).all()
    assert any("hallucination: is undefined for every sample" in line and reason in line for line in lines), lines


def test_a_field_that_does_not_exist(scorer_of, monkeypatch):
    monkeypatch.setitem(metrics.METRICS, "ByClass", "metrics.pixelwise:by_class")
    monkeypatch.setattr("metrics.pixelwise.by_class", lambda t, p, mask, scale, land_cover: t, raising=False)
    with pytest.raises(UserError, match="metrics: ByClass asks for the field 'land_cover'"):
        scorer_of(["ByClass"])


def test_figures_of_a_set(scorer_of):
    """They are computed over all samples, of the prediction and of baselines, and are no columns."""
    from metrics.power import coherence_sums, effective_gsd

    scorer, data = scorer_of(["effective_gsd", "MAE"])
    assert scorer.columns == ["MAE"]
    for _ in range(2):  # the second time starts anew
        list(scorer.rows("val", list(data)))
    (row,) = scorer.of_set.values()
    stored = np.stack([sample["input_image"] for sample in data.values()]).repeat(RATIO, 1).repeat(RATIO, 2)
    prediction = (0.9 * (2 * physical(stored) - 1) + 0.02 + 1)[..., :2] / 2
    target = physical(np.stack([sample["target"] for sample in data.values()]).astype(np.float64))
    scale = Scale(1.0, 0.5, gsd=10.0)
    wanted = effective_gsd(coherence_sums(target, prediction, None, scale).numpy(), SIDE, scale)
    assert row == {"metric": "effective_gsd", "value": pytest.approx(wanted), "samples": 2}
    assert scorer.of_set.lines() == [f"effective_gsd of 2 samples together: {wanted:.4g} m"]
    assert scorer.of_set.as_json()[0] | {"value": 0} == {
        "metric": "effective_gsd", "value": 0, "samples": 2, "unit": "m", "version": 1
    }  # fmt: skip


def test_a_figure_of_a_set_that_is_undefined(scorer_of):
    scorer, data = scorer_of(["effective_gsd", "MAE"], changed(SOURCE, gsd=None), changed(TARGET, gsd=None))
    lines = []
    scorer.report = lines.append
    list(scorer.rows("val", list(data)))
    assert any("effective_gsd: is undefined" in line and "gsd in dataset.json" in line for line in lines)
    assert scorer.of_set.as_json()[0]["value"] is None and "is not stated" in scorer.of_set.lines()[0]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (changed(TARGET, scale=1.0, offset=0.0, valid_range=(0.0, 10000.0)), "up to 10000"),
        (changed(TARGET, units="K"), "in 'K'"),
        (TARGET, "red, green and blue"),
    ],
)
def test_a_protocol_that_does_not_fit(scorer_of, target, reason):
    """It is undefined with the reason, and one line says what it hides."""
    scorer, _ = scorer_of(["PSNR_sen2mtc", "MAE_uncrtaints"], target=target)
    assert reason in scorer.undefined["PSNR_sen2mtc"]
    assert ("MAE_uncrtaints" in scorer.undefined) == (target != TARGET)


def test_lines_on_what_protocols_hide(scorer_of):
    scorer, data = scorer_of(["MAE_uncrtaints", "MAE"])
    lines = []
    scorer.report = lines.append
    list(scorer.rows("val", list(data)))
    (line,) = [line for line in lines if line.startswith("uncrtaints: ")]
    assert metrics.HIDES["uncrtaints"] in line and line.endswith("published for 13 bands, and the target has 2")


@pytest.mark.parametrize(
    ("bands", "update", "places"),
    [
        (["B02", "B03", "B04", "B08"], {}, (1, 2, 3)),
        (["B8A", "B04", "B03"], {}, (2, 1, 0)),
        (["B02", "B03", "B04"], {}, None),
        (["B03", "B04", "B08"], {"units": "mW m-2 sr-1 nm-1"}, None),
    ],
)
def test_bands_of_indices(scorer_of, bands, update, places):
    target = changed(TARGET, bands=bands, shape=[SIDE, SIDE, len(bands)], **update)
    scorer, _ = scorer_of(["NDVI_error"], target=target)
    assert scorer.scale.green_red_infrared == places
    assert ("NDVI_error" in scorer.undefined) == (places is None)
