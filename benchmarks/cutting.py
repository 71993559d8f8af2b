"""Time to cut tiles of a full-size Sentinel-2 scene and its OLCI frame, compared with decoding only the blocks in use.

The products are synthetic: 10980 x 10980 pixels in lossless JPEG 2000 with blocks of 1024 x 1024 for three bands, and a
swath of 4091 x 4865. They are written once; --folder keeps them for the next run. The toolkit finds places, reads both
products, collocates, writes GeoTIFFs and draws the overlay. The reference decodes each block that contains pixels of
the tiles, once. Every measurement runs in its own process, of which the peak memory is printed. Libraries are imported
before the measurement, by a tile of another scene, because a step imports them once for all its scenes. Scaling: four
scenes with one process and with two, including the start of the processes.

    python benchmarks/cutting.py [--tiles 20] [--runs 3] [--folder /tmp/products] [--without-scaling]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import numpy as np

from preprocessing import parallel
from preprocessing.scenes.selection import SelectedPair
from preprocessing.tiles.cutting import CACHE_BYTES, cut
from preprocessing.tiles.cutting_jobs import CutJob, Draw, Window

SIDE, BLOCK, TILE = 10980, 1024, 256
SCENES = 4
ORIGIN = (499980.0, 8200020.0)
AREA = (-11195.0, 7651007.0, 1120956.0, 8639233.0)
"""West, south, east, north in metres; rotated by 12 degrees, the swath has 4091 x 4865 pixels around the scene."""


def ground(band: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return smooth reflectance with noise as of fields and rock, because the noise determines the time of decoding."""
    x, y = x.astype(np.float32), y.astype(np.float32)
    smooth = 0.25 + 0.1 * np.sin(x / 3000) * np.cos(y / 4000)
    return smooth + 0.01 * np.random.default_rng(0).standard_normal(np.shape(smooth), np.float32)


def make_products(folder: Path) -> None:
    """Write the products; further scenes are links to the files of the first."""
    from tests.products import write_safe, write_sen3

    (folder / "s2").mkdir(parents=True)
    write_sen3(folder / "s3", area=AREA, edge=40)
    bands = ("B02", "B03", "B04")
    first = write_safe(folder / "s2", size=(SIDE, SIDE), origin=ORIGIN, reflectance=ground, bands=bands)
    for number in range(1, SCENES):
        copy = first.with_name(first.name.replace("20200702T", f"2020070{2 + number}T", 1))
        for path in first.rglob("*"):
            if path.is_file():
                target = copy / path.relative_to(first)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, target)
    (folder / "complete").touch()


def jobs_in(folder: Path, output: Path, tiles: int) -> list[CutJob]:
    """Return a job for every scene."""
    sen3 = next((folder / "s3").iterdir())
    jobs = []
    for index, safe in enumerate(sorted((folder / "s2").iterdir())):
        pair = SelectedPair(index, index, safe.name, sen3.name)
        jobs.append(CutJob(pair, safe, sen3, "inv_T17XNA_10h", Draw(TILE), tiles, (), output, output))
    return jobs


