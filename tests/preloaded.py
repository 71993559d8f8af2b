"""What the server of commands imports once, for all commands that tests start; see ``started_commands``.

Neither package starts threads when it is imported; a fork has none of them.
"""

import gc

import keras
import tensorflow

__all__ = ["keras", "tensorflow"]

gc.freeze()  # else the first collection of every child would visit half a million objects, and copy their pages
