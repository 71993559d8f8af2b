"""Commands that tests start as processes: new interpreters, or children of a server that has imported TensorFlow.

The import of TensorFlow and Keras takes five seconds of processor time, more than most commands of tests need besides.
A fork server, one for each process of pytest, imports them once; each command is then a forked child of it with the
words, the folder and the environment variables that it is given. It imports the project's own modules itself, so that
it runs what the files of its folder say now. It has the hash seed of the server, and variables that are read while
TensorFlow or NumPy is imported have no effect. A test of these, or of a command as a user types it, asks for ``new``
interpreters, and so does one run of two that are compared.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

PROJECT = Path(__file__).resolve().parent.parent
SECONDS = 300
"""A command that takes longer has failed."""


class Command:
    """A running command, whose output goes to files.

    Attributes:
        words: what it was started with, without the interpreter.
        pid: of its process.
    """

    def __init__(self, words: tuple[str, ...], folder: Path, environment: Mapping[str, str], new: bool):
        self.words = words
        self._files = tempfile.TemporaryDirectory(prefix="started-")
        self._out, self._err = Path(self._files.name, "out"), Path(self._files.name, "err")
        self._process = (self._start_new if new else self._fork)(folder, dict(environment))
        self.pid = self._process.pid

    def _start_new(self, folder: Path, environment: dict[str, str]) -> subprocess.Popen:
        with self._out.open("wb") as out, self._err.open("wb") as err:
            return subprocess.Popen(
                [sys.executable, *self.words], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out,
                stderr=err,
            )  # fmt: skip

    def _fork(self, folder: Path, environment: dict[str, str]) -> multiprocessing.Process:
        server = multiprocessing.get_context("forkserver")
        server.set_forkserver_preload(["tests.preloaded"])
        child = server.Process(
            target=_run, args=(self.words, str(folder), environment, str(self._out), str(self._err)), daemon=True
        )
        child.start()
        return child

    def status(self) -> int | None:
        """Return the exit status, the negative number of the signal that ended it, or None: it runs."""
        process = self._process
        return process.poll() if isinstance(process, subprocess.Popen) else process.exitcode

    def output(self) -> str:
        """Return what it has printed up to now, standard output before standard error."""
        return self.out() + self.err()

    def out(self) -> str:
        """Return its standard output up to now."""
        return self._out.read_text() if self._out.exists() else ""

    def err(self) -> str:
        """Return its standard error up to now."""
        return self._err.read_text() if self._err.exists() else ""

    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return self.status() is None

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def wait(self, seconds: float = SECONDS) -> int:
        """Return its exit status when it has ended.

        Raises:
            AssertionError: it runs longer than that; it is killed.
        """
        deadline = time.monotonic() + seconds
        while self.is_running():
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"{self.words} runs for more than {seconds} s: {self.output()[-3000:]}")
            time.sleep(0.005)
        return self.status()

    def kill(self) -> None:
        """End it with SIGKILL, and wait until it has ended."""
        self.send_signal(signal.SIGKILL)
        while self.is_running():
            time.sleep(0.005)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 200) -> None:
        """Return when a condition holds.

        Raises:
            AssertionError: the command ended before, or it takes longer than that.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.is_running(), f"{self.words} ended with {self.status()}: {self.output()[-3000:]}"
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.005)

    def finish(self, status: int = 0) -> str:
        """Wait for the end, and return the output.

        Raises:
            AssertionError: it ends with another exit status.
        """
        assert self.wait() == status, self.output()[-3000:]
        return self.output()


def start(*words: object, folder: Path = PROJECT, new: bool = False, **variables: str) -> Command:
    """Start a command.

    Args:
        *words: as they are given to Python: a script and its arguments, ``-m`` and a module, or ``-c`` and code.
        folder: its working folder.
        new: start a new interpreter instead of a child of the server.
        **variables: environment variables, besides those of this process.
    """
    return Command(tuple(map(str, words)), folder, os.environ | variables, new)


def run(*words: object, status: int = 0, **options) -> Command:
    """Start a command (see `start`), and return it when it has ended.

    Raises:
        AssertionError: it ends with another exit status.
    """
    command = start(*words, **options)
    command.finish(status)
    return command


def _run(words: tuple[str, ...], folder: str, environment: dict[str, str], out: str, err: str) -> None:
    """Become a command, as Python would be started with its words (see `start`); a child of the server calls this."""
    for number, path in enumerate((os.devnull, out, err)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)
    sys.stderr = sys.__stderr__ = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    import numpy as np

    np.random.seed()  # as in a new interpreter; the server's state is that of all its children
    sys.path[:] = [*filter(None, environment.get("PYTHONPATH", "").split(":")), *_installed()]
    kind, *others = words
    if kind == "-c":
        sys.argv, main = ["-c", *others[1:]], ModuleType("__main__")
        sys.path.insert(0, "")
        sys.modules["__main__"] = main
        exec(compile(others[0], "<string>", "exec"), main.__dict__)
    elif kind == "-m":
        sys.argv = others
        sys.path.insert(0, folder)
        runpy.run_module(others[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(words)
        sys.path.insert(0, str(Path(kind).parent.resolve()))
        runpy.run_path(kind, run_name="__main__")


def _installed() -> list[str]:
    """Return the part of the import path that every interpreter has: the standard library and installed packages."""
    return [place for place in sys.path if place.startswith((sys.prefix, sys.base_prefix)) and Path(place) != PROJECT]


def Popen(words: list[str]) -> Command:
    """Start a command of the interpreter; for tests that replace `subprocess` in a module by this one."""
    return start(*words[1:])
