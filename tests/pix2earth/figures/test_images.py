"""Figures with image panels: contrast, places, sample images and contact sheets."""

import warnings

import matplotlib.image
import numpy as np
import pytest

from pix2earth.figures import contact_sheet, sample_image
from pix2earth.figures.images import MISSING, Panel, draw_rows, stretch
from pix2earth.figures.missing import hidden_in_target, missing
from pix2earth.figures.panels.contrast import Contrast
from pix2earth.figures.panels.grid import ACROSS, LARGEST, WIDTH, PanelGrid
from pix2earth.plugins.panels import PanelImages
from pix2earth.records.listing import Listing
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import Field
from pix2earth.scoring.shown.samples import ShownSamples
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


# ---- the sample image ----------------------------------------------------------------------------------------------

UNKNOWN = ["x", "y", "z"]


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
    ((low, high, gamma, _),) = found
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


# ---- the contact sheet ---------------------------------------------------------------------------------------------


@pytest.fixture
def sheet_panels(manifest_of):
    """``sheet_panels(field, *stored, name)``: the panels of one field in a contact sheet of samples of it."""

    def of(one, *stored, name="target", **further):
        manifest = manifest_of(field(8, 8, 3, bands=UNKNOWN), one if name == "target" else field(8, 8, 3), further)
        samples = [contact_sheet.SheetSample("a", {name: array}, {}) for array in stored]
        images = [contact_sheet._physical(sample, manifest) for sample in samples]
        contrasts = contact_sheet._contrasts(manifest, images)
        return [
            contact_sheet._panels(name, array, manifest.fields[name], image.get(name), contrasts.get(name))
            for array, image in zip(stored, images, strict=True)
        ]

    return of


def test_a_contact_sheet_shows_every_field_of_some_samples_of_each_split(tiny_root, tmp_path):
    folder = tiny_root / "data/tiny/64"
    contact_sheet.draw(Listing(folder, load_manifest(folder, "tiny")), tmp_path / "out" / "sheet.png", 2)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["sheet.png"]
    height, width = pixels(tmp_path / "out" / "sheet.png").shape[:2]
    assert WIDTH - 20 < width <= WIDTH and 500 < height < 900  # two samples of three fields a line, two lines


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


def test_physical_values_are_shown_and_nodata_is_not(sheet_panels):
    stored = np.array([[[0, 1000, 2000], [3000, 4000, 5000]]], np.uint16)
    ((panel,),) = sheet_panels(field(1, 2, 3, dtype="uint16", scale=1e-3, offset=-1.0, nodata=0), stored)
    np.testing.assert_allclose(panel.values, [[[np.nan, np.nan, np.nan], [2.0, 3.0, 4.0]]])


def test_a_pixel_that_lacks_a_band_that_is_not_shown_is_missing_too(sheet_panels):
    stored = np.array([[[5, 6, 7, 0], [5, 6, 7, 8]]], np.uint16)
    four = field(1, 2, 4, bands=["x", "y", "z", "w"], dtype="uint16", nodata=0)
    np.testing.assert_array_equal(missing(stored, four), [[True, False]])
    ((panel,),) = sheet_panels(four, stored)
    np.testing.assert_array_equal(np.isnan(panel.values[..., 0]), [[True, False]])


def test_what_the_mask_hides_is_missing_in_the_target_alone(tiny_root, tiny_arrays, monkeypatch, tmp_path):
    shown = []
    monkeypatch.setattr(contact_sheet, "draw_rows", lambda rows, titles, names, *_, **__: shown.append((names, rows)))
    folder = tiny_root / "data/tiny/64"
    contact_sheet.draw(Listing(folder, load_manifest(folder, "tiny")), tmp_path / "sheet.png", 1)
    ((names, rows),) = shown
    for name, row in zip(names, rows, strict=True):
        split, sample = name.split("/")
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
        shown = [Panel(np.ones((4, 4, 3)) if one.kind == "image" else np.ones((4, 4)), mask=one.kind == "mask")]
        shown *= one.time_steps or 1
        return [panel.label for panel in contact_sheet._dated(shown, {"acquired": acquired}, name, one)]

    by_field = {
        "input_image": ["2023-07-01", "2023-07-03T10:20:30Z"],
        "target": ["2023-07-09"],
        "clear": ["2023-07-08"],
    }
    assert labels(by_field, "input_image", series) == ["2023-07-01", "2023-07-03 10:20"]
    assert labels(by_field, "target", image) == ["2023-07-09"]
    assert labels(["2023-07-09"], "target", image) == ["2023-07-09"]
    assert labels(["2023-07-09"], "clear", mask) == labels(by_field, "clear", mask) == [""]
    assert labels(["2023-07-09", "2023-07-01"], "input_image", series) == ["", ""]
    assert labels([], "target", image) == labels({"input_image": ["2023-07-01"]}, "target", image) == [""]


def test_all_samples_and_time_steps_share_one_contrast(sheet_panels):
    one, other = (np.stack([random(4, 4, 3), factor * random(4, 4, 3)]) for factor in (5, 9))
    found = sheet_panels(field(2, 4, 4, 3, bands=UNKNOWN), one, other)
    assert {panel.contrast[:2] for panels in found for panel in panels} == {
        stretch(np.stack([one, other]).astype(np.float64))
    }


def test_input_and_target_of_the_same_bands_share_the_contrast_of_the_target(manifest_of):
    manifest = manifest_of(field(4, 4, 3, bands=UNKNOWN), field(4, 4, 3, bands=UNKNOWN))
    images = [{"input_image": random(1, 4, 4, 3), "target": 3 * random(1, 4, 4, 3)}]
    found = contact_sheet._contrasts(manifest, images)
    assert found["input_image"] == found["target"] and found["target"][:2] == stretch(images[0]["target"])


def test_masks_classes_and_single_numbers(sheet_panels):
    stored = np.array([[[0], [1]], [[1], [1]]], np.uint8)
    mask = field(2, 2, 1, bands=["clear"], dtype="uint8", kind="mask")
    ((panel,),) = sheet_panels(mask, stored, name="clear", clear=mask)
    assert panel.mask and panel.label == "clear"
    np.testing.assert_array_equal(panel.values, stored[..., 0])
    classes = field(2, 2, 1, bands=["0 clear, 1 thin, 2 thick"], dtype="uint8", kind="classes")
    ((panel,),) = sheet_panels(classes, 2 * stored, name="clouds", clouds=classes)
    assert panel.classes == {0: "clear", 2: "thick"}
    days = field(2, 1, 1, 1, bands=["day"], dtype="uint16", units="d")
    (shown,) = sheet_panels(days, np.array([182, 190], np.uint16).reshape(2, 1, 1, 1), name="dates", dates=days)
    assert [panel.text for panel in shown] == ["182 d", "190 d"]
