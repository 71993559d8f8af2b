"""One sample, one ordinary TFRecord file: raw bytes of named fields, their shapes and hashes, and where it lies.

A record is one ``tf.train.Example`` with these features:

========== ============= ==============================================================================
<field>    bytes         the array, C order, little-endian, in the dtype of the manifest
about      bytes         JSON: name, crs, transform, acquired, and dtype and shape of every field
shapes     int64 list    the shapes of all fields, one after the other, in the order of the manifest
farmhash   int64 list    FarmHash of each field's bytes in that order, then of ``about``
~farmhash  bytes         the seal: FarmHash (8 bytes, little-endian) of the whole example before these bytes
========== ============= ==============================================================================

The seal lets the pipeline check every record at the speed of reading, before it parses it; the hashes of the fields
tell which one is damaged. The CRC-32C that TFRecord files have anyway is checked by ``python dataset.py verify``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import tensorflow as tf

from pix2earth.records.manifest import Field, Manifest

# Sorts behind all field names, hence its eight bytes end the example: the hash of everything before them.
# It is checked before the example is parsed, because TensorFlow's parser can crash on a damaged one.
CHECKSUM = "~farmhash"
# How tf.data reports a damaged record; its message may hold bytes that are no text.
DAMAGE = (tf.errors.OpError, UnicodeDecodeError)
HASH_BUCKETS = 2**63 - 1
FRAME_HEAD, FRAME_TAIL = 12, 4


def farmhash(payloads: Any) -> tf.Tensor:
    """Return the FarmHash (int64) of each text in a tensor of texts."""
    return tf.strings.to_hash_bucket_fast(payloads, HASH_BUCKETS)


def encode(fields: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> bytes:
    """Serialise one sample.

    Args:
        fields: arrays by name, in the order of the manifest.
        about: name, crs, transform and acquisition times; ``fields`` is added.
    """
    payloads = {name: _little_endian(array).tobytes() for name, array in fields.items()}
    described = {name: {"dtype": array.dtype.name, "shape": list(array.shape)} for name, array in fields.items()}
    text = json.dumps({**about, "fields": described}).encode()
    shapes = [side for array in fields.values() for side in array.shape]
    hashes = farmhash([*payloads.values(), text]).numpy()
    features = {name: _bytes(payload) for name, payload in payloads.items()}
    features |= {
        "about": _bytes(text),
        "shapes": _int64(shapes),
        "farmhash": _int64(hashes),
        CHECKSUM: _bytes(bytes(8)),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(deterministic=True)
    return example[:-8] + struct.pack("<q", int(farmhash(example[:-8]).numpy()))


def _little_endian(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int64(values: Sequence[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def framed(payload: bytes) -> bytes:
    """Return a whole TFRecord file of one record: length, its checksum, the payload, its checksum."""
    length = struct.pack("<Q", len(payload))
    return length + _masked_crc(length) + payload + _masked_crc(payload)


def _masked_crc(content: bytes) -> bytes:
    """Return the CRC-32C as TFRecord files store it: rotated and shifted by a constant, little-endian."""
    crc = google_crc32c.value(content)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def read(path: Path, manifest: Manifest) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the fields of one sample as stored, and what is known about it.

    Raises:
        ValueError: the record is damaged; the text names field and defect.
        OSError: the file cannot be read.
    """
    found = defects(path, manifest)
    if found:
        raise ValueError(f"{path}: {'; '.join(found)}")
    example = tf.train.Example.FromString(path.read_bytes()[FRAME_HEAD:-FRAME_TAIL])
    features = example.features.feature
    arrays = {}
    for name, field in manifest.fields.items():
        feature = features[name]
        values = feature.float_list.value if manifest.legacy else feature.bytes_list.value[0]
        array = np.asarray(values, np.float32) if manifest.legacy else np.frombuffer(values, field.dtype)
        arrays[name] = array.reshape(field.shape)
    about = {} if manifest.legacy else json.loads(features["about"].bytes_list.value[0])
    return arrays, {"name": path.stem, **about}


def defects(path: Path, manifest: Manifest) -> list[str]:
    """Examine one record thoroughly and return what is wrong with it, naming the field; empty: nothing.

    Raises:
        OSError: the file exists and cannot be read.
    """
    if not path.is_file():
        return ["the record is missing"]
    content = path.read_bytes()
    if len(content) < FRAME_HEAD + FRAME_TAIL:
        return [f"the record is truncated to {len(content)} bytes"]
    (stated,) = struct.unpack("<Q", content[:8])
    actual = len(content) - FRAME_HEAD - FRAME_TAIL
    if stated > actual:
        return [f"the record is truncated: {actual} of {stated} bytes are left"]
    try:
        features = tf.train.Example.FromString(content[FRAME_HEAD:-FRAME_TAIL]).features.feature
    except Exception as error:  # protobuf's DecodeError has no public home that stays the same between releases
        return [f"the record cannot be parsed ({error})"]
    present = dict(features)
    check = _legacy_defects if manifest.legacy else _field_defects
    found = [
        defect for position, name in enumerate(manifest.fields) for defect in check(present, manifest, name, position)
    ]
    return found or _frame_defects(content, legacy=manifest.legacy)


