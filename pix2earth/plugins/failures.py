"""Exceptions in the code of a plug-in or a metric as errors of one line, with file and line number."""

from __future__ import annotations

import os
import re
import traceback
from pathlib import Path
from typing import Any

from pix2earth.plugins import legacy
from pix2earth.settings.errors import UserError

TRACEBACK_VARIABLE = "PIX2EARTH_TRACEBACK"


class attributed_to:
    """Context manager that turns exceptions into a UserError which names a file and the line in it.

    With the environment variable ``PIX2EARTH_TRACEBACK`` exceptions pass unchanged.
    """

    def __init__(self, path: Path, failure: str) -> None:
        """Keep the file whose code the block runs, and what failed, such as "train_step() fails"."""
        self.path, self.failure = path, failure

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        """Raise a UserError instead of an ordinary exception."""
        if error is None or not isinstance(error, Exception) or isinstance(error, UserError):
            return
        if os.environ.get(TRACEBACK_VARIABLE):
            return
        lines = [frame.lineno for frame in traceback.extract_tb(trace) if frame.filename == str(self.path)]
        # The text of errors inside a tf.function contains the traceback of the plug-in, and ends with the message.
        lines += [int(line) for line in re.findall(rf'File "{re.escape(str(self.path))}", line (\d+)', str(error))]
        if isinstance(error, SyntaxError) and error.filename == str(self.path):
            lines = [error.lineno]
        place = f"{self.path}:{lines[-1]}" if lines else str(self.path)
        message = legacy.advice(str(error), reason(str(error)))
        prefix = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise UserError(
            f"{place}: {self.failure}: {prefix}{message} ({TRACEBACK_VARIABLE}=1 shows the traceback)"
        ) from error


def reason(text: str) -> str:
    """Return the message of an exception in one line, without the text that TensorFlow and Keras add to it."""
    paragraphs = re.sub(r"\x1b\[[0-9;]*m", "", text).strip().split("\n\n")
    nested = ("in user code", "Graph execution error")  # a traceback comes first, and the message last
    index = len(paragraphs) - 1 if any(phrase in paragraphs[0] for phrase in nested) else 0
    for number, paragraph in enumerate(paragraphs[:-1]):
        if "Exception encountered when calling" in paragraph:
            index = number + 1
    return " ".join(paragraphs[index].partition("\n\t [[")[0].split())
