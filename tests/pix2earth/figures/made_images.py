"""Images of random values and what is drawn of them, for tests of figures."""

import matplotlib.image
import numpy as np

from pix2earth.records.manifest import Field

BANDS = ["B04", "B03", "B02"]
UNKNOWN = ["x", "y", "z"]


def field(*shape, bands=None, dtype="float32", **properties):
    return Field(dtype=dtype, shape=list(shape), bands=bands or BANDS[: shape[-1]], **properties)


def random(*shape):
    return np.random.default_rng(3).uniform(0, 1, shape).astype(np.float32)


def pixels(path):
    """Return (height, width, 3) of a PNG, 0 to 1."""
    return matplotlib.image.imread(path)[..., :3]


def has_color(path, color):
    """Return whether more than a tenth of an image has this colour."""
    return (np.abs(pixels(path) - color).max(axis=-1) < 0.01).mean() > 0.1
