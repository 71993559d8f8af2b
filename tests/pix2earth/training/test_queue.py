"""The training queue: planned actions, failures, interruption and resuming."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import train
from experiment import PROJECT, Environment
from pix2earth.runs import provenance
from pix2earth.runs.folders import RunFolders, checkpoint_steps
from pix2earth.settings.errors import UserError
from pix2earth.training import queue
from tests import started_commands

SMALL = {"metrics": ["PSNR"], "steps": 2, "ckpt_freq": 1, "sample_freq": 2}


@pytest.fixture
def trained_all(tiny_root, capfd):
    """``trained_all(*arguments)``: (status, output, errors) of the queue over the folder set/."""

    def run(*arguments: str):
        with pytest.raises(SystemExit) as end:
            train.main(["--env", str(tiny_root / "environment.json"), "--exp", "set", "--all", *arguments])
        return end.value.code, *capfd.readouterr()

    return run


def finish(root: Path, name: str, steps: int, outcome: str = "completed", run: str = "a") -> None:
    """Write the files of a run of so many steps that the queue reads."""
    folders = RunFolders(root / "experiments", name, run)
    folders.create()
    (folders.checkpoints / f"ckpt-{steps}.json").write_text("{}")
    folders.evaluation.write_text("index,tile\n")
    content = {"experiment": name, "timestamp": run, "settings": {}, "dataset": {}, "sessions": [{"outcome": outcome}]}
    folders.run_file.write_text(json.dumps(content))


class TestPlan:
    def plan(self, root, prefix="set", timestamp=None):
        return {
            entry.name: (entry.action, entry.options)
            for entry in queue.plan(Environment(root / "environment.json"), prefix, timestamp)
        }

    def test_the_action_of_each_experiment(self, tiny_root, write_experiment):
        for name in ("set/done", "set/deep/er/started", "set/new", "set/grown", "set/stopped", "other"):
            write_experiment(tiny_root, name, steps=4)
        finish(tiny_root, "set/done", 4)
        finish(tiny_root, "set/deep/er/started", 3, "running")
        finish(tiny_root, "set/grown", 2)
        finish(tiny_root, "set/stopped", 4, "stopped: disk full")
        assert self.plan(tiny_root) == {
            "set/deep/er/started": ("resume", ("--restore", "a")),
            "set/done": ("skip", ()),
            "set/grown": ("resume", ("--restore", "a")),
            "set/new": ("start", ()),
            "set/stopped": ("resume", ("--restore", "a")),
        }

    def test_without_an_evaluation_a_run_is_not_complete(self, tiny_root, write_experiment):
        write_experiment(tiny_root, "set/one", steps=4)
        finish(tiny_root, "set/one", 4)
        RunFolders(tiny_root / "experiments", "set/one", "a").evaluation.unlink()
        assert self.plan(tiny_root)["set/one"][0] == "resume"

    def test_another_timestamp_is_another_run(self, tiny_root, write_experiment):
        write_experiment(tiny_root, "set/one", steps=4)
        finish(tiny_root, "set/one", 4)
        assert self.plan(tiny_root, timestamp="a") == {"set/one": ("skip", ())}
        assert self.plan(tiny_root, timestamp="b") == {"set/one": ("start", ("--timestamp", "b"))}

    def test_copies_in_logs_are_no_experiments(self, tiny_root, write_experiment):
        write_experiment(tiny_root, "set/one")
        logs = tiny_root / "experiments" / "set" / "one" / "logs" / "set_one_a"
        logs.mkdir(parents=True)
        (logs / "experiment.json").write_text("{}")
        assert list(self.plan(tiny_root)) == ["set/one"]

    def test_a_path_and_the_whole_root(self, tiny_root, write_experiment, monkeypatch):
        write_experiment(tiny_root, "set/one")
        monkeypatch.chdir(tiny_root / "experiments")
        assert list(self.plan(tiny_root, "set/")) == ["set/one"]
        assert list(self.plan(tiny_root, str(tiny_root / "experiments" / "set"))) == ["set/one"]
        assert list(self.plan(tiny_root, ".")) == ["set/one", "tiny"]

    @pytest.mark.parametrize(
        ("prefix", "message"),
        [
            ("sett", r"--exp sett: there is no folder .*/experiments/sett; did you mean 'set'\?"),
            ("..", r"--exp \.\.: there is no folder"),
            ("/tmp", "--exp /tmp: there is no folder"),
            ("empty", "--exp empty: no experiment.json is in .*/empty or below"),
        ],
    )
    def test_where_there_is_none(self, prefix, message, tiny_root, write_experiment, monkeypatch):
        monkeypatch.chdir(tiny_root / "experiments")
        write_experiment(tiny_root, "set/one")
        (tiny_root / "experiments" / "empty").mkdir()
        with pytest.raises(UserError, match=message):
            self.plan(tiny_root, prefix)


def test_restore_is_refused(trained_all):
    status, _, err = trained_all("--restore")
    assert status == 2
    assert err == "--restore: is not needed with --all, which resumes interrupted runs; leave it out\n"


def test_dry_run_prints_the_plan_and_trains_nothing(trained_all, tiny_root, write_experiment):
    write_experiment(tiny_root, "set/one")
    status, out, _ = trained_all("--dry-run")
    assert (status, out) == (0, "start   set/one: new run\n")
    assert not (tiny_root / "experiments" / "set" / "one" / "ckpt").exists()


@pytest.mark.slow
def test_a_failure_does_not_stop_the_others_and_is_listed(trained_all, tiny_root, write_experiment, monkeypatch):
    monkeypatch.setattr(queue, "subprocess", started_commands)
    write_experiment(tiny_root, "set/a", **SMALL)
    finish(tiny_root, "set/a", 2, run="t")
    broken = write_experiment(tiny_root, "set/b", **SMALL)
    broken.write_text('{"model_name": "template", "stepps": 2}')
    write_experiment(tiny_root, "set/c", **SMALL, model_name="pix2pix", params={"unknown": 1})
    write_experiment(tiny_root, "set/d", **SMALL)
    status, out, err = trained_all("--timestamp", "t")
    assert status == 1
    assert "3 of 4" not in err and "2 of 4 experiments failed:" in err
    # Each error is printed twice: by the process that failed, and in the list at the end.
    *_, first, second = err.splitlines()
    assert first.startswith("set/b: exit status 2 after")
    assert second.startswith("set/c: exit status 2 after")
    folders = RunFolders(tiny_root / "experiments", "set/d", "t")
    assert folders.evaluation.is_file() and checkpoint_steps(folders.checkpoints)[-1] == 2

    broken.write_text((tiny_root / "experiments" / "set" / "a" / "experiment.json").read_text())
    (tiny_root / "experiments" / "set" / "c" / "experiment.json").unlink()
    write_experiment(tiny_root, "set/d", **{**SMALL, "steps": 3})
    status, out, err = trained_all("--timestamp", "t")
    assert status == 0, err
    assert "set/a: skip: run t is complete, 2 steps" in out
    assert "set/b: start: new run" in out
    assert "set/d: resume: run t from step 2 of 3" in out
    sessions = provenance.load(RunFolders(tiny_root / "experiments", "set/d", "t").run_file)["sessions"]
    assert [(session["first_step"], session["last_step"]) for session in sessions] == [(0, 2), (2, 3)]


@pytest.mark.slow
def test_a_signal_saves_the_run_and_ends_the_queue(tiny_root, write_experiment):
    """SIGTERM to the queue only, as a scheduler sends it; the same command resumes."""
    for name in ("set/a", "set/b"):
        write_experiment(tiny_root, name, **{**SMALL, "steps": 100000, "ckpt_freq": 100000, "sample_freq": 100000})
    environment = tiny_root / "environment.json"
    command = [sys.executable, str(PROJECT / "train.py"), "--env", str(environment), "--exp", "set", "--all"]
    process = subprocess.Popen(
        [*command, "--timestamp", "t"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )  # fmt: skip
    journal = RunFolders(tiny_root / "experiments", "set/a", "t").journal
    try:
        deadline = time.monotonic() + 120
        while not (journal.is_file() and journal.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 128 + signal.SIGTERM
    assert out.rstrip().endswith("interrupted in set/a; the same command resumes it")
    assert "set/b" not in out.replace("[2/2]", "")
    entries = queue.plan(Environment(environment), "set", "t")
    assert [entry.action for entry in entries] == ["resume", "start"]
