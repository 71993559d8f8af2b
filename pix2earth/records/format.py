"""The format of a record: one TFRecord file per sample, with raw bytes, shapes and hashes of its fields, and metadata.

A record is one ``tf.train.Example`` with these features:

========== ============= ==============================================================================
<field>    bytes         the array, C order, little-endian, in the dtype of the manifest
about      bytes         JSON: name, crs, transform, acquired (a list, or an object of lists by field), and dtype and
                         shape of every field
shapes     int64 list    the shapes of all fields, one after the other, in the order of the manifest
farmhash   int64 list    FarmHash of each field's bytes in that order, then of ``about``
~farmhash  bytes         the checksum: FarmHash (8 bytes, little-endian) of the example before these bytes
========== ============= ==============================================================================

With the checksum the input pipeline verifies every record before it is parsed, at the speed of reading; the hashes of
the fields show which field is damaged. The CRC-32C that any TFRecord file has is verified by
``python dataset.py verify``.
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

# The name sorts after all field names, hence the eight bytes of the checksum are the last of the example.
# It is verified before the example is parsed, because TensorFlow's parser can crash on a damaged one.
CHECKSUM = "~farmhash"
# The exceptions by which tf.data reports a damaged record; their message may hold bytes that are not UTF-8.
DAMAGE = (tf.errors.OpError, UnicodeDecodeError)
HASH_BUCKETS = 2**63 - 1
FRAME_HEAD, FRAME_TAIL = 12, 4


def farmhash(payloads: Any) -> tf.Tensor:
    """Return the FarmHash (int64) of each string in a tensor of strings."""
    return tf.strings.to_hash_bucket_fast(payloads, HASH_BUCKETS)


def encode(fields: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> bytes:
    """Serialise one sample as a ``tf.train.Example``.

    Args:
        fields: arrays by name, in the order of the manifest.
        metadata: name, crs, transform and acquisition times; dtype and shape of the fields are added.
    """
    payloads = {name: _little_endian(array).tobytes() for name, array in fields.items()}
    described = {name: {"dtype": array.dtype.name, "shape": list(array.shape)} for name, array in fields.items()}
    text = json.dumps({**metadata, "fields": described}).encode()
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
    covered = example[:-8]
    return covered + struct.pack("<q", int(farmhash(covered).numpy()))


def _little_endian(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int64(values: Sequence[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def framed(payload: bytes) -> bytes:
    """Return the content of a TFRecord file with one record: length, its CRC-32C, the payload, its CRC-32C."""
    length = struct.pack("<Q", len(payload))
    return length + _masked_crc(length) + payload + _masked_crc(payload)


def _masked_crc(content: bytes) -> bytes:
    """Return the CRC-32C as TFRecord files store it: rotated, a constant added, little-endian."""
    crc = google_crc32c.value(content)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def read(path: Path, manifest: Manifest) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the fields of one sample as stored, and its metadata.

    Returns:
        Arrays by name, and a dict with "name" and, but for datasets of the original ARISGAN code, "crs", "transform",
        "acquired" and "fields".

    Raises:
        ValueError: the record is damaged; the message names field and defect.
        OSError: the file cannot be read.
    """
    if damage := defects(path, manifest):
        raise ValueError(f"{path}: {'; '.join(damage)}")
    example = tf.train.Example.FromString(path.read_bytes()[FRAME_HEAD:-FRAME_TAIL])
    features = example.features.feature
    arrays, manifest = {}, manifest.as_stored
    for name, field in manifest.fields_of(manifest.pool_of(path.stem)).items():
        feature = features[name]
        values = feature.float_list.value if manifest.legacy else feature.bytes_list.value[0]
        array = np.asarray(values, np.float32) if manifest.legacy else np.frombuffer(values, field.dtype)
        arrays[name] = array.reshape(field.shape)
    metadata = {} if manifest.legacy else json.loads(features["about"].bytes_list.value[0])
    return arrays, {"name": path.stem, **metadata}


