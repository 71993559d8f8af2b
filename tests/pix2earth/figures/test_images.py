"""Figures with image panels: the contrast stretch, sample images and contact sheets."""

import warnings

import matplotlib.image
import numpy as np
import pytest

from pix2earth.figures import contact_sheet, sample_image
from pix2earth.figures.images import MISSING, Panel, draw_rows, stretch
from pix2earth.figures.missing import hidden_in_target, missing
from pix2earth.plugins.panels import PanelImages
from pix2earth.records.listing import Listing
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

BANDS = ["B04", "B03", "B02"]


def field(*shape, bands=None, dtype="float32", **properties):
    return Field(dtype=dtype, shape=list(shape), bands=bands or BANDS[: shape[-1]], **properties)


def random(*shape):
    return np.random.default_rng(3).uniform(0, 1, shape).astype(np.float32)


def pixels(path):
    """Return (height, width, 3) of a PNG, 0 to 1."""
    return matplotlib.image.imread(path)[..., :3]


def has_color(path, color):
    """Return whether more than a tenth of an image has this colour."""
    return (np.abs(pixels(path) - color).max(axis=-1) < 0.01).mean() > 0.1


# ---- stretch -------------------------------------------------------------------------------------------------------


def test_the_stretch_is_the_1st_and_99th_percentile_of_each_band():
    values = np.stack([np.arange(101.0), 10 * np.arange(101.0)], axis=-1)[None]
    low, high = stretch(values)
    np.testing.assert_allclose((low, high), ([1, 10], [99, 990]))


def test_the_stretch_is_numpys_percentile():
    values = random(20, 30, 3)
    np.testing.assert_allclose(stretch(values), np.percentile(values.reshape(-1, 3), (1, 99), axis=0))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_ignored(bad):
    values = random(10, 10, 2).astype(np.float64)
    expected = np.percentile(values[1:].reshape(-1, 2), (1, 99), axis=0)
    values[0] = bad
    np.testing.assert_allclose(stretch(values), expected)


def test_the_stretch_of_a_constant_band_is_not_empty():
    low, high = stretch(np.full((4, 4, 1), 0.3))
    assert low == [0.3]
    assert high > low


def test_a_band_without_finite_values_has_a_stretch_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low, high = stretch(np.full((4, 4, 2), np.nan))
    assert np.isfinite([low, high]).all()
    assert (high > low).all()


# ---- rows of panels ------------------------------------------------------------------------------------------------


def test_a_figure_is_a_png_that_grows_with_rows_and_columns(tmp_path):
    panel = Panel(random(8, 8, 3))
    for rows, columns in ((1, 1), (2, 3)):
        draw_rows([[panel] * columns] * rows, ["x"] * columns, ["y"] * rows, tmp_path / f"{rows}{columns}.png")
    one, six = pixels(tmp_path / "11.png").shape, pixels(tmp_path / "23.png").shape
    assert (tmp_path / "11.png").read_bytes().startswith(b"\x89PNG")
    assert (six[0] > 1.5 * one[0], six[1] == 3 * one[1]) == (True, True)


def test_no_temporary_file_remains(tmp_path):
    draw_rows([[Panel(random(8, 8, 3))]], ["x"], ["y"], tmp_path / "new" / "mine.png")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mine.png"]


def test_a_figure_that_cannot_be_drawn_leaves_the_old_one(tmp_path):
    path = tmp_path / "mine.png"
    path.write_bytes(b"old")
    with pytest.raises((TypeError, ValueError)):
        draw_rows([[Panel(random(8, 8, 5), (np.zeros(5), np.ones(5)))]], ["x"], ["y"], path)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("mine.png", b"old")]


@pytest.mark.parametrize(("value", "shown"), [(2.0, 0.0), (4.0, 1.0), (3.0, 0.5), (-9.0, 0.0), (99.0, 1.0)])
def test_values_are_shown_between_the_limits(tmp_path, value, shown):
    limits = np.array([0.0, 2.0, 0.0]), np.array([1.0, 4.0, 1.0])
    values = np.broadcast_to([1.0, value, 1.0], (4, 4, 3))
    draw_rows([[Panel(values, limits)]], ["x"], ["y"], tmp_path / "x.png")
    assert has_color(tmp_path / "x.png", (1.0, shown, 1.0))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("bands", [(0,), (0, 1, 2)])
