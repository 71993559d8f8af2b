"""Folders and files of a run; no other module composes their names."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pix2earth.settings.errors import UserError

TIMESTAMP = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]*")
CHECKPOINT = re.compile(r"ckpt-(\d+)\.json")
EVALUATION = "_evaluation"
COMPARISON = "summary.csv"
"""The file that ``compare.py`` writes beside the CSVs of the runs."""


def new_timestamp(logs: Path, stringname: str) -> str:
    """Return the current time as ``MMDD-hhmm``, with ``-2``, ``-3`` ... where a run of this minute exists.

    Args:
        logs: the folder with the logs of the experiment's runs.
        stringname: name of the experiment as part of a file name.
    """
    return next(name for name in _timestamps() if not (logs / f"{stringname}_{name}").exists())


def reserved_timestamp(logs: Path, stringname: str) -> str:
    """Return what ``new_timestamp`` returns, and create the folder of the run: no other process gets the same one.

    Args:
        logs: as of ``new_timestamp``.
        stringname: as of ``new_timestamp``.
    """
    logs.mkdir(parents=True, exist_ok=True)
    for name in _timestamps():
        try:
            (logs / f"{stringname}_{name}").mkdir()
        except FileExistsError:
            continue
        return name
    raise AssertionError


def _timestamps() -> Iterator[str]:
    """Yield the current time, then the current time with ``-2``, ``-3`` ..."""
    now = datetime.now().strftime("%m%d-%H%M")
    yield now
    for number in itertools.count(2):
        yield f"{now}-{number}"


def check_timestamp(timestamp: str) -> str:
    """Return a timestamp from the command line.

    Raises:
        UserError: it cannot name a folder.
    """
    if not TIMESTAMP.fullmatch(timestamp):
        raise UserError(
            f"--timestamp '{timestamp}': use letters, digits, '-' and '.', such as {datetime.now():%m%d-%H%M}"
        )
    return timestamp


@dataclass(frozen=True)
class RunFolders:
    """The folders and files of one run of one experiment.

    ``LOGS``, ``CKPT``, ``SAMPLES`` and ``MODEL`` are strings, as plug-ins for the original ARISGAN code expect them.
    """

    experiment_root: Path
    experiment: str
    timestamp: str

    @property
    def stringname(self) -> str:
        """Name of the experiment as part of a file name."""
        return self.experiment.replace("/", "_")

    @property
    def run_name(self) -> str:
        """``<name>_<timestamp>``."""
        return f"{self.stringname}_{self.timestamp}"

    @property
    def shared_name(self) -> str:
        """Name of the run's files in the folders that all experiments share; no other run has it.

        ``<name>_<timestamp>`` with "--" for each "/" of the experiment's name, and a checksum where that has "--"
        itself: ``run_name`` is the same for the experiments ``g/lr_1`` and ``g/lr/1``.
        """
        name = self.experiment.replace("/", "--")
        if name.split("--") != self.experiment.split("/"):
            name += f"-{_checksum(self.experiment)}"
        return f"{name}_{self.timestamp}"

    @property
    def folder(self) -> Path:
        """The experiment's folder."""
        return self.experiment_root / self.experiment

    @property
    def LOGS(self) -> str:
        """TensorBoard events, ``train.jsonl``, ``run.json``; with a slash at the end.

        A run whose experiment was moved, copied or renamed keeps the folder that bears the former name.
        """
        folder = self.folder / "logs" / self.run_name
        if not folder.is_dir():
            # No timestamp has an underscore, so that the end of the name identifies the run.
            former = sorted(folder.parent.glob(f"*_{self.timestamp}/run.json"))
            folder = former[0].parent if former else folder
        return f"{folder}/"

    @property
    def CKPT(self) -> str:
        """Checkpoints of this run."""
        return str(self.folder / "ckpt" / self.timestamp)

    @property
    def SAMPLES(self) -> str:
        """Sample images of all runs of the experiment; with a slash at the end."""
        return f"{self.folder / 'samples'}/"

    @property
    def MODEL(self) -> str:
        """Diagrams of the networks; with a slash at the end."""
        return f"{self.folder / 'model'}/"

    @property
    def logs(self) -> Path:
        """``LOGS`` as a path."""
        return Path(self.LOGS)

    @property
    def checkpoints(self) -> Path:
        """``CKPT`` as a path."""
        return Path(self.CKPT)

    @property
    def run_file(self) -> Path:
        """The record of the run: the experiment with all defaults, versions, sessions and how they ended."""
        return self.logs / "run.json"

    @property
    def journal(self) -> Path:
        """The losses of every step, one line of JSON each."""
        return self.logs / "train.jsonl"

    @property
    def evaluation(self) -> Path:
        """The metrics of every sample, as CSV."""
        return self._shared(EVALUATION, ".csv")

    def evaluation_on(self, dataset: str, tilesize: int) -> Path:
        """Return the metrics of every sample of another dataset, ``<run>@<dataset>@<tilesize>.csv``.

        No timestamp has an "@", so that the end of the name is never that of a run, whatever the names of experiments.

        Args:
            dataset: its name below the data root; in the file's name "/" becomes "--".
            tilesize: of its tiles.
        """
        name = dataset.replace("/", "--")
        if "@" in name or name.split("--") != dataset.split("/"):
            name = f"{name.replace('@', '-')}-{_checksum(dataset)}"
        return self.experiment_root / EVALUATION / f"{self.shared_name}@{name}@{tilesize}.csv"

    @property
    def latest_sample(self) -> Path:
        """The newest sample image, beside those of all other runs."""
        return self._shared("_samples", ".png")

    def _shared(self, folder: str, suffix: str) -> Path:
        """Return a file of the run in a folder that all experiments share.

        A run of a former version keeps its file, which is named by ``run_name``, unless it can be another run's.
        """
        path, former = (self.experiment_root / folder / f"{name}{suffix}" for name in (self.shared_name, self.run_name))
        if path == former or path.is_file() or not former.is_file():
            return path
        others = set(_named_alike(self.experiment_root, self.stringname)) - {self.folder}
        ambiguous = any((other / "ckpt" / self.timestamp).is_dir() for other in others)
        return path if ambiguous else former

    @contextmanager
    def kept_when_used(self) -> Iterator[None]:
        """Remove the folder of the logs after an error if nothing was written to it; a context manager."""
        try:
            yield
        except BaseException:
            with suppress(OSError):
                for folder in (self.logs, self.logs.parent):
                    folder.rmdir()
            raise

    @property
    def test_images(self) -> Path:
        """The folder of the images of every batch of an evaluated split, ``0.png`` and so on."""
        return self.folder / "test" / self.timestamp

    def sample(self, step: int) -> Path:
        """Return the sample image of a step."""
        return Path(self.SAMPLES) / f"{self.run_name}_{step:05d}.png"

    def console_log(self, environment: str) -> Path:
        """Return the file that keeps what the console shows."""
        return self.folder / "nohup" / f"{self.timestamp}_{environment}.out"

    def create(self) -> None:
        """Create the folders of the run."""
        for path in (self.LOGS, self.CKPT, self.SAMPLES, self.MODEL, self.folder / "nohup"):
            Path(path).mkdir(parents=True, exist_ok=True)
        for path in (self.latest_sample, self.evaluation):
            path.parent.mkdir(parents=True, exist_ok=True)