def defects(path: Path, manifest: Manifest) -> list[str]:
    """Verify one record completely: framing, fields, shapes, hashes and checksum.

    Returns:
        Its defects, each with the field; empty where it is intact.

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
    except Exception as error:  # where protobuf has its DecodeError differs between releases
        return [f"the record cannot be parsed ({error})"]
    features, manifest = dict(features), manifest.as_stored
    check = _legacy_defects if manifest.legacy else _field_defects
    fields = manifest.fields_of(manifest.pool_of(path.stem))
    in_fields = [defect for position, name in enumerate(fields) for defect in check(features, fields, name, position)]
    return in_fields or _frame_defects(content, legacy=manifest.legacy)


def _field_defects(features: dict[str, Any], fields: dict[str, Field], name: str, position: int) -> list[str]:
    """Return the defects of one field of a record; ``position`` is its index among all its fields."""
    field = fields[name]
    if name not in features:
        return [f"field '{name}' is missing"]
    payloads = features[name].bytes_list.value
    expected = int(np.prod(field.shape)) * np.dtype(field.dtype).itemsize
    shapes = list(features["shapes"].int64_list.value) if "shapes" in features else []
    start = sum(len(other.shape) for other in list(fields.values())[:position])
    shape = shapes[start : start + len(field.shape)]
    if len(payloads) != 1 or len(payloads[0]) != expected or shape != field.shape:
        size = len(payloads[0]) if payloads else 0
        return [f"field '{name}' has shape {shape} ({size} bytes), not {field.shape} {field.dtype} ({expected} bytes)"]
    hashes = features["farmhash"].int64_list.value if "farmhash" in features else []
    if len(hashes) != len(fields) + 1 or hashes[position] != farmhash(payloads[0]).numpy():
        return [f"field '{name}' does not match its hash: bits were flipped"]
    return []


def _legacy_defects(features: dict[str, Any], fields: dict[str, Field], name: str, position: int) -> list[str]:
    """Return the defects of one float list of the original ARISGAN code."""
    if name not in features:
        return [f"field '{name}' is missing"]
    count, expected = len(features[name].float_list.value), int(np.prod(fields[name].shape))
    return [] if count == expected else [f"field '{name}' has {count} numbers, not {expected}"]


def _frame_defects(content: bytes, *, legacy: bool) -> list[str]:
    """Verify the CRC-32C of the framing and the checksum, which cover the bytes outside of the fields."""
    if framed(content[FRAME_HEAD:-FRAME_TAIL]) != content:
        return ["the record's checksum does not match: bits were flipped outside of the fields"]
    example = content[FRAME_HEAD:-FRAME_TAIL]
    if not legacy and farmhash(example[:-8]).numpy() != struct.unpack("<q", example[-8:])[0]:
        return ["the record has no valid FarmHash checksum: another program wrote it"]
    return []


def parser(manifest: Manifest, pool: str = "") -> Any:
    """Return a function for ``tf.data`` that turns the content of a file into its fields as stored.

    The function raises a TensorFlow error for any damage to a field; ``defects`` returns which field it is.

    Args:
        manifest: describes the fields.
        pool: of the samples.
    """
    fields = manifest.as_stored.fields_of(pool)
    features = {name: tf.io.FixedLenFeature([], tf.string) for name in fields}
    shapes = [side for field in fields.values() for side in field.shape]
    features["shapes"] = tf.io.FixedLenFeature([len(shapes)], tf.int64)

    def parse(content: tf.Tensor) -> dict[str, tf.Tensor]:
        length = tf.strings.length(content) - (FRAME_HEAD + FRAME_TAIL)
        example = tf.strings.substr(content, FRAME_HEAD, length)
        covered = tf.strings.substr(example, 0, length - 8)
        checksum = tf.io.decode_raw(tf.strings.substr(example, length - 8, 8), tf.int64)[0]
        stated_length = tf.io.decode_raw(tf.strings.substr(content, 0, 8), tf.int64)[0]
        is_intact = [
            tf.debugging.assert_equal(stated_length, tf.cast(length, tf.int64)),
            tf.debugging.assert_equal(farmhash(covered), checksum),
        ]
        with tf.control_dependencies(is_intact):
            parsed = tf.io.parse_single_example(example, features)
        has_shapes = tf.debugging.assert_equal(parsed["shapes"], tf.constant(shapes, tf.int64))
        with tf.control_dependencies([has_shapes]):
            return {name: _decode(parsed[name], field) for name, field in fields.items()}

    return parse


def _decode(payload: tf.Tensor, field: Field) -> tf.Tensor:
    if field.dtype == "uint32":  # decode_raw does not know it
        return tf.reshape(tf.bitcast(tf.io.decode_raw(payload, "int32"), "uint32"), field.shape)
    return tf.reshape(tf.io.decode_raw(payload, field.dtype), field.shape)


def arisgan_parser(manifest: Manifest) -> Any:
    """Return a function for ``tf.data`` that parses an example of float lists, as the original ARISGAN code writes."""
    features = {
        name: tf.io.FixedLenFeature(field.shape, tf.float32) for name, field in manifest.as_stored.fields.items()
    }
    return lambda serialized: tf.io.parse_single_example(serialized, features)


def reader(manifest: Manifest, pool: str = "") -> Any:
    """Return a function for ``tf.data`` from the path of a record to its fields as stored; errors as of ``parser``.

    Args:
        manifest: describes the fields.
        pool: of the samples.
    """
    if manifest.legacy:
        # The framing's CRC is the only checksum of float lists, and only TFRecordDataset verifies it.
        parse_lists = arisgan_parser(manifest)
        return lambda path: parse_lists(tf.data.TFRecordDataset(path).get_single_element())
    parse = parser(manifest, pool)
    return lambda path: parse(tf.io.read_file(path))
