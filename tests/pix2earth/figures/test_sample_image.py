"""The sample image of a run: contrast, columns, errors, scores, and panels of plug-ins."""

import numpy as np
import pytest

from pix2earth.figures import sample_image
from pix2earth.figures.images import MISSING, stretch
from pix2earth.figures.panels.contrast import Contrast
from pix2earth.figures.panels.grid import WIDTH
from pix2earth.plugins.panels import PanelImages
from pix2earth.scoring.shown.samples import ShownSamples
from tests.pix2earth.figures.made_images import UNKNOWN, field, has_color, pixels, random


@pytest.fixture
def rows(manifest_of, monkeypatch, tmp_path):
    """``rows(source_field, target_field, images)``: the panels of each sample by title, and the caption."""

    def of(source, target, images, **options):
        found = []

        def keep(rows, titles, names, path, *, caption, **_):
            found.extend([[dict(zip(titles, row, strict=True)) for row in rows], caption])

        monkeypatch.setattr(sample_image, "draw_rows", keep)
        names = [f"tile{number}" for number in range(len(images.targets))]
        manifest = manifest_of(source, target)
        sample_image.draw(manifest, names, images, tmp_path / "x.png", "run, step 5", **options)
        return found

    return of


@pytest.fixture
def panels(rows):
    """``panels(source_field, target_field, source, target, prediction)``: the panels of one sample by title."""

    def of(source_field, target_field, *arrays, **further):
        images = ShownSamples(*(array[None] for array in arrays), further.pop("panels", {}), **further)
        return rows(source_field, target_field, images)[0][0]

    return of


def test_all_images_of_a_figure_have_the_contrast_that_the_quantity_fixes(rows):
    image = field(8, 8, 3)
    images = ShownSamples(*(np.stack([random(8, 8, 3), factor * random(8, 8, 3)]) for factor in (1, 2, 3)), {})
    both, caption = rows(image, image, images)
    contrasts = {panel.contrast for row in both for title, panel in row.items() if title != "Error"}
    assert contrasts == {Contrast(0, 0.3, 1.4, "reflectance 0 to 0.3, gamma 1.4")}
    assert caption == "run, step 5 (colours: reflectance 0 to 0.3, gamma 1.4)"


def test_unknown_bands_have_the_percentiles_of_all_samples_together(rows):
    image = field(8, 8, 3, bands=UNKNOWN)
    targets = np.stack([random(8, 8, 3), 5 * random(8, 8, 3)])
    both, caption = rows(image, image, ShownSamples(2 * targets, targets, targets, {}))
    found = {panel.contrast for row in both for title, panel in row.items() if title != "Error"}
    ((low, high, gamma, *_),) = found
    assert (low, high, gamma) == (*stretch(targets), 1) and caption.endswith(f"(colours: {low:.3g} to {high:.3g})")


@pytest.mark.parametrize("change", [{"bands": ["VV", "VH", "HH"]}, {"units": "dB"}])
def test_an_input_of_other_bands_or_units_has_a_separate_contrast(panels, change):
    source = 2 * random(8, 8, 3)
    row = panels(field(8, 8, 3, **change), field(8, 8, 3), source, random(8, 8, 3), random(8, 8, 3))
    assert row["Input"].contrast[:2] == stretch(source)
    assert row["Target"].contrast[:2] == (0, 0.3)


def test_images_of_unit_norm_and_numbers_that_are_no_reflectance_have_percentiles(rows):
    image, values = field(8, 8, 3), random(1, 8, 8, 3)
    both, _ = rows(image, image, ShownSamples(values, values, values, {}), physical=False)
    assert both[0]["Target"].contrast[:2] == stretch(values)
    numbers = 1e4 * (1 + values)
    assert rows(image, image, ShownSamples(numbers, numbers, numbers, {}))[0][0]["Target"].contrast[1] > 1e4


def test_photographs_are_shown_as_stored(panels):
    photograph = field(8, 8, 3, dtype="uint8", bands=UNKNOWN)
    values = 100 * random(8, 8, 3)
    assert panels(photograph, photograph, values, values, values)["Prediction"].contrast[:3] == (0, 255, 1)


def test_the_rgb_bands_are_shown_in_their_order(panels):
    source_field = field(4, 4, 4, bands=["B02", "B03", "B04", "B08"], rgb=["B08", "B03", "B02"])
    target_field = field(4, 4, 3, bands=["B02", "B03", "B04"], rgb=["B04", "B03", "B02"])
    source, target, prediction = random(4, 4, 4), random(4, 4, 3), random(4, 4, 3) / 2
    row = panels(source_field, target_field, source, target, prediction)
    np.testing.assert_array_equal(row["Input"].values, source[..., [3, 1, 0]])
    np.testing.assert_array_equal(row["Target"].values, target[..., [2, 1, 0]])
    np.testing.assert_array_equal(row["Prediction"].values, prediction[..., [2, 1, 0]])
    assert row["Input"].contrast.high == 0.5  # with near infrared


