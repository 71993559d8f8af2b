"""The inspector of Pix2PixCC, the loss `gen_cc` with its gradient, against a whole training step.

Both are compiled and run in turn in one process, on one random image of 256 x 256 pixels, with the published widths, or
with an eighth of them. Times are those of the processor, of all cores, so that other work matters less; medians.

    python benchmarks/inspector.py [--runs 5] [--side 256] [--filters 64 8]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from pix2earth.console.quiet import quieten_tensorflow

quieten_tensorflow()
import tensorflow as tf

from benchmarks.training import training, write
from losses.correlation import gen_cc
from pix2earth.training.compiled_step import compile_step

LOSSES = {
    "gen_loss": {"gen_gan": None, "gen_lsgan": 1, "gen_fm": 10, "gen_cc": 5},
    "disc_loss": {"disc_bce": None, "disc_lsgan": 1},
}


def seconds(function: Callable[[], Any]) -> float:
    """Return the processor time of a call, seconds."""
    started = time.process_time()
    function()
    return time.process_time() - started


def main() -> None:
    """Print the medians of both and their ratio for each width."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--side", type=int, default=256)
    arguments.add_argument("--filters", type=int, nargs="+", default=[64, 8])
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write(root, options.side, 4, "random")
        for filters in options.filters:
            params = {"filters": filters, "discriminator_filters": filters}
            run = training(
                root, "random", model_name="pix2pixcc", batch_size=1, tilesize=options.side, params=params, **LOSSES
            )
            step = compile_step(run.gan, run.plugin, run.dataset, run.strategy)
            batch, zero = next(run.batches(0)), tf.constant(0, tf.int64)
            shape = (1, options.side, options.side, run.experiment.OUTPUT_CHANNELS)
            images = [tf.random.stateless_normal(shape, (number, 0)) for number in range(2)]

            @tf.function
            def inspected(output: tf.Tensor, target: tf.Tensor) -> Any:
                with tf.GradientTape() as tape:
                    tape.watch(output)
                    loss = gen_cc(output, target)
                return loss, tape.gradient(loss, output)

            def whole(step: Any = step, batch: Any = batch, zero: tf.Tensor = zero) -> list[float]:
                return [float(value) for value in step(batch, zero, tf.constant(0.0)).values()]

            def alone(inspected: Any = inspected, images: Any = images) -> Any:
                return [value.numpy() for value in inspected(*images)]

            whole(), alone()  # compiled
            steps, inspections = zip(*((seconds(whole), seconds(alone)) for _ in range(options.runs)), strict=True)
            medians = statistics.median(steps), statistics.median(inspections)
            print(
                f"{filters} filters: a step {1000 * medians[0]:.0f} ms, the inspector {1000 * medians[1]:.1f} ms;"
                f" ratio {medians[1] / medians[0]:.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
