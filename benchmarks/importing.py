"""Time to import 1,000 pairs of images, compared with reading the files and writing their bytes.

The pairs are PNG of 512 x 512 pixels, three bands of 8 bits, with smooth ground and noise. The importer looks at all
files, splits them, measures some of them, checks that no split leaks, and writes records, index and manifest. The
reference reads the same files with the same library (GDAL by rasterio) and writes the bytes of each pair into a file
that it renames, as any program must that leaves nothing half-written. Both run in one process; libraries are imported
before the measurement. Beside the time that passes, that of the processor is measured, which other work changes less.

    python benchmarks/importing.py [--pairs 1000] [--side 512] [--folder /tmp/pairs]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import numpy as np
import rasterio
from PIL import Image

from pix2earth.console.quiet import quieten_tensorflow
from pix2earth.settings import atomic
from preprocessing.importing.__main__ import main as importer

MOST = 2.0
"""The ratio that is allowed."""


def make_pairs(folder: Path, count: int, side: int) -> None:
    """Write the pairs, unless they are there already."""
    if len(list(folder.glob("target/*.png"))) == count:
        return
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[0:side, 0:side] / side
    for name in ("input", "target"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            waves = 110 + 60 * np.sin(2 * np.pi * (rows * (number % 7 + 1) + columns * (number % 5 + 1)))
            image = waves[..., None] + random.normal(0, 6, (side, side, 3))
            Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / name / f"p{number:04d}.png")


def reference(folder: Path, output: Path) -> np.ndarray:
    """Return the seconds to read all files and to write their bytes: that passed, and of the processor."""
    started = seconds()
    for path in sorted((folder / "input").iterdir()):
        images = []
        for one in (path, folder / "target" / path.name):
            with rasterio.open(one) as source:
                images.append(np.ascontiguousarray(np.moveaxis(source.read(), 0, -1)))
        atomic.write_bytes(output / path.name, b"".join(image.tobytes() for image in images))
    return seconds() - started


def seconds() -> np.ndarray:
    """Return the clock, and the time of the processor that this process has had."""
    return np.array([time.perf_counter(), time.process_time()])


def imported(folder: Path, environment: Path, name: str) -> np.ndarray:
    """Return the seconds to import all files as a dataset, as ``reference`` does."""
    started = seconds()
    folders = ["--input", str(folder / "input"), "--target", str(folder / "target")]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        importer(["pairs", *folders, "--dataset", name, "--env", str(environment)])
    return seconds() - started


def main() -> int:
    """Print both times and their ratio; the status is 1 where it is above ``MOST``."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--pairs", type=int, default=1000)
    arguments.add_argument("--side", type=int, default=512)
    arguments.add_argument("--folder", type=Path, help="keeps the pairs for the next run")
    options = arguments.parse_args()
    warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
    quieten_tensorflow()
    with tempfile.TemporaryDirectory(dir=options.folder and options.folder.parent) as place:
        work = Path(place)
        folder = options.folder or work / "pairs"
        make_pairs(folder, options.pairs, options.side)
        environment = work / "environment.json"
        environment.write_text(json.dumps({"data_root": str(work / "data")}))
        few = work / "few"
        for name in ("input", "target"):
            (few / name).mkdir(parents=True)
            for path in sorted((folder / name).iterdir())[:3]:
                shutil.copy(path, few / name)
        imported(few, environment, "few")  # imports all libraries
        # The reference before and after, because other work on the machine changes both.
        first = reference(folder, work / "bytes")
        whole = imported(folder, environment, "all")
        last = reference(folder, work / "bytes")
        written = len(list((work / "data/all").glob("*/*/*.tfrecord")))
    expected = (first + last) / 2
    if written != options.pairs:
        print(f"{written} of {options.pairs} pairs were written")
        return 1
    ratio = whole / expected
    print(f"{options.pairs} pairs of {options.side} px: {whole[0]:.1f} s; reading and writing {expected[0]:.1f} s")
    print(f"ratio {ratio[0]:.2f} (at most {MOST:g}), of the time of the processor {ratio[1]:.2f}")
    return int(ratio[0] > MOST)


if __name__ == "__main__":
    sys.exit(main())
