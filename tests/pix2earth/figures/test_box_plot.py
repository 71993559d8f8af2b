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
    """Return the labels below the boxes."""
    return [label.get_text() for label in figure.axes[0].get_xticklabels()]


def test_a_figure_of_15_by_7_inches(scores, tmp_path):
    path = box_plot.save(box_plot.draw(scores, "PSNR"), tmp_path / "figures" / "box.png")
    assert matplotlib.image.imread(path).shape[:2] == (700, 1500)
    assert [file.name for file in path.parent.iterdir()] == ["box.png"]


def test_there_is_a_box_for_each_model_and_mask_in_order(scores):
    figure = box_plot.draw(scores, "PSNR")
    assert boxes(figure) == 4 and names(figure) == ["aris-a", "mine"]
    assert names(box_plot.draw(scores, "PSNR", order=["mine"])) == ["mine", "aris-a"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["inmask", "notinmask"]
    assert figure.axes[0].get_ylabel() == "PSNR (dB), higher is better"


def test_datasets_and_masks_can_be_chosen(scores):
    figure = box_plot.draw(scores, "ERGAS", datasets=["sea"], masks=["notinmask"])
    assert boxes(figure) == 2 and figure.axes[0].get_title() == "ERGAS on sea"
    chosen = scores.query("dataset == 'sea' and mask == 'notinmask' and metric == 'ERGAS' and model == 'aris-a'")
    medians = [line.get_ydata()[0] for line in figure.axes[0].lines if line.get_linewidth() == 1.8]
    assert medians[0] == pytest.approx(chosen["value"].median())


def test_undefined_scores_are_counted(scores):
    chosen = scores["metric"].eq("PSNR") & scores["model"].eq("mine") & scores["mask"].eq("inmask")
    scores.loc[chosen, "value"] = np.nan
    figure = box_plot.draw(scores, "PSNR", datasets=["sea"])
    assert names(figure) == ["aris-a", "mine\n10 of 10 inmask undefined"]


def test_the_axis_is_logarithmic_where_one_score_is_much_higher(scores):
    assert box_plot.draw(scores, "ERGAS").axes[0].get_yscale() == "linear"
    scores.loc[scores.index[-1], "value"] = 19138.0
    assert box_plot.draw(scores, "ERGAS").axes[0].get_yscale() == "log"
