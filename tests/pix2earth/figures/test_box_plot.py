"""Box plots: size, labels, boxes, undefined scores and the logarithmic axis."""

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from pix2earth.figures import box_plot


@pytest.fixture
def scores():
    """PSNR and ERGAS of two models with two masks on two datasets."""
    random = np.random.default_rng(1)
    rows = [
        {
            "dataset": dataset, "mask": mask, "model": model, "label": model, "baseline": False, "metric": metric,
            "value": value,
        }
        for dataset in ("sea", "land")
        for mask in ("inmask", "notinmask")
        for model in ("mine", "aris-a")
        for metric in ("PSNR", "ERGAS")
        for value in random.uniform(1, 9, 10)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def boxes(figure):
    """Return the number of boxes."""
    return len(figure.axes[0].patches)


def names(figure):
    """Return the labels beside the boxes, from top to bottom."""
    assert figure.axes[0].yaxis_inverted()
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_a_figure_of_15_inches_that_grows_with_the_number_of_boxes(scores, tmp_path):
    path = box_plot.save(box_plot.draw(scores, "PSNR"), tmp_path / "figures" / "box.png")
    height, width = matplotlib.image.imread(path).shape[:2]
    assert width == 1500 and 250 < height < 400
    assert [file.name for file in path.parent.iterdir()] == ["box.png"]


def test_there_is_a_box_for_each_model_and_mask_in_order(scores):
    figure = box_plot.draw(scores, "PSNR")
    assert boxes(figure) == 4 and names(figure) == ["aris-a", "mine"]
    assert names(box_plot.draw(scores, "PSNR", order=["mine"])) == ["mine", "aris-a"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["inmask", "notinmask"]
    assert figure.axes[0].get_xlabel() == "PSNR (dB), higher is better"


def test_long_names_are_short(scores):
    scores["label"] = "a-model-with-a-long-name learning_rate 0.0001 " + scores["model"]
    assert names(box_plot.draw(scores, "PSNR")) == ["aris-a", "mine"]


def test_datasets_and_masks_can_be_chosen(scores):
    figure = box_plot.draw(scores, "ERGAS", datasets=["sea"], masks=["notinmask"])
    assert boxes(figure) == 2 and figure.axes[0].get_title() == "ERGAS on sea"
    chosen = scores.query("dataset == 'sea' and mask == 'notinmask' and metric == 'ERGAS' and model == 'aris-a'")
    medians = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_linewidth() == 1.8]
    assert medians[0] == pytest.approx(chosen["value"].median())


def test_undefined_scores_are_counted(scores):
    chosen = scores["metric"].eq("PSNR") & scores["model"].eq("mine") & scores["mask"].eq("inmask")
    scores.loc[chosen, "value"] = np.nan
    figure = box_plot.draw(scores, "PSNR", datasets=["sea"])
    assert names(figure) == ["aris-a", "mine\n10 of 10 inmask undefined"]


def test_an_outlier_cannot_set_the_scale_and_is_counted(scores):
    scores.loc[scores.index[-1], "value"] = 19138.0
    axis = box_plot.draw(scores, "ERGAS").axes[0]
    assert axis.get_xscale() == "linear" and axis.get_xlim()[1] < 12
    assert [text.get_text() for text in axis.texts] == ["1 >"]


def test_the_axis_is_logarithmic_where_the_scores_of_a_model_are_much_higher(scores):
    assert box_plot.draw(scores, "ERGAS").axes[0].get_xscale() == "linear"
    scores.loc[scores["model"] == "mine", "value"] *= 1e4
    axis = box_plot.draw(scores, "ERGAS").axes[0]
    assert axis.get_xscale() == "log" and axis.get_xlim()[1] > 5e4


def with_baseline(metric, base, gain):
    """Return scores of a baseline and of a model whose tiles are in another order."""
    tiles = [f"t{number}" for number in range(len(base))]
    parts = [
        {"label": "bicubic", "baseline": True, "tile": tiles, "value": base},
        {"label": "mine", "baseline": False, "tile": tiles[::-1], "value": (base + gain)[::-1]},
    ]
    return pd.concat([
        pd.DataFrame({**part, "model": part["label"], "dataset": "sea", "mask": "all", "metric": metric})
        for part in parts
    ])  # fmt: skip


@pytest.mark.parametrize(("metric", "sign"), [("PSNR", 1), ("RMSE", -1)])
def test_gains_are_paired_by_tile_and_positive_where_the_model_is_better(metric, sign):
    gain = np.linspace(-1, 3, 9)
    table = with_baseline(metric, 100.0 * np.arange(9), gain)
    found = box_plot.gains_over_baseline(table, metric)
    np.testing.assert_allclose(np.sort(found["value"]), np.sort(sign * gain))
    axis = box_plot.draw(table, metric).axes[1]
    assert axis.get_title() == "gain over bicubic"
    medians = [line.get_xdata()[0] for line in axis.lines if line.get_linewidth() == 1.8]
    assert [value for value in medians if np.isfinite(value)] == pytest.approx([sign * 1.0])


def test_gains_are_over_the_hardest_baseline_and_none_without_direction():
    table = with_baseline("PSNR", np.arange(9.0), np.ones(9))
    harder = table[table["baseline"]].assign(label="median", value=lambda rows: rows["value"] + 2)
    found = box_plot.gains_over_baseline(pd.concat([table, harder]), "PSNR")
    assert set(found["baseline name"]) == {"median"} and found["value"].tolist() == [-1.0] * 9
    assert box_plot.gains_over_baseline(table.assign(metric="PSD_ratio"), "PSD_ratio").empty
    assert len(box_plot.draw(table[~table["baseline"]], "PSNR").axes) == 1
