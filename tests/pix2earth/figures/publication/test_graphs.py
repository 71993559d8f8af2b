"""Figures for publications from journals and scores: training curves, scores of images, correlations."""

import json

import matplotlib
import numpy as np
import pandas as pd
import pytest

from pix2earth.figures.publication import correlations, per_image, style, training_curves
from pix2earth.settings.errors import UserError


@pytest.fixture
def journal(tmp_path):
    """``journal(name, level)``: a journal of 100 steps with two validations."""

    def write(name, level):
        lines = [{"step": step, "losses": {"gen_l1": level / step, "disc": 0.7}} for step in range(1, 101)]
        lines += [{"step": step, "validation": {"PSNR": psnr, "RMSE": 0.1}} for step, psnr in ((50, 30.0), (100, 29.0))]
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return path

    return write


def scores(count=30, **values):
    """Return the long table of scores of methods, of which that of bicubic interpolation is a baseline."""
    parts = [
        pd.DataFrame({
            "label": label, "baseline": label == "bicubic", "tile": [f"t{number}" for number in range(count)],
            "metric": "PSNR", "value": each,
        })
        for label, each in values.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def lines(axis):
    return {line.get_label(): line for line in axis.get_lines() if not line.get_label().startswith("_")}


# ---- files ---------------------------------------------------------------------------------------------------------


def test_a_figure_is_a_pdf_with_embedded_fonts_and_a_png_of_print_quality(journal, tmp_path):
    paths = style.save(training_curves.draw({"a": journal("a", 1)}), tmp_path / "out", "curves")
    assert [path.name for path in paths] == ["curves.pdf", "curves.png"]
    assert sorted((tmp_path / "out").iterdir()) == sorted(paths)
    pdf = paths[0].read_bytes()
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf
    assert matplotlib.image.imread(paths[1]).shape[1] == pytest.approx(style.TWO_COLUMNS * style.DPI, abs=2)


def test_the_same_figure_is_the_same_file(journal, tmp_path):
    first, second = (
        style.save(training_curves.draw({"a": journal("a", 1)}), tmp_path / name, "x")[0].read_bytes() for name in "ab"
    )
    assert first == second


def test_colours_are_different_and_baselines_grey():
    names = [f"m{number}" for number in range(14)]
    styles = style.colors_of([*names, "bicubic"], ["bicubic"])
    assert len({(each["color"], each["linestyle"]) for each in styles.values()}) == 15
    assert styles["bicubic"]["color"] == style.BASELINE


def test_settings_elsewhere_stay_as_they_are(journal):
    before = matplotlib.rcParams["font.size"]
    training_curves.draw({"a": journal("a", 1)})
    assert matplotlib.rcParams["font.size"] == before


# ---- training curves -----------------------------------------------------------------------------------------------


def test_training_curves_have_a_panel_for_each_metric_and_loss_and_a_line_for_each_run(journal):
    figure = training_curves.draw({"a": journal("a", 1), "b": journal("b", 2)})
    shown = {axis.get_ylabel(): axis for axis in figure.axes if axis.get_visible()}
    assert list(shown) == ["PSNR (dB)", "RMSE (unit of the images)", "gen_l1", "disc"]
    assert set(lines(shown["gen_l1"])) == {"a", "b"}
    np.testing.assert_allclose(lines(shown["PSNR (dB)"])["b"].get_xydata(), [[50, 30], [100, 29]])
    assert all(axis.get_xlabel() == "step" for axis in shown.values())


def test_the_best_validation_is_marked(journal):
    axis = training_curves.draw({"a": journal("a", 1)}).axes[0]
    (mark,) = (line for line in axis.get_lines() if line.get_marker() == "o")
    np.testing.assert_array_equal(mark.get_xydata(), [[50, 30]])


def test_runs_without_a_journal_are_an_error(tmp_path):
    with pytest.raises(UserError, match="no training has been recorded"):
        training_curves.draw({"a": tmp_path / "none.jsonl"})


# ---- scores of images ----------------------------------------------------------------------------------------------


def test_gains_are_paired_and_sorted():
    base, gain = np.linspace(20, 40, 30), np.linspace(-1, 2, 30)
    figure = per_image.draw(scores(net=(base + gain)[::-1], bicubic=base[::-1]), "PSNR")
    (line,) = lines(figure.axes[1]).values()
    np.testing.assert_allclose(line.get_ydata(), gain)
    assert "gain over bicubic" in figure.axes[1].get_title("left")
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["bicubic", "net"]


def test_the_gain_of_a_metric_of_which_low_is_better_is_positive_where_it_is_lower():
    table = scores(net=np.full(30, 0.1), bicubic=np.full(30, 0.3)).assign(metric="RMSE")
    (line,) = lines(per_image.draw(table, "RMSE").axes[1]).values()
    np.testing.assert_allclose(line.get_ydata(), 0.2)


def test_without_a_baseline_there_are_distributions_alone():
    assert len(per_image.draw(scores(net=np.arange(30.0)), "PSNR").axes) == 1


def test_an_outlier_does_not_set_the_scale_and_is_counted():
    values = np.linspace(20, 40, 100)
    values[7] = 1e6
    axis = per_image.draw(scores(100, net=values), "PSNR").axes[0]
    assert 35 < axis.get_xlim()[1] < 60
    assert [text.get_text() for text in axis.texts if ">" in text.get_text()]


def test_scores_that_are_not_finite_are_left_out():
    table = per_image.by_image(scores(net=[np.nan, np.inf, *range(28)]), "PSNR")
    assert len(table) == 28
    with pytest.raises(UserError, match="SAM: no image has a finite score"):
        per_image.draw(scores(net=np.arange(30.0)), "SAM")


def test_a_baseline_that_is_not_there_is_an_error():
    with pytest.raises(UserError, match="'nearest': has no scores of PSNR"):
        per_image.draw(scores(net=np.arange(30.0)), "PSNR", "nearest")


# ---- correlations --------------------------------------------------------------------------------------------------


def bands(count=5000, **changes):
    first = np.random.default_rng(0).normal(0.2, 0.05, count)
    return pd.DataFrame({"B02": first, "B03": 2 * first, "B04": -first, **changes})


def test_correlations_of_bands_are_written_for_each_table():
    figure = correlations.draw({"target": bands(), "prediction": bands(B04=np.arange(5000) % 2 / 9)})
    texts = [[text.get_text() for text in axis.texts] for axis in figure.axes]
    assert texts[1] == ["1.00", "1.00"]
    assert texts[2][0] == "-1.00" and abs(float(texts[2][1])) < 0.1
    assert [axis.get_xlabel() for axis in figure.axes[6:]] == ["B02", "B03", "B04"]


def test_rows_with_a_missing_band_are_left_out():
    holed = bands()
    holed.loc[:10, "B03"] = np.nan
    assert len(correlations._thinned(holed)) == 4989
    with pytest.raises(UserError, match="no column with finite values"):
        correlations.draw({"target": bands() * np.nan})


def test_few_images_are_points_inside_of_the_axes():
    table = bands(4)
    below = correlations.draw({"net": table}, one_range=False).axes[3]
    (points,) = below.get_lines()
    np.testing.assert_allclose(points.get_xydata(), table[["B02", "B03"]])
    (left, right), (low, high) = below.get_xlim(), below.get_ylim()
    assert left < table["B02"].min() and table["B02"].max() < right
    assert low < table["B03"].min() and table["B03"].max() < high
    assert not correlations.draw({"net": bands()}).axes[3].get_lines()


def test_a_constant_band_has_no_correlation():
    figure = correlations.draw({"target": bands(B04=np.zeros(5000))})
    assert [text.get_text() for text in figure.axes[2].texts] == ["-"]


def test_the_lines_are_around_the_shares_of_all_values():
    counts = np.array([[5.0, 4.0], [1.0, 0.0]])
    assert correlations._levels(counts) == [4.0]
    assert correlations._levels(np.zeros((2, 2))) == []


def test_the_table_of_metrics_has_rank_correlations():
    table = pd.DataFrame({"PSNR": np.arange(20.0), "RMSE": np.exp(-np.arange(20.0)), "one": 1.0, "SSIM": np.nan})
    figure = correlations.draw_table(table, "net")
    assert [text.get_text() for text in figure.axes[0].texts] == ["-1.00"]
    with pytest.raises(UserError, match="fewer than two columns"):
        correlations.draw_table(table[["PSNR", "one"]])