def test_a_pixel_without_a_value_in_any_band_is_light_grey(tmp_path, bad, bands):
    values = np.zeros((4, 4, 3))
    values[..., list(bands)] = bad
    draw_rows([[Panel(values, (0.0, 1.0))]], ["x"], ["y"], tmp_path / "x.png")
    assert has_color(tmp_path / "x.png", (MISSING, MISSING, MISSING)) and 0.5 < MISSING < 0.95
    assert not has_color(tmp_path / "x.png", (0.0, 0.0, 0.0))


def test_a_map_without_values_is_light_grey(tmp_path):
    draw_rows([[Panel(np.full((4, 4), np.nan), (0.0, 1.0))]], ["x"], ["y"], tmp_path / "x.png")
    assert has_color(tmp_path / "x.png", (MISSING, MISSING, MISSING))


def test_rows_may_differ_in_length(tmp_path):
    panel = Panel(np.zeros((4, 4, 3)), (np.zeros(3), np.ones(3)))
    draw_rows([[panel, panel], [panel]], ["a", "b"], ["1", "2"], tmp_path / "x.png")
    height, width = pixels(tmp_path / "x.png").shape[:2]
    corner = pixels(tmp_path / "x.png")[height * 3 // 4, width * 3 // 4]
    np.testing.assert_array_equal(corner, [1, 1, 1])


@pytest.mark.parametrize("values", [random(8, 8), np.full((8, 8), np.nan), np.zeros((8, 8), np.int32)])
def test_a_map_of_one_number_a_pixel_can_be_drawn(tmp_path, values):
    draw_rows([[Panel(values, label="error")]], ["x"], ["y"], tmp_path / "x.png")
    assert pixels(tmp_path / "x.png").size > 10_000


@pytest.mark.parametrize("limits", [(0.0, 0.0), (0.0, 1.0), (0.0, 3e-7)])
def test_a_colour_bar_is_beside_a_map_with_its_colours_from_the_lowest_to_the_highest_value(tmp_path, limits):
    panel = Panel(np.zeros((8, 8)), limits, colormap="gray", label="error")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_rows([[panel]], ["x"], ["y"], tmp_path / "x.png")
    image = pixels(tmp_path / "x.png")[..., 0]
    inside = np.flatnonzero((image == 0).sum(axis=0) > image.shape[0] / 2)
    bar = image[:, inside.max() - 6]  # a column of pixels in the bar, the rightmost of what is black and long
    ramp = bar[bar > 0][(np.diff(bar, prepend=1)[bar > 0]) <= 0]
    assert ramp.max() > 0.95 and ramp.min() < 0.05 and len(np.unique(ramp)) > 100


def test_images_keep_their_proportions_and_have_one_width(tmp_path):
    limits = np.zeros(3), np.ones(3)
    flat, square = (Panel(np.ones(shape) * [1, 0, 0], limits) for shape in ((4, 8, 3), (8, 8, 3)))
    draw_rows([[flat], [square]], ["x"], ["a", "b"], tmp_path / "x.png")
    red = np.all(pixels(tmp_path / "x.png")[..., :3] == (1, 0, 0), axis=-1)
    half = len(red) // 2
    sizes = [[np.ptp(np.flatnonzero(part.any(axis=axis))) for axis in (1, 0)] for part in (red[:half], red[half:])]
    assert sizes[0][1] == pytest.approx(2 * sizes[0][0], abs=8) and sizes[1][1] == pytest.approx(sizes[1][0], abs=2)
    assert sizes[0][1] == pytest.approx(sizes[1][1], abs=1)


# ---- the sample image ----------------------------------------------------------------------------------------------


def panels(source_field, target_field, source, target, prediction):
    """Return {title: panel} of one sample."""
    row, titles = sample_image._row(source_field, target_field, source, target, prediction)
    return dict(zip(titles, row, strict=True))


def test_target_and_prediction_share_the_targets_stretch():
    image = field(8, 8, 3)
    target = random(8, 8, 3)
    row = panels(image, image, target, target, 3 * target)
    np.testing.assert_array_equal(row["Target"].limits, stretch(target))
    np.testing.assert_array_equal(row["Prediction"].limits, row["Target"].limits)


def test_an_input_of_the_same_bands_shares_it_too():
    image = field(8, 8, 3)
    row = panels(image, image, 2 * random(8, 8, 3), random(8, 8, 3), random(8, 8, 3))
    np.testing.assert_array_equal(row["Input"].limits, row["Target"].limits)


@pytest.mark.parametrize("change", [{"bands": ["VV", "VH", "HH"]}, {"units": "dB"}])
def test_an_input_of_other_bands_or_units_has_a_separate_stretch(change):
    source = 2 * random(8, 8, 3)
    row = panels(field(8, 8, 3, **change), field(8, 8, 3), source, random(8, 8, 3), random(8, 8, 3))
    np.testing.assert_array_equal(row["Input"].limits, stretch(source))


def test_the_rgb_bands_are_shown_in_their_order():
    source_field = field(4, 4, 4, bands=["B02", "B03", "B04", "B08"], rgb=["B08", "B03", "B02"])
    target_field = field(4, 4, 3, bands=["B02", "B03", "B04"], rgb=["B04", "B03", "B02"])
    source, target, prediction = random(4, 4, 4), random(4, 4, 3), random(4, 4, 3) / 2
    row = panels(source_field, target_field, source, target, prediction)
    np.testing.assert_array_equal(row["Input"].values, source[..., [3, 1, 0]])
    np.testing.assert_array_equal(row["Target"].values, target[..., [2, 1, 0]])
    np.testing.assert_array_equal(row["Prediction"].values, prediction[..., [2, 1, 0]])


def test_visible_light_is_shown_where_no_bands_are_stated():
    several = field(4, 4, 4, bands=["B02", "B03", "B04", "B08"])
    source, target = random(4, 4, 4), random(4, 4, 4)[::-1]
    row = panels(several, several, source, target, target)
    np.testing.assert_array_equal(row["Input"].values, source[..., [2, 1, 0]])
    np.testing.assert_array_equal(row["Target"].values, target[..., [2, 1, 0]])
    (panel,) = contact_sheet._panels(source, several)
    np.testing.assert_array_equal(panel.values, source[..., [2, 1, 0]])


def test_one_band_is_shown_as_grey():
    row = panels(field(4, 4, 1), field(4, 4, 1), *(random(4, 4, 1) for _ in range(3)))
    np.testing.assert_array_equal(row["Target"].values, random(4, 4, 1).repeat(3, axis=-1))


def test_the_error_map_is_the_mean_absolute_error_over_bands():
    target, prediction = random(4, 4, 3), random(4, 4, 3)[::-1]
    row = panels(field(4, 4, 3), field(4, 4, 3), target, target, prediction)
    np.testing.assert_allclose(row["Error"].values, np.abs(target - prediction).mean(axis=-1), rtol=1e-6)


@pytest.mark.parametrize(("units", "label"), [("1", "mean absolute error"), ("K", "mean absolute error (K)")])
def test_the_error_map_is_labelled_with_its_unit(units, label):
    image = field(4, 4, 3, units=units)
    assert panels(image, image, *(random(4, 4, 3) for _ in range(3)))["Error"].label == label


def test_every_time_step_of_the_input_is_a_column():
    source = random(3, 4, 4, 3)
    row = panels(field(3, 4, 4, 3), field(4, 4, 3), source, random(4, 4, 3), random(4, 4, 3))
    inputs = [f"Input, time step {number}" for number in (1, 2, 3)]
    assert list(row) == [*inputs, "Target", "Prediction", "Error"]
    np.testing.assert_array_equal(row["Input, time step 2"].values, source[1])


def test_folded_time_steps_are_columns_too():
    source = random(3, 4, 4, 2)
    folded = source.transpose(1, 2, 0, 3).reshape(4, 4, 6)
    row = panels(field(3, 4, 4, 2), field(4, 4, 2), folded, random(4, 4, 2), random(4, 4, 2))
    np.testing.assert_array_equal(row["Input, time step 3"].values, source[2][..., [0, 0, 0]])


@pytest.mark.parametrize("fold", [False, True])
def test_the_error_of_several_time_steps_is_the_mean_over_them_too(fold):
    target, prediction = random(2, 4, 4, 3), random(2, 4, 4, 3)[:, ::-1]
    several = field(2, 4, 4, 3)
    arrays = [array.transpose(1, 2, 0, 3).reshape(4, 4, 6) if fold else array for array in (target, target, prediction)]
    row = panels(several, several, *arrays)
    titles = [f"{column}, time step {number}" for column in ("Target", "Prediction") for number in (1, 2)]
    assert list(row)[2:] == [*titles, "Error"]
    np.testing.assert_allclose(row["Error"].values, np.abs(target - prediction).mean(axis=(0, 3)), rtol=1e-6)


@pytest.fixture
def drawn(tmp_path, manifest_of):
    """``drawn(source_field, target_field, inputs, targets, predictions)``: the file of their sample image."""

    def draw(source, target, *arrays):
        path = tmp_path / "samples" / "x.png"
        names = [f"tile{index}" for index in range(len(arrays[0]))]
        sample_image.draw(manifest_of(source, target), names, *arrays, path, "run, step 5")
        return path

    return draw


def test_a_prediction_with_a_gain_is_shown_brighter(drawn):
    image = field(8, 8, 3)
    ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 8, 8, 1).repeat(3, axis=-1)
    same = pixels(drawn(image, image, ramp, ramp, ramp))
    brighter = pixels(drawn(image, image, ramp, ramp, 2 * ramp))
    width = same.shape[1]
    third = np.s_[:, width // 2 : width * 3 // 4]
    assert brighter[third].mean() > same[third].mean() + 0.05


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (field(8, 8, 3), field(8, 8, 3)),
        (field(8, 8, 1), field(8, 8, 1)),
        (field(2, 8, 8, 2), field(8, 8, 2)),
        (field(2, 8, 8, 3), field(2, 8, 8, 3)),
    ],
    ids=["three bands", "one band", "two bands, two time steps", "two time steps of both"],
)
def test_every_kind_of_field_can_be_drawn(drawn, source, target):
    path = drawn(source, target, random(2, *source.shape), random(2, *target.shape), random(2, *target.shape))
    columns = (source.time_steps or 1) + 2 * (target.time_steps or 1) + 1
    height, width = pixels(path).shape[:2]
    assert (width, height) == (int(columns * 2.6 * 110), int((2 * 2.6 + 0.5) * 110))
    assert [file.name for file in path.parent.iterdir()] == ["x.png"]


