"""Scores, errors of changes and NDVI by scikit-learn and NumPy."""

import csv
import io
import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, jaccard_score, precision_score, recall_score

from pix2earth.land_cover.judging import Judge, scores
from pix2earth.land_cover.pixel_series import PixelSeries, members, pixel_features
from pix2earth.land_cover.report import lines, ndvi_as_csv, scores_as_csv
from pix2earth.records.manifest import Field, Manifest, Split

RANDOM = np.random.default_rng(12)
CLASSES = [1, 2, 5]
BANDS = (0, 1, 2)  # green, red, near infrared


def of_first_value(features):
    """Return a class by thresholds of the first value; 0 where it is not finite."""
    found = np.select([features[:, 0] < 0.3, features[:, 0] < 0.6], [1, 2], 5)
    return np.where(np.isfinite(features[:, 0]), found, 0)


@pytest.fixture
def series():
    """Two series of 4 time steps, 9 x 8 pixels and 3 bands, with pixels without a class and without a measurement."""
    found = []
    for name in ("a", "b"):
        labels = RANDOM.choice([0, 1, 2, 5], (9, 8))
        valid = RANDOM.random((9, 8)) < 0.9
        frames = {kind: RANDOM.random((4, 9, 8, 3)).astype(np.float32) for kind in ("true", "generated", "input")}
        frames["true"][:, ~valid] = np.nan
        found.append(PixelSeries(name, labels, valid, frames))
    return found


@pytest.fixture
def judge(series):
    made = Judge(of_first_value, CLASSES, BANDS)
    for each in series:
        made.add(each)
    return made


def labels_and(series, kind):
    """Return true and predicted class of all pixels that count, from the arrays themselves."""
    chosen = [each.valid & (each.labels > 0) for each in series]
    true = np.concatenate([each.labels[where] for each, where in zip(series, chosen, strict=True)])
    values = [each.frames[kind][0][where][:, :1] for each, where in zip(series, chosen, strict=True)]
    return true, of_first_value(np.concatenate(values))


@pytest.mark.parametrize("kind", ["true", "generated", "input"])
def test_scores_by_scikit_learn(series, judge, kind):
    true, found = labels_and(series, kind)
    each = judge.result()["frames"][kind]
    assert np.array(each["confusion"])[:, :-1].tolist() == confusion_matrix(true, found, labels=CLASSES).tolist()
    assert each["accuracy"] == pytest.approx(accuracy_score(true, found)) and each["pixels"] == len(true)
    assert each["f1"] == pytest.approx(f1_score(true, found, average="macro"))
    assert each["iou"] == pytest.approx(jaccard_score(true, found, average="macro"))
    assert each["iou_micro"] == pytest.approx(jaccard_score(true, found, average="micro"))
    measures = {"precision": precision_score, "recall": recall_score, "f1": f1_score, "iou": jaccard_score}
    for name, function in measures.items():
        wanted = function(true, found, average=None, labels=CLASSES)
        assert [each["by_class"][str(one)][name] for one in CLASSES] == pytest.approx(wanted)


def test_errors_of_changes_by_hand(series, judge):
    """The mean of abs(change of generated - change of true) from each time step to the next, over pixels and bands."""
    result, errors, sizes = judge.result(), {1: [], 2: [], 5: []}, []
    for each in series:
        for row, column in np.argwhere(each.valid & (each.labels > 0)):
            true, made = each.frames["true"][:, row, column], each.frames["generated"][:, row, column]
            for step in range(3):
                change = made[step + 1] - made[step] - (true[step + 1] - true[step])
                errors[each.labels[row, column]].append(np.abs(change).mean())
                sizes.append(np.abs(true[step + 1] - true[step]).mean())
    found = result["frames"]["generated"]["change"]
    assert found["error"] == pytest.approx(np.mean([one for values in errors.values() for one in values]), rel=1e-5)
    assert found["of_truth"] == pytest.approx(np.mean(sizes), rel=1e-5)
    assert found["by_class"] == {str(one): pytest.approx(np.mean(errors[one]), rel=1e-5) for one in CLASSES}
    assert result["frames"]["true"]["change"]["error"] == 0


