"""The format of records: fields and metadata are read as they were written, and damage is found."""

import json
import os
import subprocess
import sys
import typing
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from experiment import PROJECT, Environment, open_experiment
from pix2earth.batches.dataset import Dataset
from pix2earth.records import format
from pix2earth.records.field import Dtype
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter

DTYPES = typing.get_args(Dtype)
METADATA = {
    "name": "T18_é_7", "crs": "EPSG:32618", "transform": [10.0, 0.0, 5e5, 0.0, -10.0, 4.5e6],
    "acquired": ["2023-07-01T15:00:00Z", "2023-07-06T15:00:00Z"],
}  # fmt: skip


def field(array: np.ndarray) -> Field:
    bands = [f"b{number}" for number in range(array.shape[-1])]
    return Field(dtype=array.dtype.name, shape=list(array.shape), bands=bands)


def manifest_of(arrays: dict[str, np.ndarray]) -> Manifest:
    first, *_, last = arrays
    return Manifest(
        name="small", tilesize=4, fields={name: field(array) for name, array in arrays.items()}, input=first,
        target=last, split=Split(method="synthetic"),
    )  # fmt: skip


def extremes(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers over the whole range of a type with its limits and, for floats, NaN and infinities."""
    kind, random = np.dtype(dtype), np.random.default_rng(7)
    if kind.kind == "f":
        values = random.normal(size=shape).astype(kind)
        special = [np.nan, np.inf, -np.inf, -0.0, np.finfo(kind).max, np.finfo(kind).smallest_subnormal]
    else:
        limits = np.iinfo(kind)
        values = random.integers(limits.min, limits.max, shape, dtype=kind, endpoint=True)
        special = [limits.min, limits.max, 0, 1, 256 % limits.max, 0]
    values.flat[: len(special)] = np.array(special, dtype=kind)
    return values


def small_arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    return {
        "input_image": random.integers(0, 60000, (2, 3, 2), np.uint16),
        "mask": random.integers(0, 2, (2, 2, 1), np.uint8),
        "target": random.normal(size=(2, 2, 2, 1)).astype(np.float32),
    }


def file_of(arrays: dict[str, np.ndarray]) -> bytes:
    return format.framed(format.encode(arrays, METADATA))


@pytest.fixture
def small() -> dict[str, np.ndarray]:
    return small_arrays()


@pytest.fixture
def manifest(small) -> Manifest:
    return manifest_of(small)


@pytest.fixture
def content(small) -> bytes:
    return file_of(small)


def write_dataset(root: Path, manifest: Manifest, contents: list[bytes]) -> None:
    """Write files of any content as the validation samples 00000, 00001, ... of a dataset, and its experiment."""
    writer = DatasetWriter(root / "data", manifest)
    for number, content in enumerate(contents):
        path = writer.path("val", f"{number:05d}")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    writer.finish()
    (root / "environment.json").write_text("{}")
    (root / "experiments" / "small").mkdir(parents=True)
    (root / "experiments" / "small" / "experiment.json").write_text(
        json.dumps({"model_name": "template", "dataset": "small", "tilesize": manifest.tilesize})
    )


def identical(array: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two arrays are equal bit for bit."""
    return array.dtype == other.dtype and array.shape == other.shape and array.tobytes() == other.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 5, 3), (2, 3, 4, 2)], ids=["without time", "with time"])
class TestRoundTrip:
    def test_by_read(self, tmp_path, dtype, shape):
        arrays = {"input_image": extremes(dtype, shape), "target": extremes("uint8", (3, 3, 1))}
        path = tmp_path / "a.tfrecord"
        path.write_bytes(file_of(arrays))
        stored, metadata = format.read(path, manifest_of(arrays))
        assert list(stored) == list(arrays)
        assert all(identical(stored[name], arrays[name]) for name in arrays)
        assert {key: metadata[key] for key in METADATA} == METADATA

    def test_in_the_pipeline(self, tmp_path, dtype, shape):
        samples = [{"input_image": extremes(dtype, shape), "target": np.full((1, 1, 1), k, np.uint8)} for k in (1, 2)]
        write_dataset(tmp_path, manifest_of(samples[0]), [file_of(arrays) for arrays in samples])
        experiment = open_experiment("small", Environment(tmp_path / "environment.json"), "0101-0000")
        (batch,) = Dataset(experiment).batches("val")
        for name in samples[0]:
            assert identical(batch[name].numpy(), np.stack([arrays[name] for arrays in samples]))


def test_views_and_big_endian_arrays_are_stored_as_their_values(tmp_path):
    plain = np.arange(24, dtype=np.int16).reshape(2, 4, 3)
    path = tmp_path / "a.tfrecord"
    for array in (plain[:, ::-1][:, ::-1], np.asfortranarray(plain), plain.astype(">i2")):
        path.write_bytes(file_of({"a": array, "b": array}))
        stored, _ = format.read(path, manifest_of({"a": plain, "b": plain}))
        assert identical(stored["a"], plain)


