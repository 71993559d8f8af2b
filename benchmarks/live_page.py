"""The page `samples/index.html` of a run, against a training step.

A run of 20,000 steps with 13 losses and 40 sample images: the processor time of taking the entry of a step, and of
writing the page, which happens every half minute. The share is that of a step of the given length; medians.

    python benchmarks/live_page.py [--runs 5] [--step-ms 25]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from pix2earth.figures.live_page import SECONDS_BETWEEN_WRITES, LivePage, ShownRun

STEPS, LOSSES, IMAGES = 20_000, 13, 40
THRESHOLD = 0.01


def main() -> None:
    """Print both times and their share of a step; exit with 1 above the threshold."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--step-ms", type=float, default=25.0, help="of the demo of super-resolution on two cores")
    options = arguments.parse_args()
    taking, writing = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(IMAGES):
            (folder / f"run_{number * 500:05d}.png").write_bytes(b"")
        for _ in range(options.runs):
            page = LivePage(ShownRun("run", "model", STEPS, folder))
            started = time.process_time()
            for step in range(STEPS):
                page.add({"step": step, "losses": {f"loss_{loss}": step / (loss + 1) for loss in range(LOSSES)}})
            taking.append((time.process_time() - started) / STEPS)
            started = time.process_time()
            page.write()
            writing.append(time.process_time() - started)
    take, write, step = statistics.median(taking), statistics.median(writing), options.step_ms / 1000
    share = take / step + write / SECONDS_BETWEEN_WRITES
    print(f"an entry {1e6 * take:.0f} us, the page {1e3 * write:.1f} ms: {share:.4f} of a step of {1e3 * step:g} ms")
    sys.exit(share > THRESHOLD)


if __name__ == "__main__":
    main()