def test_fields_with_nan_can_be_drawn(drawn):
    image = field(8, 8, 3)
    values = random(1, 8, 8, 3)
    values[:, :4] = np.nan
    path = drawn(image, image, values, values, np.full_like(values, np.nan))
    assert has_color(path, (MISSING, MISSING, MISSING))
    assert not has_color(path, (0.0, 0.0, 0.0))


def test_missing_pixels_have_no_error_and_do_not_change_the_colours():
    image, target = field(4, 4, 3), random(4, 4, 3)
    holed = target.copy()
    holed[0, 0] = np.nan
    row = panels(image, image, target, holed, target + 0.5)
    assert np.isnan(row["Error"].values[0, 0])
    np.testing.assert_allclose(row["Error"].values.reshape(-1)[1:], 0.5, rtol=1e-6)
    np.testing.assert_array_equal(row["Target"].limits, stretch(holed))
    assert np.isfinite(row["Prediction"].values).all()


def test_the_error_is_over_the_time_steps_at_which_the_target_is_valid():
    several, target = field(2, 4, 4, 3), random(2, 4, 4, 3)
    prediction = target + np.array([0.2, 0.4], np.float32)[:, None, None, None]
    target[0, :2], target[:, 3] = np.nan, np.nan
    row = panels(several, several, target, target, prediction)
    np.testing.assert_allclose(row["Error"].values[:3, 0], [0.4, 0.4, 0.3], rtol=1e-5)
    assert np.isnan(row["Error"].values[3]).all()
    folded = prediction.transpose(1, 2, 0, 3).reshape(4, 4, 6)
    np.testing.assert_array_equal(panels(several, several, target, target, folded)["Error"].values, row["Error"].values)


