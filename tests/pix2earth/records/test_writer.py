"""The writer of datasets: what it refuses, what an interruption leaves, and what the index says."""

import csv
import hashlib

import numpy as np
import pytest

from pix2earth.records.format import read
from pix2earth.records.listing import Listing
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.settings.errors import UserError


def manifest(name: str = "made") -> Manifest:
    fields = {
        "input_image": Field(dtype="uint16", shape=[2, 4, 4, 2], bands=["VV", "VH"]),
        "target": Field(dtype="float32", shape=[4, 4, 1], bands=["B04"]),
    }
    return Manifest(name=name, tilesize=4, fields=fields, split=Split(method="scene", seed=1))


def sample(seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        "target": random.normal(size=(4, 4, 1)).astype(np.float32),
        "input_image": random.integers(0, 9, (2, 4, 4, 2), np.uint16),
    }


def write_all(root, seeds=(0, 1, 2), **options) -> Manifest:
    writer = DatasetWriter(root, manifest(), **options)
    with writer:
        for number, seed in enumerate(seeds):
            writer.write(("train", "train", "val")[number], f"tile{number}", sample(seed))
    return writer.manifest


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "made" / "4"


def test_what_is_written_can_be_read(tmp_path, folder):
    with DatasetWriter(tmp_path, manifest()) as writer:
        writer.write(
            "test", "T18.x_1", sample(5), crs="EPSG:32618", transform=[10, 0, 5e5, 0, -10, 4.5e6, 0, 0, 1],
            acquired=["2023-07-01", "2023-07-06"],
        )  # fmt: skip
    arrays, about = read(folder / "test" / "T18.x_1.tfrecord", load_manifest(folder, "made"))
    assert list(arrays) == ["input_image", "target"]
    for name, array in sample(5).items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    assert (about["name"], about["crs"], about["acquired"]) == ("T18.x_1", "EPSG:32618", ["2023-07-01", "2023-07-06"])
    assert about["transform"] == [10, 0, 5e5, 0, -10, 4.5e6]


def test_what_is_not_known_of_a_sample_stays_unknown(tmp_path, folder):
    write_all(tmp_path)
    _, about = read(folder / "val" / "tile2.tfrecord", load_manifest(folder, "made"))
    assert (about["crs"], about["transform"], about["acquired"]) == (None, None, [])


def test_records_with_one_list_of_times_are_as_before_to_the_byte(tmp_path, folder):
    """Checksums of what the writer wrote before times could be stated by field."""
    with DatasetWriter(tmp_path, manifest()) as writer:
        place = {"crs": "EPSG:32618", "transform": [10, 0, 5e5, 0, -10, 4.5e6]}
        writer.write("train", "a", sample(5), **place, acquired=["2023-07-01", "2023-07-06"])
        writer.write("val", "b", sample(6))
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.tfrecord"))]
    assert digests == [
        "a22eca392235844d2fc3be1dc9b37db23bbd7bcc6603342233a89030f60ed794",
        "61d762b9c95e61d2630fd88d3d46d8a4ef5db69d24f90bcf9d77b9b65d72b4fa",
    ]


def test_times_may_belong_to_fields(tmp_path, folder):
    times = {"target": ["2023-07-06T10:00:00Z"], "input_image": ["2023-07-01", "2023-07-03"]}
    with DatasetWriter(tmp_path, manifest()) as writer:
        writer.write("val", "a", sample(), acquired=times)
        writer.write("val", "b", sample(), acquired={"target": ("2023-07-06",)})
    about = [read(folder / "val" / f"{name}.tfrecord", load_manifest(folder, "made"))[1] for name in "ab"]
    assert about[0]["acquired"] == times and list(about[0]["acquired"]) == ["input_image", "target"]
    assert about[1]["acquired"] == {"target": ["2023-07-06"]}


def test_the_manifest_counts_what_was_written(tmp_path, folder):
    written = write_all(tmp_path)
    assert written.records == {"train": 2, "val": 1, "test": 0}
    assert load_manifest(folder, "made") == written
    assert Listing(folder, written).fingerprint == written.fingerprint
    assert sorted(path.name for path in folder.iterdir()) == ["dataset.json", "records.csv", "train", "val"]


