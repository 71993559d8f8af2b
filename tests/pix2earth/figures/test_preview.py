"""Previews: where they lie, what they show, and their size."""

import matplotlib.image
import numpy as np

from pix2earth.figures import preview
from pix2earth.records.field import Field

FIELD = Field(dtype="uint16", shape=[8, 8, 4], bands=["B02", "B03", "B04", "B08"])


def test_it_lies_beside_a_file_and_beside_a_folder(tmp_path):
    (tmp_path / "map.tif").touch()
    (tmp_path / "out.v2").mkdir()
    assert preview.path_beside(tmp_path / "map.tif") == tmp_path / "map_preview.png"
    assert preview.path_beside(tmp_path / "out.v2") == tmp_path / "out.v2_preview.png"


def test_large_images_become_small_and_fits_is_turned_over():
    values = np.arange(1300 * 700 * 4, dtype=np.float32).reshape(1300, 700, 4)
    shown = preview.shown("a", values, FIELD)
    assert shown.values.shape == (434, 234, 3)
    np.testing.assert_array_equal(shown.values[1, 2], values[3, 6, [2, 1, 0]])  # red, green, blue by their names
    turned = preview.shown("a", values, FIELD, upwards=True)
    np.testing.assert_array_equal(turned.values[0, 0], values[-1, 0, [2, 1, 0]])
    small = values[:40, :30]
    np.testing.assert_array_equal(preview.shown("a", small, FIELD).values, small[..., [2, 1, 0]])


def test_a_series_whose_rows_go_upwards_is_turned_over(tmp_path):
    values = np.random.default_rng(1).random((20, 30, 4)).astype(np.float32)
    drawn = [
        matplotlib.image.imread(
            preview.draw_series(["x"], [("a", [image])], FIELD, tmp_path / f"{upwards}.png", "", upwards=upwards)
        )
        for image, upwards in ((values, True), (values[::-1], False))
    ]
    np.testing.assert_array_equal(*drawn)


def test_places_are_evenly_chosen():
    assert preview.places_shown(3) == [0, 1, 2]
    assert preview.places_shown(9, 3) == [0, 4, 8]


def test_images_and_series_are_drawn_with_missing_pixels(tmp_path):
    values = np.random.default_rng(1).random((20, 30, 4)).astype(np.float32)
    values[3:9] = np.nan
    images = [preview.shown(f"image {number}", values, FIELD) for number in range(5)]
    path = preview.draw(images, FIELD, tmp_path / "a_preview.png", "an experiment", of=50)
    rows = [("2024-01-01", [values, values]), ("2024-01-02", [values, np.full_like(values, np.nan)])]
    series = preview.draw_series(["observed", "filled"], rows, FIELD, tmp_path / "b_preview.png", "place")
    one = Field(dtype="float32", shape=[8, 8, 1], bands=["NDVI"])
    of_one = [(name, [values[..., :1] for values in each]) for name, each in rows]
    coloured = preview.draw_series(["observed", "filled"], of_one, one, tmp_path / "c_preview.png", "place")
    picture = matplotlib.image.imread(coloured)
    assert (picture[..., 1] - picture[..., 0]).max() > 0.3  # missing pixels are grey, others are not
    for each in (path, series, coloured):
        picture = matplotlib.image.imread(each)
        assert picture.shape[0] > 200 and picture[..., :3].std() > 0.05


def test_the_first_of_several_time_steps_is_named(tmp_path, monkeypatch):
    captions = []
    monkeypatch.setattr(preview, "draw_rows", lambda *_, caption, **__: captions.append(caption))
    values = np.random.default_rng(1).random((8, 8, 4)).astype(np.float32)
    for field in (FIELD, FIELD.model_copy(update={"shape": [3, 8, 8, 4]})):
        preview.draw([preview.shown("a", values, field)], field, tmp_path / "a.png", "an experiment")
    assert ["time step 1 of 3; colours" in caption for caption in captions] == [False, True]
