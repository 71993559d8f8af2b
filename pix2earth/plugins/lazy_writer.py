"""A TensorBoard writer that touches the disk only once it is used."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

create_file_writer = tf.summary.create_file_writer


class LazyWriter(tf.summary.SummaryWriter):
    """What ``tf.summary.create_file_writer`` returns to a plug-in.

    TensorFlow's own makes folder and event file at once, which every evaluation would do too.
    """

    def __init__(self, *arguments: Any, **about: Any) -> None:
        """Remember the arguments of ``create_file_writer``."""
        self._arguments, self._about = arguments, about
        self._made: Any = None

    @tf.autograph.experimental.do_not_convert
    def _writer(self) -> Any:
        """Return TensorFlow's writer; inside a ``tf.function`` it is made outside of its graph."""
        if self._made is None:
            self._made = create_file_writer(*self._arguments, **self._about)
        return self._made

    def as_default(self, step: Any = None) -> Any:
        """Return the context in which summaries go to this writer."""
        return self._writer().as_default(step)

    def set_as_default(self, step: Any = None) -> None:
        """Let summaries go to this writer from now on."""
        self._writer().set_as_default(step)

    def init(self) -> Any:
        """Make the event file."""
        return self._writer().init()

    def flush(self) -> Any:
        """Write what is waiting."""
        return None if self._made is None else self._made.flush()

    def close(self) -> Any:
        """Write what is waiting, and end."""
        return None if self._made is None else self._made.close()
