"""The training loop of the published models against the same networks, losses and update in a bare Keras loop.

The bare loop has prepared arrays in memory, and neither records, augmentation, checksums nor a journal. Both take a
step in turn, in one process, with the same networks and optimisers at the width of the model's example, and batches of
its size. The ratio is the median of those of neighbouring steps, so that other work on the machine matters less; that
of processor times is the ratio of their sums.

    python benchmarks/published_steps.py [--steps 20] [--models ctgan gapfill ...]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from pix2earth.console.quiet import quieten_tensorflow

quieten_tensorflow()
import keras
import tensorflow as tf

from benchmarks.published import LAPTOP, laptop, random_experiment
from benchmarks.training import Clock, end_to_end
from layers.multiscale_discriminator import by_scale
from losses.correlation import gen_cc
from losses.features import gen_fm
from losses.hidden import disc_hinge_hidden, gen_hinge_hidden, hidden_patches, l2_hidden
from pix2earth.batches.dataset import Dataset
from pix2earth.plugins import contract, finding
from pix2earth.training.loop import Training

WARM_UP = 3
crossentropy = keras.losses.BinaryCrossentropy(from_logits=True)
huber = keras.losses.Huber()
Fields = dict[str, tf.Tensor]


def apply(network: keras.Model, optimizer: Any, gradients: list[tf.Tensor | None]) -> None:
    """Update the weights that have a gradient."""
    pairs = zip(gradients, network.trainable_variables, strict=True)
    optimizer.apply_gradients([(gradient, weight) for gradient, weight in pairs if gradient is not None])


def judged(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of a discriminator."""
    return crossentropy(tf.ones_like(real), real) + crossentropy(tf.zeros_like(fake), fake)


