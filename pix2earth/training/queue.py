"""Training of several experiments, one after the other: complete runs are skipped, interrupted ones resumed."""

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
    """One experiment of the queue and the action planned for it.

    Attributes:
        name: of the experiment.
        action: "start", "resume", "skip", or "cannot" where its files have errors.
        reason: which run and step, or the errors.
        options: of train.py, in addition to --exp and --env.
    """

    name: str
    action: str
    reason: str
    options: tuple[str, ...] = ()


def plan(environment: Environment, prefix: str, timestamp: str | None) -> list[Entry]:
    """Return the planned action for every experiment below a folder of the experiment root, in order of names.

    Args:
        environment: the machine.
        prefix: the folder, as a name below the experiment root or as a path.
        timestamp: the run of each experiment to start or resume; None: the newest one that has a checkpoint.

    Raises:
        UserError: there is no experiment, or the timestamp could not name a folder.
    """
    if timestamp is not None:
        check_timestamp(timestamp)
    return [_entry(environment, name, timestamp) for name in environment.experiments_below(prefix)]


def _entry(environment: Environment, name: str, timestamp: str | None) -> Entry:
    """Return the planned action for one experiment."""
    root = Path(environment.EXPERIMENT_ROOT)
    try:
        run = timestamp or (newest_run(root / name, name) if _has_checkpoint(root / name) else "")
        steps = checkpoint_steps(root / name / "ckpt" / run) if run else []
        if not steps:
            return Entry(name, "start", "new run", ("--timestamp", timestamp) if timestamp else ())
        total = open_experiment(name, environment, run, restore=True).STEPS
    except UserError as error:
        return Entry(name, "cannot", "; ".join(error.lines))
    folders = RunFolders(root, name, run)
    if steps[-1] >= total and folders.evaluation.is_file() and _completed(folders):
        return Entry(name, "skip", f"run {run} is complete, {steps[-1]} steps")
    return Entry(name, "resume", f"run {run} from step {steps[-1]} of {total}", ("--restore", run))


def _has_checkpoint(folder: Path) -> bool:
    return any(checkpoint_steps(path) for path in (folder / "ckpt").glob("*"))


def _completed(folders: RunFolders) -> bool:
    """Return whether the newest session of a run has completed."""
    run = provenance.load(folders.run_file)
    return bool(run and run["sessions"] and run["sessions"][-1]["outcome"] == "completed")


def show(entries: Sequence[Entry]) -> None:
    """Print the planned actions."""
    for entry in entries:
        print(f"{entry.action:6}  {entry.name}: {entry.reason}")


def train_all(options: argparse.Namespace, environment: Environment, script: Path) -> int:
    """Train every experiment below ``options.exp``, each in a separate process; return the exit status.

    An experiment that fails does not stop the others; failures are listed at the end.

    Args:
        options: of ``train.py``.
        environment: the machine.
        script: ``train.py``.

    Raises:
        UserError: there is no experiment.
        Stopped: some failed.
    """
    entries = plan(environment, options.exp, options.timestamp)
    if options.dry_run:
        show(entries)
        return 0
    failures = []
    for number, entry in enumerate(entries, start=1):
        print(f"[{number}/{len(entries)}] {entry.name}: {entry.action}: {entry.reason}", flush=True)
        if entry.action == "skip":
            continue
        if entry.action == "cannot":
            failures.append(f"{entry.name}: {entry.reason}")
            continue
        started = time.monotonic()
        status = _train(options, entry, script)
        if status in INTERRUPTIONS:
            print(f"interrupted in {entry.name}; the same command resumes it")
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
    with _signals_forwarded(process):
        return process.wait()


@contextmanager
def _signals_forwarded(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Forward signals to the training, which saves a checkpoint, while this process waits; a context manager."""

    def forward(number: int, _: object) -> None:
        if number == signal.SIGTERM:  # the terminal sends Ctrl-C to both processes
            process.terminate()

    previous_handlers = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