def decode(safe: Path, windows: list[Window]) -> None:
    """Decode every block that contains pixels of a window, once, in all bands."""
    import rasterio
    import rasterio.windows

    blocks = {
        (row // BLOCK, column // BLOCK)
        for window in windows
        for row in (window.row, window.row + TILE - 1)
        for column in (window.column, window.column + TILE - 1)
    }
    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
        for path in sorted(safe.glob("GRANULE/*/IMG_DATA/*.jp2")):
            with rasterio.open(path) as raster:
                for row, column in sorted(blocks):
                    whole = rasterio.windows.Window(0, 0, SIDE, SIDE)
                    block = rasterio.windows.Window(column * BLOCK, row * BLOCK, BLOCK, BLOCK)
                    raster.read(1, window=block.intersection(whole))


def child(task: str, folder: Path, output: Path, tiles: int) -> None:
    """Run "cut", "decode" or a number of workers; print seconds, peak memory in MiB and the windows as JSON."""
    jobs = jobs_in(folder, output, tiles)
    windows: list[Window] = []
    if task == "cut":
        cut(jobs[1]._replace(quantity=1))
    if task == "decode":
        decode(jobs[1].s2, [Window(0, 0, None)])
        windows = [Window(*window) for window in json.loads((output / "windows.json").read_text())]
    started, processor = time.perf_counter(), time.process_time()
    if task == "cut":
        windows = cut(jobs[0]).windows
    elif task == "decode":
        decode(jobs[0].s2, windows)
    else:
        parallel.each(cut, jobs, title="scenes", unit="scenes", workers=int(task))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result = {"seconds": seconds, "processor": time.process_time() - processor, "peak": peak, "windows": windows}
    print(json.dumps(result))


def measured(task: str, folder: Path, output: Path, tiles: int) -> dict:
    """Return the result of ``child`` in its own process."""
    call = [sys.executable, __file__, "--child", task, "--folder", folder, "--output", output, "--tiles", str(tiles)]
    process = subprocess.run([str(part) for part in call], check=True, capture_output=True, text=True)
    return json.loads(process.stdout.splitlines()[-1])


def compare(folder: Path, tiles: int, runs: int) -> None:
    """Print the ratio of the times of cutting and decoding, and the peak memory."""
    runs_of: dict[str, list[dict]] = {"cut": [], "decode": []}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as output:
            runs_of["cut"].append(measured("cut", folder, Path(output), tiles))
            (Path(output) / "windows.json").write_text(json.dumps(runs_of["cut"][-1]["windows"]))
            runs_of["decode"].append(measured("decode", folder, Path(output), tiles))
    for measure in ("seconds", "processor"):
        cutting, decoding = ([run[measure] for run in results] for results in runs_of.values())
        median, reference = statistics.median(cutting), statistics.median(decoding)
        # On a busy machine only the ratio of processor times is meaningful.
        print({"seconds": "elapsed time", "processor": "processor time"}[measure])
        print(f"  cutting {tiles} tiles          {median:6.2f} s ({min(cutting):.2f} to {max(cutting):.2f})")
        print(f"  decoding their blocks     {reference:6.2f} s ({min(decoding):.2f} to {max(decoding):.2f})")
        print(f"  ratio                     {median / reference:6.2f}")
    print(f"peak memory                 {max(run['peak'] for run in runs_of['cut']):6.0f} MiB")


def scale(folder: Path, tiles: int, runs: int) -> None:
    """Print the speed-up of two processes over one."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(runs):
        for workers, measurements in seconds.items():
            with tempfile.TemporaryDirectory() as output:
                measurements.append(measured(str(workers), folder, Path(output), tiles)["seconds"])
    one, two = (statistics.median(measurements) for measurements in seconds.values())
    print(f"{SCENES} scenes, 1 process         {one:6.2f} s")
    print(f"{SCENES} scenes, 2 processes       {two:6.2f} s")
    print(f"speed-up                    {one / two:6.2f}")


def main() -> None:
    """Write the products if they are missing, and print the measurements."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--tiles", type=int, default=20)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--folder", type=Path, help="keeps the products; default: a temporary folder")
    arguments.add_argument("--without-scaling", action="store_true")
    arguments.add_argument("--child", help=argparse.SUPPRESS)
    arguments.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.child == "products":
        make_products(options.folder)
        return
    if options.child:
        child(options.child, options.folder, options.output, options.tiles)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary) / "products"
        if not (folder / "complete").exists():
            print(f"writing the products to {folder}, which takes some minutes", flush=True)
            # In its own process: on Linux, the peak memory of a process includes that of the one that started it.
            subprocess.run([sys.executable, __file__, "--child", "products", "--folder", str(folder)], check=True)
        compare(folder, options.tiles, options.runs)
        if not options.without_scaling:
            scale(folder, options.tiles, options.runs)


if __name__ == "__main__":
    main()
