"""Errors of the user: one line each on stderr, exit status 2, no traceback."""

from __future__ import annotations

import difflib
import errno
import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn


class UserError(Exception):
    """An error that the user can correct: one or several lines, each with the place, the fault and the remedy."""

    status = 2

    def __init__(self, *lines: str) -> None:
        """Keep the lines; line breaks inside them, from messages of libraries, become spaces."""
        self.lines = tuple(_escaped(" ".join(line.split("\n")).strip()) for line in lines)
        super().__init__("\n".join(self.lines))


def _escaped(line: str) -> str:
    """Return a line with control characters escaped: file names must not send commands to the terminal."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in line
    )


class InvalidData(UserError, ValueError):
    """An error in what a program gives to the toolkit, such as a manifest or a sample; also a ``ValueError``."""


class Stopped(UserError):
    """The end of a run without an error in the user's files, such as a loss that is not a number; exit status 1."""

    status = 1


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest of ``names``, or a list of all where none is similar."""
    valid_names = sorted(set(names))
    match = difflib.get_close_matches(name, valid_names, n=1, cutoff=0.5)
    if match:
        return f"; did you mean '{match[0]}'?"
    return f"; there are: {', '.join(valid_names)}" if valid_names else ""


def inside(name: str) -> bool:
    """Return whether a path from JSON or the command line stays below the folder that it is joined to."""
    return bool(name) and not os.path.isabs(name) and ".." not in name.replace("\\", "/").split("/")


INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of the signal, as shells have it."""


def reports_errors(main: Callable[[Sequence[str] | None], int | None]) -> Callable[..., NoReturn]:
    """Wrap a command's ``main(argv)``: errors are printed to stderr, and the process exits with their status."""

    @functools.wraps(main)
    def wrapped(argv: Sequence[str] | None = None) -> NoReturn:
        try:
            status = main(argv)
        except UserError as error:
            for line in error.lines:
                print(line, file=sys.stderr)
            status = error.status
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            status = INTERRUPTED
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                discard_output()
            else:
                place = f"{error.filename}: " if error.filename else ""
                advice = "; free some, then run the command again" if error.errno == errno.ENOSPC else ""
                print(f"{place}{error.strerror or error}{advice}", file=sys.stderr)
            status = 1
        sys.exit(status or 0)

    return wrapped


def discard_output() -> None:
    """Discard further output: its reader (``head``, ``less``) has ended, which is no error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