def test_ndvi_of_each_class_and_time_step(series, judge):
    ndvi = judge.result()["ndvi"]
    for one in CLASSES:
        for kind in ("true", "input"):
            values = np.concatenate(
                [each.frames[kind][:, each.valid & (each.labels == one)] for each in series], axis=1
            ).astype(float)
            wanted = ((values[..., 2] - values[..., 1]) / (values[..., 2] + values[..., 1])).mean(axis=1)
            assert ndvi[str(one)][kind] == pytest.approx(wanted, rel=1e-5)
    assert json.loads(json.dumps(judge.result(), allow_nan=False)) == json.loads(json.dumps(judge.result()))


def test_frames_that_are_not_finite_are_no_class_and_classes_may_be_new(series):
    broken = series[0]._replace(frames={**series[0].frames, "generated": np.full((4, 9, 8, 3), np.nan, np.float32)})
    broken.labels[0, 0], broken.valid[0, 0] = 9, True
    broken.frames["true"][:, 0, 0] = 0.5
    judge = Judge(of_first_value, CLASSES, None)
    judge.add(broken)
    result = judge.result()
    assert result["classes"] == [1, 2, 5, 9] and result["frames"]["true"]["by_class"]["9"]["f1"] == 0
    made = result["frames"]["generated"]
    assert made["accuracy"] == 0 and np.array(made["confusion"])[:, -1].sum() == made["pixels"]
    assert made["change"]["error"] is None and result["ndvi"]["1"] == {}


def test_single_time_steps_and_no_pixels():
    frames = {"true": np.zeros((1, 2, 2, 3), np.float32)}
    judge = Judge(of_first_value, CLASSES, None)
    judge.add(PixelSeries("a", np.zeros((2, 2), int), np.ones((2, 2), bool), frames))
    result = judge.result()["frames"]["true"]
    assert result["change"] is None and result["accuracy"] is None and result["by_class"] == {}
    matrix = np.array([[3, 1, 0, 0], [0, 0, 0, 0], [2, 0, 4, 0]])
    assert set(scores(matrix, CLASSES)["by_class"]) == {"1", "5"}  # class 2 does not occur


def test_features_are_ordered_by_time():
    frames = np.arange(2 * 2 * 2 * 3).reshape(2, 2, 2, 3)
    chosen = np.array([[False, True], [True, False]])
    assert pixel_features(frames, chosen).tolist() == [[3, 4, 5, 15, 16, 17], [6, 7, 8, 18, 19, 20]]


def test_series_of_another_length_are_left_out():
    field = Field(dtype="uint8", shape=[4, 4, 1], bands=["a"])
    fields = {"input_image": field, "target": field}
    pattern = r"(?P<sequence>.+)_t(?P<position>\d+)"
    manifest = Manifest(name="m", tilesize=4, fields=fields, split=Split(method="by hand"), sequence=pattern)
    names = ["a_t2", "a_t10", "b_t0", "b_t1", "c_t0"]
    assert members(manifest, names) == ({"a": ["a_t2", "a_t10"], "b": ["b_t0", "b_t1"]}, 1)
    assert members(manifest.model_copy(update={"sequence": None}), names)[0]["c_t0"] == ["c_t0"]


def test_tables_and_lines(judge):
    content = {
        "run": "e_a", "dataset": "m", "step": 2, "split": "test", "no_input": None, "left_out": 0, "paired": False,
        "unknown_classes": [7, 9],
        **judge.result(),
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(scores_as_csv(content))))
    assert len(rows) == 3 * (1 + len(CLASSES)) and {row["frames"] for row in rows} == {"true", "generated", "input"}
    frames = content["frames"]
    assert float(rows[0]["accuracy"]) == frames["true"]["accuracy"] and rows[1]["class"] == "1"
    assert float(rows[5]["change_error"]) == frames["generated"]["change"]["by_class"]["1"]
    curves = list(csv.DictReader(io.StringIO(ndvi_as_csv(content))))
    assert len(curves) == 4 * len(CLASSES) and float(curves[1]["generated"]) == content["ndvi"]["1"]["generated"][1]
    text = "\n".join(lines(content))
    assert "generated frames are of other places" in text and "whose pixels count as wrong: 7, 9" in text
    assert "true frames (ceiling): accuracy" in text and "input frames (floor): accuracy" in text
