"""An import that was killed continues, gives the bytes of an undisturbed one, and workers change nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.folders import everything
from tests.importing_trees import pairs_of_pictures, run_importer

PROJECT = Path(__file__).resolve().parents[3]


def importing(tmp_path, *more):
    return ("pairs", "--input", tmp_path / "a", "--target", tmp_path / "b", "--dataset", "m", *more)


def test_again_is_byte_identical(tmp_path, capsys):
    pairs_of_pictures(tmp_path)
    assert run_importer(tmp_path, *importing(tmp_path)) == 0
    first = everything(tmp_path / "data")
    assert run_importer(tmp_path, *importing(tmp_path)) == 0
    assert "is complete already" in capsys.readouterr().out
    assert run_importer(tmp_path, *importing(tmp_path, "--replace")) == 0
    assert everything(tmp_path / "data") == first


def test_another_import_into_the_same_folder_is_refused(tmp_path, capsys):
    pairs_of_pictures(tmp_path)
    assert run_importer(tmp_path, *importing(tmp_path)) == 0
    assert run_importer(tmp_path, *importing(tmp_path, "--set", "target.scale=0.5")) == 2
    assert "was made with another configuration" in capsys.readouterr().err


def test_a_damaged_file_leaves_no_dataset_that_can_be_read(tmp_path, capsys):
    pairs_of_pictures(tmp_path, 60)
    # Only the first samples that are measured beforehand are evenly spread; this one is not among them.
    path = tmp_path / "a/im21.png"
    path.write_bytes(path.read_bytes()[:-40])
    status = run_importer(tmp_path, *importing(tmp_path))
    said = capsys.readouterr().err
    assert status in (1, 2) and f"{path}: is a damaged PNG file" in said
    assert not (tmp_path / "data/m/16/dataset.json").exists()
    assert run_importer(tmp_path, *importing(tmp_path, "--leave_out", "odd", "--replace")) == 0
    records = (tmp_path / "data/m/16/records.csv").read_text()
    assert records.count("\n") == 60 and ",im21," not in records


@pytest.mark.slow
def test_killed_and_continued(tmp_path):
    pairs_of_pictures(tmp_path, 90, side=128)
    environment = tmp_path / "environment.json"
    environment.write_text(json.dumps({"data_root": str(tmp_path / "killed")}))
    command = [
        sys.executable,
        "-m",
        "preprocessing.importing",
        *map(str, importing(tmp_path)),
        "--env",
        str(environment),
    ]
    folder = tmp_path / "killed/m/128"
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(folder.glob("*/*.tfrecord"))) < 5:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL and not (folder / "dataset.json").exists()
    written = {path: path.stat().st_mtime_ns for path in folder.glob("*/*.tfrecord")}
    assert 5 <= len(written) < 90
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    assert all(path.stat().st_mtime_ns == changed for path, changed in written.items())
    assert run_importer(tmp_path, *importing(tmp_path)) == 0
    assert everything(tmp_path / "killed") == everything(tmp_path / "data")


@pytest.mark.slow
def test_workers_change_nothing(tmp_path):
    pairs_of_pictures(tmp_path)
    assert run_importer(tmp_path, *importing(tmp_path)) == 0
    alone = everything(tmp_path / "data")
    environment = tmp_path / "environment.json"
    environment.write_text(json.dumps({"data_root": str(tmp_path / "several")}))
    command = [sys.executable, "-m", "preprocessing.importing", *map(str, importing(tmp_path, "--workers", 2))]
    subprocess.run([*command, "--env", str(environment)], cwd=PROJECT, check=True, capture_output=True, timeout=300)
    assert everything(tmp_path / "several") == alone
