"""The page of all commands, generated from their ``--help``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pix2earth.documentation.page_sections import replaced

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "commands.md"
SECTION = "commands"
PYTHON = (3, 11)
"""The page is written with this version: ``argparse`` lays out its help differently in others."""
COMMANDS = (
    ("train.py",), ("evaluate.py",), ("predict.py",), ("compare.py",), ("dataset.py", "verify"), ("dataset.py", "show"),
    ("demo.py",), ("results.py",), ("-m", "preprocessing.samples"),
    ("preprocessing/10_identify_unique_tilecodes.py",), ("preprocessing/20_create_inventory.py",),
    ("preprocessing/30_create_s2pngs.py",), ("preprocessing/40_create_tifs.py",),
    ("preprocessing/50_create_tfrecords.py",), ("-m", "synthetic", "generate"), ("-m", "synthetic", "derive"),
    ("-m", "synthetic", "make"), ("-m", "synthetic", "show"), ("-m", "synthetic", "verify"),
    ("-m", "synthetic", "baselines"),
)  # fmt: skip


def help_of(command: tuple[str, ...]) -> str:
    """Return what a command prints for ``--help``, 100 columns wide."""
    return subprocess.run(
        [sys.executable, *command, "--help"], cwd=PROJECT, env=os.environ | {"COLUMNS": "100"}, capture_output=True,
        text=True, check=True,
    ).stdout.rstrip()  # fmt: skip


def section() -> str:
    """Return a heading and the help of every command."""
    return "\n\n".join(f"## `python {' '.join(command)}`\n\n```\n{help_of(command)}\n```" for command in COMMANDS)


def contents() -> dict[Path, str]:
    """Return what the page ought to hold."""
    return {PAGE: replaced(PAGE, SECTION, section())}
