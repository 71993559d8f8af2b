"""TensorFlow's start-up chatter, which would bury our own lines."""

from __future__ import annotations

import os
import sys
import tempfile


def quieten_tensorflow() -> None:
    """Import TensorFlow and find its devices without its notices on the console.

    Notices written while it starts cannot be switched off (they come before its log levels are read), so what goes
    to the error stream meanwhile is kept aside, and shown only where the import fails.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever ~/.keras says: training steps are TensorFlow's
    sys.stderr.flush()
    console = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        except BaseException:
            aside.seek(0)
            os.write(console, aside.read())
            raise
        finally:
            os.dup2(console, 2)
            os.close(console)
