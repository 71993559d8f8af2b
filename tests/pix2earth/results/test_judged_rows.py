"""The table of land cover: ceiling and floor first, then the rows, each with its share of the ceiling."""

import json

from experiment import Environment
from pix2earth.results import judged_rows


def judgement(accuracy, **frames):
    kinds = {"true": 0.8, "generated": accuracy, "input": 0.2} | frames
    return {"frames": {kind: {"accuracy": value, "f1": value / 2, "iou": value / 4} for kind, value in kinds.items()}}


def test_rows_stand_between_what_true_and_input_frames_reach():
    lines = judged_rows.table({"a": judgement(0.6), "b": judgement(0.4)})
    assert lines[0] == "| frames | accuracy | f1 | iou | accuracy of that of true frames |"
    assert lines[2:] == [
        "| true frames (ceiling) | 0.800 | 0.400 | 0.200 | 1.00 |",
        "| frames of the input (floor) | 0.200 | 0.100 | 0.050 | 0.25 |",
        "| a | 0.600 | 0.300 | 0.150 | 0.75 |",
        "| b | 0.400 | 0.200 | 0.100 | 0.50 |",
    ]


def test_an_input_of_other_bands_is_no_floor():
    content = judgement(0.6)
    del content["frames"]["input"]
    rows = judged_rows.table({"a": content})[2:]
    assert [line.split(" | ")[0] for line in rows] == [
        "| true frames (ceiling)",
        "| a",
    ]


def test_rows_that_are_not_trained_are_not_judged(tmp_path):
    path = tmp_path / "environment.json"
    path.write_text(json.dumps({"experiment_root": "experiments"}))
    assert judged_rows.judgements(Environment(path), [("a", "quarter_hour/series/a")]) == {}