def test_a_first_time_step_that_is_missing_leaves_the_colours_of_the_others():
    several, target = field(2, 4, 4, 3), 7 + random(2, 4, 4, 3)
    target[0] = np.nan
    row = panels(several, several, target, target, target)
    np.testing.assert_array_equal(row["Target, time step 1"].limits, stretch(target))


# ---- panels of plug-ins --------------------------------------------------------------------------------------------


@pytest.fixture
def row_with(tmp_path, manifest_of, monkeypatch):
    """``row_with(source, target, further)``: the panels of the second sample by title, with those of a plug-in."""
    drawn = {}

    def draw(source, target, further):
        monkeypatch.setattr(
            sample_image, "draw_rows",
            lambda rows, titles, *_, **__: drawn.update(zip(titles, rows[1], strict=True)),
        )  # fmt: skip
        arrays = [np.stack([random(*one.shape), 1 + random(*one.shape)]) for one in (source, target, target)]
        manifest = manifest_of(source, target)
        sample_image.draw(manifest, ["a", "b"], *arrays, tmp_path / "x.png", "run, step 5", further=further)
        return drawn, arrays

    return draw


def test_panels_are_further_columns_and_one_band_is_grey_in_the_range_of_all_rows(row_with):
    attention = np.stack([np.zeros((4, 4, 1)), np.full((4, 4, 1), 0.5)])
    row, _ = row_with(field(8, 8, 3), field(8, 8, 3), {"Attention": PanelImages(attention, None)})
    assert list(row) == ["Input", "Target", "Prediction", "Error", "Attention\n0 to 0.5"]
    assert row["Attention\n0 to 0.5"].limits == (0.0, 0.5)
    np.testing.assert_array_equal(row["Attention\n0 to 0.5"].values, np.full((4, 4, 3), 0.5))


