"""Which run a command line means, and whether the experiment is still the one that it was."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from experiment import Environment, Experiment, shapes
from pix2earth.runs.folders import RunFolders, check_timestamp, checkpoint_steps, new_timestamp, newest_run
from pix2earth.settings.errors import UserError


def choose_run(options: argparse.Namespace, environment: Environment, name: str) -> tuple[str, str | None]:
    """Return the timestamp of this run and of the run to restore, or None.

    Raises:
        UserError: a run to restore is missing, or a run to begin exists.
    """
    folder = Path(environment.EXPERIMENT_ROOT) / name
    given = check_timestamp(options.timestamp) if options.timestamp else None
    if options.restore is None:
        logs = folder / "logs"
        timestamp = given or new_timestamp(logs, RunFolders(Path(environment.EXPERIMENT_ROOT), name, "").stringname)
        taken = RunFolders(Path(environment.EXPERIMENT_ROOT), name, timestamp)
        if environment.DISTRIBUTION == "multiworker" and given is None and not options.dry_run:
            raise UserError("--timestamp: is required with distribution 'multiworker', the same on every machine")
        if checkpoint_steps(taken.checkpoints) and not options.dry_run:
            raise UserError(
                f"--timestamp {timestamp}: this run exists; continue it with --restore {timestamp}, or choose another"
            )
        return timestamp, None
    source = check_timestamp(options.restore) if options.restore else newest_run(folder, name)
    if not checkpoint_steps(folder / "ckpt" / source):
        runs = sorted(path.name for path in (folder / "ckpt").glob("*") if checkpoint_steps(path))
        raise UserError(f"--restore {source}: this run has no checkpoint; there are: {', '.join(runs) or 'none'}")
    return given or source, source


def check_changes(experiment: Experiment, before: dict[str, Any], fingerprint: str, *, force: bool) -> list[str]:
    """Return one line for each setting that changed since the run that is restored.

    Raises:
        UserError: one of them shapes the network or the data, and ``force`` is False.
    """
    now = experiment.resolved()
    lines: list[str] = []
    refused: list[str] = []
    for key, value in now.items():
        old = before["settings"].get(key, value)
        if old != value:
            kind = shapes(key)
            line = f"{experiment.file}: {key}: was {json.dumps(old)} in the run, is {json.dumps(value)}"
            (refused if kind else lines).append(f"{line}{f' (shapes the {kind})' if kind else ''}")
    if before["dataset"]["fingerprint"] != fingerprint:
        refused.append(f"{experiment.DATA_ROOT}: the dataset is not the one that the run has read")
    if refused and not force:
        raise UserError(*refused, f"{experiment.file}: change that back, begin a new run, or restore with --force")
    return lines + refused
