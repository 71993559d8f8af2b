"""Verification of all records of a dataset."""

import shutil

import numpy as np
import pytest

from pix2earth.records import format
from pix2earth.records.listing import open_folder
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.verification import verify
from pix2earth.records.writer import DatasetWriter
from tests.pix2earth.record_files import flip_bit, position_of, write_arisgan_record


@pytest.fixture
def folder(tiny_root):
    return tiny_root / "data" / "tiny" / "64"


def result(folder, capfd) -> tuple[int, str, str]:
    """Return the number of damaged records, stdout and stderr."""
    return (verify(open_folder(str(folder))), *capfd.readouterr())


def test_an_intact_dataset_has_no_damaged_records(folder, capfd):
    damaged, out, _ = result(folder, capfd)
    assert (damaged, out) == (0, "18 records checked, 0 damaged\n")


@pytest.mark.parametrize("field", ["input_image", "target", "cloud_mask"])
def test_file_and_field_of_damage_are_named(folder, capfd, tiny_arrays, field):
    path = folder / "val" / "val02.tfrecord"
    flip_bit(path, position_of(path, tiny_arrays["val"]["val02"][field]))
    damaged, out, errors = result(folder, capfd)
    assert (damaged, out) == (1, "18 records checked, 1 damaged\n")
    assert f"{path}: field '{field}' does not match its hash" in errors


def test_every_damaged_file_is_named(folder, capfd):
    paths = [folder / "train" / "train01.tfrecord", folder / "val" / "val05.tfrecord"]
    paths[0].write_bytes(paths[0].read_bytes()[:100])
    flip_bit(paths[1], 9)
    damaged, out, errors = result(folder, capfd)
    assert (damaged, out) == (2, "18 records checked, 2 damaged\n")
    assert f"{paths[0]}: the record is truncated" in errors
    assert f"{paths[1]}: the record's checksum does not match" in errors


def test_an_intact_record_that_was_exchanged_is_damage(folder, capfd):
    shutil.copy(folder / "val" / "val01.tfrecord", folder / "val" / "val02.tfrecord")
    damaged, _, errors = result(folder, capfd)
    assert damaged == 1
    assert f"{folder / 'val' / 'val02.tfrecord'}: is not as records.csv lists it" in errors


def test_a_record_that_is_not_in_the_index_is_damage(folder, capfd):
    shutil.copy(folder / "val" / "val01.tfrecord", folder / "val" / "more.tfrecord")
    damaged, out, errors = result(folder, capfd)
    assert (damaged, out) == (1, "19 records checked, 1 damaged\n")
    assert f"{folder / 'val' / 'more.tfrecord'}: is not as records.csv lists it" in errors


def test_an_index_that_does_not_match_the_manifest_is_damage(folder, capfd):
    manifest = load_manifest(folder, "tiny")
    manifest.model_copy(update={"fingerprint": "sha256:0"}).save(folder)
    damaged, _, errors = result(folder, capfd)
    assert damaged == 1
    assert "fingerprint" in errors


def test_a_missing_record_is_named(folder, capfd):
    path = folder / "val" / "val01.tfrecord"
    path.unlink()
    damaged, out, errors = result(folder, capfd)
    assert (damaged, out) == (1, "18 records checked, 1 damaged\n")
    assert f"{path}: the record is missing\n" in errors


def test_records_of_the_original_arisgan_code_are_verified(tmp_path, capfd):
    intact, other = (tmp_path / "alt3" / "8" / "train" / f"{name}.tfrecord" for name in ("intact", "other"))
    for path in (intact, other):
        write_arisgan_record(path, raw_s2=np.ones((8, 8, 3)), raw_s2_alt=np.ones((8, 8, 3)))
    assert result(tmp_path / "alt3", capfd)[0] == 0
    write_arisgan_record(other, raw_s2=np.ones((8, 8, 3)), raw_s3=np.ones((8, 8, 3)))
    damaged, _, errors = result(tmp_path / "alt3", capfd)
    assert damaged == 1
    assert f"{other}: field 'raw_s2_alt' is missing" in errors


def write_dated(tmp_path, *times):
    """Write a dataset of one sample for each of these times of acquisition, whatever they are; return its folder."""
    image = Field(dtype="uint16", shape=[4, 4, 1], bands=["x"])
    series = Field(dtype="uint16", shape=[2, 4, 4, 1], bands=["x"])
    manifest = Manifest(
        name="dated", tilesize=4, fields={"input_image": series, "target": image}, split=Split(method="by hand")
    )
    arrays = {name: np.ones(field.shape, np.uint16) for name, field in manifest.fields.items()}
    with DatasetWriter(tmp_path, manifest) as writer:
        for number, acquired in enumerate(times):
            writer.write("val", f"s{number}", arrays)
            about = {"name": f"s{number}", "crs": None, "acquired": acquired, "transform": None}
            writer.path("val", f"s{number}").write_bytes(format.framed(format.encode(arrays, about)))
    return tmp_path / "dated" / "4"


def test_times_of_fields_are_shown(tmp_path, capfd):
    folder = write_dated(
        tmp_path,
        {"input_image": ["2023-07-01T10:00:00Z", "2023-07-09"], "target": ["2023-07-10"]},
        {"input_image": ["2023-06-30"], "target": ["2023-07-02"]},
        ["2020-01-01"],
    )
    damaged, out, _ = result(folder, capfd)
    assert damaged == 0 and out.splitlines() == [
        "3 records checked, 0 damaged",
        "  input_image: acquired from 2023-06-30 to 2023-07-09",
        "  target: acquired from 2023-07-02 to 2023-07-10",
    ]


def test_times_that_do_not_fit_the_fields_are_defects(tmp_path, capfd):
    folder = write_dated(tmp_path, {"targt": ["2023-07-01"]}, {"target": ["2023-07-01", "2023-07-02"]})
    damaged, _, errors = result(folder, capfd)
    assert damaged == 2
    assert (
        f"{folder / 'val' / 's0.tfrecord'}: s0: acquired: there is no field 'targt'; did you mean 'target'?" in errors
    )
    assert "s1: acquired: target: must be a list of one time, not ['2023-07-01', '2023-07-02']" in errors
