"""Rows of the tables on series, judged by the land cover that a classifier of true frames sees in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiment import Environment
from pix2earth.results.trained import TIMESTAMP
from pix2earth.runs import provenance
from pix2earth.runs.folders import RunFolders
from pix2earth.settings import commented_json

SHOWN = ("accuracy", "f1", "iou")
REFERENCES = {"true": "true frames (ceiling)", "input": "frames of the input (floor)"}
TRUE, GENERATED = "true", "generated"


def judgements(environment: Environment, rows: Sequence[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """Return the judgement of each trained row by its title; those that are missing are made and written.

    Args:
        environment: the machine.
        rows: title and experiment of each row; those that are not trained have no judgement.

    Raises:
        UserError: a run cannot be judged.
    """
    found = {}
    for title, experiment in rows:
        run = provenance.load(RunFolders(Path(environment.EXPERIMENT_ROOT), experiment, TIMESTAMP).run_file)
        if run and run["sessions"][-1]["outcome"] == "completed":
            found[title] = _judgement(environment, experiment)
    return found


def _judgement(environment: Environment, experiment: str) -> dict[str, Any]:
    """Return the judgement of the last step of a run, which is made where it is not there."""
    from pix2earth.land_cover import report
    from pix2earth.training.trained import open_run, restored_scorer

    run = open_run(environment, experiment, TIMESTAMP)
    path = report.path_of(run.output, "test")
    if path.is_file():
        content: dict[str, Any] = commented_json.read(path).data
        if content["step"] == run.STEPS:
            return content
    scorer, split, step = restored_scorer(run, "test", "last")
    return report.judged(scorer, split, step).content


def table(judged: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the lines of a Markdown table: true frames, those of the input, and a line for each row.

    Args:
        judged: by the titles of the rows; at least one.
    """
    first = next(iter(judged.values()))
    lines = [
        f"| frames | {' | '.join(SHOWN)} | accuracy of that of true frames |",
        f"|---|{'---:|' * (len(SHOWN) + 1)}",
    ]
    frames = {REFERENCES[kind]: first["frames"][kind] for kind in REFERENCES if kind in first["frames"]}
    frames |= {title: content["frames"][GENERATED] for title, content in judged.items()}
    ceiling = first["frames"][TRUE]["accuracy"]
    for title, scores in frames.items():
        cells = [f"{scores[name]:.3f}" for name in SHOWN]
        lines.append(f"| {title} | {' | '.join(cells)} | {scores['accuracy'] / ceiling:.2f} |")
    return lines
