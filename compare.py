"""Command: compare the metrics of runs on the samples that they have in common."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from experiment import Environment
from pix2earth.runs.folders import COMPARISON, EVALUATION
from pix2earth.scoring.tables.comparison import compare, load, show
from pix2earth.settings import atomic
from pix2earth.settings.errors import reports_errors


@reports_errors
def main(argv: Sequence[str] | None = None) -> None:
    """Compare runs from the command line."""
    arguments = argparse.ArgumentParser(
        prog="compare.py", description="Compare the metrics of runs on their common samples."
    )
    arguments.add_argument(
        "--exp", nargs="+", default=[""], metavar="PREFIX", help="only experiments whose names start so"
    )
    arguments.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    options = arguments.parse_args(argv)
    root = Path(Environment(options.env).EXPERIMENT_ROOT)
    frame = compare(load(root, options.exp))
    path = root / EVALUATION / COMPARISON
    with atomic.replacing(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")
    show(frame)
    print(path)


if __name__ == "__main__":
    main()
