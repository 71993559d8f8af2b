"""What the page holds, as JSON."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from metrics import LOWER_IS_BETTER, UNITS, WITHOUT_DIRECTION
from pix2earth.figures.comparison_page.curves import curves
from pix2earth.runs.folders import RunFolders
from pix2earth.scoring.tables.columns import base_of
from pix2earth.scoring.tables.comparison import Group, Run
from pix2earth.scoring.tables.documents import difference_as_json, finite, scores_of
from pix2earth.scoring.tables.gains import Statistics, by_measure
from pix2earth.scoring.tables.methods import Method
from pix2earth.scoring.tables.printing import in_words_of_blocks

SCORE_BYTES = 9_000_000
"""Largest size of all scores of tiles in the page; of more, evenly chosen tiles are kept."""


def content(
    root: Path, groups: Sequence[Group], statistics: Sequence[Statistics], measures: Sequence[str | None]
) -> dict[str, Any]:
    """Return everything but scores of tiles and pictures: groups with their methods, statistics and curves."""
    parts = zip(groups, statistics, measures, strict=True)
    names = {base_of(score) for group in groups for score in scores_of(group)}
    return {
        "version": 1,
        "lower": sorted(names & set(LOWER_IS_BETTER)),
        "undirected": sorted(names & set(WITHOUT_DIRECTION)),
        "units": {name: UNITS.get(name, "") for name in sorted(names)},
        "groups": [_group(root, *part) for part in parts],
    }


def _group(root: Path, group: Group, statistics: Statistics, measure: str | None) -> dict[str, Any]:
    scores = [name for name in scores_of(group) if any(name in each for each in statistics.means.values())]
    baselines = [method for method in statistics.methods if method.baseline]
    methods = by_measure(statistics, measure) if measure else []
    settings = {method.name: _settings(group, method) for method in methods}
    blocks = statistics.blocks
    return {
        "title": group.title,
        "reason": group.reason,
        "measure": measure,
        "scores": scores,
        "tiles": statistics.shared.tiles,
        "hidden": [finite(round(float(value), 4)) for value in blocks.hidden],
        "blocks": None if blocks.labels is None else [str(label).partition(" ")[2] for label in blocks.labels],
        "basis": in_words_of_blocks(statistics, measure) if measure else "",
        "baseline": statistics.baseline,
        "methods": [_method(root, group, statistics, method, scores) for method in (*baselines, *methods)],
        "pairs": [
            {"first": pair.first, "second": pair.second, "scores": _differences(pair.differences)}
            for pair in statistics.pairs
        ],
        "settings": _differing(settings),
    }


def _method(root: Path, group: Group, statistics: Statistics, method: Method, scores: Sequence[str]) -> dict[str, Any]:
    runs = [run for run in group.runs if run.name in method.runs]
    facts: Mapping[str, Any] = runs[0].facts if runs else {}
    started = sorted(run.files.started[:16].replace("T", " ") for run in runs if run.files)
    means = statistics.means[method.name]
    return {
        **method._asdict(),
        "runs": list(method.runs),
        "dataset": str(facts.get("dataset", "")),
        "started": started[-1] if started else "",
        "remarks": list(dict.fromkeys(remark for run in runs for remark in run.remarks)),
        "means": {
            name: [_short(value) for value in (*means[name], _median(statistics, method, name))] for name in means
        },
        "lacks": [name for name in scores if not any(name in statistics.shared.tables[run] for run in method.runs)],
        "gains": _differences(statistics.gains.get(method.name, {})),
        "curves": [{"run": run.name, "lines": _curves(root, run)} for run in runs],
    }


def _short(value: float) -> float | None:
    return finite(float(f"{value:.6g}"))


def _median(statistics: Statistics, method: Method, score: str) -> float:
    """Return the median over tiles of the mean over seeds."""
    return float(np.median(method.scores(statistics.shared, [score], statistics.shared.defined[score]).mean(axis=0)))


def _differences(differences: Mapping[str, Any]) -> dict[str, Any]:
    """Return differences with few digits."""
    found = {}
    for score, difference in differences.items():
        values = difference_as_json(difference)
        found[score] = {
            key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in values.items()
        }
    return found


def _curves(root: Path, run: Run) -> dict[str, list[list[float]]]:
    if run.files is None:
        return {}
    return curves(RunFolders(root, run.files.experiment, run.files.timestamp).journal)


def _settings(group: Group, method: Method) -> dict[str, Any]:
    """Return the settings of the first run of a method by dotted names."""
    run = next(run for run in group.runs if run.name == method.runs[0])
    return dict(run.facts.get("settings", {})) | ({"seed": method.seeds} if method.seeds else {})


def _differing(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return those settings that are not the same in all methods, as text by method."""
    keys = dict.fromkeys(key for each in settings.values() for key in each)
    texts = {key: {name: _text(each.get(key)) for name, each in settings.items()} for key in keys}
    return {key: values for key, values in texts.items() if len(set(values.values())) > 1}


def _text(value: Any) -> str:
    return "not set" if value is None else str(value)


# ---- scores of tiles -----------------------------------------------------------------------------------------------


def tile_scores(groups: Sequence[Mapping[str, Any]], statistics: Sequence[Statistics]) -> list[dict[str, Any]]:
    """Return the scores of every tile by group.

    Args:
        groups: as ``content`` returns them.
        statistics: of each.

    Returns:
        For each group "tiles", the indices of the tiles whose scores are there, and "methods", scores by name: base64
        of little-endian float32 (score, tile), NaN where a score is not defined.
    """
    numbers = sum(len(each["tiles"]) * len(each["methods"]) * len(each["scores"]) for each in groups)
    share = min(1.0, SCORE_BYTES / max(1, 4 * numbers))
    found = []
    for each, of_group in zip(groups, statistics, strict=True):
        total = len(each["tiles"])
        kept = np.unique(np.linspace(0, total - 1, max(1, int(total * share))).round().astype(int))
        chosen = np.zeros(total, bool)
        chosen[kept] = True
        methods = {method.name: method for method in of_group.methods}
        scores = {
            entry["name"]: _encoded(methods[entry["name"]].scores(of_group.shared, each["scores"], chosen))
            for entry in each["methods"]
        }
        found.append({"tiles": kept.tolist(), "methods": scores})
    return found


def _encoded(scores: np.ndarray) -> str:
    """Return the means over runs of scores (run, tile, score) as text."""
    means = scores.mean(axis=0).T
    return base64.b64encode(np.where(np.isfinite(means), means, np.nan).astype("<f4").tobytes()).decode()
