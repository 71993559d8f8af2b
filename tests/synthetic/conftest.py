"""Grounds without what a check does not look at, and the commands as people run them."""

import os
import signal
import subprocess
import sys
import time

import pytest

from experiment import PROJECT
from synthetic.schema.ground import Ground, Size
from tests.synthetic.templates import GENERATION

PLAIN = {
    "parcels": {}, "rivers": 0.0, "roads": 0, "edge_warp_px": 0.0, "texture": 0.0, "instance_variation": 0.0,
}  # fmt: skip


@pytest.fixture(scope="session")
def plain():
    """``plain(side=256, **settings)``: straight whole cells, all alike within a class; settings switch things on."""

    def ground(side: int = 256, **settings) -> Ground:
        return Ground(**{"size": Size(width=side, height=side), **PLAIN, **settings})

    return ground


@pytest.fixture
def command(capsys):
    """``command(*words)``: run ``python -m synthetic`` here; return its exit status and its lines on stderr."""
    from synthetic.__main__ import main

    def run(*words) -> tuple[int, list[str]]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        lines = capsys.readouterr().err.splitlines()
        return end.value.code, [line for line in lines if " s left" not in line]

    return run


@pytest.fixture
def latent(tmp_path, command):
    """A latent product."""
    (tmp_path / "latent.yaml").write_text(GENERATION)
    assert command("generate", "--cfg", tmp_path / "latent.yaml", "--o", tmp_path / "latent", "--workers", 1)[0] == 0
    return tmp_path / "latent"


@pytest.fixture
def kill_when():
    """``kill_when(words, condition)``: run ``python -m synthetic`` until it holds, then kill it and its processes."""

    def run(words, condition) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "synthetic", *words], cwd=PROJECT, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while process.poll() is None and not condition() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.poll() is None and condition(), "it ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    return run