@pytest.mark.parametrize("values", [np.full((2, 4, 4, 1), 3.0), np.full((2, 4, 4, 1), np.nan)])
def test_a_panel_of_one_value_or_of_none_can_be_drawn(row_with, values):
    row, _ = row_with(field(8, 8, 3), field(8, 8, 3), {"x": PanelImages(values, None)})
    low, high = list(row.values())[-1].limits
    assert high > low


def test_panels_with_a_role_are_shown_as_the_input_or_target_is(row_with):
    source, target = field(8, 8, 4, bands=["VV", "VH", "HH", "HV"]), field(8, 8, 3)
    back, refined = np.stack([random(4, 4, 4)] * 2), np.stack([random(4, 4, 3)] * 2)
    further = {"Back": PanelImages(back, "input"), "Refined": PanelImages(refined, "target")}
    row, (inputs, targets, _) = row_with(source, target, further)
    np.testing.assert_array_equal(row["Back"].values, back[1][..., :3])
    np.testing.assert_array_equal(row["Back"].limits, stretch(inputs[1][..., :3]))
    np.testing.assert_array_equal(row["Refined"].limits, stretch(targets[1]))


def test_an_input_with_the_bands_of_the_target_and_its_panel_share_the_colours(row_with):
    row, _ = row_with(field(8, 8, 3), field(8, 8, 3), {"Input back": PanelImages(np.zeros((2, 8, 8, 3)), "input")})
    np.testing.assert_array_equal(row["Input back"].limits, row["Input"].limits)


def test_other_panels_have_their_own_colours_and_time_steps_are_columns(row_with):
    flow = np.stack([random(2, 4, 4, 5)] * 2)
    row, _ = row_with(field(8, 8, 3), field(8, 8, 3), {"Flow": PanelImages(flow, None)})
    assert list(row)[4:] == ["Flow, time step 1", "Flow, time step 2"]
    np.testing.assert_array_equal(row["Flow, time step 2"].values, flow[1, 1, ..., :3])
    assert row["Flow, time step 2"].limits is None  # between its own percentiles


# ---- the contact sheet ---------------------------------------------------------------------------------------------


def test_a_contact_sheet_shows_every_field_of_some_samples_of_each_split(tiny_root, tmp_path):
    folder = tiny_root / "data/tiny/64"
    contact_sheet.draw(Listing(folder, load_manifest(folder, "tiny")), tmp_path / "out" / "sheet.png", 2)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["sheet.png"]
    height, width = pixels(tmp_path / "out" / "sheet.png").shape[:2]
    assert (width, height) == (int(3 * 2.6 * 110), int((4 * 2.6 + 0.5) * 110))  # 3 fields, 2 samples of 2 splits


def test_a_damaged_record_is_named(tiny_root, tmp_path):
    folder = tiny_root / "data/tiny/64"
    path = min((folder / "train").iterdir())
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=str(path)):
        contact_sheet.draw(Listing(folder, load_manifest(folder, "tiny")), tmp_path / "sheet.png", 2)
    assert not (tmp_path / "sheet.png").exists()


def test_a_dataset_without_samples_is_an_error(dataset_of, manifest_of, tmp_path):
    dataset = dataset_of(manifest_of(field(8, 8, 3), field(8, 8, 3)), {})
    with pytest.raises(UserError, match="has no samples"):
        contact_sheet.draw(dataset.listing, tmp_path / "sheet.png", 2)


def test_physical_values_are_shown_and_nodata_is_not():
    stored = np.array([[[0, 1000, 2000], [3000, 4000, 5000]]], np.uint16)
    (panel,) = contact_sheet._panels(stored, field(1, 2, 3, dtype="uint16", scale=1e-3, offset=-1.0, nodata=0))
    np.testing.assert_allclose(panel.values, [[[np.nan, np.nan, np.nan], [2.0, 3.0, 4.0]]])