def test_the_file_is_an_ordinary_tfrecord_of_one_example(tmp_path, content, small):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(content)
    # TFRecordDataset checks both checksums.
    (payload,) = tf.data.TFRecordDataset([str(path)]).as_numpy_iterator()
    features = tf.train.Example.FromString(payload).features.feature
    assert set(features) >= {*small, "about", "shapes", "farmhash"}
    for name, array in small.items():
        (stored,) = features[name].bytes_list.value
        assert stored == array.tobytes()
    assert list(features["shapes"].int64_list.value) == [2, 3, 2, 2, 2, 1, 2, 2, 2, 1]
    metadata = json.loads(features["about"].bytes_list.value[0])
    assert metadata["fields"]["input_image"] == {"dtype": "uint16", "shape": [2, 3, 2]}


def test_the_same_sample_gives_the_same_bytes(small):
    copies = {name: array.copy() for name, array in small.items()}
    assert format.encode(small, METADATA) == format.encode(copies, METADATA)


@pytest.mark.parametrize("size", [0, 1, 12, 1000, 70_000])
def test_framing_is_byte_for_byte_what_tensorflow_writes(tmp_path, size):
    payload = np.random.default_rng(size).bytes(size)
    path = str(tmp_path / "reference.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(payload)
    with open(path, "rb") as reference:
        assert format.framed(payload) == reference.read()


# ---- damage --------------------------------------------------------------------------------------------------------

BITS = (0x01, 0x80, 0xFF)
CUTS = (0, 1, 7, 8, 11, 12, 15, 16, 17, 100, -20, -5, -4, -1)
RANDOM_SIZES = (0, 1, 2, 3, 10, 100, 1000)


def flipped(content: bytes, position: int, bits: int) -> bytes:
    damaged = bytearray(content)
    damaged[position] ^= bits
    return bytes(damaged)


def other_samples() -> dict[str, dict[str, np.ndarray]]:
    """Return samples that do not match the manifest of the small one, by the kind of difference."""
    small = small_arrays()
    return {
        "missing": {name: array for name, array in small.items() if name != "mask"},
        "larger": small | {"mask": np.zeros((2, 3, 1), np.uint8)},
        "reshaped": small | {"input_image": small["input_image"].reshape(3, 2, 2)},
        "wider": small | {"target": small["target"].astype(np.float64)},
    }


def variants() -> dict[tuple, bytes]:
    """Return damaged files, which the pipeline must refuse or read without a change; the first is intact."""
    content, random = file_of(small_arrays()), np.random.default_rng(0)
    return {
        ("intact",): content,
        **{
            ("flip", bits, position): flipped(content, position, bits)
            for bits in BITS
            for position in range(len(content))
        },
        **{("cut", left): content[:left] for left in CUTS},
        **{("more", number): content + more for number, more in enumerate((b"\0", content))},
        **{("random", size, n): format.framed(random.bytes(size)) for size in RANDOM_SIZES for n in range(5)},
        ("zeros",): bytes(len(content)),
        **{("other", name): file_of(arrays) for name, arrays in other_samples().items()},
    }


# TensorFlow's parser of examples can end the whole process on a damaged one, so all are read in another process.
SCRIPT = """
import sys
import tensorflow as tf
from pix2earth.batches.dataset import Dataset
from experiment import PROJECT, Environment, open_experiment

dataset = Dataset(open_experiment("small", Environment(sys.argv[1]), "0101-0000"))
batches, first = iter(dataset.batches("val", batch=1)), None
for name in dataset.names("val"):
    print(name, end=" ", flush=True)
    try:
        fields = {field: (value.shape, value.numpy().tobytes()) for field, value in next(batches).items()}
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        print(type(error).__name__, flush=True)
        continue
    first = first or fields
    print("same" if fields == first else "changed", flush=True)
assert next(batches, None) is None
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[tuple, str]:
    """For each variant: "same" fields as of the intact one, "changed", or the name of the pipeline's error."""
    root = tmp_path_factory.mktemp("damage")
    files = variants()
    write_dataset(root, manifest_of(small_arrays()), list(files.values()))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, root / "environment.json"], cwd=PROJECT, capture_output=True, text=True,
        errors="replace", timeout=300, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    last = list(files)[len(lines) - 1]
    assert done.returncode == 0, f"ended with status {done.returncode} at {last}: {done.stderr[-300:]}"
    return {key: line.split(" ", 1)[1] for key, line in zip(files, lines, strict=True)}


