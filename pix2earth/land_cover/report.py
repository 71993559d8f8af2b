"""The judgement of a run by the reference classifier: JSON, two CSVs, a figure, and lines for the console."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.land_cover.judging import Judge
from pix2earth.land_cover.pixel_series import GENERATED, INPUT, TRUE, judged_series, members, why_no_input
from pix2earth.land_cover.reference_classifier import kept_or_fitted
from pix2earth.runs.folders import EVALUATION
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.scoring.scorer import Scorer

FOLDER = "land_cover"
MEANING = {TRUE: "ceiling", GENERATED: "", INPUT: "floor"}
SCORES = ("accuracy", "f1", "iou", "iou_micro")


def judge_and_show(scorer: Scorer, split: str, step: int) -> Path:
    """Judge a run by the classes of its generated frames; write the files, print lines, return the path of the JSON.

    Args:
        scorer: of the network.
        split: of the samples.
        step: of the checkpoint.

    Raises:
        UserError: the dataset has no classes, or no complete series in the split.
        OSError: a file cannot be written.
    """
    from pix2earth.figures import land_cover

    def to_stderr(line: str) -> None:
        print(line, file=sys.stderr)

    output = scorer.experiment.output
    names = scorer.dataset.names(split)
    kept, left_out = members(scorer.dataset.manifest, names)
    if not scorer.paired or not kept:
        raise UserError(f"{scorer.dataset.listing.folder / split}: --classifier: has no pairs of input and target")
    classifier = kept_or_fitted(scorer.dataset, Path(output.experiment_root), to_stderr)
    _check_length(scorer, split, len(next(iter(kept.values()))), classifier.about)
    judge = Judge(classifier.predict, classifier.about["fitted"]["classes"], scorer.scale.green_red_infrared)
    for series in judged_series(scorer, split, names):
        judge.add(series)
    content = {
        "version": 1, "run": output.run_name, "dataset": scorer.dataset.manifest.name, "split": split, "step": step,
        "samples": sum(map(len, kept.values())), "left_out": left_out,
        "classifier": {"folder": str(classifier.folder), **classifier.about["fitted"]},
        "no_input": why_no_input(scorer.dataset.manifest), "units": scorer.target.units, **judge.result(),
    }  # fmt: skip
    path = Path(output.experiment_root) / EVALUATION / FOLDER / f"{output.shared_name}_{split}.json"
    atomic.write_text(path.with_suffix(".csv"), scores_as_csv(content))
    if judge.result()["ndvi"]:
        atomic.write_text(path.with_name(f"{path.stem}_ndvi.csv"), ndvi_as_csv(content))
    land_cover.draw(content, path.with_suffix(".png"))
    atomic.write_json(path, content)
    print("\n".join(lines(content)), path, path.with_suffix(".csv"), path.with_suffix(".png"), sep="\n")
    return path


def _check_length(scorer: Scorer, split: str, samples: int, about: dict[str, Any]) -> None:
    """Check that series of a split have the length of those that the classifier was fitted to.

    Raises:
        UserError: they have not.
    """
    per_sample = (scorer.target.time_steps or 1) * len(scorer.target.bands)
    if samples * per_sample != about["fitted"]["features"]:
        raise UserError(
            f"{scorer.dataset.listing.folder / split}: --classifier: series have {samples} samples, and those of train"
            f" {about['fitted']['features'] // per_sample}; sample_val and suffixes must leave series whole"
        )


def lines(content: dict[str, Any]) -> list[str]:
    """Return the judgement in lines for the console."""
    found = [
        f"{content['run']}, step {content['step']}: land cover of {content['series']} series of {content['split']},"
        f" by a classifier of true frames of train"
    ]
    for kind, each in content["frames"].items():
        meaning = f" ({MEANING[kind]})" if MEANING[kind] else ""
        values = ", ".join(f"{name} {_number(each[name])}" for name in SCORES)
        change = each["change"]
        change_words = f", error of changes {_number(change['error'])}" if change and kind != TRUE else ""
        found.append(f"  {kind} frames{meaning}: {values}{change_words}")
    if content["no_input"]:
        found.append(f"  input frames: no floor, {content['no_input']}")
    if content["ratio"] is not None:
        found.append(f"  accuracy of generated over that of true frames: {content['ratio']:.4g}")
    if content["left_out"]:
        found.append(f"  {content['left_out']} series are left out: they have another number of samples than most")
    return found


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def scores_as_csv(content: dict[str, Any]) -> str:
    """Return a row for each kind of frames and class, and one for all classes together."""
    rows = []
    for kind, each in content["frames"].items():
        change = each["change"] or {"error": None, "by_class": {}}
        everything = {"accuracy": each["accuracy"], "f1": each["f1"], "iou": each["iou"], "pixels": each["pixels"]}
        rows.append({"frames": kind, "class": "all", **everything, "change_error": change["error"]})
        for one, of_class in each["by_class"].items():
            rows.append({"frames": kind, "class": one, **of_class, "change_error": change["by_class"].get(one)})
    columns = ["frames", "class", "pixels", "accuracy", "precision", "recall", "f1", "iou", "change_error"]
    return _as_csv(columns, rows)


def ndvi_as_csv(content: dict[str, Any]) -> str:
    """Return a row for each class and time step, with the mean NDVI of each kind of frames."""
    kinds = list(content["frames"])
    rows = [
        {"class": one, "time_step": step + 1, **{kind: values[step] for kind, values in curves.items()}}
        for one, curves in content["ndvi"].items()
        for step in range(len(next(iter(curves.values()), [])))
    ]
    return _as_csv(["class", "time_step", *kinds], rows)


def _as_csv(columns: list[str], rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)
    return text.getvalue()
