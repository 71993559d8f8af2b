"""Products on disk: stored values, bytes, starting, resuming, and reading."""

import json
import time

import h5py
import numpy as np
import pytest
from PIL import Image

from pix2earth.settings.errors import UserError
from synthetic.observing.steps import SyntheticFrame
from synthetic.products import product
from synthetic.tables.sensors import sensor
from tests.folders import everything


def frame_of(side: int = 12, **change) -> SyntheticFrame:
    random = np.random.default_rng(7)
    image = random.random((side, side, 3)).astype(np.float32) * 0.6
    labels = random.integers(1, 5, (side, side, 2)).astype(np.int16)
    arguments = {
        "image": image, "labels": labels, "bands": ("B4", "B3", "B2"),
        "sensor": sensor("sentinel2", ("B4", "B3", "B2")), "gsd": 10.0,
    }  # fmt: skip
    return SyntheticFrame(**{**arguments, **change})


def properties(**change) -> dict:
    return {
        "bands": ["B4", "B3", "B2"], "sensor": "sentinel2", "gsd": 10.0, "dtype": "uint16", "astype": "h5",
        "dates": {str(number): f"2021-01-0{number + 1}T10:30:00" for number in range(3)}, "scene": 0, "seed": 7,
        "latitude": 50.0, **change,
    }  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def earlier(tmp_path_factory):
    """Folder of a frame that was written before the other tests, and the time."""
    folder = tmp_path_factory.mktemp("earlier")
    product.write_frame(folder, 0, frame_of(), dtype="uint16")
    return folder, time.monotonic()


@pytest.fixture
def folder(tmp_path):
    """A complete product of frames 0 and 2."""
    place = tmp_path / "data"
    assert product.start(place, "first", overwrite=False)
    for number in (0, 2):
        product.write_frame(place, number, frame_of(), dtype="uint16")
    product.finish(place, [0, None, 2], properties(), {"configuration": {}, "digest": "first"})
    return place


def test_reflectance_is_stored_to_half_a_step():
    values = np.random.default_rng(7).uniform(-0.09, 1.1, 100_000).astype(np.float32)
    decoded = product.encode_reflectance(values) * 1e-4 - 0.1
    # The numbers are float32: their own spacing near 1 is 1.2e-7.
    assert np.abs(decoded - values).max() <= 0.5e-4 + np.finfo(np.float32).eps


def test_no_reflectance_is_stored_as_nodata():
    assert product.encode_reflectance(np.array([-5.0, -0.1, 0.0, 100.0])).tolist() == [1, 1, 1000, 65535]


def test_a_frame_is_read_as_it_was_written(folder):
    index = product.load_index(folder)
    frame = product.read_frame(folder, index, 2)
    assert np.abs(frame.image - frame_of().image).max() <= 0.5e-4 + np.finfo(np.float32).eps
    np.testing.assert_array_equal(frame.labels, frame_of().labels)
    assert frame.bands == ("B4", "B3", "B2")
    assert frame.sensor == sensor("sentinel2", ("B4", "B3", "B2"))
    assert (frame.gsd, frame.alpha, frame.class_fraction) == (10.0, None, None)


def test_clouds_and_class_fractions_are_stored(tmp_path):
    random = np.random.default_rng(8)
    alpha, classes = random.integers(0, 256, (12, 12), np.uint8), random.integers(0, 4, (12, 12)).astype(np.uint8)
    fractions = random.random((12, 12, 8)).astype(np.float32)
    product.start(tmp_path, "x", overwrite=False)
    written = frame_of(alpha=alpha, cloud_class=classes, class_fraction=fractions)
    product.write_frame(tmp_path, 0, written, dtype="float32")
    product.finish(tmp_path, [0], properties(dtype="float32"), {"digest": "x"})
    index = product.load_index(tmp_path)
    frame = product.read_frame(tmp_path, index, 0)
    for name in ("image", "alpha", "cloud_class", "class_fraction"):
        np.testing.assert_array_equal(getattr(frame, name), getattr(written, name))
    assert index["cloud_cover"]["0"] == pytest.approx(np.isin(classes, (1, 2)).mean(), abs=1e-6)


def test_the_index_lists_the_files_on_disk(folder):
    index = json.loads((folder / "index.json").read_text())
    assert index["features"] == {"width": 12, "height": 12, "nbands": 3, "horizon": 3, "ndigit": 4, "nframes": 2}
    assert index["files"] == {
        "0": {"frame": "frames/frame_0.h5", "annotation": "annotations/annotation_0.h5"},
        "1": None,
        "2": {"frame": "frames/frame_2.h5", "annotation": "annotations/annotation_0.h5"},
    }
    assert sorted(everything(folder)) == [
        "annotations/annotation_0.h5", "frames/frame_0.h5", "frames/frame_2.h5", "index.json",
    ]  # fmt: skip


def test_frames_can_be_read_with_h5py_only(folder):
    with h5py.File(folder / "frames/frame_0.h5") as file:
        data = file["data"]
        assert data.shape == (12, 12, 3)
        assert data.dtype == np.uint16
        physical = data[:] * data.attrs["scale_factor"] + data.attrs["add_offset"]
    np.testing.assert_allclose(physical, frame_of().image, atol=0.51e-4)


def test_jpeg_frames_have_the_values_of_the_image(tmp_path):
    image = np.full((64, 64, 3), [0.0, 0.5, 1.7], np.float32)
    product.write_frame(tmp_path, 0, frame_of(side=64, image=image), dtype="float32", astype="jpg")
    pixel = np.asarray(Image.open(tmp_path / "frames/frame_0.jpg"))[30, 30].astype(int)
    assert np.abs(pixel - [0, 128, 255]).max() <= 3


