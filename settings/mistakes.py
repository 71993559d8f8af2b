"""A user's mistake: one clear line each on stderr, exit status 2, no traceback."""

from __future__ import annotations

import difflib
import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

EXIT_STATUS = 2


class Mistake(Exception):
    """What the user has to mend: one or several lines, each with the place, what is wrong and what to do."""

    def __init__(self, *lines: str) -> None:
        """Keep the lines; at least one."""
        super().__init__("\n".join(lines))
        self.lines = lines


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


def reports_mistakes(main: Callable[[Sequence[str] | None], int | None]) -> Callable[..., NoReturn]:
    """Wrap a command's ``main(argv)``: mistakes become lines on stderr and exit status 2."""

    @functools.wraps(main)
    def wrapped(argv: Sequence[str] | None = None) -> NoReturn:
        try:
            status = main(argv)
        except Mistake as mistake:
            for line in mistake.lines:
                print(line, file=sys.stderr)
            status = EXIT_STATUS
        except BrokenPipeError:
            # The reader of our output (head, less) has gone: not a fault of ours, and nothing is left to say.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = 1
        sys.exit(status or 0)

    return wrapped
