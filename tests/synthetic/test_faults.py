"""Full disks, folders that cannot be written, killed processes, Ctrl-C: one line, and no partly written file."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiment import PROJECT
from pix2earth.settings import atomic
from synthetic import workers
from synthetic.products import product
from tests.folders import everything
from tests.synthetic.templates import GENERATION

FILES = {
    "generate": GENERATION,
    "derive": "steps: [{type: resample, factor: 4}]\n",
    "make": "preset: super_resolution\nground: {size: {width: 64, height: 64}, n_polygons: 8}\n"
    "scenes: {train: 2, val: 1, test: 1}\n",
}
"""A small file of each command."""


@pytest.fixture
def source(shared_product):
    """``source(step)``: the options that name the source product of a command."""
    return lambda step: ("--product", shared_product(GENERATION)) if step == "derive" else ()


@pytest.mark.parametrize("step", ["generate", "derive", "make"])
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, command, source, step):
    """A folder below a file, which not even root can write."""
    (tmp_path / "file").write_text("of the user")
    (tmp_path / "x.yaml").write_text(FILES[step])
    words = ("--cfg", tmp_path / "x.yaml", "--o", tmp_path / "file" / "data", *source(step))
    status, lines = command(step, *words)
    assert status == 1
    (line,) = lines
    assert str(tmp_path / "file") in line and "Not a directory" in line
    assert (tmp_path / "file").read_text() == "of the user"


@pytest.fixture(scope="module", params=["generate", "derive", "make"])
def complete(request, tmp_path_factory, command, shared_product):
    """A command, its words without --o and --workers, and the files that it writes in one process."""
    step, folder = request.param, tmp_path_factory.mktemp("complete")
    (folder / "x.yaml").write_text(FILES[step])
    words = [step, "--cfg", folder / "x.yaml"]
    words += ["--product", shared_product(GENERATION)] if step == "derive" else []
    assert command(*words, "--workers", 1, "--o", folder / "out" / "data") == (0, [])
    return words, everything(folder / "out")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_leaves_complete_files_only(tmp_path, command, complete, workers, files_no_larger_than):
    """No room for the largest file; with more room, the same command completes the data."""
    words, files = complete
    with files_no_larger_than(max(map(len, files.values())) - 1):
        status, lines = command(*words, "--workers", workers, "--o", tmp_path / "data")
    assert status == 1
    (line,) = lines
    place, reason = line.split(": ")
    assert reason == "File too large" and place.endswith((".h5", ".tfrecord")) and not Path(place).exists()
    assert not list(tmp_path.rglob("*.part"))
    written = everything(tmp_path)
    assert not any(name.endswith(("index.json", "dataset.json")) for name in written)
    records = {name: content for name, content in written.items() if not name.endswith(".unfinished")}
    assert records.items() <= files.items()
    # In one process: tests of killed processes resume with several.
    assert command(*words, "--workers", 1, "--o", tmp_path / "data") == (0, [])
    assert everything(tmp_path) == files


def test_a_full_disk_is_reported_with_a_remedy(tmp_path, command, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(atomic, "write_bytes", full)
    (tmp_path / "x.yaml").write_text(GENERATION)
    status, (line,) = command("generate", "--cfg", tmp_path / "x.yaml", "--o", tmp_path / "data", "--workers", 1)
    place = tmp_path / "data" / product.UNFINISHED
    assert (status, line) == (1, f"{place}: No space left on device; free some, then run the command again")


def end_process(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_reported_in_one_line():
    with pytest.raises(workers.Stopped, match="a process was killed; run the same command again to resume") as caught:
        list(workers.in_order(end_process, [1, 2, 3], 2))
    assert len(caught.value.lines) == 1 and caught.value.status == 1


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_is_reported_in_one_line(tmp_path, workers):
    (tmp_path / "x.yaml").write_text(GENERATION.replace("48", "256").replace("horizon: 4", "horizon: 60"))
    process = subprocess.Popen(
        [sys.executable, "-m", "synthetic", "generate", "--cfg", str(tmp_path / "x.yaml"),
         "--o", str(tmp_path / "data"), "--workers", str(workers)],
        cwd=PROJECT, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob("frame_*.h5")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert [line for line in errors.splitlines() if " s left" not in line] == [
        "interrupted; run the same command again to resume"
    ]
    assert not list(tmp_path.rglob("*.part")) and (tmp_path / "data" / product.UNFINISHED).is_file()