def test_visible_light_is_shown_where_no_bands_are_stated(panels):
    several = field(4, 4, 4, bands=["B02", "B03", "B04", "B08"])
    source, target = random(4, 4, 4), random(4, 4, 4)[::-1]
    row = panels(several, several, source, target, target)
    np.testing.assert_array_equal(row["Input"].values, source[..., [2, 1, 0]])
    np.testing.assert_array_equal(row["Target"].values, target[..., [2, 1, 0]])


def test_one_band_is_shown_as_grey(panels):
    row = panels(field(4, 4, 1), field(4, 4, 1), *(random(4, 4, 1) for _ in range(3)))
    np.testing.assert_array_equal(row["Target"].values, random(4, 4, 1).repeat(3, axis=-1))


def test_the_error_has_a_sign_and_all_rows_one_scale_around_zero(rows):
    image = field(4, 4, 3)
    targets = np.stack([random(4, 4, 3)] * 2)
    predictions = targets + np.array([0.1, -0.2], np.float32)[:, None, None, None]
    both, _ = rows(image, image, ShownSamples(targets, targets, predictions, {}))
    np.testing.assert_allclose([row["Error"].values.mean() for row in both], [0.1, -0.2], rtol=1e-5)
    assert {row["Error"].limits for row in both} == {(-both[0]["Error"].limits[1], both[0]["Error"].limits[1])}
    assert both[0]["Error"].limits[1] == pytest.approx(0.2) and both[0]["Error"].colormap == "RdBu_r"


@pytest.mark.parametrize(("units", "label"), [("1", "error:"), ("K", "error (K):")])
def test_the_error_map_is_labelled_with_its_unit(panels, units, label):
    image = field(4, 4, 3, units=units)
    assert panels(image, image, *(random(4, 4, 3) for _ in range(3)))["Error"].label.startswith(label)


def test_every_time_step_of_the_input_is_a_column(panels):
    source = random(3, 4, 4, 3)
    row = panels(field(3, 4, 4, 3), field(4, 4, 3), source, random(4, 4, 3), random(4, 4, 3))
    inputs = [f"Input, time step {number}" for number in (1, 2, 3)]
    assert list(row) == [*inputs, "Prediction", "Target", "Error"]
    np.testing.assert_array_equal(row["Input, time step 2"].values, source[1])


def test_folded_time_steps_are_columns_too(panels):
    source = random(3, 4, 4, 2)
    folded = source.transpose(1, 2, 0, 3).reshape(4, 4, 6)
    row = panels(field(3, 4, 4, 2), field(4, 4, 2), folded, random(4, 4, 2), random(4, 4, 2))
    np.testing.assert_array_equal(row["Input, time step 3"].values, source[2][..., [0, 0, 0]])


@pytest.mark.parametrize("fold", [False, True])
def test_the_error_of_several_time_steps_is_the_mean_over_them_too(panels, fold):
    target, prediction = random(2, 4, 4, 3), random(2, 4, 4, 3)[:, ::-1]
    several = field(2, 4, 4, 3)
    arrays = [array.transpose(1, 2, 0, 3).reshape(4, 4, 6) if fold else array for array in (target, target, prediction)]
    row = panels(several, several, *arrays)
    titles = [f"{column}, time step {number}" for column in ("Prediction", "Target") for number in (1, 2)]
    assert list(row)[2:] == [*titles, "Error"]
    np.testing.assert_allclose(row["Error"].values, (prediction - target).mean(axis=(0, 3)), rtol=1e-4, atol=1e-7)


def test_the_baseline_is_beside_the_prediction_with_the_scores_of_both(panels):
    image, values = field(64, 64, 3, gsd=10.0), random(64, 64, 3)
    baseline = values.copy()
    baseline[40:52, 12:24] += 1
    scores = {
        "prediction": {"PSNR": np.array([31.234]), "SSIM": np.array([0.9])},
        "baseline": {"PSNR": np.array([np.inf])},
    }
    row = panels(
        image, image, values, values, values, baselines=baseline[None], baseline_name="linear-in-time", scores=scores
    )  # fmt: skip
    assert list(row) == ["Input", "Linear in time", "Prediction", "Target", "Error"]
    assert row["Prediction"].corner == "PSNR 31.23 dB, SSIM 0.900" and row["Linear in time"].corner == ""
    parts = {title: panel.inset for title, panel in row.items()}
    assert parts["Input"] is None and parts["Prediction"] == parts["Linear in time"] == parts["Target"]
    rows_, columns = parts["Target"]
    assert (rows_.start, columns.start) == (36, 12)  # the twelve pixels where the baseline is worst
    assert row["Target"].scale_bar == (200 / 640, "200 m")