def test_a_pixel_that_lacks_a_band_that_is_not_shown_is_missing_too():
    stored = np.array([[[5, 6, 7, 0], [5, 6, 7, 8]]], np.uint16)
    four = field(1, 2, 4, bands=["x", "y", "z", "w"], dtype="uint16", nodata=0)
    np.testing.assert_array_equal(missing(stored, four), [[True, False]])
    (panel,) = contact_sheet._panels(stored, four)
    np.testing.assert_array_equal(np.isnan(panel.values[..., 0]), [[True, False]])


def test_what_the_mask_hides_is_missing_in_the_target_alone(tiny_root, tiny_arrays, monkeypatch, tmp_path):
    shown = []
    monkeypatch.setattr(contact_sheet, "draw_rows", lambda rows, titles, names, *_, **__: shown.append((names, rows)))
    folder = tiny_root / "data/tiny/64"
    contact_sheet.draw(Listing(folder, load_manifest(folder, "tiny")), tmp_path / "sheet.png", 1)
    ((names, rows),) = shown
    for name, row in zip(names, rows, strict=True):
        split, sample = name.split("\n")
        hidden = tiny_arrays[split][sample]["cloud_mask"][..., 0] == 0
        source, target, mask = row
        np.testing.assert_array_equal(np.isnan(target.values).all(axis=-1), hidden)
        assert hidden.any() and np.isfinite(source.values).all() and np.isfinite(mask.values).all()


def test_a_mask_of_another_size_and_of_other_time_steps(manifest_of):
    mask = field(3, 2, 2, 1, bands=["clear"], dtype="uint8", kind="mask")
    stored = np.ones((3, 2, 2, 1), np.uint8)
    stored[1, 0, 1] = 0
    for steps, expected in ((None, 1), (2, 1), (3, 3)):
        target = field(*([steps] if steps else []), 4, 4, 3)
        hidden = hidden_in_target({"clear": stored}, manifest_of(target, target, {"clear": mask}, mask="clear"))
        where = np.kron([[0, 1], [0, 0]], np.ones((2, 2))) > 0
        np.testing.assert_array_equal(hidden, where if expected == 1 else [where & False, where, where & False])
    assert hidden_in_target({}, manifest_of(target, target, {"clear": mask}, mask="clear")) is None
    assert hidden_in_target({"clear": stored}, manifest_of(target, target)) is None


def test_times_of_acquisition_are_those_of_the_field():
    image, series = field(4, 4, 3), field(2, 4, 4, 3)
    mask = field(4, 4, 1, bands=["clear"], dtype="uint8", kind="mask")

    def labels(acquired, name, one):
        shown = contact_sheet._panels(np.ones(one.shape, one.dtype), one)
        return [panel.label for panel in contact_sheet._dated(shown, {"acquired": acquired}, name, one)]

    by_field = {
        "input_image": ["2023-07-01", "2023-07-03T10:20:30Z"],
        "target": ["2023-07-09"],
        "clear": ["2023-07-08"],
    }
    assert labels(by_field, "input_image", series) == ["2023-07-01", "2023-07-03 10:20"]
    assert labels(by_field, "target", image) == ["2023-07-09"]
    assert labels(by_field, "clear", mask) == ["2023-07-08"]
    assert labels(["2023-07-09"], "target", image) == ["2023-07-09"]
    assert labels(["2023-07-09"], "clear", mask) == [""]
    assert labels(["2023-07-09", "2023-07-01"], "input_image", series) == ["", ""]
    assert labels([], "target", image) == labels({"input_image": ["2023-07-01"]}, "target", image) == [""]


def test_all_time_steps_share_one_stretch():
    stored = np.stack([random(4, 4, 3), 5 * random(4, 4, 3)])
    one, other = contact_sheet._panels(stored, field(2, 4, 4, 3))
    np.testing.assert_array_equal(one.limits, other.limits)
    np.testing.assert_allclose(one.limits, stretch(stored.astype(np.float64)))


@pytest.mark.parametrize("kind", ["mask", "classes"])
def test_masks_and_classes_are_shown_unscaled(kind):
    stored = np.array([[[0], [1]], [[1], [7]]], np.uint8)
    (panel,) = contact_sheet._panels(stored, field(2, 2, 1, bands=["x"], dtype="uint8", kind=kind))
    np.testing.assert_array_equal(panel.values, stored[..., 0])
