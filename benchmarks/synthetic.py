"""The made-up Earth: how long frames, views and datasets take, and their memory, against what is wanted.

python benchmarks/synthetic.py [--runs 3] [--parts frame view presets] [--profiles tiny default]

A frame is 256 x 256 pixels of twelve bands. A view is 30 frames of a latent optical and a latent radar product and what
two sensors make of them (blur, clouds and shadows, calibration, noise; speckle), from the templates in
`synthetic/config`; the published generator takes about 20 s for one on a like machine, without the physics.
Memory is that of the whole tree of processes, where pages that processes share count once.
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
sys.path[0] = str(PROJECT)  # in place of this folder, whose synthetic.py would hide the package

CONFIG = PROJECT / "synthetic" / "config"
FRAMES = 30
FRAME_MS, VIEW_S, PUBLISHED_VIEW_S, MEMORY_MB = 60.0, 4.0, 20.0, 1024.0
PROFILE_S = {"tiny": 10.0, "cpu": 90.0, "default": 90.0}
Figures = tuple[float, float]
"""Seconds, and the peak of memory in MB."""


def seconds_of_frames(count: int) -> float:
    """Return the seconds (of one thread) that frames of a new scene take, its layout and texture included."""
    from synthetic.ground.scene import SyntheticScene
    from synthetic.schema.ground import Ground

    started = time.thread_time()
    scene, first = SyntheticScene(Ground(), 7, 0), datetime(2021, 1, 4)
    for index in range(count):
        scene.reflectance(scene.condition(first + timedelta(days=12 * index), index))
    return time.thread_time() - started


def view(folder: Path) -> list[list[str]]:
    """Return the commands of a view, as they are typed after ``python -m synthetic``."""

    def command(step: str, template: str, made: str, *more: str) -> list[str]:
        return [step, "--cfg", str(CONFIG / f"{template}.yaml"), "--o", str(folder / made), *more]

    return [
        command("generate", "latent_optical", "optical"),
        command("generate", "latent_radar", "radar"),
        command("derive", "clouded_optical", "clouded", "--product", str(folder / "optical")),
        command("derive", "speckled_radar", "speckled", "--product", str(folder / "radar")),
    ]


def view_by_commands() -> Figures:
    """Make a view by four commands, one after the other."""
    with tempfile.TemporaryDirectory() as name:
        figures = [command(["-m", "synthetic", *words]) for words in view(Path(name))]
    return sum(seconds for seconds, _ in figures), max(memory for _, memory in figures)


def view_in_process(folder: Path) -> float:
    """Make a view in this process and return its seconds: no start of Python, no second core."""
    from synthetic.__main__ import main

    started = time.perf_counter()
    for words in view(folder):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                main([*words, "--workers", "1"])
            except SystemExit as end:
                assert not end.code, words
    return time.perf_counter() - started


def dataset(preset: str, profile: str) -> Figures:
    """Make a dataset by its command."""
    with tempfile.TemporaryDirectory() as name:
        words = ["make", "--preset", preset, "--profile", profile, "--o", str(Path(name, preset))]
        return command(["-m", "synthetic", *words])


def command(words: Sequence[str]) -> Figures:
    """Run a command of this Python and measure it with all processes that it starts."""
    peak, done = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, megabytes(process.pid))

    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    watcher = threading.Thread(target=watch)
    watcher.start()
    _, errors = process.communicate()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    assert process.returncode == 0, errors.decode()
    return seconds, peak


def megabytes(process: int) -> float:
    """Return the proportional set size of a process and of all below it (Linux)."""
    total, todo = 0, [(process, b"")]
    while todo:
        number, above = todo.pop()
        folder = Path("/proc", str(number))
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes()
            if words == above:
                continue  # about to start a program, in the memory of its parent until then
            rollup = (folder / "smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
            for thread in (folder / "task").iterdir():
                todo += [(int(child), words) for child in (thread / "children").read_text().split()]
    return total / 1024


def median(measure: Callable[[], float], runs: int) -> float:
    """Return the median of several runs."""
    return statistics.median(measure() for _ in range(runs))


def medians(measure: Callable[[], Figures], runs: int) -> Figures:
    """Return the median of the seconds of several runs and the largest of their peaks of memory."""
    figures = [measure() for _ in range(runs)]
    return statistics.median(seconds for seconds, _ in figures), max(memory for _, memory in figures)


def tell(title: str, value: float, unit: str, wanted: float, note: str = "") -> None:
    """Print a figure, what is wanted, and their ratio."""
    print(f"{title:42} {value:8.1f} {unit:2}  ratio to {wanted:g} {unit}: {value / wanted:.2f}{note}", flush=True)


def measure_frame(runs: int) -> None:
    """Tell the time of a frame among 30 of a scene, and of one that is alone: layout and texture are drawn once."""
    seconds_of_frames(1)  # imports, tables
    for title, count in ((f"frame, one of {FRAMES}, one core", FRAMES), ("the only frame of a scene", 1)):
        tell(title, 1000 * median(lambda count=count: seconds_of_frames(count), runs) / count, "ms", FRAME_MS)


def measure_view(runs: int) -> None:
    """Tell the time of a view, by commands and in one process."""
    seconds, memory = medians(view_by_commands, runs)
    told = f", published {PUBLISHED_VIEW_S:g} s: {PUBLISHED_VIEW_S / seconds:.1f} times as fast"
    tell("view of 30 frames, four commands", seconds, "s", VIEW_S, told)
    tell("    memory", memory, "MB", MEMORY_MB)
    with tempfile.TemporaryDirectory() as name:
        folders = (Path(name, str(number)) for number in range(runs))
        seconds = median(lambda: view_in_process(next(folders)), runs)
    told = f", published {PUBLISHED_VIEW_S:g} s: {PUBLISHED_VIEW_S / seconds:.1f} times as fast"
    tell("view of 30 frames, in one process", seconds, "s", VIEW_S, told)


def measure_presets(runs: int, profiles: Sequence[str]) -> None:
    """Tell the time and memory of making the datasets."""
    from synthetic.__main__ import PRESETS

    for profile in profiles:
        for preset in PRESETS:
            seconds, memory = medians(lambda preset=preset, profile=profile: dataset(preset, profile), runs)
            tell(f"{preset}, {profile}", seconds, "s", PROFILE_S[profile])
            tell("    memory", memory, "MB", MEMORY_MB)


def main() -> None:
    """Measure and print."""
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
