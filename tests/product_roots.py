"""Run the preprocessing steps in tests, on folders of their own (``environment.json``, ``s2``, ``s3``, ``data``)."""

import io
import json
import runpy
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from experiment import PROJECT

KILLED = """
import os, re, runpy, signal, sys
event, pattern, count, script = sys.argv[1:5]
left = int(count)
def kill_at_the_last(name, arguments):
    global left
    if name == event and re.search(pattern, str(arguments)):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(kill_at_the_last)
sys.argv = sys.argv[4:]
runpy.run_path(script, run_name="__main__")
"""


def write_environment(root: Path) -> Path:
    """Create empty product roots in a folder; return the path of its environment.json."""
    for name in ("s2", "s3"):
        (root / name).mkdir(parents=True)
    path = root / "environment.json"
    path.write_text(json.dumps({"data_root": "data", "s2_root": "s2", "s3_root": "s3"}))
    return path


def step(script: str, environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the numbered scripts in this process, which spares the start of another with all its imports."""
    command, path = _command(script, environment, arguments), list(sys.path)
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            runpy.run_path(command[0])["main"](command[1:])
    except SystemExit as ended:
        return subprocess.CompletedProcess(command, ended.code, out.getvalue(), err.getvalue())
    finally:
        sys.path[:] = path
    raise AssertionError(f"{script} did not exit")


def step_process(script: str, environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the numbered scripts as a user does, with another working folder."""
    command = [sys.executable, *_command(script, environment, arguments)]
    return subprocess.run(command, cwd=environment.parent, capture_output=True, text=True, timeout=300)


def killed_step(script: str, environment: Path, *arguments: str, event: str, pattern: str, count: int) -> None:
    """Run a numbered script in a process that kills itself (SIGKILL) before a certain operation.

    Args:
        script: name of the script.
        environment: environment.json.
        *arguments: of the script.
        event: audit event of Python, such as "open" or "os.rename".
        pattern: regular expression for the arguments of the event.
        count: the process is killed before the event that matches for this time.
    """
    command = [sys.executable, "-c", KILLED, event, pattern, str(count), *_command(script, environment, arguments)]
    killed = subprocess.run(command, cwd=environment.parent, capture_output=True, text=True, timeout=300)
    assert killed.returncode == -9, killed.stderr


def _command(script: str, environment: Path, arguments: tuple[str, ...]) -> list[str]:
    return [str(PROJECT / "preprocessing" / script), "--env", str(environment), *arguments]
