"""Command: the demo, from data to a trained model and its sample images, by the commands that a user types.

``python demo.py`` uses real Sentinel-2, ``python demo.py PRESET`` synthetic data.
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


def main(argv: Sequence[str] | None = None) -> None:
    """Write the dataset, train or resume training, evaluate and compare; completed work is skipped."""
    arguments = argparse.ArgumentParser(
        prog="demo.py", description="Run the demo: data, training, evaluation, comparison."
    )
    arguments.add_argument("preset", nargs="?", choices=PRESETS, help="synthetic data instead of real Sentinel-2")
    preset = arguments.parse_args(argv).preset
    started = time.monotonic()
    environment = Environment(ENVIRONMENT)
    experiment = f"synthetic/{preset}" if preset else "demo"
    folders = RunFolders(Path(environment.EXPERIMENT_ROOT), experiment, RUN)
    if preset:
        dataset = os.path.relpath(Path(environment.DATA_ROOT) / "synthetic" / preset, PROJECT)
        command("-m", "synthetic", "make", "--preset", preset, "--profile", "cpu", "--o", dataset)
    else:
        command("-m", "preprocessing.samples")
    run = provenance.load(folders.run_file)
    if run and run["sessions"][-1]["outcome"] == "completed" and folders.evaluation.is_file():
        print(f"\nthe run {folders.run_name} is complete (make clean removes it)")
    elif checkpoint_steps(folders.checkpoints):
        command("train.py", "--exp", experiment, "--restore", RUN)
    else:
        command("train.py", "--exp", experiment, "--timestamp", RUN)
    command("compare.py", "--exp", experiment)
    if preset:  # baselines, to compare with
        command("-m", "synthetic", "baselines", dataset)
    print(f"\nsample image: {folders.latest_sample}")
    print(f"metrics:      {folders.evaluation}")
    print(f"comparison:   {folders.evaluation.with_name('summary.csv')}")
    print(f"{time.monotonic() - started:.0f} s in total")


if __name__ == "__main__":
    main()
