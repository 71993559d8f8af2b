"""Import of TensorFlow without its start-up messages."""

from __future__ import annotations

import gc
import os
import sys
import tempfile


def quieten_tensorflow() -> None:
    """Import TensorFlow and list its devices without its messages on the console.

    Messages that it prints while it starts cannot be switched off (it reads its log levels later), so the error
    stream goes to a temporary file meanwhile, which is shown only where the import fails. Half a million objects of the
    imported modules last as long as the process; garbage collection skips them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # overrides ~/.keras: training steps use TensorFlow
    sys.stderr.flush()
    console = os.dup(2)
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 2)
        first, collecting = "tensorflow" not in sys.modules, gc.isenabled()
        gc.disable()
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
            if first:
                gc.freeze()
        except BaseException:
            messages.seek(0)
            os.write(console, messages.read())
            raise
        finally:
            if collecting:
                gc.enable()
            os.dup2(console, 2)
            os.close(console)
