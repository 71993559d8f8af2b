"""A TensorBoard writer that creates its files when it is first used."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

create_file_writer = tf.summary.create_file_writer


class LazyWriter(tf.summary.SummaryWriter):
    """The writer that a plug-in gets from ``tf.summary.create_file_writer``.

    TensorFlow's writer creates folder and event file at once, which an evaluation, for instance, must not do.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Keep the arguments of ``create_file_writer``."""
        self._arguments, self._options = arguments, options
        self._created: Any = None

    @tf.autograph.experimental.do_not_convert
    def _writer(self) -> Any:
        """Return TensorFlow's writer; inside a ``tf.function`` it is created outside of the graph."""
        if self._created is None:
            self._created = create_file_writer(*self._arguments, **self._options)
        return self._created

    def as_default(self, step: Any = None) -> Any:
        """Return a context in which summaries go to this writer."""
        return self._writer().as_default(step)

    def set_as_default(self, step: Any = None) -> None:
        """Make this the writer of all following summaries."""
        self._writer().set_as_default(step)

    def init(self) -> Any:
        """Create the event file."""
        return self._writer().init()

    def flush(self) -> Any:
        """Write buffered summaries to the disk."""
        return None if self._created is None else self._created.flush()

    def close(self) -> Any:
        """Write buffered summaries to the disk and close the file."""
        return None if self._created is None else self._created.close()