def _checksum(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _named_alike(folder: Path, stringname: str) -> Iterator[Path]:
    """Yield the folders below a folder whose names, joined by "_", are a string."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name == stringname:
            yield path
        elif stringname.startswith(f"{path.name}_"):
            yield from _named_alike(path, stringname.removeprefix(f"{path.name}_"))


def checkpoint_steps(folder: Path) -> list[int]:
    """Return the steps of the complete checkpoints in a ``ckpt/<timestamp>`` folder, ascending."""
    if not folder.is_dir():
        return []
    return sorted(int(match[1]) for path in folder.iterdir() if (match := CHECKPOINT.fullmatch(path.name)))


def newest_run(experiment_folder: Path, name: str) -> str:
    """Return the timestamp of the run that was started last, among those that have a checkpoint.

    The recorded start decides. Times of files change when a folder is copied, and a timestamp has no year. Runs that
    have not recorded their start come before those that have, by the time of their files.

    Args:
        experiment_folder: the folder of an experiment.
        name: name of the experiment, for the error message.

    Raises:
        UserError: no run of the experiment has a checkpoint.
    """
    root = experiment_folder / "ckpt"
    runs = [path for path in root.iterdir() if checkpoint_steps(path)] if root.is_dir() else []
    if not runs:
        raise UserError(
            f"{root}: no run of '{name}' has a checkpoint yet; train it first: python train.py --exp {name}"
        )
    return max(runs, key=_age).name


def _age(checkpoints: Path) -> tuple[str, int, str]:
    """Return the key by which the runs of an experiment are ordered from old to new."""
    written = max(file.stat().st_mtime_ns for file in checkpoints.glob("ckpt-*.json"))
    return started(checkpoints) or "", written, checkpoints.name


def started(checkpoints: Path) -> str | None:
    """Return when the first process of a run started, ISO 8601 in UTC; None where that was not recorded.

    Args:
        checkpoints: the folder ``ckpt/<timestamp>`` of the run.
    """
    for step in reversed(checkpoint_steps(checkpoints)):
        if recorded := _json(checkpoints / f"ckpt-{step}.json").get("started"):
            return str(recorded)
    # Runs of former versions have it in run.json only.
    runs = [_json(path) for path in checkpoints.parents[1].glob(f"logs/*_{checkpoints.name}/run.json")]
    starts = [str(run["sessions"][0].get("started", "")) for run in runs if run.get("sessions")]
    return min(filter(None, starts), default=None)


def _json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file, or nothing where it is damaged: other code reports that."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
