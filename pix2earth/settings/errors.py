"""A user's mistake: one clear line each on stderr, exit status 2, no traceback."""

from __future__ import annotations

import difflib
import errno
import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn


class UserError(Exception):
    """What the user has to mend: one or several lines, each with the place, what is wrong and what to do."""

    status = 2

    def __init__(self, *lines: str) -> None:
        """Keep the lines; messages of libraries inside them may have broken them."""
        self.lines = tuple(_shown(" ".join(line.split("\n")).strip()) for line in lines)
        super().__init__("\n".join(self.lines))


def _shown(line: str) -> str:
    """Return a line with control characters spelled out: names from outside must not steer the terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)


class Stopped(UserError):
    """What ended a run though nothing in its files is wrong, such as a loss that is not a number."""

    status = 1


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest of ``names``, or all of them where none is near."""
    known = sorted(set(names))
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if match:
        return f"; did you mean '{match[0]}'?"
    return f"; there are: {', '.join(known)}" if known else ""


def inside(name: str) -> bool:
    """Tell whether a name from JSON or the command line stays below the folder that it is joined to."""
    return bool(name) and not os.path.isabs(name) and ".." not in name.replace("\\", "/").split("/")


def reports_errors(main: Callable[[Sequence[str] | None], int | None]) -> Callable[..., NoReturn]:
    """Wrap a command's ``main(argv)``: mistakes become lines on stderr, and their exit status."""

    @functools.wraps(main)
    def wrapped(argv: Sequence[str] | None = None) -> NoReturn:
        try:
            status = main(argv)
        except UserError as mistake:
            for line in mistake.lines:
                print(line, file=sys.stderr)
            status = mistake.status
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                forget_output()
            else:
                place = f"{error.filename}: " if error.filename else ""
                advice = "; free some, then run the command again" if error.errno == errno.ENOSPC else ""
                print(f"{place}{error.strerror or error}{advice}", file=sys.stderr)
            status = 1
        sys.exit(status or 0)

    return wrapped


def forget_output() -> None:
    """Send output nowhere: its reader (head, less) has gone, which is no fault of ours."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
