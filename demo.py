"""Command: the demos, from data to a trained model and its maps, by the commands that a user types.

``python demo.py`` sharpens the 20 m bands of a real Sentinel-2 scene, ``python demo.py sentinel2`` upsamples averaged
10 m bands, ``python demo.py fits`` does the same with an image of the Sun in FITS, and ``python demo.py PRESET`` uses
synthetic data.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from experiment import PROJECT, VARIABLE, Environment
from pix2earth.runs import provenance
from pix2earth.runs.folders import RunFolders, checkpoint_steps
from synthetic.schema.dataset import PRESETS

RUN = "demo"
ENVIRONMENT = PROJECT / "experiments" / "demo" / "environment.json"


def command(*words: str) -> None:
    """Print a command and run it; where it fails, exit with its status."""
    print(f"\n$ python {' '.join(words)}", flush=True)
    process = subprocess.Popen([sys.executable, *words], cwd=PROJECT, env=os.environ | {VARIABLE: str(ENVIRONMENT)})
    status = None
    while status is None:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            continue  # the command receives Ctrl-C too, and saves before it ends
    if status:
        sys.exit(status)


def train(experiment: str, environment: Environment) -> RunFolders:
    """Train the run of a demo or resume it, unless it is complete and evaluated; return its folders."""
    folders = RunFolders(Path(environment.EXPERIMENT_ROOT), experiment, RUN)
    run = provenance.load(folders.run_file)
    if run and run["sessions"][-1]["outcome"] == "completed" and folders.evaluation.is_file():
        print(f"\nthe run {folders.run_name} is complete (make clean removes it)")
    elif checkpoint_steps(folders.checkpoints):
        command("train.py", "--exp", experiment, "--restore", RUN)
    else:
        command("train.py", "--exp", experiment, "--timestamp", RUN)
    return folders


def sharpening(environment: Environment) -> RunFolders:
    """Sharpen the 20 m bands of the scene in ``samples/``: dataset, training, scores of all baselines, map, figure."""
    scene = "samples/s2_18svg"
    folder = Path(environment.DATA_ROOT).parent / "maps"
    output, figure = (os.path.relpath(folder / f"s2_18svg_10m{suffix}", PROJECT) for suffix in (".tif", ".png"))
    command("-m", "preprocessing.sharpening", "--input", scene, "--dataset", "sharpening")
    folders = train("sharpening", environment)
    run = ("--exp", "sharpening", "--timestamp", RUN)
    command("evaluate.py", *run, "--baselines")
    command("predict.py", *run, "--input", scene, "--output", output, "--overwrite")
    command("-m", "preprocessing.sharpening.figure", "--input", scene, "--map", output, "--output", figure)
    print(f"\nmap:          {output} (six bands at 10 m, reflectance)\nfigure:       {figure}")
    print(NEXT)
    return folders


def solar(environment: Environment) -> RunFolders:
    """Train a small pix2pixCC on an image of the Sun and its average: dataset, training, scores, FITS, figure."""
    maps = Path(environment.DATA_ROOT).parent / "maps"
    output, figure = (os.path.relpath(maps / f"trace_171{suffix}", PROJECT) for suffix in (".fits", ".png"))
    average = os.path.relpath(Path(environment.DATA_ROOT) / "solar" / "trace_171_average.fits", PROJECT)
    command("-m", "preprocessing.solar_sample")
    folders = train("solar", environment)
    command("predict.py", "--exp", "solar", "--timestamp", RUN, "--input", average, "--output", output, "--overwrite")
    command("-m", "preprocessing.solar_sample.figure", "--map", output, "--output", figure)
    print(f"\nFITS:         {output} (digital numbers at 0.5 arcsec)\nfigure:       {figure}")
    return folders


NEXT = """
A product of your own, L1C or L2A:
  python -m preprocessing.sharpening --input PRODUCT.SAFE --dataset mine
  (copy experiments/sharpening to experiments/mine, and write "dataset": "mine" into its experiment.json)
  python train.py --exp mine
  python predict.py --exp mine --input PRODUCT.SAFE --output mine_10m.tif
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Write the dataset, train or resume training, evaluate and compare; completed work is skipped."""
    arguments = argparse.ArgumentParser(
        prog="demo.py", description="Run a demo: data, training, evaluation, map or comparison."
    )
    arguments.add_argument(
        "demo", nargs="?", default="sharpening", choices=("sharpening", "sentinel2", "fits", *PRESETS),
        help="sharpening of 20 m bands (default), super-resolution of averaged bands, an image of the Sun in FITS, or a"
        " preset of synthetic data",
    )  # fmt: skip
    chosen = arguments.parse_args(argv).demo
    started = time.monotonic()
    environment = Environment(ENVIRONMENT)
    if chosen == "sharpening":
        folders = sharpening(environment)
    elif chosen == "fits":
        folders = solar(environment)
    elif chosen == "sentinel2":
        command("-m", "preprocessing.samples")
        folders = train("demo", environment)
        command("compare.py", "--exp", "demo")
    else:
        dataset = os.path.relpath(Path(environment.DATA_ROOT) / "synthetic" / chosen, PROJECT)
        command("-m", "synthetic", "make", "--preset", chosen, "--profile", "cpu", "--o", dataset)
        folders = train(f"synthetic/{chosen}", environment)
        command("compare.py", "--exp", f"synthetic/{chosen}")
        command("-m", "synthetic", "baselines", dataset)
    print(f"sample image: {folders.latest_sample}")
    print(f"metrics:      {folders.evaluation}")
    print(f"{time.monotonic() - started:.0f} s in total")


if __name__ == "__main__":
    main()
