"""Exceptions in a plug-in's code, told as one line with file and line number."""

from __future__ import annotations

import os
import re
import traceback
from pathlib import Path
from typing import Any

from pix2earth.plugins import legacy
from pix2earth.settings.errors import UserError

TRACEBACK_VARIABLE = "PIX2EARTH_TRACEBACK"


class blaming:
    """A block in which an exception is the plug-in's fault: it becomes a UserError that names file and line."""

    def __init__(self, path: Path, what: str) -> None:
        """Say whose fault and in what."""
        self.path, self.what = path, what

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        """Turn an ordinary exception into a UserError, unless the user asked for tracebacks."""
        if error is None or not isinstance(error, Exception) or isinstance(error, UserError):
            return
        if os.environ.get(TRACEBACK_VARIABLE):
            return
        lines = [frame.lineno for frame in traceback.extract_tb(trace) if frame.filename == str(self.path)]
        # Errors inside a tf.function carry the plug-in's own traceback in their text, and their message last.
        lines += [int(line) for line in re.findall(rf'File "{re.escape(str(self.path))}", line (\d+)', str(error))]
        if isinstance(error, SyntaxError) and error.filename == str(self.path):
            lines = [error.lineno]
        place = f"{self.path}:{lines[-1]}" if lines else str(self.path)
        message = legacy.advice(str(error), reason(str(error)))
        kindly = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise UserError(
            f"{place}: {self.what}: {kindly}{message} ({TRACEBACK_VARIABLE}=1 shows the traceback)"
        ) from error


def reason(text: str) -> str:
    """Return the telling part of an exception's text in one line, without what TensorFlow and Keras put around it."""
    paragraphs = re.sub(r"\x1b\[[0-9;]*m", "", text).strip().split("\n\n")
    nested = ("in user code", "Graph execution error")  # these tell where, and the message last
    index = len(paragraphs) - 1 if any(sign in paragraphs[0] for sign in nested) else 0
    for number, paragraph in enumerate(paragraphs[:-1]):
        if "Exception encountered when calling" in paragraph:
            index = number + 1
    return " ".join(paragraphs[index].partition("\n\t [[")[0].split())