def test_small_images_have_no_enlarged_part_and_unknown_pixels_no_scale_bar(panels):
    row = panels(field(8, 8, 3), field(8, 8, 3), *(random(8, 8, 3) for _ in range(3)))
    assert row["Target"].inset is None and row["Target"].scale_bar is None


def test_without_a_baseline_the_part_with_most_detail_is_enlarged_whatever_is_missing(panels):
    image, target = field(64, 64, 3), np.zeros((64, 64, 3), np.float32)
    target[26:34, 2:10] = random(8, 8, 3)
    target[:12, :12] = np.nan
    assert panels(image, image, target, target, target)["Target"].inset == (slice(24, 36), slice(0, 12))
    missing_ = np.full_like(target, np.nan)
    assert panels(image, image, target, missing_, target)["Target"].inset is None


@pytest.fixture
def drawn(tmp_path, manifest_of):
    """``drawn(source_field, target_field, inputs, targets, predictions)``: the file of their sample image."""

    def draw(source, target, *arrays):
        path = tmp_path / "samples" / "x.png"
        names = [f"tile{index}" for index in range(len(arrays[0]))]
        sample_image.draw(manifest_of(source, target), names, ShownSamples(*arrays, {}), path, "run, step 5")
        return path

    return draw


def test_a_prediction_with_a_gain_is_shown_brighter(drawn):
    image = field(8, 8, 3)
    ramp = 0.3 * np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 8, 8, 1).repeat(3, axis=-1)
    same = pixels(drawn(image, image, ramp, ramp, ramp))
    brighter = pixels(drawn(image, image, ramp, ramp, 2 * ramp))
    width = same.shape[1]
    second = np.s_[:400, width // 4 : width // 2]
    assert brighter[second].mean() > same[second].mean() + 0.05


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (field(8, 8, 3), field(8, 8, 3)),
        (field(8, 8, 1), field(8, 8, 1)),
        (field(2, 8, 8, 2), field(8, 8, 2)),
        (field(2, 8, 8, 3), field(2, 8, 8, 3)),
        (field(12, 8, 8, 3), field(12, 8, 8, 3)),
    ],
    ids=["three bands", "one band", "two bands, two time steps", "two time steps of both", "many time steps"],
)
def test_every_kind_of_field_can_be_drawn(drawn, source, target):
    path = drawn(source, target, random(2, *source.shape), random(2, *target.shape), random(2, *target.shape))
    width = pixels(path).shape[1]
    assert WIDTH - 60 < width <= WIDTH
    assert [file.name for file in path.parent.iterdir()] == ["x.png"]


def test_fields_with_nan_can_be_drawn(drawn):
    image = field(8, 8, 3)
    values = 0.2 + random(1, 8, 8, 3)
    values[:, :4] = np.nan
    path = drawn(image, image, values, values, np.full_like(values, np.nan))
    assert has_color(path, (MISSING, MISSING, MISSING))
    assert not has_color(path, (0.0, 0.0, 0.0))


def test_missing_pixels_have_no_error(panels):
    image, target = field(4, 4, 3), random(4, 4, 3)
    holed = target.copy()
    holed[0, 0] = np.nan
    row = panels(image, image, target, holed, target + 0.5)
    assert np.isnan(row["Error"].values[0, 0])
    np.testing.assert_allclose(row["Error"].values.reshape(-1)[1:], 0.5, rtol=1e-6)
    assert np.isfinite(row["Prediction"].values).all()


def test_the_error_is_over_the_time_steps_at_which_the_target_is_valid(panels):
    several, target = field(2, 4, 4, 3), random(2, 4, 4, 3)
    prediction = target + np.array([0.2, 0.4], np.float32)[:, None, None, None]
    target[0, :2], target[:, 3] = np.nan, np.nan
    row = panels(several, several, target, target, prediction)
    np.testing.assert_allclose(row["Error"].values[:3, 0], [0.4, 0.4, 0.3], rtol=1e-5)
    assert np.isnan(row["Error"].values[3]).all()
    folded = prediction.transpose(1, 2, 0, 3).reshape(4, 4, 6)
    np.testing.assert_array_equal(panels(several, several, target, target, folded)["Error"].values, row["Error"].values)


def test_a_first_time_step_that_is_missing_leaves_the_colours_of_the_others(panels):
    several, target = field(2, 4, 4, 3, bands=UNKNOWN), 7 + random(2, 4, 4, 3)
    target[0] = np.nan
    row = panels(several, several, target, target, target)
    assert row["Target, time step 1"].contrast[:2] == pytest.approx(stretch(target))


