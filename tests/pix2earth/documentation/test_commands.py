"""The page of all commands, which is generated from their ``--help``."""

import sys

import pytest

from pix2earth.documentation import commands

VERSION = ".".join(map(str, commands.PYTHON))


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info[:2] != commands.PYTHON, reason=f"the page is generated with Python {VERSION}")
def test_the_generated_section_is_current():
    for path, content in commands.generated_files().items():
        assert path.read_text(encoding="utf-8") == content, "run `make docs`"


def test_every_command_of_the_root_is_in_the_page():
    """A command is a file of the root with a function ``main``."""
    files = {path.name for path in commands.PROJECT.glob("*.py") if "\ndef main(" in path.read_text(encoding="utf-8")}
    assert files == {command[0] for command in commands.COMMANDS if command[0].endswith(".py")} - {
        command[0] for command in commands.COMMANDS if "/" in command[0]
    }


def test_every_step_of_preprocessing_is_in_the_page():
    steps = {f"preprocessing/{path.name}" for path in (commands.PROJECT / "preprocessing").glob("[0-9]*.py")}
    assert steps == {command[0] for command in commands.COMMANDS if command[0].startswith("preprocessing/")}


@pytest.mark.parametrize(
    ("command", "module"),
    [
        (("train.py",), "train"),
        (("dataset.py", "verify"), "dataset"),
        (("preprocessing/20_create_inventory.py",), "preprocessing.20_create_inventory"),
        (("-m", "preprocessing.samples"), "preprocessing.samples"),
        (("-m", "synthetic", "make"), "synthetic.__main__"),
    ],
)
def test_the_module_of_a_command_is_named(command, module):
    assert commands.module_of(command) == module
