"""Methods that are compared: baselines, and runs; runs that differ by their seed alone are one method."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pix2earth.scoring.tables.comparison import Group, Run, SharedScores


class Method(NamedTuple):
    """A baseline, a run, or runs that differ by their seed alone.

    Attributes:
        name: for tables.
        runs: names of the runs, or of the baseline in brackets; keys of ``SharedScores.tables``.
        baseline: whether it is a baseline.
        failed: the predictions that fail, in words; "" where there are none.
        model: name of the plug-in; "" of a baseline.
        loss: losses with their weights.
        step: of the checkpoint, in words.
        seeds: the seeds, in words.
    """

    name: str
    runs: tuple[str, ...]
    baseline: bool = False
    failed: str = ""
    model: str = ""
    loss: str = ""
    step: str = ""
    seeds: str = ""

    def scores(self, shared: SharedScores, names: Sequence[str], defined: np.ndarray) -> np.ndarray:
        """Return scores (run, sample, score) of samples that are ``defined``, bool (sample,); NaN: not scored."""
        tables = [shared.tables[run].reindex(columns=list(names)).to_numpy(float) for run in self.runs]
        return np.stack(tables)[:, defined]


def methods_of(group: Group, shared: SharedScores) -> list[Method]:
    """Return the baselines and then the methods of a group, in the order of its runs."""
    found = [Method(name, (name,), baseline=True) for name in shared.baselines]
    alike: dict[str, list[Run]] = {}
    for run in group.runs:
        alike.setdefault(str(run.facts.get("group", run.name)), []).append(run)
    for runs in alike.values():
        # Two runs of one seed are not two draws of a seed: both stand alone.
        distinct = len({str(run.facts.get("seed", "?")) for run in runs}) == len(runs)
        found += [_method(part, shared) for part in ([runs] if distinct else [[run] for run in runs])]
    return found


def _method(runs: Sequence[Run], shared: SharedScores) -> Method:
    """Return runs that differ by their seed as a method."""
    facts = [run.facts for run in runs]
    failed = "; ".join(shared.failed[run.name] for run in runs if shared.failed[run.name])
    name = runs[0].name if len(runs) == 1 else f"{_common_name(runs)} ({len(runs)} seeds)"
    model, loss, step = (
        ", ".join(dict.fromkeys(str(each.get(key, "?")) for each in facts)) for key in ("model", "loss", "step")
    )
    seeds = ", ".join(sorted(str(each.get("seed", "?")) for each in facts))
    return Method(name, tuple(run.name for run in runs), False, failed, model, loss, step, seeds)


def _common_name(runs: Sequence[Run]) -> str:
    """Return what the names of experiments of several runs begin with, or the model where that is nothing."""
    names = {run.files.experiment if run.files else run.name.rpartition("_")[0] for run in runs}
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    common = "".join(letters[0] for letters in alike).removesuffix("seed").rstrip("-_./")
    return common or str(runs[0].facts.get("model", "runs"))
