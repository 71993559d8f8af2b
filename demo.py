"""The demo: real Sentinel-2 data to a trained model and its figures, by the commands that a user types."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from experiment import PROJECT, VARIABLE, Environment
from runs import provenance
from runs.folders import RunFolders, checkpoint_steps

EXPERIMENT, RUN = "demo", "demo"
ENVIRONMENT = PROJECT / "experiments" / "demo" / "environment.json"


def command(*words: str) -> None:
    """Show a command and run it; where it fails, end with its status."""
    print(f"\n$ python {' '.join(words)}", flush=True)
    process = subprocess.Popen([sys.executable, *words], cwd=PROJECT, env=os.environ | {VARIABLE: str(ENVIRONMENT)})
    status = None
    while status is None:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            continue  # the command has heard Ctrl-C too, and saves before it ends
    if status:
        sys.exit(status)


def main() -> None:
    """Build the dataset, train or go on training, evaluate, compare; what is done is skipped."""
    started = time.monotonic()
    folders = RunFolders(Path(Environment(ENVIRONMENT).EXPERIMENT_ROOT), EXPERIMENT, RUN)
    command("-m", "preprocessing.samples")
    run = provenance.load(folders.run_file)
    if run and run["sessions"][-1]["outcome"] == "completed" and folders.evaluation.is_file():
        print(f"\nthe run {folders.run_name} is complete (make clean removes it)")
    elif checkpoint_steps(folders.checkpoints):
        command("train.py", "--exp", EXPERIMENT, "--restore", RUN)
    else:
        command("train.py", "--exp", EXPERIMENT, "--timestamp", RUN)
    command("compare.py", "--exp", EXPERIMENT)
    print(f"\npicture:    {folders.latest_sample}")
    print(f"metrics:    {folders.evaluation}")
    print(f"comparison: {folders.evaluation.with_name('summary.csv')}")
    print(f"{time.monotonic() - started:.0f} s in all")


if __name__ == "__main__":
    main()
