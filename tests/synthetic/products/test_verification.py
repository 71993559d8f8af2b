"""``verify`` reports missing, additional and damaged files, and differences from the index."""

import json
import shutil

import pytest

from synthetic.products.verification import defects

GENERATION = """\
seed: 7
product: {size: {width: 32, height: 24}, horizon: 3, n_polygons: 4, astype: KIND}
source: {kind: physical, bands: [B4, B3, B2]}
"""


@pytest.fixture(params=["h5", "jpg"])
def folder(request, tmp_path, shared_product):
    """A copy of a complete product."""
    return shutil.copytree(shared_product(GENERATION.replace("KIND", request.param)), tmp_path / "data")


@pytest.fixture
def frame(folder):
    return next(folder.glob("frames/frame_1.*"))


def test_a_complete_product_has_no_defects(folder, command):
    assert defects(folder) == []
    assert command("verify", folder) == (0, [])


@pytest.mark.parametrize("size", [0, 20, -1])
def test_truncated_files_are_reported(folder, frame, command, size):
    frame.write_bytes(frame.read_bytes()[:size])
    status, lines = command("verify", folder)
    assert status == 1
    assert len(lines) == 1
    assert lines[0].startswith(f"{frame}: is damaged (")


def test_a_changed_byte_is_reported(folder, command):
    frame = folder / "annotations/annotation_0.h5"
    content = bytearray(frame.read_bytes())
    content[-40] ^= 255  # compressed data have a checksum
    frame.write_bytes(content)
    assert command("verify", folder)[0] == 1


@pytest.mark.parametrize("name", ["frames/frame_3.h5", "frames/.frame_1.h5.9.part", "other/x", "frames/inner/x"])
def test_additional_files_are_reported(folder, command, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("")
    assert command("verify", folder) == (1, [f"{folder / name}: is not in index.json"])


def test_missing_files_are_reported(folder, frame, command):
    frame.unlink()
    assert command("verify", folder) == (1, [f"{frame}: is missing"])


def change_index(folder, change):
    path = folder / "index.json"
    index = json.loads(path.read_text())
    change(index)
    path.write_text(json.dumps(index))


def test_dates_that_do_not_rise_are_reported(folder, command):
    change_index(folder, lambda index: index["dates"].update({"2": index["dates"]["1"]}))
    assert command("verify", folder) == (1, [f"{folder / 'index.json'}: dates do not rise"])


def test_wrong_counts_are_reported(folder, command):
    change_index(folder, lambda index: index["features"].update(nframes=6))
    assert command("verify", folder) == (1, [f"{folder / 'index.json'}: counts 6 frames, lists 3"])


def test_wrong_sizes_are_reported(folder, command):
    change_index(folder, lambda index: index["features"].update(width=31))
    status, lines = command("verify", folder)
    assert status == 1
    assert len(lines) == 4
    assert all("is (24, 32), the index has (24, 31)" in line for line in lines)


def test_a_folder_without_product_is_an_error(tmp_path, command):
    assert command("verify", tmp_path) == (2, [f"{tmp_path}: holds no product (index.json is missing)"])
