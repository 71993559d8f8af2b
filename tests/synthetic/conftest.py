"""Fixtures for tests of synthetic data: simple grounds, the commands in this process, and products that tests share."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiment import PROJECT
from synthetic.schema.ground import Ground, Size
from tests.synthetic.templates import GENERATION

PLAIN = {
    "parcels": {}, "rivers": 0.0, "roads": 0, "edge_warp_px": 0.0, "texture": 0.0, "instance_variation": 0.0,
}  # fmt: skip


@pytest.fixture(scope="session")
def plain():
    """``plain(side=256, **settings)``: a ground of straight cells without texture and variation; settings add these."""

    def ground(side: int = 256, **settings) -> Ground:
        return Ground(**{"size": Size(width=side, height=side), **PLAIN, **settings})

    return ground


def run_command(*words) -> tuple[int, list[str]]:
    """Run ``python -m synthetic`` in this process; return its exit status and its lines on stderr."""
    from synthetic.__main__ import main

    errors = io.StringIO()
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(errors),
        pytest.raises(SystemExit) as end,
    ):
        main([str(word) for word in words])
    return end.value.code, [line for line in errors.getvalue().splitlines() if " s left" not in line]


@pytest.fixture(scope="session")
def command():
    """``command(*words)``: run ``python -m synthetic`` in this process; return its exit status and lines on stderr."""
    return run_command


@pytest.fixture(scope="session")
def shared_product(tmp_path_factory, command):
    """``shared_product(text)``: folder of the latent product of a file, which tests share and must not change."""
    folders: dict[str, Path] = {}

    def generated(text: str) -> Path:
        if text not in folders:
            folder = tmp_path_factory.mktemp("shared")
            (folder / "latent.yaml").write_text(text)
            words = ("--cfg", folder / "latent.yaml", "--o", folder / "latent", "--workers", 1)
            assert command("generate", *words) == (0, [])
            folders[text] = folder / "latent"
        return folders[text]

    return generated


@pytest.fixture
def latent(tmp_path, shared_product):
    """Folder of a small latent product, which the test may change."""
    return shutil.copytree(shared_product(GENERATION), tmp_path / "latent")


@pytest.fixture
def kill_when():
    """``kill_when(words, condition)``: start ``python -m synthetic``, and kill all its processes when it holds."""

    def run(words, condition) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "synthetic", *words], cwd=PROJECT, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while process.poll() is None and not condition() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.poll() is None and condition(), "the process ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    return run
