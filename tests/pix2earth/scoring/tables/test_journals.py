"""Journals of runs below an experiment root."""

import json

import pytest

from pix2earth.scoring.tables import journals
from pix2earth.settings.errors import UserError


@pytest.fixture
def root(tmp_path):
    """Two runs of one experiment, of which the first name is the newer run, and one of another, deeper experiment."""

    def run(experiment, timestamp, started, journal=True):
        folder = tmp_path / experiment / "logs" / f"{experiment.replace('/', '_')}_{timestamp}"
        folder.mkdir(parents=True)
        record = {"experiment": experiment, "timestamp": timestamp, "settings": {}, "dataset": {},
                  "sessions": [{"started": started}]}  # fmt: skip
        (folder / "run.json").write_text(json.dumps(record))
        if journal:
            (folder / "train.jsonl").write_text("")

    run("a", "0101-0000", "2025-01-01T00:00:00Z")
    run("a", "1231-0000", "2024-12-31T00:00:00Z")
    run("deep/b", "x", "2024-01-01T00:00:00Z")
    run("none", "x", "2024-01-01T00:00:00Z", journal=False)
    return tmp_path


def test_of_each_experiment_the_run_that_was_started_last_is_found(root):
    found = journals.find(root)
    assert list(found) == ["a_0101-0000", "deep--b_x"]
    assert found["deep--b_x"] == root / "deep/b/logs/deep_b_x/train.jsonl"
    assert list(journals.find(root, ["deep/"])) == ["deep--b_x"]


def test_runs_are_found_by_their_names(root):
    assert list(journals.find(root, runs=["a_1231-0000", "a_0101-0000"])) == ["a_0101-0000", "a_1231-0000"]
    with pytest.raises(UserError, match=r"has no run 'a_1231-0001' .*a_1231-0000"):
        journals.find(root, runs=["a_1231-0001"])


def test_an_experiment_without_runs_is_an_error(root):
    with pytest.raises(UserError, match=r"has no run of c with a train\.jsonl; train one"):
        journals.find(root, ["c"])
