"""Opening a dataset to write it: new, started, complete, another one, and after an interruption."""

import json

import numpy as np
import pytest

from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.listing import Listing
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import FILE, UNFINISHED, Field, Manifest, Split
from pix2earth.records.resuming import Options, Recipe, open_dataset
from pix2earth.records.writer import DatasetWriter
from pix2earth.settings.errors import UserError

PLANNED = [("train", "a"), ("train", "b"), ("val", "c")]


AVERAGED = Degradation(kind="average", factor=2)
BLURRED = Degradation(kind="gaussian", factor=2, fwhm=2.0)


def manifest(*, scale: float = 1.0, method: str = "scene", seed: int = 1, degradation=None) -> Manifest:
    field = Field(dtype="uint16", shape=[4, 4, 1], bands=["B04"], scale=scale)
    fields = {"input_image": field, "target": field}
    split = Split(method=method, seed=seed)
    return Manifest(name="made", tilesize=4, fields=fields, split=split, degradation=degradation)


def opened(root, planned=PLANNED, *, replace=False, **about):
    options = {key: about.pop(key) for key in ("complete", "recipe", "options") if key in about}
    return open_dataset(root, manifest(**about), planned, replace=replace, **options)


def write(writer: DatasetWriter, planned=PLANNED, *, finish=True) -> None:
    for split, name in planned:
        if not writer.valid(split, name):
            writer.write(
                split, name, dict.fromkeys(("input_image", "target"), np.full((4, 4, 1), ord(name), np.uint16))
            )
    if finish:
        writer.finish()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "made" / "4"


def test_a_complete_dataset_is_not_opened(tmp_path):
    write(opened(tmp_path))
    assert opened(tmp_path) is None


def test_a_started_dataset_keeps_its_samples(tmp_path, folder):
    write(opened(tmp_path), PLANNED[:2], finish=False)
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.tfrecord")}
    write(opened(tmp_path))
    assert len(times) == 2 and {path: path.stat().st_mtime_ns for path in times} == times
    assert Listing(folder, load_manifest(folder, "made")).names("val") == ["c"]


def test_an_interruption_at_the_very_end_is_resumed(tmp_path, folder):
    write(opened(tmp_path))
    before = (folder / FILE).read_bytes()
    (folder / UNFINISHED).touch()
    write(opened(tmp_path))
    assert (folder / FILE).read_bytes() == before and not (folder / UNFINISHED).exists()


@pytest.mark.parametrize("finish", [True, False])
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"scale": 1e-4}, r"has other fields \(another factor\?\)"),
        ({"degradation": BLURRED}, r"has inputs that were made otherwise from their targets \(degradation\)"),
        ({"method": "block"}, r"was split otherwise \(scene, seed 1\)"),
        ({"seed": 2}, r"was split otherwise \(scene, seed 1\)"),
    ],
)
def test_another_manifest_is_refused_and_nothing_is_touched(tmp_path, folder, finish, changed, reason):
    write(opened(tmp_path), finish=finish)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=f"made/4: exists and {reason}; choose another --dataset, or replace"):
        opened(tmp_path, **changed)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_dataset_of_a_former_version_which_averaged_without_stating_it_is_complete(tmp_path):
    write(opened(tmp_path))
    assert opened(tmp_path, degradation=AVERAGED) is None


def test_a_writer_alone_refuses_to_finish_what_another_manifest_started(tmp_path):
    write(opened(tmp_path), PLANNED[:1], finish=False)
    with pytest.raises(UserError, match="writing was started and has other fields"):
        DatasetWriter(tmp_path, manifest(scale=0.5))


@pytest.mark.parametrize(
    ("planned", "reason"),
    [
        ([*PLANNED, ("val", "d")], "holds 3 samples, of other tiles than the 4 planned"),
        ([("val", "a"), ("train", "b"), ("train", "c")], "was split otherwise"),
    ],
)
def test_other_tiles_of_a_complete_dataset_are_refused(tmp_path, planned, reason):
    write(opened(tmp_path))
    with pytest.raises(UserError, match=reason):
        opened(tmp_path, planned)


def test_tiles_that_were_left_out_do_not_make_another_dataset(tmp_path):
    write(opened(tmp_path), PLANNED[1:])
    assert opened(tmp_path, complete=False) is None
    with pytest.raises(UserError, match="holds 2 samples, of other tiles than the 3 planned"):
        opened(tmp_path)


def test_records_of_another_plan_are_refused(tmp_path):
    write(opened(tmp_path), finish=False)
    with pytest.raises(UserError, match=r"c\.tfrecord: does not belong to this dataset .*--replace removes all"):
        opened(tmp_path, PLANNED[:2])


def test_replacing_that_was_interrupted_is_not_mixed_with_the_former_records(tmp_path, folder, monkeypatch):
    write(opened(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr("pix2earth.records.writer.Path.unlink", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            opened(tmp_path, replace=True, scale=0.5)
    with pytest.raises(UserError, match="replacing this dataset was interrupted; replace it again"):
        opened(tmp_path, scale=0.5)
    write(opened(tmp_path, replace=True, scale=0.5))
    assert load_manifest(folder, "made").fields["target"].scale == 0.5


def test_a_dataset_that_a_former_version_started_is_resumed(tmp_path, folder):
    """Former versions marked it by an empty file."""
    write(opened(tmp_path), PLANNED[:1], finish=False)
    (folder / UNFINISHED).write_bytes(b"")
    write(opened(tmp_path))
    assert load_manifest(folder, "made").records == {"train": 2, "val": 1, "test": 0}


class TestRecipe:
    NAMES = Options("--o", "--overwrite")

    def open(self, root, digest, **about):
        recipe = Recipe("recipe.json", {"digest": digest})
        return opened(root, recipe=recipe, options=self.NAMES, **about)

    def test_is_written_beside_the_manifest(self, tmp_path, folder):
        write(self.open(tmp_path, "1"))
        assert json.loads((folder / "recipe.json").read_text()) == {"digest": "1"}
        assert self.open(tmp_path, "1") is None

    def test_another_one_is_refused(self, tmp_path):
        write(self.open(tmp_path, "1"), finish=False)
        with pytest.raises(UserError, match=r"seed or version; choose another --o, or .* --overwrite"):
            self.open(tmp_path, "2")

    def test_a_folder_without_it_holds_something_else(self, tmp_path, folder):
        write(opened(tmp_path))
        with pytest.raises(UserError, match="holds something else"):
            self.open(tmp_path, "1")

    def test_a_damaged_one_is_named(self, tmp_path, folder):
        write(self.open(tmp_path, "1"))
        (folder / "recipe.json").write_text("{")
        with pytest.raises(UserError, match=r"recipe\.json: is damaged"):
            self.open(tmp_path, "1")
