"""Rows of panels as a PNG: contrast limits, missing pixels, layout, legends and colour bars."""

import warnings

import matplotlib
import numpy as np
import pytest

from pix2earth.figures.images import MISSING, Panel, draw_rows, stretch
from pix2earth.figures.panels.contrast import Contrast
from pix2earth.figures.panels.grid import ACROSS, LARGEST, WIDTH, PanelGrid
from pix2earth.figures.panels.keys import keys_of
from tests.pix2earth.figures.made_images import has_color, pixels, random

# ---- stretch -------------------------------------------------------------------------------------------------------


def test_the_stretch_is_one_pair_of_percentiles_for_all_bands():
    values = np.stack([np.arange(101.0), 10 * np.arange(101.0)], axis=-1)[None]
    assert stretch(values) == pytest.approx(np.percentile(values, (1, 99)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_ignored(bad):
    values = random(10, 10, 2).astype(np.float64)
    expected = np.percentile(values[1:], (1, 99))
    values[0] = bad
    np.testing.assert_allclose(stretch(values), expected)


def test_the_stretch_of_constant_values_and_of_none_is_not_empty():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low, high = stretch(np.full((4, 4, 1), 0.3))
        assert low == 0.3 and high > low
        assert stretch(np.full((4, 4, 2), np.nan)) == (0, 1)


# ---- rows of panels ------------------------------------------------------------------------------------------------

FROM_0_TO_1 = Contrast(0, 1, 1, "0 to 1")


def test_a_figure_is_a_png_of_1600_pixels_for_any_number_of_samples_and_columns(tmp_path):
    panel = Panel(random(8, 8, 3))
    for rows, columns in ((1, 1), (9, 1), (2, 3), (3, 40)):
        draw_rows([[panel] * columns] * rows, ["x"] * columns, ["y"] * rows, tmp_path / f"{rows}_{columns}.png")
    sizes = {path.stem: pixels(path).shape[:2] for path in tmp_path.iterdir()}
    assert (tmp_path / "1_1.png").read_bytes().startswith(b"\x89PNG")
    assert LARGEST < sizes["1_1"][1] < LARGEST + 40  # a single image is not enlarged further
    for name in ("9_1", "2_3", "3_40"):
        assert WIDTH - 40 < sizes[name][1] <= WIDTH
    assert sizes["9_1"][0] < 500  # nine samples are in two lines
    assert sizes["3_40"][0] > 3 * 5 * 180  # each sample has five lines of panels


def test_samples_with_few_panels_are_side_by_side_and_those_with_many_have_lines():
    panel = Panel(random(8, 8, 3))
    few = PanelGrid([[panel] * 2] * 5, ["a", "b"], 0)
    assert [few.box(row, 0).top for row in range(4)] == [few.box(0, 0).top] * 4 != [few.box(4, 0).top] * 4
    assert few.titled == [True] * 4 + [False]
    many = PanelGrid([[panel] * 18] * 2, ["x"] * 18, 0)
    assert len({many.box(0, column).top for column in range(18)}) == 3 and many.titled == [True, True]
    assert many.box(0, 0).width >= WIDTH // ACROSS - 10


def test_a_narrower_figure_with_samples_below_each_other():
    panel = Panel(random(8, 8, 3))
    grid = PanelGrid([[panel] * 3] * 2, list("abc"), 0, width=900, side_by_side=False)
    assert grid.box(0, 0).left == grid.box(1, 0).left and 850 < grid.width <= 900


def test_flat_images_and_texts_take_no_more_height_than_they_need():
    flat, square, text = Panel(np.zeros((4, 16, 3))), Panel(np.zeros((8, 8, 3))), Panel(np.zeros((1, 1, 3)), text="5 d")
    heights = {
        name: PanelGrid([[panel]], ["x"], 0).box(0, 0).height
        for name, panel in (("flat", flat), ("square", square), ("text", text))
    }
    assert heights["square"] == LARGEST and heights["flat"] == LARGEST // 4 and heights["text"] < 60


def test_no_temporary_file_remains(tmp_path):
    draw_rows([[Panel(random(8, 8, 3))]], ["x"], ["y"], tmp_path / "new" / "mine.png")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mine.png"]


def test_a_figure_that_cannot_be_drawn_leaves_the_old_one(tmp_path):
    path = tmp_path / "mine.png"
    path.write_bytes(b"old")
    with pytest.raises((TypeError, ValueError)):
        draw_rows([[Panel(random(8, 8, 5), FROM_0_TO_1)]], ["x"], ["y"], path)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("mine.png", b"old")]


@pytest.mark.parametrize(("value", "shown"), [(2.0, 0.0), (4.0, 1.0), (3.0, 0.5), (-9.0, 0.0), (99.0, 1.0)])
def test_values_are_shown_between_the_limits(tmp_path, value, shown):
    values = np.broadcast_to([4.0, value, 4.0], (4, 4, 3))
    draw_rows([[Panel(values, Contrast(2, 4, 1, ""))]], ["x"], ["y"], tmp_path / "x.png")
    assert has_color(tmp_path / "x.png", (1.0, shown, 1.0))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("bands", [(0,), (0, 1, 2)])
def test_a_pixel_without_a_value_in_any_band_is_light_grey(tmp_path, bad, bands):
    values = np.zeros((4, 4, 3))
    values[..., list(bands)] = bad
    draw_rows([[Panel(values, FROM_0_TO_1)]], ["x"], ["y"], tmp_path / "x.png")
    assert has_color(tmp_path / "x.png", (MISSING, MISSING, MISSING)) and 0.5 < MISSING < 0.95
    assert not has_color(tmp_path / "x.png", (0.0, 0.0, 0.0))


def test_a_map_without_values_is_light_grey(tmp_path):
    draw_rows([[Panel(np.full((4, 4), np.nan), limits=(0.0, 1.0))]], ["x"], ["y"], tmp_path / "x.png")
    assert has_color(tmp_path / "x.png", (MISSING, MISSING, MISSING))


def test_rows_may_differ_in_length(tmp_path):
    panel = Panel(np.zeros((4, 4, 3)), FROM_0_TO_1)
    draw_rows([[panel] * 5, [panel]], list("abcde"), ["1", "2"], tmp_path / "x.png")
    height, width = pixels(tmp_path / "x.png").shape[:2]
    corner = pixels(tmp_path / "x.png")[height * 3 // 4, width * 3 // 4]
    np.testing.assert_array_equal(corner, [1, 1, 1])


@pytest.mark.parametrize("values", [random(8, 8), np.full((8, 8), np.nan), np.zeros((8, 8), np.int32)])
def test_a_map_of_one_number_a_pixel_can_be_drawn(tmp_path, values):
    draw_rows([[Panel(values, label="error")]], ["x"], ["y"], tmp_path / "x.png")
    assert pixels(tmp_path / "x.png").size > 10_000


@pytest.mark.parametrize("limits", [(0.0, 0.0), (0.0, 1.0), (0.0, 3e-7)])
def test_one_colour_bar_explains_all_maps_of_a_kind(tmp_path, limits):
    heights = {}
    for count in (1, 4):
        panel = Panel(np.zeros((8, 8)), limits=limits, colormap="gray", label="error")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            draw_rows([[panel]] * count, ["x"], ["y"] * count, tmp_path / "x.png")
        image = pixels(tmp_path / "x.png")[..., 0]
        heights[count] = image.shape[0]
        below = image[-40:]
        ramp = next(row for row in below if len(np.unique(row)) > 100)
        inside = ramp[20:300]
        assert (np.diff(inside) >= 0).all() and inside.min() < 0.1 and inside.max() > 0.85
        assert sum(len(np.unique(row)) > 100 for row in image) <= 12  # one bar of twelve pixels
    assert heights[1] > heights[4] - 300


def test_maps_without_limits_share_those_of_their_label(tmp_path):
    low, high = (Panel(np.full((8, 8), value), colormap="gray", label="t") for value in (0.0, 1.0))
    draw_rows([[low, high]], ["x", "y"], ["z"], tmp_path / "x.png")
    assert has_color(tmp_path / "x.png", (0, 0, 0)) and has_color(tmp_path / "x.png", (1, 1, 1))


def test_a_legend_names_classes_by_their_colours(tmp_path):
    values = np.array([[0, 1], [1, 2]])
    classes = {0: "clear", 1: "cloud", 2: "shadow"}
    draw_rows([[Panel(values, classes=classes, label="clouds")]], ["x"], ["y"], tmp_path / "x.png")
    image = pixels(tmp_path / "x.png")
    legend = image[-30:].reshape(-1, 3)
    for color in ("#0072B2", "#E69F00", "#009E73"):
        rgb = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        assert (np.abs(legend - rgb).max(axis=-1) < 0.01).sum() >= 80  # the swatch
        assert has_color(tmp_path / "x.png", rgb)


def test_images_keep_their_proportions(tmp_path):
    flat, square = (Panel(np.ones(shape) * [1, 0, 0], FROM_0_TO_1) for shape in ((4, 8, 3), (8, 8, 3)))
    draw_rows([[flat, square]], ["x", "y"], ["a"], tmp_path / "x.png")
    red = np.all(pixels(tmp_path / "x.png") == (1, 0, 0), axis=-1)
    half = red.shape[1] // 2
    sizes = [
        [np.ptp(np.flatnonzero(part.any(axis=axis))) for axis in (1, 0)] for part in (red[:, :half], red[:, half:])
    ]
    assert sizes[0][1] == pytest.approx(2 * sizes[0][0], abs=3) and sizes[1][1] == pytest.approx(sizes[1][0], abs=2)
    assert sizes[0][1] == pytest.approx(sizes[1][1], abs=2)


def test_a_part_is_enlarged_in_the_other_corner_with_a_frame_around_both(tmp_path):
    values = np.zeros((40, 40, 3))
    values[16:24, :8] = 1, 0, 0
    panel = Panel(values, FROM_0_TO_1, inset=(slice(16, 24), slice(0, 8)))
    draw_rows([[panel]], ["x"], ["y"], tmp_path / "x.png")
    image = pixels(tmp_path / "x.png")
    red = np.all(image == (1, 0, 0), axis=-1)
    shares = [part.sum() for part in (red[:, : red.shape[1] // 2], red[:, red.shape[1] // 2 :])]
    assert shares[1] > 3 * shares[0] > 0
    yellow = np.abs(image - np.array([255, 214, 0]) / 255).max(axis=-1) < 0.01
    assert yellow[:, : red.shape[1] // 2].any() and yellow[:, red.shape[1] // 2 :].any()


def test_a_first_row_that_is_the_lowest_is_drawn_below(tmp_path):
    """The drawing of an image whose rows go upwards is that of the same image turned over before, with its part."""
    values, turned = random(40, 30, 3), slice(None, None, -1)
    for name, image, part, upwards in (("a", values, (4, 12), True), ("b", values[turned], (28, 36), False)):
        panels = [Panel(image, FROM_0_TO_1, inset=(slice(*part), slice(0, 8))), Panel(image[..., 0], label="map")]
        draw_rows([panels], ["x", "y"], ["z"], tmp_path / f"{name}.png", upwards=upwards)
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png"))


def test_an_image_of_an_index_has_colours_and_a_colour_bar(tmp_path):
    index = Contrast(0, 1, 1, "NDVI 0 to 1", "YlGn")
    values = np.full((8, 8, 3), 0.9)
    values[:4] = np.nan
    draw_rows([[Panel(values, index)] * 2], ["x", "y"], ["z"], tmp_path / "x.png")
    green = np.array(matplotlib.colormaps["YlGn"](0.9)[:3])
    assert has_color(tmp_path / "x.png", green) and has_color(tmp_path / "x.png", np.full(3, MISSING))
    (key,) = keys_of([Panel(values, index)] * 2)
    assert (key.label, key.limits, key.colormap) == ("NDVI 0 to 1", (0, 1), "YlGn")
