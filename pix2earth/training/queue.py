"""Many experiments, one after the other: what is done is skipped, what was begun goes on."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from experiment import Environment, open_experiment
from pix2earth.runs import provenance
from pix2earth.runs.folders import RunFolders, check_timestamp, checkpoint_steps, newest_run
from pix2earth.settings.errors import Stopped, UserError

INTERRUPTIONS = (128 + signal.SIGINT, 128 + signal.SIGTERM, -signal.SIGINT, -signal.SIGTERM)


class Entry(NamedTuple):
    """What is to be done about one experiment."""

    name: str
    #: "begin", "resume", "skip", or "cannot" where its files have mistakes.
    action: str
    about: str
    #: Options of train.py besides --exp and --env.
    options: tuple[str, ...] = ()


def plan(environment: Environment, prefix: str, timestamp: str | None) -> list[Entry]:
    """Return what is to be done about every experiment below a folder of the experiment root, in order of names.

    Args:
        environment: the machine.
        prefix: the folder, as a name below the experiment root or as a path.
        timestamp: the run of each experiment that counts; None: the newest one that has a checkpoint.

    Raises:
        UserError: there is no experiment, or the timestamp could not name a folder.
    """
    if timestamp is not None:
        check_timestamp(timestamp)
    return [_entry(environment, name, timestamp) for name in environment.experiments_below(prefix)]


def _entry(environment: Environment, name: str, timestamp: str | None) -> Entry:
    root = Path(environment.EXPERIMENT_ROOT)
    try:
        known = timestamp or (newest_run(root / name, name) if _has_checkpoint(root / name) else "")
        steps = checkpoint_steps(root / name / "ckpt" / known) if known else []
        if not steps:
            return Entry(name, "begin", "new run", ("--timestamp", timestamp) if timestamp else ())
        wanted = open_experiment(name, environment, known, restore=True).STEPS
    except UserError as error:
        return Entry(name, "cannot", "; ".join(error.lines))
    folders = RunFolders(root, name, known)
    if steps[-1] >= wanted and folders.evaluation.is_file() and _completed(folders):
        return Entry(name, "skip", f"run {known} is complete, {steps[-1]} steps")
    return Entry(name, "resume", f"run {known} from step {steps[-1]} of {wanted}", ("--restore", known))


def _has_checkpoint(folder: Path) -> bool:
    return any(checkpoint_steps(path) for path in (folder / "ckpt").glob("*"))


def _completed(folders: RunFolders) -> bool:
    """Tell whether the newest session of a run says that it came to its end."""
    run = provenance.load(folders.run_file)
    return bool(run and run["sessions"] and run["sessions"][-1]["outcome"] == "completed")


def show(entries: Sequence[Entry]) -> None:
    """Print what is to be done."""
    for entry in entries:
        print(f"{entry.action:6}  {entry.name}: {entry.about}")


def train_all(options: argparse.Namespace, environment: Environment, script: Path) -> int:
    """Train every experiment below ``options.exp``, each in a process of its own; return the exit status.

    One that fails does not stop the others; failures are listed at the end.

    Raises:
        UserError: there is none.
        Stopped: some failed.
    """
    entries = plan(environment, options.exp, options.timestamp)
    if options.dry_run:
        show(entries)
        return 0
    failures = []
    for number, entry in enumerate(entries, start=1):
        print(f"[{number}/{len(entries)}] {entry.name}: {entry.action}: {entry.about}", flush=True)
        if entry.action == "skip":
            continue
        if entry.action == "cannot":
            failures.append(f"{entry.name}: {entry.about}")
            continue
        started = time.monotonic()
        status = _train(options, entry, script)
        if status in INTERRUPTIONS:
            print(f"interrupted in {entry.name}; the same command goes on")
            return 128 - status if status < 0 else status
        if status:
            failures.append(f"{entry.name}: exit status {status} after {time.monotonic() - started:.0f} s")
    if failures:
        raise Stopped(f"{len(failures)} of {len(entries)} experiments failed:", *(f"  {line}" for line in failures))
    return 0


def _train(options: argparse.Namespace, entry: Entry, script: Path) -> int:
    """Train one experiment and return its exit status."""
    command = [sys.executable, str(script), "--exp", entry.name, *entry.options]
    command += ["--env", options.env] if options.env else []
    command += ["--force"] if options.force else []
    process = subprocess.Popen(command)
    with _passing_on_signals(process):
        return process.wait()


@contextmanager
def _passing_on_signals(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Let an interruption end the training, which saves, and not this process before it."""

    def pass_on(number: int, _: object) -> None:
        if number == signal.SIGTERM:  # Ctrl-C reaches both by itself
            process.terminate()

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
