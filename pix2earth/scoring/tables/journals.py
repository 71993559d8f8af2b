"""The journals of runs below an experiment root, chosen by the names of experiments or runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from pix2earth.runs import provenance
from pix2earth.runs.folders import RunFolders
from pix2earth.settings.errors import UserError, nearest

JOURNAL = "train.jsonl"


def find(root: Path, experiments: Sequence[str] = (), runs: Collection[str] = ()) -> dict[str, Path]:
    """Return the ``train.jsonl`` of runs by the runs' names, which are those of their CSVs, sorted.

    Args:
        root: the experiment root.
        experiments: beginnings of the names of experiments; none: all of them.
        runs: names of runs; none: of each experiment the one that was started last.

    Raises:
        UserError: there is no such run.
    """
    found: dict[str, Path] = {}
    newest: dict[str, tuple[str, str]] = {}
    for file in root.glob("**/logs/*/run.json"):
        journal, run = file.with_name(JOURNAL), provenance.load(file) or {}
        experiment = file.parents[2].relative_to(root).as_posix()
        if not journal.is_file() or not experiment.startswith(tuple(experiments) or ""):
            continue
        name = RunFolders(root, experiment, run["timestamp"]).evaluation.stem
        found[name] = journal
        started = str(run["sessions"][0].get("started", "")) if run["sessions"] else ""
        newest[experiment] = max(newest.get(experiment, ("", "")), (started, name))
    for name in runs:
        if name not in found:
            raise UserError(f"{root}: has no run '{name}' with a {JOURNAL}{nearest(name, found)}")
    if not found:
        of = f" of {', '.join(experiments)}" if experiments else ""
        raise UserError(f"{root}: has no run{of} with a {JOURNAL}; train one: python train.py --exp NAME")
    chosen = runs or [name for _, name in newest.values()]
    return {name: found[name] for name in sorted(chosen)}
