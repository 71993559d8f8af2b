"""Peak memory and time of a training step with and without `"recompute": true`, each in a process of its own.

The step is compiled as `train.py` compiles it, with one random sample. Peak memory is that of the process, of which
Python and TensorFlow take about 0.6 GiB.

    python benchmarks/recomputation.py [--models pix2pixcc ctgan] [--published] [--recompute both|true|false]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from pix2earth.console.quiet import quieten_tensorflow

quieten_tensorflow()
import numpy as np


class Case(NamedTuple):
    """A model at one size.

    Attributes:
        side: of the images in pixels.
        shape: of the input before its height: time steps, or nothing.
        bands: of input and target.
        settings: keys of experiment.json.
    """

    side: int
    shape: list[int]
    bands: tuple[int, int]
    settings: dict[str, Any]


LOSSES: dict[str, dict[str, Any]] = {
    "pix2pixcc": {
        "gen_loss": {"gen_gan": None, "gen_lsgan": 1, "gen_fm": 10, "gen_cc": 5},
        "disc_loss": {"disc_bce": None, "disc_lsgan": 1},
    },
    "ctgan": {
        "gen_loss": {"gen_gan": None, "gen_lsgan": 1, "gen_l1": 100},
        "disc_loss": {"disc_bce": None, "disc_lsgan": 1},
    },
}
REDUCED = {
    "pix2pixcc": Case(512, [], (1, 1), {"params": {"filters": 16}}),
    "ctgan": Case(
        128, [3], (4, 4),
        {"params": {"filters": 16, "aspp_filters": 32, "fusion_filters": 128, "heads": 8, "head_features": 128,
                    "blocks": 4}},
    ),
}  # fmt: skip
PUBLISHED = {
    "pix2pixcc": Case(1024, [], (1, 1), {"params": {}}),
    "ctgan": Case(256, [3], (4, 4), {"params": {"as_published": True}}),
}


def measure(model: str, published: bool, recompute: bool) -> dict[str, float]:
    """Train two steps and return the peak memory of this process in GiB, and the seconds of the second step."""
    import tensorflow as tf

    from experiment import Environment, open_experiment
    from pix2earth.batches.dataset import Dataset
    from pix2earth.plugins import finding
    from pix2earth.records.manifest import Field, Manifest, Split
    from pix2earth.records.writer import DatasetWriter
    from pix2earth.training.compiled_step import compile_step
    from pix2earth.training.loop import Training

    case, random = (PUBLISHED if published else REDUCED)[model], np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        shapes = {
            "input_image": [*case.shape, case.side, case.side, case.bands[0]],
            "target": [case.side, case.side, case.bands[1]],
        }
        fields = {
            field: Field(dtype="uint16", shape=shape, bands=[f"b{number}" for number in range(shape[-1])], gsd=10.0)
            for field, shape in shapes.items()
        }
        manifest = Manifest(name="x", tilesize=case.side, split=Split(method="none"), fields=fields)
        with DatasetWriter(root / "data", manifest) as writer:
            for split in ("train", "val"):
                values = {key: random.integers(0, 9999, shape).astype(np.uint16) for key, shape in shapes.items()}
                writer.write(split, "one", values)
        (root / "environment.json").write_text("{}")
        (root / "experiments" / "x").mkdir(parents=True)
        settings = {"model_name": model, "dataset": "x", "tilesize": case.side, "batch_size": 1, "metrics": ["PSNR"]}
        settings |= {**LOSSES[model], **case.settings, "random_resize": 1.0}
        settings["params"] = {**case.settings["params"], "recompute": recompute}
        (root / "experiments" / "x" / "experiment.json").write_text(json.dumps(settings))
        experiment = open_experiment("x", Environment(root / "environment.json"), "a")
        run = Training(experiment, Dataset(experiment), finding.find(experiment), None)
        step = compile_step(run.gan, run.plugin, run.dataset, run.strategy)
        batch, seconds = next(run.batches(0)), 0.0
        for number in range(2):
            started = time.perf_counter()
            losses = step(batch, tf.constant(number, tf.int64), tf.constant(0.0))
            assert all(np.isfinite(float(loss)) for loss in losses.values())
            seconds = time.perf_counter() - started
    return {"gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, "seconds": seconds}


def measured(model: str, published: bool, recompute: bool) -> dict[str, float]:
    """Return what `measure` returns in a process of its own."""
    words = ["--measure", model, *(["--published"] if published else []), "--recompute", str(recompute).lower()]
    done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print peak memory and time of each model with and without it, and the ratios."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--models", nargs="+", default=list(REDUCED), choices=list(REDUCED))
    arguments.add_argument("--published", action="store_true", help="published widths and sizes: up to 16 GiB")
    arguments.add_argument("--recompute", default="both", choices=["both", "true", "false"])
    arguments.add_argument("--measure", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.published, options.recompute == "true")))
        return
    kinds = [False, True] if options.recompute == "both" else [options.recompute == "true"]
    for model in options.models:
        found = [measured(model, options.published, kind) for kind in kinds]
        for kind, each in zip(kinds, found, strict=True):
            words = "with recompute" if kind else "without"
            print(f"{model} {words}: peak {each['gib']:.2f} GiB, {each['seconds']:.1f} s a step", flush=True)
        if len(found) == 2:
            ratios = [found[1][key] / found[0][key] for key in ("gib", "seconds")]
            print(f"{model}: {ratios[0]:.2f} of the memory, {ratios[1]:.2f} times the time", flush=True)


if __name__ == "__main__":
    main()