def squares(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Return the least squares of a discriminator."""
    return (tf.reduce_mean((real - 1) ** 2) + tf.reduce_mean(fake**2)) / 2


def cgan(gan: Any, fields: Fields) -> list[tf.Tensor]:
    """Update both networks from one forward pass; with a state where the model has one."""
    image, target, given = fields["input_image"], fields["target"], [fields["input_image"]]
    if "sequence_start" in fields:
        given += [gan.previous * (1.0 - fields["sequence_start"][:, None, None, None])]
    with tf.GradientTape() as one, tf.GradientTape() as two:
        output = gan.generator(given if len(given) > 1 else image, training=True)
        real, fake = (gan.discriminator([image, each], training=True) for each in (target, output))
        adversarial, pixels = crossentropy(tf.ones_like(fake), fake), huber(target, output)
        total, against = adversarial + 100 * pixels, judged(real, fake)
    if len(given) > 1:
        gan.previous.assign(output)
    apply(gan.generator, gan.generator_optimizer, one.gradient(total, gan.generator.trainable_variables))
    apply(gan.discriminator, gan.discriminator_optimizer, two.gradient(against, gan.discriminator.trainable_variables))
    return [total, adversarial, pixels, against]


def pix2pixcc(gan: Any, fields: Fields) -> list[tf.Tensor]:
    """Update both networks from one forward pass, with feature matching and correlation."""
    image, target = fields["input_image"], fields["target"]
    with tf.GradientTape() as one, tf.GradientTape() as two:
        output = gan.generator(image, training=True)
        real, fake = (by_scale(gan.discriminator([image, each], training=True)) for each in (target, output))
        terms = tf.reduce_mean((fake[0][-1] - 1) ** 2), gen_fm(real, fake), gen_cc(output, target)
        total, against = terms[0] + 10 * terms[1] + 5 * terms[2], squares(real[0][-1], fake[0][-1])
    apply(gan.generator, gan.generator_optimizer, one.gradient(total, gan.generator.trainable_variables))
    apply(gan.discriminator, gan.discriminator_optimizer, two.gradient(against, gan.discriminator.trainable_variables))
    return [total, *terms, against]


def cyclegan(gan: Any, fields: Fields) -> list[tf.Tensor]:
    """Update both discriminators, then both generators against them."""
    a, b = fields["input_image"], fields["target"]
    weights = [gan.generator.trainable_variables, gan.backward.trainable_variables]
    others = [gan.discriminator.trainable_variables, gan.backward_discriminator.trainable_variables]
    with tf.GradientTape() as tape:
        false_a = tf.stop_gradient(gan.backward(b, training=True))
        false_b = tf.stop_gradient(gan.generator(a, training=True))
        against = tf.add_n([
            judged(*(gan.backward_discriminator([b, each], training=True) for each in (a, false_a))),
            judged(*(gan.discriminator([a, each], training=True) for each in (b, false_b))),
        ])  # fmt: skip
    one, two = tape.gradient(against, others)
    apply(gan.discriminator, gan.discriminator_optimizer, one)
    apply(gan.backward_discriminator, gan.backward_discriminator_optimizer, two)
    with tf.GradientTape() as tape:
        false_b, false_a = gan.generator(a, training=True), gan.backward(b, training=True)
        cycle = huber(a, gan.backward(false_b, training=True)) + huber(b, gan.generator(false_a, training=True))
        pixels = huber(b, false_b) + huber(a, false_a)
        logits = [
            gan.discriminator([a, false_b], training=True),
            gan.backward_discriminator([b, false_a], training=True),
        ]
        adversarial = tf.add_n([crossentropy(tf.ones_like(each), each) for each in logits])
        total = adversarial + 100 * cycle + 100 * pixels
    one, two = tape.gradient(total, weights)
    apply(gan.generator, gan.generator_optimizer, one)
    apply(gan.backward, gan.backward_optimizer, two)
    return [total, adversarial, cycle, pixels, against]


def ctgan(gan: Any, fields: Fields) -> list[tf.Tensor]:
    """Update the discriminator, then the generator against it."""
    series, target = fields["input_image"], fields["target"]
    shape = series.shape
    bands = tf.reshape(tf.transpose(series, (0, 2, 3, 1, 4)), (-1, *shape[2:4], shape[1] * shape[4]))
    with tf.GradientTape() as tape:
        output = gan.generator(series, training=True)[0]
        with tape.stop_recording(), tf.GradientTape() as inner:
            fake, real = (gan.discriminator([bands, each], training=True) for each in (output, target))
            against = squares(real, fake)
        apply(gan.discriminator, gan.discriminator_optimizer,
              inner.gradient(against, gan.discriminator.trainable_variables))  # fmt: skip
        adversarial = tf.reduce_mean((gan.discriminator([bands, output], training=True) - 1) ** 2)
        pixels = tf.reduce_mean(tf.abs(target - output))
        total = adversarial + 100 * pixels
    apply(gan.generator, gan.generator_optimizer, tape.gradient(total, gan.generator.trainable_variables))
    return [total, adversarial, pixels, against]


def gapfill(gan: Any, fields: Fields) -> list[tf.Tensor]:
    """Update the generator, then the discriminator with images of the updated generator."""
    hidden, target = fields["input_mask"], fields["target"]
    weights = tf.repeat(hidden, gan.bands, axis=-1)
    masked = fields["input_image"] * (1 - weights)
    patches = [hidden_patches(hidden, 2 ** (3 + scale)) for scale in range(2)]
    with tf.GradientTape() as tape:
        generated = gan.generator(masked, training=True)
        logits = gan.discriminator([masked, generated * weights + masked], training=True)
        hinge = tf.add_n([gen_hinge_hidden(*pair) for pair in zip(logits, patches, strict=True)])
        pixels = l2_hidden(generated, target, hidden)
        total = hinge + 5 * pixels
    apply(gan.generator, gan.generator_optimizer, tape.gradient(total, gan.generator.trainable_variables))
    image = gan.generator(masked, training=True) * weights + masked
    with tf.GradientTape() as tape:
        real, fake = (gan.discriminator([masked, each], training=True) for each in (target, image))
        against = tf.add_n([disc_hinge_hidden(*each) for each in zip(real, fake, patches, strict=True)])
    apply(gan.discriminator, gan.discriminator_optimizer, tape.gradient(against, gan.discriminator.trainable_variables))
    return [total, hinge, pixels, against]


STEPS: dict[str, Callable[[Any, Fields], list[tf.Tensor]]] = {
    "ctgan": ctgan, "gapfill": gapfill, "cgan": cgan, "cgan_recurrent": cgan, "cyclegan": cyclegan,
    "pix2pixcc": pix2pixcc,
}  # fmt: skip


def prepared(run: Training, count: int) -> Iterator[Fields]:
    """Return batches of network values, again and again, from arrays in memory."""
    names, batches = contract.parameters(run.gan.train_step), run.batches(0)
    found = []
    for _ in range(count):
        fields = run.dataset.prepare(next(batches)) | {"step": tf.constant(0, tf.int64)}
        found.append({key: value for key, value in contract.bind(run.plugin, "train_step", names, fields).items()
                      if key in ("input_image", "target", "input_mask", "sequence_start")})  # fmt: skip
    stacked = {key: tf.stack([fields[key] for fields in found]) for key in found[0]}
    return iter(tf.data.Dataset.from_tensor_slices(stacked).repeat().prefetch(2))


class Alternating(Clock):
    """Takes a step of the bare loop after each one of the toolkit's; (elapsed, processor) seconds of both."""

    def __init__(self, bare: Callable[[], Any]) -> None:
        """Start without steps."""
        super().__init__()
        self.bare, self.seconds = bare, {"toolkit": [], "bare": []}  # type: ignore[var-annotated]
        self.before = self.now()

    @staticmethod
    def now() -> tuple[float, float]:
        """Return elapsed and processor time, seconds."""
        return time.perf_counter(), time.process_time()

    def step(self, step: int, epoch: float, losses: dict[str, float]) -> None:
        """Record the toolkit's step, take one of the bare loop, and record it."""
        middle = self.now()
        self.bare()
        end = self.now()
        for kind, one, other in (("toolkit", self.before, middle), ("bare", middle, end)):
            self.seconds[kind].append((other[0] - one[0], other[1] - one[1]))
        super().step(step, epoch, losses)
        self.before = self.now()


def compared(model: str, root: Path, steps: int) -> Alternating:
    """Train a model with both loops in turn and return the times of their steps, those after the first ones."""
    experiment = random_experiment(
        root,
        model,
        laptop(model),
        32,
        steps=steps + WARM_UP + 1,
        sample_freq=10**6,
        ckpt_freq=10**6,
        validate_freq=10**6,
    )
    run = Training(experiment, Dataset(experiment), finding.find(experiment), None)
    batches = prepared(run, 4)

    @tf.function
    def step(fields: Fields) -> list[tf.Tensor]:
        return STEPS[model](run.gan, fields)

    clock = Alternating(lambda: [float(value) for value in step(next(batches))])
    end_to_end(run, clock)
    for kind, times in clock.seconds.items():
        clock.seconds[kind] = times[WARM_UP:-1]  # the last step validates and saves
    return clock


def main() -> None:
    """Print the median times of both loops and their ratios for each model."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--steps", type=int, default=20)
    arguments.add_argument("--models", nargs="+", default=list(LAPTOP), choices=list(LAPTOP))
    options = arguments.parse_args()
    for model in options.models:
        with tempfile.TemporaryDirectory() as name:
            seconds = compared(model, Path(name), options.steps).seconds
        elapsed, processor = (
            [[pair[index] for pair in seconds[kind]] for kind in ("toolkit", "bare")] for index in (0, 1)
        )
        ratio = statistics.median(one / other for one, other in zip(*elapsed, strict=True))
        medians = [1000 * statistics.median(times) for times in elapsed]
        print(
            f"{model}: toolkit {medians[0]:.0f} ms a step, bare Keras {medians[1]:.0f} ms; ratio {ratio:.3f},"
            f" of processor times {sum(processor[0]) / sum(processor[1]):.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
