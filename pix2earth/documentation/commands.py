"""The page of all commands, generated from their ``--help``."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pix2earth.documentation.page_sections import with_section

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "commands.md"
SECTION = "commands"
PYTHON = (3, 11)
"""The version of Python that the page is generated with: the format of ``argparse`` differs between versions."""
COMMANDS = (
    ("train.py",), ("evaluate.py",), ("predict.py",), ("compare.py",), ("dataset.py", "verify"), ("dataset.py", "show"),
    ("dataset.py", "ranges"), ("dataset.py", "bands"), ("demo.py",), ("results.py",), ("-m", "preprocessing.samples"),
    ("-m", "preprocessing.importing"), ("-m", "preprocessing.sharpening"), ("-m", "preprocessing.sharpening.figure"),
    ("-m", "preprocessing.solar_sample"), ("-m", "preprocessing.solar_sample.figure"), ("-m", "pix2earth.convert"),
    ("preprocessing/10_identify_unique_tilecodes.py",), ("preprocessing/20_create_inventory.py",),
    ("preprocessing/30_create_s2pngs.py",), ("preprocessing/40_create_tifs.py",),
    ("preprocessing/50_create_tfrecords.py",), ("-m", "synthetic", "generate"), ("-m", "synthetic", "derive"),
    ("-m", "synthetic", "make"), ("-m", "synthetic", "show"), ("-m", "synthetic", "verify"),
    ("-m", "synthetic", "baselines"),
)  # fmt: skip


def module_of(command: tuple[str, ...]) -> str:
    """Return the dotted name of the module that a command runs."""
    if command[0] == "-m":
        module = command[1]
        return f"{module}.__main__" if (PROJECT / module.replace(".", "/")).is_dir() else module
    return command[0].removesuffix(".py").replace("/", ".")


def help_of(command: tuple[str, ...]) -> str:
    """Return the output of a command for ``--help``, 100 columns wide."""
    return subprocess.run(
        [sys.executable, *command, "--help"], cwd=PROJECT, env=os.environ | {"COLUMNS": "100"}, capture_output=True,
        text=True, check=True,
    ).stdout.rstrip()  # fmt: skip


def section() -> str:
    """Return a heading and the help of every command as Markdown."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        texts = pool.map(help_of, COMMANDS)
        return "\n\n".join(
            f"## `python {' '.join(command)}`\n\n```\n{text}\n```"
            for command, text in zip(COMMANDS, texts, strict=True)
        )


def generated_files() -> dict[Path, str]:
    """Return the expected content of the page by its path."""
    return {PAGE: with_section(PAGE, SECTION, section())}
