"""Input pipeline: samples per second of 256 x 256 x 24 tiles, compared with a reader of the original ARISGAN code.

The reference reads float lists (one TFRecord file for each tile) as the original ARISGAN code does: sample by sample on
the host, with its resizing, cropping, rotation, mirroring and normalisation, and a shuffle buffer of decoded images. A
second line has parallel calls and prefetching in addition, which the original lacks. The toolkit reads uint16 records
of the same values and checks the checksum of every record; "prepared" includes the augmentation and scaling, which are
part of the training step.

    python benchmarks/input_pipeline.py [--tiles 64] [--runs 5]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from pix2earth.console.quiet import quieten_tensorflow

quieten_tensorflow()
import numpy as np
import tensorflow as tf

from pix2earth.batches.dataset import Dataset
from pix2earth.records.format import framed
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter

SIDE, BATCH = 256, 16
RESIZED = int(SIDE * 1.11)


def write(folder: Path, tiles: int) -> Manifest:
    """Write the same random tiles in both formats."""
    random = np.random.default_rng(0)
    manifest = Manifest(
        name="toolkit", tilesize=SIDE, split=Split(method="none"),
        fields={
            "input_image": Field(dtype="uint16", shape=[SIDE, SIDE, 21], bands=[f"Oa{i:02d}" for i in range(1, 22)]),
            "target": Field(dtype="uint16", shape=[SIDE, SIDE, 3], bands=["B02", "B03", "B04"], scale=1e-4),
        },
    )  # fmt: skip
    (folder / "original").mkdir()
    with DatasetWriter(folder, manifest) as writer:
        for index in range(tiles):
            coarse = random.integers(0, 10000, (SIDE, SIDE, 21)).astype(np.uint16)
            fine = random.integers(0, 10000, (SIDE, SIDE, 3)).astype(np.uint16)
            writer.write("train", f"{index:04d}", {"input_image": coarse, "target": fine})
            features = {
                name: tf.train.Feature(float_list=tf.train.FloatList(value=values.ravel().astype(np.float32)))
                for name, values in (("raw_s3", coarse), ("raw_s2", fine))
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            (folder / "original" / f"{index:04d}.tfrecord").write_bytes(framed(example.SerializeToString()))
    return writer.manifest


def original(folder: Path, *, parallel: bool) -> tf.data.Dataset:
    """Return the repeated batches of a reader as in the original ARISGAN code."""
    calls = tf.data.AUTOTUNE if parallel else None
    shapes = {
        "raw_s2": tf.io.FixedLenFeature([SIDE, SIDE, 3], tf.float32),
        "raw_s3": tf.io.FixedLenFeature([SIDE, SIDE, 21], tf.float32),
    }

    def augment(parsed: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        both = [tf.image.resize(parsed[name], (RESIZED, RESIZED), "nearest") for name in ("raw_s2", "raw_s3")]
        stacked = tf.image.random_crop(tf.concat(both, -1), (SIDE, SIDE, 24))
        stacked = tf.image.rot90(stacked, tf.random.uniform([], 0, 3, tf.int32))
        stacked = tf.image.random_flip_left_right(stacked)
        return tf.nn.l2_normalize(stacked[..., :3]), tf.nn.l2_normalize(stacked[..., 3:])

    paths = sorted(str(path) for path in (folder / "original").iterdir())
    samples = tf.data.TFRecordDataset(paths, num_parallel_reads=calls)
    samples = samples.map(lambda content: tf.io.parse_single_example(content, shapes), num_parallel_calls=calls)
    batches = samples.map(augment, num_parallel_calls=calls).shuffle(min(500, len(paths))).batch(BATCH).repeat()
    return batches.prefetch(2) if parallel else batches


def toolkit(folder: Path, manifest: Manifest, *, prepared: bool) -> Iterator[object]:
    """Return the batches of the toolkit, as stored or, with `prepared`, as networks get them."""
    experiment = SimpleNamespace(
        manifest=manifest, DATA_ROOT=str(folder / "toolkit" / str(SIDE)), SEED=0, SHUFFLE=True, BATCH_SIZE=BATCH,
        RANDOM_RESIZE=1.11, RANDOM_ROTATE=True, RANDOM_MIRROR=True, IMG_HEIGHT=SIDE, IMG_WIDTH=SIDE,
        NORMALIZE="symmetric", FOLD_DATES=False, ENFORCE_SUFFIX=None, EXCLUDE_SUFFIX=None, SAMPLE_TRAIN=None,
        SAMPLE_VAL=None, DETERMINISTIC=False, file="benchmark",
    )  # fmt: skip
    dataset = Dataset(experiment)  # type: ignore[arg-type]
    batches = dataset.training_batches(0, 10**6)
    if not prepared:
        return iter(batches)
    prepare = tf.function(dataset.prepare, autograph=False)
    return (prepare(batch) for batch in batches)


def rate(make: Callable[[], Iterator[object]], samples: int) -> float:
    """Return samples per second of an iterator, without its construction and first batch."""
    batches = make()
    next(batches)
    steps = max(1, samples // BATCH)
    started = time.perf_counter()
    for _ in range(steps):
        next(batches)
    return steps * BATCH / (time.perf_counter() - started)


def main() -> None:
    """Measure all readers alternately, several times, and print medians and ratios."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--tiles", type=int, default=64)
    arguments.add_argument("--runs", type=int, default=5)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = write(folder, options.tiles)
        readers = {
            "original code": lambda: iter(original(folder, parallel=False)),
            "original code, parallel": lambda: iter(original(folder, parallel=True)),
            "toolkit": lambda: iter(toolkit(folder, manifest, prepared=False)),
            "toolkit, prepared": lambda: iter(toolkit(folder, manifest, prepared=True)),
        }
        rates: dict[str, list[float]] = {reader: [] for reader in readers}
        for _ in range(options.runs):
            for reader, make in readers.items():
                rates[reader].append(rate(make, 4 * options.tiles))
    reference = statistics.median(rates["original code"])
    for reader, measured in rates.items():
        median = statistics.median(measured)
        spread = f"{min(measured):.0f} to {max(measured):.0f}"
        print(f"{reader:32} {median:7.0f} samples/s ({spread})  ratio {median / reference:5.2f}")


if __name__ == "__main__":
    main()
