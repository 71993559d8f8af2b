"""Locks between processes, also where a file system refuses them."""

import errno
import fcntl
import subprocess
import sys

import pytest

from experiment import PROJECT
from pix2earth.settings import locking
from pix2earth.settings.errors import UserError


@pytest.fixture
def without_locks(monkeypatch):
    """A file system that refuses locks, as network file systems do."""

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_a_lock_is_held_once(tmp_path):
    lock = locking.acquire(tmp_path / ".lock", "busy")
    with pytest.raises(UserError, match=r"^busy$"):
        locking.acquire(tmp_path / ".lock", "busy")
    lock.release()
    locking.acquire(tmp_path / ".lock", "busy").release()


def test_without_locks_of_the_system_a_file_marks_what_is_in_use(tmp_path, without_locks):
    lines = []
    lock = locking.acquire(tmp_path / ".lock", "busy", lines.append)
    marker = tmp_path / ".lock-held"
    (line,) = lines
    assert line.startswith(f"{marker}: the file system has no locks (No locks available)") and marker.is_file()
    with pytest.raises(UserError, match=rf"^busy; if no process does, on no machine, remove {marker}$"):
        locking.acquire(tmp_path / ".lock", "busy", lines.append)
    lock.release()
    assert not marker.exists()
    locking.acquire(tmp_path / ".lock", "busy", lines.append).release()


def test_the_file_of_a_process_that_was_killed_is_replaced(tmp_path, without_locks):
    script = (
        "import os, sys; from filelock import SoftFileLock;"
        " lock = SoftFileLock(sys.argv[1]); lock.acquire(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / ".lock-held")], cwd=PROJECT, check=False)
    assert (tmp_path / ".lock-held").is_file()
    locking.acquire(tmp_path / ".lock", "busy", lambda _: None).release()


def test_other_errors_are_raised(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="Input/output"):
        locking.acquire(tmp_path / ".lock", "busy")
