"""A comparison as a document: JSON for programs, and LaTeX, Markdown or CSV for papers."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from metrics import LOWER_IS_BETTER, WITHOUT_DIRECTION
from pix2earth.scoring.tables.columns import base_of, ordered_scores
from pix2earth.scoring.tables.comparison import Group, measure_of
from pix2earth.scoring.tables.gains import Statistics, by_measure, worst_tiles
from pix2earth.scoring.tables.methods import Method
from pix2earth.statistics.paired import PairedDifference

FORMATS = ("tex", "md", "csv")


def scores_of(group: Group) -> list[str]:
    """Return all scores of the runs of a group, in the order of tables."""
    return ordered_scores(str(column) for run in group.runs for column in run.table.columns)


# ---- JSON ----------------------------------------------------------------------------------------------------------


def as_json(groups: Sequence[Group], statistics: Sequence[Statistics], measure: str | None) -> dict[str, Any]:
    """Return a comparison as JSON; numbers that are not finite are null.

    Args:
        groups: of the comparison.
        statistics: of each.
        measure: by which methods are sorted, or None.
    """
    return {"version": 1, "groups": [_group(*each, measure) for each in zip(groups, statistics, strict=True)]}


def _group(group: Group, statistics: Statistics, measure: str | None) -> dict[str, Any]:
    by = measure_of(scores_of(group), measure)
    ordered = [method for method in statistics.methods if method.baseline]
    ordered += by_measure(statistics, by) if by else [method for method in statistics.methods if not method.baseline]
    return {
        "title": group.title,
        "reason": group.reason,
        "measure": by,
        "samples": len(statistics.shared.tiles),
        "blocks": None if statistics.blocks.labels is None else len(set(statistics.blocks.labels)),
        "block_is": statistics.blocks.unit,
        "baseline": statistics.baseline,
        "corrected_for": statistics.tested,
        "methods": [_method(statistics, method, by) for method in ordered],
        "pairs": [
            {"first": pair.first, "second": pair.second, "scores": _by_score(pair.differences)}
            for pair in statistics.pairs
        ],
    }


def _method(statistics: Statistics, method: Method, measure: str | None) -> dict[str, Any]:
    content = {name: value for name, value in method._asdict().items() if not (method.baseline and value == "")}
    content["runs"] = list(method.runs)
    content["scores"] = {
        score: {"mean": finite(mean), "low": finite(low), "high": finite(high)}
        for score, (mean, low, high) in statistics.means[method.name].items()
    }
    if method.baseline:
        return content
    content["gains"] = _by_score(statistics.gains.get(method.name, {}))
    if measure and measure in statistics.means[method.name]:
        worst = worst_tiles(statistics, method, measure)
        content["worst_tiles"] = [{"tile": tile, measure: finite(value)} for tile, value in worst]
    return content


def _by_score(differences: Mapping[str, PairedDifference]) -> dict[str, Any]:
    return {score: difference_as_json(each) for score, each in differences.items()}


def difference_as_json(difference: PairedDifference) -> dict[str, Any]:
    """Return a difference as JSON, with its decision."""
    values = {name: finite(value) for name, value in difference._asdict().items()}
    return values | {"decision": difference.decision}


def finite(value: Any) -> Any:
    """Return a value, or None for a number that is not finite: JSON has none."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


# ---- tables for papers ---------------------------------------------------------------------------------------------


def as_table(group: Group, statistics: Statistics, kind: str, measure: str | None) -> str:
    """Return the means of a group with intervals as text, one line for each method.

    Args:
        group: the runs.
        statistics: of the group.
        kind: one of ``FORMATS``; in LaTeX and Markdown the best value of each column is bold.
        measure: by which methods are sorted.
    """
    scores = [name for name in scores_of(group) if any(name in each for each in statistics.means.values())]
    by = measure_of(scores, measure)
    methods = [method for method in statistics.methods if method.baseline]
    methods += by_measure(statistics, by) if by else [method for method in statistics.methods if not method.baseline]
    if kind == "csv":
        return _csv(statistics, methods, scores)
    title = f"{group.title}: means over {len(statistics.shared.tiles)} samples"
    bold, escaped = (_tex_bold, _tex) if kind == "tex" else (_md_bold, _md)
    rows = [[escaped("method"), *map(escaped, scores)]]
    best = {score: _best(statistics, score) for score in scores}
    for method in methods:
        cells = [escaped(method.name + (" (fails)" if method.failed else ""))]
        cells += [_cell(statistics, method, score, best[score], bold, escaped) for score in scores]
        rows.append(cells)
    return _as_tex(rows, escaped(title)) if kind == "tex" else _as_md(rows, escaped(title))


def _best(statistics: Statistics, score: str) -> str | None:
    """Return the name of the method with the best mean among those that do not fail; None where no mean is better."""
    means = {
        method.name: statistics.means[method.name][score][0]
        for method in statistics.methods
        if not method.failed and score in statistics.means[method.name]
    }
    if not means or base_of(score) in WITHOUT_DIRECTION:
        return None
    return min(means, key=lambda name: means[name] if base_of(score) in LOWER_IS_BETTER else -means[name])


def _cell(
    statistics: Statistics,
    method: Method,
    score: str,
    best: str | None,
    bold: Callable[[str], str],
    escaped: Callable[[str], str],
) -> str:
    if score not in statistics.means[method.name]:
        return "fails" if method.failed else "-"
    mean, low, high = statistics.means[method.name][score]
    number = escaped(f"{mean:.4g}")
    interval = "" if math.isnan(low) else " " + escaped(f"[{low:.4g}, {high:.4g}]")
    return (bold(number) if method.name == best else number) + interval


def _csv(statistics: Statistics, methods: Sequence[Method], scores: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ends = [f"{score}{end}" for score in scores for end in ("", ".low", ".high")]
    writer.writerow(["method", "model", "losses", "step", "seeds", "failed", *ends])
    for method in methods:
        values = [statistics.means[method.name].get(score, (math.nan,) * 3) for score in scores]
        cells = ["" if math.isnan(value) else f"{value:.6g}" for each in values for value in each]
        about = (method.name, method.model, method.loss, method.step, method.seeds, method.failed)
        writer.writerow([_one_line(part) for part in about] + cells)
    return text.getvalue()


def _as_tex(rows: Sequence[Sequence[str]], title: str) -> str:
    head, *body = (" & ".join(row) + r" \\" for row in rows)
    columns = "l" + "r" * (len(rows[0]) - 1)
    lines = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join([f"% {title}; needs the package booktabs", *lines]) + "\n"


def _as_md(rows: Sequence[Sequence[str]], title: str) -> str:
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    rule = "|" + "|".join([" --- ", *[" ---: "] * (len(rows[0]) - 1)]) + "|"
    return "\n".join([title, "", head, rule, *body]) + "\n"


TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def _tex(text: str) -> str:
    """Return text in which nothing is a command of LaTeX."""
    return "".join(TEX.get(letter, letter) for letter in _one_line(text))


def _md(text: str) -> str:
    """Return text in which nothing is Markdown or HTML."""
    return re.sub(r"([\\`*_{}|<>#~]|\[(?=\w+\]))", r"\\\1", _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _tex_bold(text: str) -> str:
    return rf"\textbf{{{text}}}"


def _md_bold(text: str) -> str:
    return f"**{text}**"
