"""Folders and files of a run, as ``docs/run-folder.md`` documents them."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from pix2earth.runs.folders import (
    RunFolders,
    check_timestamp,
    checkpoint_steps,
    new_timestamp,
    newest_run,
    reserved_timestamp,
    started,
)
from pix2earth.settings.errors import UserError


@pytest.fixture
def folders(tmp_path):
    return RunFolders(tmp_path, "group/mine", "0102-0304")


@pytest.fixture
def checkpoint(tmp_path):
    """``checkpoint(run, step, time)`` creates an empty checkpoint with this modification time."""

    def create(run, step, time=1000):
        path = tmp_path / "ckpt" / run / f"ckpt-{step}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (time, time))

    return create


def test_every_path_is_the_documented_one(folders, tmp_path):
    relative = {
        "CKPT": "group/mine/ckpt/0102-0304",
        "LOGS": "group/mine/logs/group_mine_0102-0304/",
        "MODEL": "group/mine/model/",
        "SAMPLES": "group/mine/samples/",
        "folder": "group/mine",
        "logs": "group/mine/logs/group_mine_0102-0304",
        "checkpoints": "group/mine/ckpt/0102-0304",
        "run_file": "group/mine/logs/group_mine_0102-0304/run.json",
        "journal": "group/mine/logs/group_mine_0102-0304/train.jsonl",
        "evaluation": "_evaluation/group--mine_0102-0304.csv",
        "latest_sample": "_samples/group--mine_0102-0304.png",
        "test_images": "group/mine/test/0102-0304",
    }
    assert {name: str(getattr(folders, name)) for name in relative} == {
        name: f"{tmp_path}/{path}" for name, path in relative.items()
    }


def test_names_in_shared_folders_are_unique(tmp_path):
    names = ("g/lr_1", "g/lr/1", "g_lr_1", "g--lr_1", "g-/lr_1", "g/-lr_1", "g/lr--1", "g--lr--1", "a", "a/b", "a--b")
    shared = {RunFolders(tmp_path, name, "a").evaluation for name in names}
    assert len(shared) == len(names)
    assert {path.parent.name for path in shared} == {"_evaluation"}


def test_scores_on_another_dataset_have_a_file_that_is_no_other_runs(tmp_path):
    assert RunFolders(tmp_path, "g/e", "a").evaluation_on("d/o_1", 64).name == "g--e_a@d--o_1@64.csv"
    experiments = ("e", "e_a@o", "e_a@o@64", "e_a@o_b", "e_a@o@64_a@o")
    runs = [RunFolders(tmp_path, name, timestamp) for name in experiments for timestamp in ("a", "b")]
    datasets = ("o", "o_b", "o@64", "o@64_b", "o-64_b", "d/o", "d--o", "d-o", "d/o@64")
    files = [run.evaluation for run in runs] + [run.evaluation_on(name, 64) for run in runs for name in datasets]
    assert len(set(files)) == len(files)
    assert {path.parent.name for path in files} == {"_evaluation"} and {path.suffix for path in files} == {".csv"}


@pytest.mark.parametrize("name", ["mine", "g_lr_1", "aris-a"])
def test_names_without_folders_stay_as_they_are(tmp_path, name):
    assert RunFolders(tmp_path, name, "a").evaluation.name == f"{name}_a.csv"


@pytest.mark.parametrize("attribute", ["evaluation", "latest_sample"])
def test_a_run_of_a_former_version_keeps_its_file(tmp_path, attribute):
    run = RunFolders(tmp_path, "g/lr_1", "a")
    (tmp_path / "g" / "lr_1" / "ckpt" / "a").mkdir(parents=True)
    new = getattr(run, attribute)
    former = new.with_name(new.name.replace("--", "_"))
    former.parent.mkdir()
    former.touch()
    assert getattr(run, attribute) == former
    (tmp_path / "g" / "lr" / "1" / "ckpt" / "a").mkdir(parents=True)  # whose file of this name it can be as well
    assert getattr(run, attribute) == new
    new.touch()
    (tmp_path / "g" / "lr" / "1" / "ckpt" / "a").rmdir()
    assert getattr(run, attribute) == new


def test_two_processes_never_get_the_same_timestamp(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: reserved_timestamp(tmp_path / "logs", "mine"), range(24)))
    assert len(set(names)) == 24


def test_a_folder_to_which_nothing_was_written_is_removed_after_an_error(folders):
    for written in (False, True):
        folders.logs.mkdir(parents=True, exist_ok=True)
        if written:
            folders.run_file.touch()
        with pytest.raises(UserError), folders.kept_when_used():
            raise UserError("x")
        assert folders.logs.is_dir() is written


def test_a_sample_is_named_by_its_step(folders, tmp_path):
    assert folders.sample(500) == tmp_path / "group/mine/samples/group_mine_0102-0304_00500.png"
    assert folders.sample(123456).name == "group_mine_0102-0304_123456.png"


def test_the_console_log_is_named_by_the_environment(folders, tmp_path):
    assert folders.console_log("cluster") == tmp_path / "group/mine/nohup/0102-0304_cluster.out"


def test_create_creates_the_folders_of_all_files_of_a_run(folders):
    folders.create()
    files = (
        folders.run_file, folders.checkpoints / "x", folders.sample(1), folders.console_log("x"), folders.evaluation,
        folders.latest_sample, Path(folders.MODEL) / "x",
    )  # fmt: skip
    assert [file for file in files if not file.parent.is_dir()] == []


def test_creating_twice_is_no_error(folders):
    folders.create()
    folders.create()
    assert folders.logs.is_dir()


def test_runs_that_start_in_one_minute_are_numbered(tmp_path):
    while datetime.now().second > 57:  # the minute must not end in between
        pass
    names = []
    for _ in range(3):
        names.append(new_timestamp(tmp_path, "mine"))
        (tmp_path / f"mine_{names[-1]}").mkdir()
    now = datetime.now().strftime("%m%d-%H%M")
    assert names == [now, f"{now}-2", f"{now}-3"]


def test_runs_of_other_experiments_do_not_change_the_number(tmp_path):
    (tmp_path / f"other_{new_timestamp(tmp_path, 'other')}").mkdir()
    assert new_timestamp(tmp_path, "mine") == datetime.now().strftime("%m%d-%H%M")


@pytest.mark.parametrize("timestamp", ["0102-0304", "0102-0304-2", "a", "v1.5-final"])
def test_a_timestamp_that_can_name_a_folder_is_returned(timestamp):
    assert check_timestamp(timestamp) == timestamp


@pytest.mark.parametrize("timestamp", ["", ".", "..", "../x", "a/b", "a b", "-x", "a_b", "a\n", "ä"])
def test_any_other_timestamp_is_an_error(timestamp):
    with pytest.raises(UserError, match="--timestamp"):
        check_timestamp(timestamp)


def test_checkpoint_steps_are_sorted_as_numbers(tmp_path):
    for name in ("ckpt-5.json", "ckpt-100.json", "ckpt-20.json"):
        (tmp_path / name).touch()
    assert checkpoint_steps(tmp_path) == [5, 20, 100]


@pytest.mark.parametrize(
    "name", ["ckpt-7.index", "ckpt-7.data-00000-of-00001", ".ckpt-7.json.1.part", "ckpt-x.json", "checkpoint"]
)
def test_other_files_than_the_json_are_no_checkpoints(tmp_path, name):
    (tmp_path / name).touch()
    assert checkpoint_steps(tmp_path) == []


def test_a_folder_that_does_not_exist_has_no_checkpoints(tmp_path):
    assert checkpoint_steps(tmp_path / "missing") == []


def test_the_newest_run_is_that_of_the_last_checkpoint_and_not_the_last_by_name(tmp_path, checkpoint):
    checkpoint("1231-2359", 900, time=1000)
    checkpoint("0101-0000", 1, time=2000)
    assert newest_run(tmp_path, "mine") == "0101-0000"


def test_the_newest_checkpoint_of_a_run_decides(tmp_path, checkpoint):
    checkpoint("long", 1, time=1000)
    checkpoint("long", 2, time=3000)
    checkpoint("short", 1, time=2000)
    assert newest_run(tmp_path, "mine") == "long"


def test_a_newer_run_without_a_checkpoint_is_ignored(tmp_path, checkpoint):
    checkpoint("old", 1)
    (tmp_path / "ckpt" / "new").mkdir()
    (tmp_path / "ckpt" / "new" / "ckpt-1.index").touch()
    assert newest_run(tmp_path, "mine") == "old"


def test_the_recorded_start_decides_and_not_the_times_of_files(tmp_path, checkpoint):
    for run, start, time in (("1231-2359", "2025-12-31T23:59:00+00:00", 9000), ("0101-0000", "2026-01-01T00:00:00", 1)):
        checkpoint(run, 1, time=time)
        path = tmp_path / "ckpt" / run / "ckpt-1.json"
        path.write_text(json.dumps({"started": start}))
        os.utime(path, (time, time))
    assert newest_run(tmp_path, "mine") == "0101-0000"


def test_the_start_of_a_former_run_is_in_its_run_json_under_any_name(tmp_path, checkpoint):
    checkpoint("0101-0000", 1)
    path = tmp_path / "logs" / "former_name_0101-0000" / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"sessions": [{"started": "2026-01-01T00:00:00+00:00"}, {"started": "2026-02-01"}]}))
    assert started(tmp_path / "ckpt" / "0101-0000") == "2026-01-01T00:00:00+00:00"
    path.write_text("{")
    assert started(tmp_path / "ckpt" / "0101-0000") is None


def test_the_logs_of_a_renamed_experiment_are_found_by_the_timestamp(tmp_path):
    folders = RunFolders(tmp_path, "group/new", "0101-0000")
    for name in ("old_0101-0000", "other_0101-0000-2"):
        (tmp_path / "group/new/logs" / name).mkdir(parents=True)
        (tmp_path / "group/new/logs" / name / "run.json").write_text("{}")
    assert folders.run_file == tmp_path / "group/new/logs/old_0101-0000/run.json"
    (tmp_path / "group/new/logs/group_new_0101-0000").mkdir()
    assert folders.logs.name == "group_new_0101-0000"


@pytest.mark.parametrize("empty", [True, False])
def test_no_run_at_all_is_an_error_with_the_command_that_trains(tmp_path, empty):
    if empty:
        (tmp_path / "ckpt" / "0101-0000").mkdir(parents=True)
    with pytest.raises(UserError, match=r"python train\.py --exp group/mine"):
        newest_run(tmp_path, "group/mine")
