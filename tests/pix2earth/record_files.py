"""Records on disk for tests: of the original ARISGAN code, and damaged ones."""

from pathlib import Path

import numpy as np
import tensorflow as tf


def write_arisgan_record(path: Path, **fields: np.ndarray) -> None:
    """Write float lists as the original ARISGAN code does."""
    features = {
        name: tf.train.Feature(float_list=tf.train.FloatList(value=array.ravel())) for name, array in fields.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def flip_bit(path: Path, position: int) -> None:
    """Flip the lowest bit of a byte of a file."""
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def position_of(path: Path, array: np.ndarray) -> int:
    """Return the position in a record at which the bytes of an array start."""
    return path.read_bytes().index(array.tobytes())
