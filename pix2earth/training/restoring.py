"""Restoring of runs: choose the run that the command line names, and check which settings have changed since."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from experiment import Environment, Experiment
from pix2earth.runs.folders import RunFolders, check_timestamp, checkpoint_steps, new_timestamp, newest_run
from pix2earth.settings.errors import UserError
from pix2earth.settings.schema import affects


def choose_run(options: argparse.Namespace, environment: Environment, name: str) -> tuple[str, str | None]:
    """Return the timestamp of the run to train, and that of the run to restore or None.

    Args:
        options: of ``train.py``.
        environment: the machine.
        name: of the experiment.

    Raises:
        UserError: a run to restore has no checkpoint, or a run to start exists.
    """
    folder = Path(environment.EXPERIMENT_ROOT) / name
    requested = check_timestamp(options.timestamp) if options.timestamp else None
    if options.restore is None:
        logs = folder / "logs"
        timestamp = requested or new_timestamp(logs, RunFolders(Path(environment.EXPERIMENT_ROOT), name, "").stringname)
        folders = RunFolders(Path(environment.EXPERIMENT_ROOT), name, timestamp)
        if environment.DISTRIBUTION == "multiworker" and requested is None and not options.dry_run:
            raise UserError("--timestamp: is required with distribution 'multiworker', the same on every machine")
        if checkpoint_steps(folders.checkpoints) and not options.dry_run:
            raise UserError(
                f"--timestamp {timestamp}: this run exists; resume it with --restore {timestamp}, or choose another"
            )
        return timestamp, None
    source = check_timestamp(options.restore) if options.restore else newest_run(folder, name)
    if not checkpoint_steps(folder / "ckpt" / source):
        runs = sorted(path.name for path in (folder / "ckpt").glob("*") if checkpoint_steps(path))
        raise UserError(f"--restore {source}: this run has no checkpoint; there are: {', '.join(runs) or 'none'}")
    return requested or source, source


def check_changes(experiment: Experiment, recorded: dict[str, Any], fingerprint: str, *, force: bool) -> list[str]:
    """Return one line for each setting that differs from the run that is restored.

    Args:
        experiment: with the current settings.
        recorded: content of the run's ``run.json``.
        fingerprint: of the current dataset.
        force: allow settings of the network and the data to differ.

    Raises:
        UserError: a setting of the network or the data differs, and ``force`` is False.
    """
    current = experiment.resolved()
    lines: list[str] = []
    refused: list[str] = []
    for key, value in current.items():
        old = recorded["settings"].get(key, value)
        if old != value:
            kind = affects(key)
            line = f"{experiment.file}: {key}: was {json.dumps(old)} in the run, is {json.dumps(value)}"
            (refused if kind else lines).append(f"{line}{f' (shapes the {kind})' if kind else ''}")
    if recorded["dataset"]["fingerprint"] != fingerprint:
        refused.append(f"{experiment.DATA_ROOT}: the dataset is not the one that the run has read")
    if refused and not force:
        raise UserError(*refused, f"{experiment.file}: change that back, start a new run, or restore with --force")
    return lines + refused
