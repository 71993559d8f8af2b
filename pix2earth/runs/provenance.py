"""Provenance of a run: the content of ``run.json``."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.batches.dataset import Dataset

PACKAGES = ("tensorflow", "keras", "numpy", "tensorboard", "rasterio", "pydantic")


def now() -> str:
    """Return the current time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def describe(experiment: Experiment, dataset: Dataset, plugin: Path, devices: dict[str, Any]) -> dict[str, Any]:
    """Return the content of ``run.json``: everything that determines a run, with defaults filled in."""
    return {
        "experiment": experiment.NAME,
        "timestamp": experiment.TIMESTAMP,
        "environment": experiment.ENVIRONMENT,
        "settings": experiment.resolved(),
        "dataset": {
            "path": experiment.DATA_ROOT,
            "name": experiment.manifest.name,
            "fingerprint": dataset.listing.fingerprint,
            "samples": {split: len(dataset.names(split)) for split in ("train", "val", "test") if dataset.has(split)},
        },
        "selection": dataset.selection.record() if dataset.selection else None,
        "plugin": {"file": str(plugin), "sha256": hashlib.sha256(plugin.read_bytes()).hexdigest()},
        "code": revision(Path(experiment.PROJECT_ROOT)),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        "host": platform.node(),
        "devices": devices,
        "sessions": [],
    }


def revision(project: Path) -> str:
    """Return the revision of the code by ``git describe``, with "-dirty" after changes, or "unknown" without git."""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=project, capture_output=True, text=True, check=True, timeout=10,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def load(path: Path) -> dict[str, Any] | None:
    """Return the content of a run's ``run.json``, or None where there is no such file.

    Raises:
        UserError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        run = json.loads(path.read_text())
        if not {"experiment", "timestamp", "settings", "dataset", "sessions"} <= run.keys():
            raise ValueError("keys are missing")
    except (ValueError, AttributeError) as error:
        raise UserError(f"{path}: is damaged ({error}); restore it from a copy, or move it away") from None
    return run


def start_session(run: dict[str, Any], path: Path, first_step: int) -> None:
    """Record in ``run.json`` that a process starts to train from a step."""
    run["sessions"].append({"started": now(), "first_step": first_step, "outcome": "running"})
    atomic.write_json(path, run)


def end_session(run: dict[str, Any], path: Path, step: int, outcome: str, speed: float | None = None) -> None:
    """Record in ``run.json`` how the last session ended; that of a killed process stays "running".

    Args:
        run: content of the file.
        path: the file.
        step: the last finished step.
        outcome: "completed", "interrupted" or "stopped: <reason>".
        speed: images per second, from the median time of a step.
    """
    run["sessions"][-1] |= {"ended": now(), "last_step": step, "outcome": outcome}
    if speed is not None:
        run["sessions"][-1]["images_per_second"] = float(f"{speed:.3g}")
    atomic.write_json(path, run)