def _field_defects(features: dict[str, Any], manifest: Manifest, name: str, position: int) -> list[str]:
    field: Field = manifest.fields[name]
    if name not in features:
        return [f"field '{name}' is missing"]
    payloads = features[name].bytes_list.value
    want = int(np.prod(field.shape)) * np.dtype(field.dtype).itemsize
    shapes = list(features["shapes"].int64_list.value) if "shapes" in features else []
    before = sum(len(other.shape) for other in list(manifest.fields.values())[:position])
    shape = shapes[before : before + len(field.shape)]
    if len(payloads) != 1 or len(payloads[0]) != want or shape != field.shape:
        have = len(payloads[0]) if payloads else 0
        return [f"field '{name}' has shape {shape} ({have} bytes), not {field.shape} {field.dtype} ({want} bytes)"]
    hashes = features["farmhash"].int64_list.value if "farmhash" in features else []
    if len(hashes) != len(manifest.fields) + 1 or hashes[position] != farmhash(payloads[0]).numpy():
        return [f"field '{name}' does not match its hash: bits were flipped"]
    return []


def _legacy_defects(features: dict[str, Any], manifest: Manifest, name: str, position: int) -> list[str]:
    if name not in features:
        return [f"field '{name}' is missing"]
    have, want = len(features[name].float_list.value), int(np.prod(manifest.fields[name].shape))
    return [] if have == want else [f"field '{name}' has {have} numbers, not {want}"]


def _frame_defects(content: bytes, *, legacy: bool) -> list[str]:
    """Check the CRC-32C of the file's framing, which covers what the fields' hashes do not."""
    if framed(content[FRAME_HEAD:-FRAME_TAIL]) != content:
        return ["the record's checksum does not match: bits were flipped outside of the fields"]
    example = content[FRAME_HEAD:-FRAME_TAIL]
    if not legacy and farmhash(example[:-8]).numpy() != struct.unpack("<q", example[-8:])[0]:
        return ["the record has no valid seal: another program wrote it"]
    return []


def parser(manifest: Manifest) -> Any:
    """Return a function for ``tf.data`` from the whole bytes of a file to its fields as stored.

    The function fails on any damage to a field; ``defects`` then tells which file and field.
    """
    fields = manifest.fields
    features = {name: tf.io.FixedLenFeature([], tf.string) for name in fields}
    shapes = [side for field in fields.values() for side in field.shape]
    features["shapes"] = tf.io.FixedLenFeature([len(shapes)], tf.int64)

    def parse(content: tf.Tensor) -> dict[str, tf.Tensor]:
        length = tf.strings.length(content) - (FRAME_HEAD + FRAME_TAIL)
        example = tf.strings.substr(content, FRAME_HEAD, length)
        covered = tf.strings.substr(example, 0, length - 8)
        checksum = tf.io.decode_raw(tf.strings.substr(example, length - 8, 8), tf.int64)[0]
        stated = tf.io.decode_raw(tf.strings.substr(content, 0, 8), tf.int64)[0]
        whole = [
            tf.debugging.assert_equal(stated, tf.cast(length, tf.int64)),
            tf.debugging.assert_equal(farmhash(covered), checksum),
        ]
        with tf.control_dependencies(whole):
            parsed = tf.io.parse_single_example(example, features)
        as_stated = tf.debugging.assert_equal(parsed["shapes"], tf.constant(shapes, tf.int64))
        with tf.control_dependencies([as_stated]):
            return {name: _decode(parsed[name], field) for name, field in fields.items()}

    return parse


def _decode(payload: tf.Tensor, field: Field) -> tf.Tensor:
    if field.dtype == "uint32":  # decode_raw does not know it
        return tf.reshape(tf.bitcast(tf.io.decode_raw(payload, "int32"), "uint32"), field.shape)
    return tf.reshape(tf.io.decode_raw(payload, field.dtype), field.shape)


def published_parser(manifest: Manifest) -> Any:
    """Return the same for a serialised example of the published program's float lists."""
    features = {name: tf.io.FixedLenFeature(field.shape, tf.float32) for name, field in manifest.fields.items()}
    return lambda serialized: tf.io.parse_single_example(serialized, features)
