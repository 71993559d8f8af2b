"""The judgement of a run by the reference classifier: JSON, two CSVs, a figure, and lines for the console."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pix2earth.land_cover.class_fields import pool_of_judged, pools_of_truth, require_agreement
from pix2earth.land_cover.judging import Judge
from pix2earth.land_cover.pixel_series import (
    GENERATED,
    INPUT,
    TRUE,
    judged_series,
    members,
    true_series,
    why_no_input,
)
from pix2earth.land_cover.reference_classifier import kept_or_fitted
from pix2earth.records.listing import admitted_names
from pix2earth.runs.folders import EVALUATION
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.runs.folders import RunFolders
    from pix2earth.scoring.other_dataset import OtherDataset
    from pix2earth.scoring.scorer import Scorer

FOLDER = "land_cover"
MEANING = {TRUE: "ceiling", GENERATED: "", INPUT: "floor"}
SCORES = ("accuracy", "f1", "iou", "iou_micro")


class Judgement(NamedTuple):
    """What a classifier made of the frames of a run, as it was written.

    Attributes:
        content: of the JSON file.
        path: of the JSON file.
    """

    content: dict[str, Any]
    path: Path

    def show(self) -> None:
        """Print lines and paths."""
        files = (self.path, self.path.with_suffix(".csv"), self.path.with_suffix(".png"))
        print("\n".join(lines(self.content)), *files, sep="\n")


def judged(scorer: Scorer, split: str, step: int, other: OtherDataset | None = None) -> Judgement:
    """Judge a run by the classes of its generated frames, and write JSON, tables and figure.

    Args:
        scorer: of the network and the samples.
        split: of the samples.
        step: of the checkpoint.
        other: the dataset of the samples, where it is not that of the run. The classifier is fitted to its ``train``.

    Raises:
        UserError: the dataset has no classes, or no complete series in the split.
        OSError: a file cannot be written.
    """
    from pix2earth.figures import land_cover

    def to_stderr(line: str) -> None:
        print(line, file=sys.stderr)

    output = scorer.experiment.output
    classifier = kept_or_fitted(scorer.dataset, Path(output.experiment_root), to_stderr)
    about, manifest = classifier.about["fitted"], scorer.dataset.manifest
    judge = Judge(classifier.predict, about["classes"], scorer.scale.green_red_infrared)
    numbers = judge_samples(scorer, split, judge, about)
    found = judge.result()
    if empty := [kind for kind, each in found["frames"].items() if not each["pixels"]]:
        raise UserError(
            f"{scorer.dataset.listing.folder / split}: --classifier: no measured pixel of {empty[0]} frames has a"
            " class; write classes of them, or leave --classifier out"
        )
    content = {
        "version": 1, "run": output.run_name, "dataset": other.name if other else manifest.name, "split": split,
        "step": step, **numbers, "paired": scorer.paired, "classifier": {"folder": str(classifier.folder), **about},
        "no_input": why_no_input(manifest), "units": scorer.target.units, **found,
    }  # fmt: skip
    path = path_of(output, split, (other.name, scorer.experiment.TILESIZE) if other else None)
    atomic.write_text(path.with_suffix(".csv"), scores_as_csv(content))
    if found["ndvi"]:
        atomic.write_text(path.with_name(f"{path.stem}_ndvi.csv"), ndvi_as_csv(content))
    land_cover.draw(content, path.with_suffix(".png"))
    atomic.write_json(path, content)
    return Judgement(content, path)


def path_of(output: RunFolders, split: str, other: tuple[str, int] | None = None) -> Path:
    """Return the JSON of a judgement, ``land_cover/<run>_<split>.json``.

    Args:
        output: folders of the run.
        split: of the samples.
        other: name and tile size of the dataset where it is not that of the run: ``<run>@<dataset>@<tilesize>``.
    """
    name = output.evaluation_on(*other).stem if other else output.shared_name
    return Path(output.experiment_root) / EVALUATION / FOLDER / f"{name}_{split}.json"


def judge_samples(scorer: Scorer, split: str, judge: Judge, about: dict[str, Any]) -> dict[str, Any]:
    """Add the series of a split to a judge; return numbers of samples and of series left out, and unknown classes.

    Where samples are no pairs, true frames are those of the pool of targets, with classes of their own.

    Args:
        scorer: of the network and the samples.
        split: of the samples.
        judge: that classifies.
        about: what the classifier was fitted to.

    Raises:
        UserError: samples have no classes, none in common with ``train``, or series of another length.
    """
    dataset, manifest = scorer.dataset, scorer.dataset.manifest
    labelled = pool_of_judged(dataset, split)
    names = dataset.names(split) if scorer.paired else dataset.candidates(split)
    kept, left_out = members(manifest, names)
    _check_length(scorer, split, len(next(iter(kept.values()))), about)
    truth = pools_of_truth(dataset.listing, "train")[0]
    require_agreement(manifest, dataset.listing.folder, truth.field, labelled.field)
    found: set[int] = set()
    for series in judged_series(scorer, split, names, labelled.field):
        found |= set(np.unique(series.labels[series.chosen]).tolist())
        judge.add(series)
    if found and found.isdisjoint(about["classes"]):
        raise UserError(
            f"{dataset.listing.folder / split}: --classifier: {labelled.field} has the classes {_listed(found)}, and"
            f" true frames of train have {_listed(about['classes'])}; write both with the same classes"
        )
    if not scorer.paired:
        for each in pools_of_truth(dataset.listing, split):
            of_pool = admitted_names(dataset.listing, split, scorer.experiment, each.pool)
            _check_length(scorer, split, len(next(iter(members(manifest, of_pool)[0].values()))), about)
            for series in true_series(dataset, split, each, of_pool):
                judge.add(series)
    unknown = sorted(found - set(about["classes"]))
    return {"samples": sum(map(len, kept.values())), "left_out": left_out, "unknown_classes": unknown}


def _listed(classes: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(classes)))


def _check_length(scorer: Scorer, split: str, samples: int, about: dict[str, Any]) -> None:
    """Check that series of a split have the length of those that the classifier was fitted to.

    Raises:
        UserError: they have not.
    """
    per_sample = (scorer.target.time_steps or 1) * len(scorer.target.bands)
    if samples * per_sample != about["features"]:
        raise UserError(
            f"{scorer.dataset.listing.folder / split}: --classifier: series have {samples} samples, and those of train"
            f" {about['features'] // per_sample}; sample_val and suffixes must leave series whole"
        )


def lines(content: dict[str, Any]) -> list[str]:
    """Return the judgement in lines for the console."""
    found = [
        f"{content['run']}, step {content['step']}: land cover of {content['series']} series of {content['split']} of"
        f" {content['dataset']}, by a classifier of true frames of train"
    ]
    for kind, each in content["frames"].items():
        meaning = f" ({MEANING[kind]})" if MEANING[kind] else ""
        values = ", ".join(f"{name} {_number(each[name])}" for name in SCORES)
        change = each["change"]
        change_words = f", error of changes {_number(change['error'])}" if change and kind != TRUE else ""
        found.append(f"  {kind} frames{meaning}: {values}{change_words}")
    if not content["paired"]:
        found.append("  generated frames are of other places than the true ones, by classes of the inputs")
    if content["no_input"]:
        found.append(f"  input frames: no floor, {content['no_input']}")
    if content["ratio"] is not None:
        found.append(f"  accuracy of generated over that of true frames: {content['ratio']:.4g}")
    if content["unknown_classes"]:
        unknown = _listed(content["unknown_classes"])
        found.append(f"  no true frame of train has these classes, whose pixels count as wrong: {unknown}")
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