class TestDamageInThePipeline:
    def test_an_intact_record_is_read(self, outcomes):
        assert outcomes["intact",] == "same"

    def test_of_any_byte_never_changes_a_field(self, outcomes, content):
        by_position = {key[2]: outcome for key, outcome in outcomes.items() if key[0] == "flip"}
        assert "changed" not in by_position.values()
        # Only damage of the framing's CRC-32C may pass: 4 bytes after the length, 4 at the end.
        passed = {position for position, outcome in by_position.items() if outcome == "same"}
        assert passed <= {8, 9, 10, 11, *range(len(content) - 4, len(content))}

    @pytest.mark.parametrize("kind", ["cut", "random", "zeros", "other"])
    def test_of_other_kinds_is_an_error(self, outcomes, kind):
        read = [key for key, outcome in outcomes.items() if key[0] == kind and outcome in ("same", "changed")]
        assert read == []

    def test_of_additional_bytes_never_changes_a_field(self, outcomes):
        assert "changed" not in [outcome for key, outcome in outcomes.items() if key[0] == "more"]

    @pytest.mark.parametrize("kind", ["flip", "other"])
    def test_is_an_error_of_tensorflow(self, outcomes, kind):
        # Where TensorFlow's message contains bytes of the record, Python fails to decode it and raises another error.
        assert [key for key, outcome in outcomes.items() if key[0] == kind and outcome == "UnicodeDecodeError"] == []


class TestDefects:
    @pytest.fixture
    def defects(self, tmp_path, manifest):
        """``defects(content)``: the defects of a file with this content."""
        path = tmp_path / "a.tfrecord"

        def defects_of(content: bytes) -> list[str]:
            path.write_bytes(content)
            return format.defects(path, manifest)

        return defects_of

    def test_an_intact_record_has_none(self, defects, content):
        assert defects(content) == []

    @pytest.mark.parametrize("bits", BITS, ids=["lowest bit", "highest bit", "all bits"])
    def test_of_a_flipped_bit_anywhere_are_found(self, defects, content, bits):
        assert [position for position in range(len(content)) if not defects(flipped(content, position, bits))] == []

    def test_of_a_field_name_the_field(self, defects, content, small):
        for name, array in small.items():
            damaged = flipped(content, content.index(array.tobytes()), 4)
            assert defects(damaged) == [f"field '{name}' does not match its hash: bits were flipped"]

    @pytest.mark.parametrize("left", CUTS)
    def test_of_a_truncated_record_are_reported_as_such(self, defects, content, left):
        (defect,) = defects(content[:left])
        assert defect.startswith("the record is truncated")

    def test_of_additional_bytes_are_found(self, defects, content):
        assert defects(content + b"\0")
        assert defects(content + content)

    @pytest.mark.parametrize("size", RANDOM_SIZES)
    def test_of_random_bytes_are_found(self, defects, size):
        assert defects(format.framed(np.random.default_rng(size).bytes(size)))

    def test_of_a_missing_record_are_reported_as_such(self, tmp_path, manifest):
        assert format.defects(tmp_path / "gone.tfrecord", manifest) == ["the record is missing"]

    @pytest.mark.parametrize(
        ("other", "defect"),
        [
            ("missing", "field 'mask' is missing"),
            ("larger", "field 'mask' has shape [2, 3, 1] (6 bytes), not [2, 2, 1] uint8 (4 bytes)"),
            ("reshaped", "field 'input_image' has shape [3, 2, 2] (24 bytes), not [2, 3, 2] uint16 (24 bytes)"),
            ("wider", "field 'target' has shape [2, 2, 2, 1] (64 bytes), not [2, 2, 2, 1] float32 (32 bytes)"),
        ],
    )
    def test_of_an_intact_record_of_another_manifest_name_the_field(self, defects, other, defect):
        assert defect in defects(file_of(other_samples()[other]))

    def test_are_an_error_with_file_and_field_when_read(self, tmp_path, content, manifest, small):
        path = tmp_path / "a.tfrecord"
        path.write_bytes(flipped(content, content.index(small["target"].tobytes()), 1))
        with pytest.raises(ValueError, match=r"a\.tfrecord: field 'target' does not match its hash"):
            format.read(path, manifest)


def test_hashes_are_those_of_farmhash():
    # Part of the file format. FarmHash64 of the empty string is its constant k2; the other was computed on x86-64.
    empty = 0x9AE16A3B2F90404F % (2**63 - 1)
    assert format.farmhash([b"", b"pix2earth"]).numpy().tolist() == [empty, 1710603475714333611]


def test_a_record_without_the_checksum_feature_is_an_error_though_its_crc_is_right(tmp_path, content, manifest):
    example = tf.train.Example.FromString(content[format.FRAME_HEAD : -format.FRAME_TAIL])
    del example.features.feature[format.CHECKSUM]
    path = tmp_path / "x.tfrecord"
    path.write_bytes(format.framed(example.SerializeToString(deterministic=True)))
    assert format.defects(path, manifest) == ["the record has no valid FarmHash checksum: another program wrote it"]
