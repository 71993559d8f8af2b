"""Names of runs: experiments that are named alike have files of their own, and no two runs have one timestamp."""

import json
import time
from datetime import datetime

import pytest

import compare
import train
from tests.started_commands import start

SETTINGS = {"metrics": ["PSNR"], "steps": 1, "ckpt_freq": 1, "sample_freq": 1}


@pytest.fixture
def command(tiny_root, capfd):
    """``command(module, *arguments)``: status, output and errors of a command."""

    def run(module, *arguments):
        with pytest.raises(SystemExit) as end:
            module.main(["--env", str(tiny_root / "environment.json"), *arguments])
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run


@pytest.mark.slow
def test_experiments_that_are_named_alike_have_files_of_their_own(tiny_root, write_experiment, command):
    for name, seed in (("g/lr_1", 1), ("g/lr/1", 2)):
        write_experiment(tiny_root, name, **SETTINGS, seed=seed)
        assert command(train, "--exp", name, "--timestamp", "a")[0] == 0
    root = tiny_root / "experiments"
    names = {"g--lr_1_a", "g--lr--1_a"}
    assert {path.stem for path in (root / "_evaluation").glob("*.csv")} == names
    assert {path.stem for path in (root / "_samples").iterdir()} == names
    one, other = ((root / "_evaluation" / f"{name}.csv").read_text() for name in sorted(names))
    assert one != other
    status, out, _ = command(compare, "--exp", "g/lr/")
    assert status == 0 and "g--lr--1_a" in out and "g--lr_1_a" not in out
    # One of them without its scores is not complete.
    (root / "_evaluation" / "g--lr_1_a.csv").unlink()
    _, out, _ = command(train, "--exp", "g", "--all", "--dry-run")
    assert [line.split()[0] for line in sorted(out.splitlines(), key=lambda line: line.split()[1])] == [
        "skip",
        "resume",
    ]


@pytest.mark.slow
def test_runs_started_in_one_minute_are_numbered(tiny_root, write_experiment):
    """Both processes are started before either has written anything."""
    write_experiment(tiny_root, "x", **SETTINGS)
    while datetime.now().second > 40:  # the minute must not end in between
        time.sleep(0.1)
    processes = [start("train.py", "--env", tiny_root / "environment.json", "--exp", "x") for _ in range(2)]
    for process in processes:
        process.finish()
    first, second = sorted(path.name for path in (tiny_root / "experiments/x/ckpt").iterdir())
    assert second == f"{first}-2"


def test_a_run_that_cannot_start_leaves_no_folder(tiny_root, write_experiment, command):
    write_experiment(tiny_root, "x", **{**SETTINGS, "model_name": "missing"})
    assert command(train, "--exp", "x")[0] == 2
    assert [path.name for path in (tiny_root / "experiments/x").iterdir()] == ["experiment.json"]


def test_a_dry_run_leaves_no_folder(tiny_root, write_experiment, command):
    path = write_experiment(tiny_root, "x", **SETTINGS)
    assert command(train, "--exp", "x", "--dry-run")[0] == 0
    assert json.loads(path.read_text())["steps"] == 1 and not (path.parent / "logs").exists()
