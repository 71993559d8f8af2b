"""Speed of training, compared with only reading batches and only running steps; and memory over twenty epochs.

Reading is the input pipeline without steps. Stepping is the compiled step with the same batch each time. Training is
the whole loop with journal and TensorBoard. All three run in one process with the same random 256 x 256 x 24 tiles.

    python benchmarks/training.py [--steps 30] [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from pix2earth.console.quiet import quieten_tensorflow

quieten_tensorflow()
import numpy as np
import tensorflow as tf

from experiment import Environment, open_experiment
from pix2earth.batches.dataset import Dataset
from pix2earth.plugins import finding
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.training.compiled_step import STOP, compile_step
from pix2earth.training.loop import Training

SIDE = 256


def write(root: Path, side: int, tiles: int, name: str) -> None:
    """Write a random dataset, and its environment file."""
    random = np.random.default_rng(0)
    manifest = Manifest(
        name=name, tilesize=side, split=Split(method="none"),
        fields={
            "input_image": Field(
                dtype="uint16", shape=[side, side, 21], bands=[f"Oa{i:02d}" for i in range(1, 22)], gsd=20.0
            ),
            "target": Field(dtype="uint16", shape=[side, side, 3], bands=["B02", "B03", "B04"], scale=1e-4, gsd=10.0),
        },
    )  # fmt: skip
    with DatasetWriter(root / "data", manifest) as writer:
        for split, count in (("train", tiles), ("val", 2)):
            for index in range(count):
                fields = {
                    field: random.integers(0, 10000, description.shape).astype(np.uint16)
                    for field, description in manifest.fields.items()
                }
                writer.write(split, f"{index:04d}", fields)
    (root / "environment.json").write_text("{}")


def training(root: Path, name: str, **settings: Any) -> Training:
    """Return a training of the model `template`, before its first step."""
    folder = root / "experiments" / name
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"model_name": "template", "dataset": name, "metrics": ["PSNR"], "sample_freq": 10**6} | settings
    (folder / "experiment.json").write_text(json.dumps(settings))
    experiment = open_experiment(name, Environment(root / "environment.json"), "a")
    return Training(experiment, Dataset(experiment), finding.find(experiment), None)


class Clock:
    """Receives the reports of the loop instead of a console; records time and memory at the end of each step."""

    validation = ""

    def __init__(self) -> None:
        """Start without steps."""
        self.ends: list[float] = []
        self.memory: list[int] = []

    def message(self, line: str) -> None:
        """Ignore the message."""

    def step(self, step: int, epoch: float, losses: dict[str, float]) -> None:
        """Record time and memory at the end of a step."""
        self.ends.append(time.perf_counter())
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.memory.append(pages * resource.getpagesize() // 2**20)


def end_to_end(run: Training, clock: Clock | None = None) -> Clock:
    """Run the whole loop and return the times of its steps, of a given clock where there is one."""
    from pix2earth.training.interruption import Interruption
    from pix2earth.training.journal import Journal

    run.output.create()
    clock, interruption = clock or Clock(), Interruption()
    journal = Journal(run.output.journal, 0)
    run.finished = 0
    run.loop(clock, journal, interruption, 0)  # type: ignore[arg-type]
    interruption.close()
    journal.close()
    return clock


def reading(run: Training, steps: int) -> float:
    """Return steps per second of the input pipeline only."""
    batches = run.batches(0)
    next(batches)
    started = time.perf_counter()
    for _ in range(steps):
        next(batches)
    return steps / (time.perf_counter() - started)


def stepping(run: Training, steps: int) -> float:
    """Return steps per second of the compiled step only, always with the same batch."""
    step = compile_step(run.gan, run.plugin, run.dataset, run.strategy)
    batch = next(run.batches(0))
    zero = tf.constant(0, tf.int64)
    step(batch, zero, tf.constant(0.0))
    started = time.perf_counter()
    for _ in range(steps):
        losses = {name: float(value) for name, value in step(batch, zero, tf.constant(0.0)).items()}
    assert STOP in losses
    return steps / (time.perf_counter() - started)


def main() -> None:
    """Measure all three alternately, several times; print medians, the ratio, and the growth of memory."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--steps", type=int, default=30)
    arguments.add_argument("--runs", type=int, default=3)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write(root, SIDE, 32, "large")
        rates: dict[str, list[float]] = {"reading only": [], "stepping only": [], "training": []}
        for _ in range(options.runs):
            run = training(root, "large", batch_size=4, steps=options.steps + 3)
            rates["reading only"].append(reading(run, options.steps))
            rates["stepping only"].append(stepping(run, options.steps))
            ends = end_to_end(run).ends[1:-1]  # the first step includes compilation, the last one validation and saving
            rates["training"].append((len(ends) - 1) / (ends[-1] - ends[0]))
        medians = {kind: statistics.median(values) for kind, values in rates.items()}
        for kind, median in medians.items():
            print(f"{kind:16} {median:7.2f} steps/s ({4 * median:.1f} img/s)")
        slower = min(medians["reading only"], medians["stepping only"])
        print(f"training / the slower of the others: {medians['training'] / slower:.2f}")
        write(root, 64, 32, "small")
        epochs = 20
        clock = end_to_end(training(root, "small", tilesize=64, batch_size=4, steps=8 * epochs))
        growth = clock.memory[-2] - clock.memory[15]
        print(f"memory: {clock.memory[15]} MB after epoch 2, growth to epoch {epochs}: {growth} MB")


if __name__ == "__main__":
    main()
