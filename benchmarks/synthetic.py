"""Time and memory of frames, views and datasets of synthetic data, compared with thresholds.

python benchmarks/synthetic.py [--runs 3] [--parts frame view presets] [--profiles tiny default]

A frame is 256 x 256 pixels of twelve bands. A view is a latent optical and a latent radar product of 30 frames, and the
products of two sensors derived from them (blur, clouds and shadows, calibration, noise; speckle), from the templates in
`synthetic/config`; the original generator takes about 20 s for a view on a similar machine, without the physics. Memory
is that of all processes together; pages that processes share are counted once.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path[0] = str(PROJECT)  # instead of this folder, whose synthetic.py would hide the package

CONFIG = PROJECT / "synthetic" / "config"
FRAMES = 30
# Thresholds, and the time of the original generator.
FRAME_MS, VIEW_S, MEMORY_MB = 60.0, 4.0, 1024.0
ORIGINAL_VIEW_S = 20.0
PROFILE_S = {"tiny": 10.0, "cpu": 90.0, "default": 90.0}
Measurement = tuple[float, float]
"""Seconds, and peak memory in MB."""


def seconds_of_frames(count: int) -> float:
    """Return the seconds (of one thread) for frames of a new scene, including its layout and texture."""
    from synthetic.ground.scene import SyntheticScene
    from synthetic.schema.ground import Ground

    started = time.thread_time()
    scene, first = SyntheticScene(Ground(), 7, 0), datetime(2021, 1, 4)
    for index in range(count):
        scene.reflectance(scene.condition(first + timedelta(days=12 * index), index))
    return time.thread_time() - started


def view(folder: Path) -> list[list[str]]:
    """Return the commands of a view: their arguments after ``python -m synthetic``."""

    def arguments(step: str, template: str, product: str, *further: str) -> list[str]:
        return [step, "--cfg", str(CONFIG / f"{template}.yaml"), "--o", str(folder / product), *further]

    return [
        arguments("generate", "latent_optical", "optical"),
        arguments("generate", "latent_radar", "radar"),
        arguments("derive", "clouded_optical", "clouded", "--product", str(folder / "optical")),
        arguments("derive", "speckled_radar", "speckled", "--product", str(folder / "radar")),
    ]


def view_by_commands() -> Measurement:
    """Measure four commands that write a view, one after another."""
    with tempfile.TemporaryDirectory() as name:
        measurements = [command(["-m", "synthetic", *words]) for words in view(Path(name))]
    return sum(seconds for seconds, _ in measurements), max(memory for _, memory in measurements)


def view_in_process(folder: Path) -> float:
    """Write a view in this process, without a start of Python and with one core; return the seconds."""
    from synthetic.__main__ import main

    started = time.perf_counter()
    for words in view(folder):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                main([*words, "--workers", "1"])
            except SystemExit as end:
                assert not end.code, words
    return time.perf_counter() - started


def dataset(preset: str, profile: str) -> Measurement:
    """Measure the command that writes a dataset."""
    with tempfile.TemporaryDirectory() as name:
        words = ["make", "--preset", preset, "--profile", profile, "--o", str(Path(name, preset))]
        return command(["-m", "synthetic", *words])


def command(words: Sequence[str]) -> Measurement:
    """Run a command with this Python, and measure it with all processes that it starts."""
    peak, ended = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.05):
            peak = max(peak, megabytes(process.pid))

    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    watcher = threading.Thread(target=watch)
    watcher.start()
    _, errors = process.communicate()
    seconds = time.perf_counter() - started
    ended.set()
    watcher.join()
    assert process.returncode == 0, errors.decode()
    return seconds, peak


def megabytes(process: int) -> float:
    """Return the proportional set size of a process and of its descendants (Linux)."""
    total, remaining = 0, [(process, b"")]
    while remaining:
        number, parent_words = remaining.pop()
        folder = Path("/proc", str(number))
        # A process may end while its files are read.
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes()
            if words == parent_words:
                continue  # between fork and exec: its memory is that of its parent
            rollup = (folder / "smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
            for thread in (folder / "task").iterdir():
                remaining += [(int(child), words) for child in (thread / "children").read_text().split()]
    return total / 1024


def median(measure: Callable[[], float], runs: int) -> float:
    """Return the median of several runs."""
    return statistics.median(measure() for _ in range(runs))


def medians(measure: Callable[[], Measurement], runs: int) -> Measurement:
    """Return the median of the seconds of several runs and the maximum of their peak memory."""
    measurements = [measure() for _ in range(runs)]
    return statistics.median(seconds for seconds, _ in measurements), max(memory for _, memory in measurements)


def report(title: str, value: float, unit: str, threshold: float, note: str = "") -> None:
    """Print a measurement, its threshold, and their ratio."""
    print(f"{title:42} {value:8.1f} {unit:2}  ratio to {threshold:g} {unit}: {value / threshold:.2f}{note}", flush=True)


def measure_frame(runs: int) -> None:
    """Measure one of 30 frames of a scene, and the only frame of one, which includes its layout and texture."""
    seconds_of_frames(1)  # imports, tables
    for title, count in ((f"frame, one of {FRAMES}, one core", FRAMES), ("the only frame of a scene", 1)):
        report(title, 1000 * median(lambda count=count: seconds_of_frames(count), runs) / count, "ms", FRAME_MS)


def measure_view(runs: int) -> None:
    """Measure a view, written by commands and in one process."""
    seconds, memory = medians(view_by_commands, runs)
    note = f", original {ORIGINAL_VIEW_S:g} s: {ORIGINAL_VIEW_S / seconds:.1f} times as fast"
    report("view of 30 frames, four commands", seconds, "s", VIEW_S, note)
    report("    memory", memory, "MB", MEMORY_MB)
    with tempfile.TemporaryDirectory() as name:
        folders = (Path(name, str(number)) for number in range(runs))
        seconds = median(lambda: view_in_process(next(folders)), runs)
    note = f", original {ORIGINAL_VIEW_S:g} s: {ORIGINAL_VIEW_S / seconds:.1f} times as fast"
    report("view of 30 frames, in one process", seconds, "s", VIEW_S, note)


def measure_presets(runs: int, profiles: Sequence[str]) -> None:
    """Measure time and memory of the commands that write datasets."""
    from synthetic.__main__ import PRESETS

    for profile in profiles:
        for preset in PRESETS:
            seconds, memory = medians(lambda preset=preset, profile=profile: dataset(preset, profile), runs)
            report(f"{preset}, {profile}", seconds, "s", PROFILE_S[profile])
            report("    memory", memory, "MB", MEMORY_MB)


def main() -> None:
    """Print the measurements."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=3, help="of each part (default 3)")
    arguments.add_argument("--parts", nargs="+", choices=("frame", "view", "presets"), metavar="PART")
    arguments.add_argument("--profiles", nargs="+", choices=list(PROFILE_S), default=["tiny", "default"])
    options = arguments.parse_args()
    parts = options.parts or ("frame", "view", "presets")
    print(f"load of the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if "frame" in parts:
        measure_frame(options.runs)
    if "view" in parts:
        measure_view(options.runs)
    if "presets" in parts:
        measure_presets(options.runs, options.profiles)


if __name__ == "__main__":
    main()