def test_the_index_has_a_line_for_every_record(tmp_path, folder):
    write_all(tmp_path)
    with (folder / "records.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["split"], row["name"]) for row in rows] == [("train", "tile0"), ("train", "tile1"), ("val", "tile2")]
    assert [int(row["bytes"]) for row in rows] == [
        (folder / row["split"] / f"{row['name']}.tfrecord").stat().st_size for row in rows
    ]


def test_names_with_commas_and_quotes_survive_the_index(tmp_path, folder):
    names = ['a,b"c', "é ü", "[x]*?"]
    with DatasetWriter(tmp_path, manifest()) as writer:
        for name in names:
            writer.write("train", name, sample())
    assert Listing(folder, writer.manifest).names("train") == sorted(names)


class TestFingerprint:
    def test_is_the_same_for_the_same_samples(self, tmp_path):
        assert write_all(tmp_path / "a").fingerprint == write_all(tmp_path / "b").fingerprint

    @pytest.mark.parametrize("changed", [0, 1, 2])
    def test_changes_when_one_sample_changes(self, tmp_path, changed):
        seeds = [0, 1, 2]
        seeds[changed] = 99
        before, after = write_all(tmp_path / "a"), write_all(tmp_path / "b", seeds)
        assert before.fingerprint != after.fingerprint
        lines = [(tmp_path / root / "made/4/records.csv").read_text().splitlines() for root in "ab"]
        assert [old != new for old, new in zip(*lines, strict=True)] == [
            False, *(number == changed for number in range(3))
        ]  # fmt: skip

    def test_changes_with_what_is_known_of_a_sample(self, tmp_path):
        found = []
        for crs in ("EPSG:32618", "EPSG:32619"):
            with DatasetWriter(tmp_path / crs[-1], manifest()) as writer:
                writer.write("train", "a", sample(), crs=crs)
            found.append(writer.manifest.fingerprint)
        assert found[0] != found[1]

    def test_does_not_depend_on_the_order_of_writing(self, tmp_path):
        found = []
        for order in ((0, 1), (1, 0)):
            with DatasetWriter(tmp_path / str(order), manifest()) as writer:
                for number in order:
                    writer.write("train", f"tile{number}", sample(number))
            found.append(writer.manifest.fingerprint)
        assert found[0] == found[1]


class TestErrors:
    @pytest.fixture
    def writer(self, tmp_path) -> DatasetWriter:
        return DatasetWriter(tmp_path, manifest())

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ({"target": np.zeros((4, 4, 1))}, "field 'target' is float64 .* the manifest says float32"),
            ({"target": np.zeros((4, 5, 1), np.float32)}, r"field 'target' is float32 \[4, 5, 1\]"),
            ({"target": np.zeros((4, 4), np.float32)}, r"field 'target' is float32 \[4, 4\]"),
            ({"input_image": [1, 2]}, "field 'input_image' is "),
            ({"cloud_mask": np.zeros((4, 4, 1))}, "the manifest has no field 'cloud_mask'"),
        ],
    )
    def test_a_field_that_is_not_as_stated_is_refused(self, writer, change, fault):
        with pytest.raises(ValueError, match=f"tile: {fault}"):
            writer.write("train", "tile", sample() | change)
        assert not writer.has("train", "tile")

    def test_a_missing_field_is_refused(self, writer):
        with pytest.raises(ValueError, match="tile: field 'target' is missing"):
            writer.write("train", "tile", {"input_image": sample()["input_image"]})

    def test_an_unknown_split_is_refused(self, writer):
        with pytest.raises(ValueError, match="tile: there is no split 'training', only train, val, test"):
            writer.write("training", "tile", sample())

    @pytest.mark.parametrize("name", ["", "a/b", "../a", ".hidden", ".."])
    def test_a_name_that_cannot_name_a_file_is_refused(self, writer, name):
        with pytest.raises(ValueError, match="cannot name a file"):
            writer.write("train", name, sample())

    @pytest.mark.parametrize("name", ["../made", "/made", ".."])
    def test_a_dataset_cannot_leave_the_data_root(self, tmp_path, name):
        with pytest.raises((ValueError, UserError)):
            DatasetWriter(tmp_path / "data", manifest(name))
        assert not (tmp_path / "made").exists()


class TestInterruption:
    @pytest.fixture
    def interrupted(self, tmp_path, folder):
        """A dataset whose writing an error ended after the first sample."""
        with pytest.raises(RuntimeError), DatasetWriter(tmp_path, manifest()) as writer:
            writer.write("train", "tile0", sample(0))
            raise RuntimeError
        return folder

    def test_leaves_a_dataset_that_is_refused(self, interrupted):
        with pytest.raises(UserError, match="is being written, or writing it was interrupted"):
            load_manifest(interrupted, "made")

    def test_is_continued_by_the_next_writer(self, tmp_path, interrupted):
        kept = (interrupted / "train" / "tile0.tfrecord").stat().st_mtime_ns
        with DatasetWriter(tmp_path, manifest()) as writer:
            assert writer.has("train", "tile0")
            assert not writer.has("val", "tile0")
            writer.write("train", "tile1", sample(1))
            writer.write("val", "tile2", sample(2))
        assert (interrupted / "train" / "tile0.tfrecord").stat().st_mtime_ns == kept
        assert load_manifest(interrupted, "made").fingerprint == write_all(tmp_path / "straight").fingerprint

    def test_while_writing_is_refused_too(self, tmp_path, folder):
        with DatasetWriter(tmp_path, manifest()) as writer:
            writer.write("train", "tile0", sample())
            with pytest.raises(UserError, match="is being written"):
                load_manifest(folder, "made")
        assert load_manifest(folder, "made").records["train"] == 1


class TestCompleteDataset:
    def test_is_not_written_again_by_accident(self, tmp_path, folder):
        write_all(tmp_path)
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        with pytest.raises(UserError, match=r"made/4: the dataset exists; remove the folder"):
            DatasetWriter(tmp_path, manifest())
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before

    def test_is_replaced_on_demand_as_a_whole(self, tmp_path, folder):
        write_all(tmp_path)
        with DatasetWriter(tmp_path, manifest(), replace=True) as writer:
            writer.write("train", "other", sample())
        assert Listing(folder, load_manifest(folder, "made")).names("train") == ["other"]
        assert Listing(folder, load_manifest(folder, "made")).names("val") == []

    def test_is_refused_while_it_is_being_replaced(self, tmp_path, folder):
        write_all(tmp_path)
        with pytest.raises(RuntimeError), DatasetWriter(tmp_path, manifest(), replace=True):
            raise RuntimeError
        with pytest.raises(UserError, match="writing it was interrupted"):
            load_manifest(folder, "made")
