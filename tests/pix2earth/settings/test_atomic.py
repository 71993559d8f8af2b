"""Atomic file writing: files are complete or absent, also after errors."""

import json
import os
import stat

import pytest

from pix2earth.settings import atomic


def paths_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "file"
    with atomic.replacing(path) as temporary:
        temporary.write_text("new")
        assert temporary.parent == path.parent
        assert not path.exists()
    assert path.read_text() == "new"
    assert paths_in(tmp_path) == ["file"]


def test_the_old_file_is_unchanged_until_the_block_ends(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with atomic.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, OSError])
def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(error), atomic.replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise error("no space left")
    assert path.read_text() == "old"
    assert paths_in(tmp_path) == ["file"]


def test_a_block_that_fails_leaves_no_new_file(tmp_path):
    with pytest.raises(ValueError), atomic.replacing(tmp_path / "file") as temporary:
        temporary.write_text("half")
        raise ValueError
    assert paths_in(tmp_path) == []


def test_a_block_that_writes_nothing_is_an_error_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError), atomic.replacing(path):
        pass
    assert path.read_text() == "old"


def test_a_path_that_cannot_be_replaced_leaves_no_temporary_file(tmp_path):
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    with pytest.raises(OSError):
        atomic.write_text(tmp_path / "folder", "text")
    assert paths_in(tmp_path) == ["folder", "folder/inner"]


def test_missing_folders_are_created(tmp_path):
    atomic.write_bytes(tmp_path / "a" / "b" / "c", b"\x00\xff")
    assert (tmp_path / "a" / "b" / "c").read_bytes() == b"\x00\xff"


def test_text_is_utf8_with_plain_line_ends(tmp_path):
    atomic.write_text(tmp_path / "t", "é\n")
    assert (tmp_path / "t").read_bytes() == b"\xc3\xa9\n"


def test_the_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_text("")
    atomic.write_text(tmp_path / "file", "")
    usual, ours = (stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in ("usual", "file"))
    assert ours == usual


def test_json_is_indented_and_keeps_the_order_of_keys(tmp_path):
    content = {"z": [1, 2.5, None, True], "a": {"é": "ü"}}
    atomic.write_json(tmp_path / "x.json", content)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert json.loads(text) == content
    assert text.startswith('{\n  "z"')
    assert '"é": "ü"' in text
    assert text.endswith("}\n")


def test_json_that_cannot_be_written_keeps_the_old_file(tmp_path):
    atomic.write_json(tmp_path / "x.json", {"a": 1})
    with pytest.raises(TypeError):
        atomic.write_json(tmp_path / "x.json", {"a": object()})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 1}
    assert paths_in(tmp_path) == ["x.json"]


def test_sweep_removes_only_temporary_files_of_killed_processes(tmp_path):
    temporary, other, kept = (tmp_path / name for name in (".a_1.tif.4711.part", ".b_1.tif.4711.part", "a_1.tif"))
    for path in (temporary, other, kept):
        path.touch()
    atomic.sweep(tmp_path, "a_*")
    assert sorted(tmp_path.iterdir()) == [other, kept]
    atomic.sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [kept]
