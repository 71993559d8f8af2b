"""Predictions of the same tiles below each other: panels, time steps, scores and names."""

import numpy as np
import pytest

from pix2earth.figures.images import Panel
from pix2earth.figures.panels.grid import GAP, PanelGrid
from pix2earth.results import prediction_rows
from pix2earth.results.prediction_rows import NAMES, WIDTH, PredictionRow
from pix2earth.scoring.shown.samples import ShownSamples
from tests.pix2earth.figures.made_images import field, pixels, random

TITLES = [f"tile {number}" for number in range(5)]


def several(*shape):
    """Return five different images, (tile, ...)."""
    return np.stack([random(*shape) * (number + 1) / 5 for number in range(5)])


@pytest.fixture
def drawn(manifest_of, monkeypatch, tmp_path):
    """``drawn(source_field, target_field, images, rows)``: panels by the name of their row, and what else is given."""

    def of(source, target, images, rows):
        found = {}

        def keep(panels, titles, names, path, **further):
            found.update(panels=dict(zip(names, panels, strict=True)), titles=titles, **further)

        monkeypatch.setattr(prediction_rows, "draw_rows", keep)
        prediction_rows.draw(manifest_of(source, target), TITLES, images, rows, tmp_path / "x.png", "Words.")
        return found

    return of


def test_rows_are_input_predictions_and_target_with_one_contrast(drawn):
    image = field(8, 8, 3)
    source, target, one, other = (factor * several(8, 8, 3) for factor in (1, 2, 3, 4))
    images = ShownSamples(source, target, one, {})
    scores = np.array([30.0, 31.234, np.inf, np.nan, 50.0])
    found = drawn(image, image, images, [PredictionRow("bicubic", one, scores), PredictionRow("mine", other, scores)])
    assert list(found["panels"]) == ["input", "bicubic", "mine", "target"] and found["titles"] == TITLES
    wanted = {"input": source, "bicubic": one, "mine": other, "target": target}
    for name, panels in found["panels"].items():
        np.testing.assert_array_equal([panel.values for panel in panels], wanted[name])
    assert len({panel.contrast for panels in found["panels"].values() for panel in panels}) == 1
    corners = ["30.00 dB", "31.23 dB", "", "", "50.00 dB"]
    assert [panel.corner for panel in found["panels"]["mine"]] == corners
    assert found["caption"].startswith("Words.\ncolours: reflectance")


def test_of_several_time_steps_that_one_is_shown_at_which_the_first_prediction_is_worst(drawn):
    stack = field(3, 8, 8, 3)
    target = several(3, 8, 8, 3)
    first, second = target.copy(), 2 * target
    for tile in range(5):
        first[tile, tile % 3] += 0.1
    # Pixels without a value do not count, however wrong the prediction is there.
    target[0, 1, :4], first[0, 1, :4] = np.nan, 99.0
    images = ShownSamples(3 * np.nan_to_num(target), target, first, {})
    rows = [PredictionRow("linear", first, np.zeros(5)), PredictionRow("folded", folded(second), np.zeros(5))]
    found = drawn(stack, stack, images, rows)
    for tile in range(5):
        np.testing.assert_array_equal(found["panels"]["target"][tile].values, target[tile, tile % 3])
        np.testing.assert_array_equal(found["panels"]["folded"][tile].values, second[tile, tile % 3])
        np.testing.assert_array_equal(found["panels"]["input"][tile].values, 3 * np.nan_to_num(target)[tile, tile % 3])
    assert "of 3 time steps, the one at which linear is worst; PSNR is over all." in found["caption"]


def folded(values):
    """Return (tile, time step, height, width, band) with the time steps as bands."""
    return np.concatenate(list(np.moveaxis(values, 1, 0)), axis=-1)


def test_of_an_input_with_other_time_steps_the_last_is_shown(drawn):
    source, target = several(4, 8, 8, 3), several(8, 8, 3)
    found = drawn(
        field(4, 8, 8, 3), field(8, 8, 3), ShownSamples(source, target, target, {}),
        [PredictionRow("mine", target, np.zeros(5))],
    )  # fmt: skip
    panels = found["panels"]["input (last of 4 time steps)"]
    np.testing.assert_array_equal([panel.values for panel in panels], source[:, -1])


def test_fourteen_rows_are_a_readable_png_with_a_white_background(manifest_of, tmp_path):
    image, values = field(32, 32, 3, gsd=10.0), several(32, 32, 3)
    rows = [PredictionRow(f"model_{number}", values, np.full(5, 30.0)) for number in range(12)]
    path = tmp_path / "x.png"
    prediction_rows.draw(manifest_of(image, image), TITLES, ShownSamples(values, values, values, {}), rows, path, "x")
    found = pixels(path)
    side = (WIDTH - NAMES - GAP) // 5 - GAP
    assert WIDTH - 20 < found.shape[1] <= WIDTH and side > 180
    assert 14 * side < found.shape[0] < 14 * (side + GAP) + 120
    assert (found[:5] == 1).all() and (found[:, :2] == 1).all()
    assert (found[200:400, : NAMES - 2 * GAP] < 0.5).any(), "the names are left of the panels"


def test_names_left_of_rows_take_room_from_the_panels_and_none_above():
    panel = Panel(random(8, 8, 3))
    above, left = (
        PanelGrid([[panel] * 5] * 2, TITLES, 0, width=1100, side_by_side=False, names_left=room) for room in (0, 150)
    )
    assert left.box(0, 0).left == 150 + GAP and left.width <= 1100 and left.side < above.side
    assert left.box(1, 0).top - left.box(0, 0).top == left.side + GAP
    assert above.box(1, 0).top - above.box(0, 0).top > above.side + GAP
