"""Restoring of runs: choose the run that the command line names, and check which settings have changed since."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from experiment import Environment, Experiment
from pix2earth.plugins import finding
from pix2earth.records.manifest import FILE
from pix2earth.runs import former_runs, identity, provenance, treatments
from pix2earth.runs.folders import (
    RunFolders,
    check_timestamp,
    checkpoint_steps,
    new_timestamp,
    newest_run,
    reserved_timestamp,
)
from pix2earth.runs.identity import Difference
from pix2earth.settings.errors import UserError
from pix2earth.training import checkpoints


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
        if environment.DISTRIBUTION == "multiworker" and requested is None and not options.dry_run:
            raise UserError("--timestamp: is required with distribution 'multiworker', the same on every machine")
        free = new_timestamp if options.dry_run else reserved_timestamp
        timestamp = requested or free(logs, RunFolders(Path(environment.EXPERIMENT_ROOT), name, "").stringname)
        folders = RunFolders(Path(environment.EXPERIMENT_ROOT), name, timestamp)
        if checkpoint_steps(folders.checkpoints) and not options.dry_run:
            raise UserError(
                f"--timestamp {timestamp}: this run exists; resume it with --restore {timestamp}, or choose another"
            )
        return timestamp, None
    source = check_timestamp(options.restore) if options.restore else newest_run(folder, name)
    if not checkpoint_steps(folder / "ckpt" / source):
        runs = sorted(path.name for path in (folder / "ckpt").glob("*") if checkpoint_steps(path))
        raise UserError(f"--restore {source}: this run has no checkpoint; there are: {', '.join(runs) or 'none'}")
    if requested not in (None, source) and checkpoint_steps(folder / "ckpt" / str(requested)):
        raise UserError(
            f"--timestamp {requested}: this run exists; resume it with --restore {requested}, or choose another"
        )
    return requested or source, source


def recorded_selection(source: RunFolders) -> dict[str, Any]:
    """Return the entry ``selection`` of the newest intact checkpoint of a run; nothing where it was not recorded."""
    step = checkpoints.newest_intact(source.checkpoints, lambda _: None)
    return {} if step is None else checkpoints.read_metadata(source.checkpoints, step).get("selection", {})


def recorded_versions(source: RunFolders) -> dict[str, Any]:
    """Return the versions of what is done with tiles in the newest intact checkpoint of a run."""
    step = checkpoints.newest_intact(source.checkpoints, lambda _: None)
    found = {} if step is None else checkpoints.read_metadata(source.checkpoints, step).get("identity", {})
    return {name: found[name] for name in treatments.TREATMENTS if name in found}


def samples_of(saved: Mapping[str, Any], source: RunFolders, batch_size: int) -> int:
    """Return the number of samples that a checkpoint was trained on.

    Args:
        saved: content of ``ckpt-N.json``; former versions recorded the number of steps only.
        source: folders of the run that saved it.
        batch_size: of the present experiment, where nothing was recorded.
    """
    if "samples" in saved:
        return int(saved["samples"])
    run = provenance.load(source.run_file) or {}
    settings = {**run.get("settings", {}), **saved.get("identity", {}).get("settings", {})}
    return int(saved["step"]) * int(settings.get("batch_size", batch_size))


REFUSED = ("network", "data", "plug-in", "dataset", "manifest", "seed")
"""Parts of an identity that must not differ where a run resumes."""


class Restored(NamedTuple):
    """The checkpoint that a run resumes from, compared with the experiment as it is now.

    Attributes:
        step: of the checkpoint.
        identity: of the resumed run: the present one, with all changes since the run was started.
        notes: a line for everything that differs, and for what was not recorded.
        keep_rates: whether the learning rates of the experiment replace those of the checkpoint.
    """

    step: int
    identity: dict[str, Any]
    notes: list[str]
    keep_rates: bool


def compare_with_checkpoint(
    experiment: Experiment, current: dict[str, Any], source: RunFolders, *, force: bool
) -> Restored:
    """Compare an experiment with the newest intact checkpoint of the run that it resumes.

    Args:
        experiment: with the current settings.
        current: its identity.
        source: folders of the run to restore.
        force: allow settings of the network and the data, the plug-in and the dataset to differ.

    Raises:
        UserError: one of these differs, and ``force`` is False; or no checkpoint is intact.
    """
    damaged: list[str] = []  # reported again, and shown, when the checkpoint is restored
    step = checkpoints.newest_intact(source.checkpoints, damaged.append)
    if step is None:
        raise UserError(*damaged, f"{source.checkpoints}: no checkpoint is intact; start a new run")
    notes: list[str] = []
    metadata = checkpoints.read_metadata(source.checkpoints, step)
    run = provenance.load(source.run_file)
    plugin = finding.find(experiment)
    recorded = metadata.get("identity") or (former_runs.of_former_run(run, plugin) if run else {})
    current = treatments.continued(recorded, current)
    place = source.checkpoints / f"ckpt-{step}.json"
    if missing := former_runs.not_recorded(recorded):
        notes.append(f"{place}: {missing}")
    # What only decides when something is computed is no part of an identity; run.json has it.
    settings = {**(run["settings"] if run else {}), **recorded.get("settings", {})}
    settings.pop("seed", None)  # a part of its own
    found = identity.differences({**recorded, "settings": settings}, {**current, "settings": experiment.resolved()})
    refused = [difference for difference in found if difference.part in REFUSED]
    lines = [_line(experiment, place, difference) for difference in found if difference.part not in REFUSED]
    refusals = [_line(experiment, place, difference) for difference in refused]
    if refusals and not force:
        raise UserError(*refusals, f"{experiment.file}: change that back, start a new run, or restore with --force")
    resolved = experiment.resolved()
    # A rate that a schedule had lowered is not kept either where the schedule was changed.
    keep_rates = any(settings.get(key, resolved[key]) != resolved[key] for key in ("learning_rate", "schedule"))
    return Restored(step, identity.changed(recorded, current, step), [*notes, *lines, *refusals], keep_rates)


def _line(experiment: Experiment, place: Path, difference: Difference) -> str:
    """Return a line for a difference: the file that differs, the key, both values, and what it shapes."""
    part, key = difference.part, difference.key
    if part in ("network", "data", "training", "seed", "name"):
        shaped = f" (shapes the {'data' if part == 'seed' else part})" if part in ("network", "data", "seed") else ""
        same = ": the same records by another name" if part == "name" else ""
        was, current = json.dumps(difference.was), json.dumps(difference.current)
        return f"{experiment.file}: {key}: was {was} in the run, is {current}{shaped}{same}"
    if part in ("dataset", "manifest"):
        return f"{Path(experiment.DATA_ROOT) / FILE}: {difference}"
    return f"{place}: {difference}"