class TestStart:
    def test_a_complete_product_is_not_changed(self, folder):
        before = everything(folder)
        assert not product.start(folder, "first", overwrite=False)
        assert everything(folder) == before

    def test_a_product_of_another_configuration_is_refused(self, folder):
        before = everything(folder)
        with pytest.raises(UserError, match=r"data: holds a product of another configuration; .* or --overwrite it"):
            product.start(folder, "second", overwrite=False)
        assert everything(folder) == before

    def test_overwrite_removes_the_files_of_the_product(self, folder):
        (folder / "sheet.png").write_text("of the user")
        assert product.start(folder, "second", overwrite=True)
        assert everything(folder) == {"index.json.unfinished": b"second", "sheet.png": b"of the user"}

    def test_a_folder_without_product_is_never_overwritten(self, tmp_path):
        (tmp_path / "frames").mkdir()
        (tmp_path / "frames" / "frame_0.h5").write_text("of the user")
        for overwrite in (False, True):
            with pytest.raises(UserError, match="is not empty and holds no product"):
                product.start(tmp_path, "first", overwrite=overwrite)
        assert everything(tmp_path) == {"frames/frame_0.h5": b"of the user"}

    def test_a_file_instead_of_a_folder_is_an_error(self, tmp_path):
        (tmp_path / "x").write_text("")
        with pytest.raises(UserError, match="x: is a file; choose another --o"):
            product.start(tmp_path / "x", "first", overwrite=False)

    def test_an_interrupted_product_is_resumed(self, tmp_path):
        product.start(tmp_path, "first", overwrite=False)
        product.write_frame(tmp_path, 0, frame_of(), dtype="uint16")
        (tmp_path / "frames" / ".frame_1.h5.123.part").write_text("half")
        content = (tmp_path / "frames/frame_0.h5").read_bytes()
        assert product.start(tmp_path, "first", overwrite=False)
        assert product.has_frame(tmp_path, 0)
        assert not product.has_frame(tmp_path, 1)
        assert (tmp_path / "frames/frame_0.h5").read_bytes() == content
        assert not list(tmp_path.rglob("*.part"))

    def test_an_interrupted_product_of_another_configuration_is_refused(self, tmp_path):
        product.start(tmp_path, "first", overwrite=False)
        with pytest.raises(UserError, match="holds an unfinished product of another configuration"):
            product.start(tmp_path, "second", overwrite=False)
        assert product.start(tmp_path, "second", overwrite=True)

    def test_an_interruption_before_the_end_is_resumed(self, folder):
        """Both the index and the marker of an unfinished product exist."""
        (folder / "index.json.unfinished").write_text("first")
        with pytest.raises(UserError, match="is not complete"):
            product.load_index(folder)
        assert product.start(folder, "first", overwrite=False)

    def test_an_interrupted_removal_leaves_no_frames_of_two_products(self, folder, monkeypatch):
        monkeypatch.setattr("pathlib.Path.glob", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            product.start(folder, "second", overwrite=True)
        monkeypatch.undo()
        for digest in ("first", "second"):
            with pytest.raises(UserError, match="holds an unfinished product of another configuration"):
                product.start(folder, digest, overwrite=False)


class TestReading:
    def test_a_folder_without_product_is_an_error(self, tmp_path):
        with pytest.raises(UserError, match=r"holds no product \(index.json is missing\)"):
            product.load_index(tmp_path)

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text[:100], lambda text: "[]", lambda text: "3", lambda text: "{}",
            lambda text: text.replace('"bands"', '"brands"'), lambda text: text.replace("frames/frame_0", "../frame_0"),
            lambda text: text.replace('"2": {', '"two": {'),
        ],
    )  # fmt: skip
    def test_a_damaged_index_is_an_error(self, folder, change):
        path = folder / "index.json"
        path.write_text(change(path.read_text()))
        with pytest.raises(UserError, match=r"index\.json: is damaged; write the product again"):
            product.load_index(folder)

    @pytest.mark.parametrize("name", ["frames/frame_2.h5", "annotations/annotation_0.h5"])
    @pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"x" * 900)])
    def test_a_missing_or_damaged_file_is_an_error(self, folder, name, damage):
        damage(folder / name)
        with pytest.raises(UserError, match=rf"{name}: is missing or damaged"):
            product.read_frame(folder, product.load_index(folder), 2)

    def test_a_file_without_its_array_is_an_error(self, folder):
        product.write_h5(folder / "frames/frame_2.h5", {"date": np.zeros((12, 12))})
        with pytest.raises(UserError, match=r"frame_2\.h5: is missing or damaged \('data'\)"):
            product.read_frame(folder, product.load_index(folder), 2)

    def test_jpeg_frames_cannot_be_derived_from(self, tmp_path):
        product.start(tmp_path, "x", overwrite=False)
        product.write_frame(tmp_path, 0, frame_of(), dtype="uint16", astype="jpg")
        product.finish(tmp_path, [0], properties(astype="jpg"), {"digest": "x"})
        with pytest.raises(UserError, match="JPEG, which cannot be derived from; generate them with astype h5"):
            product.read_frame(tmp_path, product.load_index(tmp_path), 0)


def test_bytes_do_not_depend_on_the_time_of_writing(tmp_path, earlier):
    folder, start = earlier
    time.sleep(max(0.0, start + 1.1 - time.monotonic()))  # formats that store times store seconds
    product.write_frame(tmp_path, 0, frame_of(), dtype="uint16")
    assert everything(folder) == everything(tmp_path)
