"""Options of commands, whose mistakes end in one line, as those in files do."""

from __future__ import annotations

import argparse
from typing import NoReturn

from pix2earth.settings.errors import UserError, nearest

UNKNOWN = "unrecognized arguments: "


class CommandArguments(argparse.ArgumentParser):
    """A parser whose errors are one line each, with the nearest option for one that there is not."""

    def error(self, message: str) -> NoReturn:
        """End with a line on what is wrong with the options.

        Args:
            message: of argparse.

        Raises:
            UserError: always.
        """
        if message.startswith(UNKNOWN):
            words = message.removeprefix(UNKNOWN).split()
            unknown = [word.partition("=")[0] for word in words if word.startswith("-")]
            if unknown:
                raise UserError(*(f"{word}: there is no such option{self._nearest(word)}" for word in unknown))
        raise UserError(f"{message.removeprefix('argument ')}; {self.prog} --help explains the options")

    def _nearest(self, word: str) -> str:
        found = nearest(word, self._option_string_actions)
        return found if "did you mean" in found else f"; {self.prog} --help lists all"
