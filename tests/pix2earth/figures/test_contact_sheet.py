"""The contact sheet of a dataset: every field of some samples, with one contrast."""

import numpy as np
import pytest

from pix2earth.figures import contact_sheet
from pix2earth.figures.images import Panel, stretch
from pix2earth.figures.missing import hidden_in_target, missing
from pix2earth.figures.panels.grid import WIDTH
from pix2earth.records.listing import Listing
from pix2earth.records.loading import load_manifest
from pix2earth.settings.errors import UserError
from tests.pix2earth.figures.made_images import UNKNOWN, field, pixels, random


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


def test_rows_that_go_upwards_are_drawn_so(tiny_root, tmp_path, monkeypatch):
    folder = tiny_root / "data/tiny/64"
    stored = load_manifest(folder, "tiny")
    found = []
    monkeypatch.setattr(contact_sheet, "draw_rows", lambda *_, upwards, **__: found.append(upwards))
    for manifest in (stored, stored.model_copy(update={"first_row": "bottom"})):
        contact_sheet.draw(Listing(folder, manifest), tmp_path / "x.png", 1)
    assert found == [False, True]


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


def test_masks_alone_have_no_contrast_to_state(dataset_of, manifest_of, tmp_path, monkeypatch):
    captions = []
    monkeypatch.setattr(contact_sheet, "draw_rows", lambda *_, caption, **__: captions.append(caption))
    mask = field(8, 8, 1, kind="mask", bands=["cloud"], dtype="uint8")
    samples = {"a": {"input_image": np.ones((8, 8, 1), np.uint8), "target": np.ones((8, 8, 1), np.uint8)}}
    contact_sheet.draw(dataset_of(manifest_of(mask, mask), samples).listing, tmp_path / "sheet.png", 2)
    assert len(captions) == 1 and "colours" not in captions[0] and "1 val" in captions[0]
