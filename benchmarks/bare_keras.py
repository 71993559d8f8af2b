"""The whole training loop against the same networks in a bare Keras loop, which reads prepared arrays from memory.

The bare loop has neither records, augmentation, checksums, a journal nor checkpoints. Both train the same networks with
the same losses on the same random 256 x 256 tiles, alternately, several times; the ratio is that of the median times.

    python benchmarks/bare_keras.py [--steps 12] [--runs 3] [--models residual_upsampler ...]
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from pix2earth.console.quiet import quieten_tensorflow

quieten_tensorflow()
import keras
import tensorflow as tf

from benchmarks.training import SIDE, end_to_end, training, write
from pix2earth.training.loop import Training

MODELS = ("residual_upsampler", "pix2pix", "srs3")
LOSSES = {"gen_loss": {"gen_gan": 1, "gen_l1": 100}, "disc_loss": {"disc_bce": 1}}
BATCH = 4
WARM_UP = 3


def bare_loop(run: Training, steps: int) -> float:
    """Return the median seconds of a step of a loop that has nothing but the networks."""
    generator, discriminator = run.gan.generator, run.gan.discriminator
    optimizers = run.gan.generator_optimizer, run.gan.discriminator_optimizer
    crossentropy = keras.losses.BinaryCrossentropy(from_logits=True)
    fields = run.dataset.prepare(next(iter(run.dataset.batches("train", batch=32))))
    data = tf.data.Dataset.from_tensor_slices((fields["input_image"], fields["target"])).shuffle(32).repeat()

    @tf.function
    def step(image: tf.Tensor, target: tf.Tensor) -> Any:
        with tf.GradientTape() as one, tf.GradientTape() as two:
            output = generator(image, training=True)
            real, fake = discriminator([image, target], training=True), discriminator([image, output], training=True)
            l1 = tf.reduce_mean(tf.abs(target - output))
            loss = crossentropy(tf.ones_like(fake), fake) + 100 * l1
            judged = crossentropy(tf.ones_like(real), real) + crossentropy(tf.zeros_like(fake), fake)
        for network, tape, value, optimizer in zip(
            (generator, discriminator), (one, two), (loss, judged), optimizers, strict=True
        ):
            weights = network.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(value, weights), weights, strict=True))
        return loss, l1, judged

    ends = []
    for image, target in data.batch(BATCH, drop_remainder=True).prefetch(2).take(steps + WARM_UP):
        [float(value) for value in step(image, target)]
        ends.append(time.perf_counter())
    return median_step(ends)


def whole_loop(run: Training) -> float:
    """Return the median seconds of a step of the toolkit's loop, without the last one, which validates and saves."""
    return median_step(end_to_end(run).ends[:-1])


def median_step(ends: list[float]) -> float:
    """Return the median time between the ends of two steps after the first ones, seconds."""
    return statistics.median(after - before for before, after in itertools.pairwise(ends[WARM_UP - 1 :]))


def main() -> None:
    """Print the median times of both loops and their ratio for each model."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--steps", type=int, default=12)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--models", nargs="+", default=list(MODELS))
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write(root, SIDE, 32, "large")
        for model in options.models:
            times: dict[str, list[float]] = {"toolkit": [], "bare Keras": []}
            for _ in range(options.runs):
                run = training(
                    root, "large", model_name=model, batch_size=BATCH, steps=options.steps + WARM_UP + 1, **LOSSES
                )
                times["toolkit"].append(whole_loop(run))
                times["bare Keras"].append(bare_loop(run, options.steps))
            medians = {kind: 1000 * statistics.median(values) for kind, values in times.items()}
            words = ", ".join(f"{kind} {median:.1f} ms a step" for kind, median in medians.items())
            print(f"{model}: {words}; ratio {medians['toolkit'] / medians['bare Keras']:.3f}", flush=True)


if __name__ == "__main__":
    main()
