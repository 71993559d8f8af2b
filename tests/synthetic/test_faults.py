"""Full disks, folders that cannot be written, processes that are killed, Ctrl-C: one line, and nothing half-written."""

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


@pytest.mark.parametrize("step", ["generate", "derive", "make"])
def test_folders_that_cannot_be_written(tmp_path, command, latent, step):
    """A folder below a file, which not even root can write."""
    (tmp_path / "file").write_text("of the user")
    (tmp_path / "x.yaml").write_text(FILES[step])
    words = ("--product", latent) if step == "derive" else ()
    status, lines = command(step, "--cfg", tmp_path / "x.yaml", "--o", tmp_path / "file" / "made", *words)
    assert status == 1
    (line,) = lines
    assert str(tmp_path / "file") in line and "Not a directory" in line
    assert (tmp_path / "file").read_text() == "of the user"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("step", ["generate", "derive", "make"])
def test_a_full_disk_leaves_nothing_half_written(tmp_path, command, latent, step, workers, files_no_larger_than):
    """No room for the largest file; with more, the same command goes on to the bytes of one that had it."""
    (tmp_path / "x.yaml").write_text(FILES[step])
    words = [step, "--cfg", tmp_path / "x.yaml", "--workers", workers]
    words += ["--product", latent] if step == "derive" else []
    assert command(*words, "--o", tmp_path / "b" / "made") == (0, [])
    whole = everything(tmp_path / "b")
    with files_no_larger_than(max(map(len, whole.values())) - 1):
        status, lines = command(*words, "--o", tmp_path / "a" / "made")
    assert status == 1
    (line,) = lines
    place, reason = line.split(": ")
    assert reason == "File too large" and place.endswith((".h5", ".tfrecord")) and not Path(place).exists()
    assert not list(tmp_path.rglob("*.part"))
    written = everything(tmp_path / "a")
    assert not any(name.endswith(("index.json", "dataset.json")) for name in written)
    assert {
        name: content for name, content in written.items() if not name.endswith(".unfinished")
    }.items() <= whole.items()
    assert command(*words, "--o", tmp_path / "a" / "made") == (0, [])
    assert everything(tmp_path / "a") == whole


def test_a_full_disk_says_what_to_do(tmp_path, command, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(atomic, "write_bytes", full)
    (tmp_path / "x.yaml").write_text(GENERATION)
    status, (line,) = command("generate", "--cfg", tmp_path / "x.yaml", "--o", tmp_path / "made", "--workers", 1)
    wanted = f"{tmp_path / 'made' / product.UNFINISHED}: No space left on device; free some, then run the command again"
    assert (status, line) == (1, wanted)


def end_process(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_killed_is_one_line():
    with pytest.raises(workers.Stopped, match="a process was killed; the same command goes on where it was") as caught:
        list(workers.in_order(end_process, [1, 2, 3], 2))
    assert len(caught.value.lines) == 1 and caught.value.status == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_is_one_line(tmp_path, workers):
    (tmp_path / "x.yaml").write_text(GENERATION.replace("48", "256").replace("horizon: 4", "horizon: 60"))
    process = subprocess.Popen(
        [sys.executable, "-m", "synthetic", "generate", "--cfg", str(tmp_path / "x.yaml"),
         "--o", str(tmp_path / "made"), "--workers", str(workers)],
        cwd=PROJECT, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob("frame_*.h5")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert [line for line in errors.splitlines() if " s left" not in line] == [
        "interrupted; the same command goes on where it was"
    ]
    assert not list(tmp_path.rglob("*.part")) and (tmp_path / "made" / product.UNFINISHED).is_file()
