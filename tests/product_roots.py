"""Run the preprocessing steps in tests, on folders of their own (``environment.json``, ``s2``, ``s3``, ``data``)."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from experiment import PROJECT


def write_environment(root: Path) -> Path:
    """Create empty product roots in a folder; return the path of its environment.json."""
    for name in ("s2", "s3"):
        (root / name).mkdir(parents=True)
    path = root / "environment.json"
    path.write_text(json.dumps({"data_root": "data", "s2_root": "s2", "s3_root": "s3"}))
    return path


def step(script: str, environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the numbered scripts as a user does, with another working folder."""
    return subprocess.run(
        _command(script, environment, arguments), cwd=environment.parent, capture_output=True, text=True, timeout=300
    )  # fmt: skip


def killed_step(script: str, environment: Path, *arguments: str, when: Callable[[], bool]) -> None:
    """Start a numbered script and end it with SIGKILL as soon as ``when`` holds."""
    running = subprocess.Popen(
        _command(script, environment, arguments), cwd=environment.parent, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    started = time.monotonic()
    while not when():
        assert running.poll() is None, "it ended before it could be killed"
        assert time.monotonic() - started < 120, "the condition did not come true"
        time.sleep(0.002)
    os.kill(running.pid, 9)
    running.wait()


def _command(script: str, environment: Path, arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, str(PROJECT / "preprocessing" / script), "--env", str(environment), *arguments]
