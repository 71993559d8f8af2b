"""Validation: which samples, which split, which metrics, and which step is the best."""

import math

import pytest

from pix2earth.settings.errors import UserError
from pix2earth.training.validation import BestStep, held_out, spread, validation_metrics

NAMES = [f"tile{index:03d}" for index in range(100)]


# ---- samples -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3, 7, 64, 99])
def test_names_are_evenly_spread(count):
    chosen = spread(NAMES, count)
    positions = [NAMES.index(name) for name in chosen]
    gaps = [after - before for before, after in zip(positions, [*positions[1:], len(NAMES)], strict=True)]
    assert len(set(chosen)) == count and positions == sorted(positions) and positions[0] == 0
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize("count", [100, 101, 1000])
def test_all_names_are_used_where_there_are_no_more(count):
    assert spread(NAMES, count) == NAMES


def test_no_names_give_no_samples():
    assert spread([], 5) == []


# ---- split and metrics ---------------------------------------------------------------------------------------------


@pytest.fixture
def dataset_with(namespace):
    """``dataset_with(*splits)``: a dataset that has these splits."""
    return lambda *splits: namespace(has=lambda split: split in splits, listing=namespace(folder="data/x/64"))


@pytest.mark.parametrize(
    ("splits", "expected"), [(("train", "val", "test"), "val"), (("val",), "val"), (("train", "test"), "test")]
)
def test_the_held_out_split_is_val_or_else_test(dataset_with, splits, expected):
    assert held_out(dataset_with(*splits)) == expected


def test_a_dataset_without_held_out_samples_is_an_error(dataset_with):
    with pytest.raises(UserError, match=r"^data/x/64: has no samples in val/"):
        held_out(dataset_with("train"))


def test_the_deciding_metric_is_computed_once_and_always(namespace):
    assert validation_metrics(namespace(METRICS=["SAM", "PSNR"], BEST_METRIC="PSNR")) == ["SAM", "PSNR"]
    assert validation_metrics(namespace(METRICS=["SAM"], BEST_METRIC="PSNR")) == ["SAM", "PSNR"]


# ---- the best step -------------------------------------------------------------------------------------------------


def test_without_a_validation_there_is_no_best_step():
    best = BestStep("PSNR")
    assert (best.step, best.entry) == (None, None)


@pytest.mark.parametrize(
    ("metric", "values", "improved", "step"),
    [
        ("PSNR", [20.0, 22.0, 21.0, 22.5], [True, True, False, True], 4),
        ("RMSE", [0.2, 0.1, 0.3, 0.15], [True, True, False, False], 2),
        ("PSNR", [20.0, 20.0], [True, False], 1),
        ("RMSE", [0.2, 0.2], [True, False], 1),
    ],
)
def test_the_best_step_has_the_best_value_and_of_equal_ones_the_first(metric, values, improved, step):
    best = BestStep(metric)
    assert [best.update(number, value) for number, value in enumerate(values, start=1)] == improved
    assert best.step == step
    assert best.entry == {"step": step, "metric": metric, "value": values[step - 1], "basis": ""}


@pytest.mark.parametrize("metric", ["PSNR", "RMSE"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_never_the_best(metric, value):
    best = BestStep(metric)
    assert best.update(1, value) is False and best.step is None
    assert best.update(2, 5.0) is True
    assert best.update(3, value) is False and best.step == 2


def test_the_best_step_of_another_metric_is_replaced():
    best = BestStep("PSNR")
    best.entry = {"step": 7, "metric": "SSIM", "value": 0.9}
    assert best.update(8, math.nan) is False and best.step == 7
    assert best.update(9, -3.0) is True
    assert best.entry == {"step": 9, "metric": "PSNR", "value": -3.0, "basis": ""}


@pytest.mark.parametrize(
    ("metric", "basis", "replaced"),
    [("PSNR", {"basis": "a"}, False), ("PSNR", {"basis": "b"}, True), ("PSNR", {}, False), ("SAM", {}, True)],
    ids=["same", "other data", "not recorded", "not recorded and defined otherwise since"],
)
def test_a_best_step_on_another_basis_is_reported_and_replaced(metric, basis, replaced):
    lines, best = [], BestStep(metric, "a")
    value = 1.0 if metric == "PSNR" else 0.0
    best.resume({"step": 7, "metric": metric, "value": value, **basis}, lines.append)
    assert best.step == 7 and len(lines) == replaced
    assert best.update(9, 1 - value) is replaced