# ---- panels of plug-ins --------------------------------------------------------------------------------------------


@pytest.fixture
def row_with(rows):
    """``row_with(source, target, further)``: the panels of the second sample by title, with those of a plug-in."""

    def draw(source, target, further):
        arrays = [np.stack([random(*one.shape), 1 + random(*one.shape)]) for one in (source, target, target)]
        return rows(source, target, ShownSamples(*arrays, further))[0][1], arrays

    return draw


def test_panels_are_further_columns_and_one_band_is_grey_in_the_range_of_all_rows(row_with):
    attention = np.stack([np.zeros((4, 4, 1)), np.full((4, 4, 1), 0.5)])
    row, _ = row_with(field(8, 8, 3), field(8, 8, 3), {"Attention": PanelImages(attention, None)})
    assert list(row) == ["Input", "Prediction", "Target", "Error", "Attention\n0 to 0.5"]
    assert row["Attention\n0 to 0.5"].contrast[:2] == (0.0, 0.5)
    np.testing.assert_array_equal(row["Attention\n0 to 0.5"].values, np.full((4, 4, 3), 0.5))


@pytest.mark.parametrize("values", [np.full((2, 4, 4, 1), 3.0), np.full((2, 4, 4, 1), np.nan)])
def test_a_panel_of_one_value_or_of_none_can_be_drawn(row_with, values):
    row, _ = row_with(field(8, 8, 3), field(8, 8, 3), {"x": PanelImages(values, None)})
    low, high, *_ = list(row.values())[-1].contrast
    assert high > low


def test_panels_with_a_role_are_shown_as_the_input_or_target_is(row_with):
    source, target = field(8, 8, 4, bands=["VV", "VH", "HH", "HV"]), field(8, 8, 3)
    back, refined = np.stack([random(4, 4, 4)] * 2), np.stack([random(4, 4, 3)] * 2)
    further = {"Back": PanelImages(back, "input"), "Refined": PanelImages(refined, "target")}
    row, _ = row_with(source, target, further)
    np.testing.assert_array_equal(row["Back"].values, back[1][..., :3])
    assert row["Back"].contrast == row["Input"].contrast != row["Target"].contrast
    assert row["Refined"].contrast == row["Target"].contrast


def test_a_panel_with_the_title_of_the_baseline_has_a_column_of_its_own(rows):
    image, values = field(8, 8, 3), random(1, 8, 8, 3)
    further = {"Bicubic": PanelImages(values, "target")}
    both, _ = rows(image, image, ShownSamples(values, values, values, further, values, "bicubic"))
    assert list(both[0]) == ["Input", "Bicubic", "Prediction", "Target", "Error", "Bicubic of the model"]


def test_other_panels_have_their_own_colours_and_time_steps_are_columns(row_with):
    flow = np.stack([random(2, 4, 4, 5), 3 * random(2, 4, 4, 5)])
    row, _ = row_with(field(8, 8, 3), field(8, 8, 3), {"Flow": PanelImages(flow, None)})
    assert list(row)[4:] == ["Flow, time step 1", "Flow, time step 2"]
    np.testing.assert_array_equal(row["Flow, time step 2"].values, flow[1, 1, ..., :3])
    assert row["Flow, time step 2"].contrast[:2] == stretch(flow[..., :3])


def test_an_index_has_its_own_colours_and_days_below_the_time_steps(panels):
    ndvi = {"bands": ["NDVI"], "scale": 1e-4}
    row = panels(
        field(3, 8, 8, 1, **ndvi), field(8, 8, 1, **ndvi), random(3, 8, 8, 1), random(8, 8, 1), random(8, 8, 1),
        days=np.array([[-1.2, 0.1, 300.0]]),
    )  # fmt: skip
    labels = ["1 day before the target", "day of the target", "300 days after the target"]
    assert [row[f"Input, time step {step}"].label for step in (1, 2, 3)] == labels
    contrasts = {panel.contrast for title, panel in row.items() if title != "Error"}
    assert contrasts == {Contrast(0, 1, 1, "NDVI 0 to 1", "YlGn")}


def test_rows_that_go_upwards_are_drawn_so(manifest_of, tmp_path):
    image, values = field(8, 8, 3), random(1, 8, 8, 3)
    turned, manifest = values[:, ::-1], manifest_of(image, image)
    below = manifest.model_copy(update={"first_row": "bottom"})
    for name, one, arrays in (("a", below, values), ("b", manifest, turned), ("c", manifest, values)):
        images = ShownSamples(arrays, arrays, 2 * arrays, {})
        sample_image.draw(one, ["tile"], images, tmp_path / f"{name}.png", "run")
    drawn = [pixels(tmp_path / f"{name}.png") for name in "abc"]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()
