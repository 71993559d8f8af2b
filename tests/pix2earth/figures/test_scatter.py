"""The scatter figure: counts of pixels, what is left out, and where the figure is drawn."""

import matplotlib.image
import numpy as np
import pytest

from pix2earth.figures import scatter


def pairs_of(target, prediction):
    pairs = scatter.PixelPairs()
    pairs.add(np.array(target), np.array(prediction))
    return pairs


def test_pixels_are_counted_by_magnitude():
    pairs = pairs_of([1.5, -150, 150, 0, np.nan, 7, 0], [15.0, 160, 160, 3, 3, np.inf, 0])
    assert (pairs.total, pairs.zeros, pairs.opposite) == (5, 2, 1)
    table, edges = pairs.histogram()
    found = {(edges[t], edges[p]): int(table[t, p]) for t, p in np.argwhere(table)}
    assert len(found) == 2 and sum(found.values()) == 3
    for target, prediction in found:
        width = 10 ** (1 / scatter.BINS)
        t, p, count = (1.5, 15, 1) if prediction < 100 else (150, 160, 2)
        assert target <= t < target * width and prediction <= p < prediction * width
        assert found[target, prediction] == count


def test_batches_add_up():
    random = np.random.default_rng(2)
    target, prediction = random.lognormal(2, 1, (2, 5, 6, 1))
    whole, parts = pairs_of(target, prediction), scatter.PixelPairs()
    for half in (slice(0, 3), slice(3, 5)):
        parts.add(target[half], prediction[half])
    assert (parts.counts, parts.total) == (whole.counts, whole.total)


def test_tiny_values_do_not_stretch_the_axes():
    table, edges = pairs_of([1e-30, 5.0], [1e-30, 5.0]).histogram()
    assert table.shape == (1, 1) and edges[0] <= 5 < edges[1]


def test_no_pixel_to_show(tmp_path):
    figure = scatter.draw(pairs_of([0.0, np.nan], [1.0, 1.0]), "nothing", "1")
    assert [text.get_text() for text in figure.axes[0].texts] == ["no pixel to show"]


@pytest.mark.parametrize("metrics", [["PSNR", "RMSE"], ["PPE10"]])
def test_the_figure_is_drawn_where_its_metrics_are_asked_for(metrics, manifest_of, dataset_of, namespace, tmp_path):
    """With two time steps, pixels that are missing in one of them are not counted."""
    from pix2earth.records.manifest import Field
    from pix2earth.scoring.scorer import Scorer

    field = Field(dtype="float32", shape=[2, 8, 8, 3], bands=["a", "b", "c"], units="G", valid_range=(-9.0, 9.0))
    arrays = np.random.default_rng(5).normal(0, 3, field.shape).astype("float32")
    target = arrays.copy()
    target[1, 2, 3] = np.nan
    samples = {"tile": {"input_image": arrays, "target": target}}
    scorer = Scorer(
        dataset_of(manifest_of(field, field), samples), namespace(generator=lambda x, training: x),
        tmp_path / "mine.py", metrics, baseline=False,
    )  # fmt: skip
    path = scatter.draw_where_asked(scorer, "val", tmp_path / "run.csv")
    assert path == (tmp_path / "run_val_scatter.png" if "PPE10" in metrics else None)
    if path:
        assert matplotlib.image.imread(path).shape[0] > 300
        pairs = scatter.of_samples(scorer, "val", ["tile"])
        assert pairs.total == 2 * 8 * 8 * 3 - 3
        places = np.array(list(pairs.counts))
        assert (np.abs(places[:, 0] - places[:, 1]) <= 1).all()  # the prediction is the target, to float32
