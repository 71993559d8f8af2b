"""Mistakes in options end in one line with the nearest option, for every command."""

import argparse

import pytest

from pix2earth.console.arguments import CommandArguments
from pix2earth.settings.errors import UserError


@pytest.fixture
def arguments():
    found = CommandArguments(prog="some.py")
    found.add_argument("--exp", required=True)
    found.add_argument("--tilesize", type=int)
    found.add_argument("--size", choices=("tile", "crop"))
    return found


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["--exp", "x", "--tile-size", "3"], ("--tile-size: there is no such option; did you mean '--tilesize'?",)),
        (["--exp", "x", "--qqqqq"], ("--qqqqq: there is no such option; some.py --help lists all",)),
        (["--exp", "x", "--sice=tile", "--expo", "y"], (
            "--sice: there is no such option; did you mean '--size'?",
            "--expo: there is no such option; did you mean '--exp'?",
        )),
        (["--exp", "x", "more"], ("unrecognized arguments: more; some.py --help explains the options",)),
        ([], ("the following arguments are required: --exp; some.py --help explains the options",)),
    ],
)  # fmt: skip
def test_one_line_each(arguments, words, lines):
    with pytest.raises(UserError) as error:
        arguments.parse_args(words)
    assert error.value.lines == lines and error.value.status == 2


@pytest.mark.parametrize("words", [["--tilesize", "big"], ["--size", "tiles"]])
def test_the_words_of_argparse_are_kept(arguments, words):
    plain = argparse.ArgumentParser(prog="some.py", exit_on_error=False)
    plain.add_argument("--tilesize", type=int)
    plain.add_argument("--size", choices=("tile", "crop"))
    with pytest.raises(argparse.ArgumentError) as expected:
        plain.parse_args(words)
    with pytest.raises(UserError) as error:
        arguments.parse_args(["--exp", "x", *words])
    assert error.value.lines[0].startswith(str(expected.value).removeprefix("argument "))
    assert len(error.value.lines) == 1
