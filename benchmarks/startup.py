"""Time of `train.py --help` and of the error for an unknown key, compared with a threshold of half a second.

python benchmarks/startup.py [--runs 7]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
THRESHOLD = 0.5


def seconds(*words: str, status: int) -> float:
    """Return the seconds that a command takes; it must end with this status."""
    started = time.perf_counter()
    process = subprocess.run([sys.executable, *words], cwd=PROJECT, capture_output=True, check=False)
    assert process.returncode == status, process.stderr.decode()
    return time.perf_counter() - started


def main() -> None:
    """Measure both commands and print medians and ratios."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=7)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        wrong = Path(name, "experiments", "wrong")
        wrong.mkdir(parents=True)
        (wrong / "experiment.json").write_text('{"model_name": "pix2pix", "stpes": 10}')
        environment = Path(name, "environment.json")
        environment.write_text("{}")
        commands = {
            "train.py --help": (("train.py", "--help"), 0),
            "train.py with an unknown key": (("train.py", "--env", str(environment), "--exp", "wrong"), 2),
        }
        for title, (words, status) in commands.items():
            median = statistics.median(seconds(*words, status=status) for _ in range(options.runs))
            print(f"{title:28} {median:.3f} s  ratio to {THRESHOLD} s: {median / THRESHOLD:.2f}")


if __name__ == "__main__":
    main()
