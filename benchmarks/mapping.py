"""Time and peak memory of predict.py for a whole scene, compared with calls of the same generator only.

`python benchmarks/mapping.py` writes a synthetic scene of 10980 x 10980 pixels (uint16, four bands, deflated) and a
small network and runs the command. Then it calls only the generator, for as many windows in batches of the same size.
The difference is the cost of the start, reading, blending, writing and overviews, as far as they do not overlap with
the network; with a larger network, and with more cores, the ratio is smaller. A small one (`--side 2196`)
shows mostly the start of the command.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
THRESHOLD, THRESHOLD_GIB = 1.4, 4.0
BANDS = ["B02", "B03", "B04", "B08"]
PLUGIN = """
import keras

class GAN:
    def __init__(self, exp):
        side, filters = exp.IMG_HEIGHT, exp.PARAMS["filters"]
        image = keras.Input((side, side, 4))
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(image)
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        self.generator = keras.Model(image, keras.layers.Conv2D(4, 3, padding="same")(x))
        self.discriminator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        self.generator_optimizer, self.discriminator_optimizer = keras.optimizers.SGD(), keras.optimizers.SGD()

    def train_step(self, input_image, target, step):
        return {}
"""


def write_scene(path: Path, side: int) -> None:
    """Write smooth ground with noise, block by block."""
    import rasterio
    from affine import Affine
    from rasterio.windows import Window

    random = np.random.default_rng(0)
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=4, dtype="uint16", nodata=0, crs="EPSG:32618",
        transform=Affine(10, 0, 399960, 0, -10, 4200000), tiled=True, compress="deflate", zlevel=1,
    ) as scene:  # fmt: skip
        for top in range(0, side, 512):
            rows = min(512, side - top)
            ground = 2000 + 1500 * np.sin(np.arange(top, top + rows) / 300)[:, None] * np.cos(np.arange(side) / 200)
            values = (ground + random.normal(0, 30, (4, rows, side))).astype(np.uint16)
            scene.write(values, window=Window(0, top, side, rows))
        scene.descriptions = BANDS


def prepare(root: Path, tilesize: int, filters: int) -> None:
    """Write environment, dataset, plug-in, experiment and a checkpoint of step 1."""
    from experiment import Environment
    from pix2earth.plugins import contract, finding
    from pix2earth.records.manifest import Field, Manifest, Split
    from pix2earth.training import checkpoints
    from pix2earth.training.trained import open_run

    field = Field(dtype="uint16", shape=[tilesize, tilesize, 4], bands=BANDS, scale=1e-4, nodata=0, gsd=10.0)
    folder = root / "data" / "benchmark" / str(tilesize)
    folder.mkdir(parents=True)
    Manifest(
        name="benchmark", tilesize=tilesize, fields={"input_image": field, "target": field}, split=Split(method="none")
    ).save(folder)  # fmt: skip
    (root / "plugins").mkdir()
    (root / "plugins" / "small.py").write_text(PLUGIN)
    (root / "experiments" / "e").mkdir(parents=True)
    settings = {"model_name": "small", "dataset": "benchmark", "tilesize": tilesize, "params": {"filters": filters}}
    (root / "experiments" / "e" / "experiment.json").write_text(json.dumps(settings))
    roots = {"data_root": "data", "experiment_root": "experiments", "models_root": ["plugins"]}
    (root / "environment.json").write_text(json.dumps(roots))
    experiment = open_run(Environment(root / "environment.json"), "e", "a")
    checkpoints.save(
        contract.build(experiment, finding.find(experiment)), experiment.output.checkpoints, 1, None
    )  # fmt: skip


def run(root: Path) -> tuple[float, float, float]:
    """Return elapsed seconds, processor seconds, and peak memory in GiB of the command."""
    words = ["predict.py", "--env", str(root / "environment.json"), "--exp", "e", "--overwrite"]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words, "--input", str(root / "scene.tif"), "--output", str(root / "map.tif")], cwd=ROOT
    )
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def generator_only(root: Path, side: int, tilesize: int, batches: int) -> tuple[float, float]:
    """Return elapsed and processor seconds of the generator for all windows, extrapolated from some batches."""
    import tensorflow as tf

    from experiment import Environment
    from pix2earth.mapping.inference import batch_size
    from pix2earth.mapping.strips.windows import Windows
    from pix2earth.plugins import contract, finding
    from pix2earth.training.trained import open_run

    experiment = open_run(Environment(root / "environment.json"), "e", "a")
    gan = contract.build(experiment, finding.find(experiment))
    count = len(Windows(side, tilesize, tilesize // 2))
    size = batch_size(count, tilesize**2)
    call = tf.function(lambda image: gan.generator(image, training=False))
    image = tf.constant(np.random.default_rng(0).random((size, tilesize, tilesize, 4), np.float32))
    call(image)
    started, worked = time.perf_counter(), time.process_time()
    for _ in range(batches):
        call(image).numpy()
    all_windows = count * -(-count // size) / batches
    return (time.perf_counter() - started) * all_windows, (time.process_time() - worked) * all_windows


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=10980)
    parser.add_argument("--tilesize", type=int, default=256)
    parser.add_argument("--filters", type=int, default=32)
    parser.add_argument("--batches", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        prepare(root, options.tilesize, options.filters)
        write_scene(root / "scene.tif", options.side)
        # The reference before and after, because other work on the machine changes both.
        calls = [generator_only(root, options.side, options.tilesize, options.batches)]
        seconds, worked, memory = run(root)
        calls.append(generator_only(root, options.side, options.tilesize, options.batches))
        reference, reference_worked = (sum(both) / 2 for both in zip(*calls, strict=True))
    print(f"predict.py       {seconds:7.1f} s  {options.side**2 / seconds / 1e6:.2f} million pixels per second")
    print(
        f"generator only   {reference:7.1f} s  ratio {seconds / reference:.2f}, at most {THRESHOLD:g} for 10980 pixels"
    )
    print(f"processors       {worked:7.1f} s and {reference_worked:.1f} s, ratio {worked / reference_worked:.2f}")
    print(f"peak memory      {memory:7.2f} GiB, ratio to {THRESHOLD_GIB:g} GiB: {memory / THRESHOLD_GIB:.2f}")


if __name__ == "__main__":
    main()
