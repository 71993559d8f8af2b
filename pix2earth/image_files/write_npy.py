"""NPY of float32, and beside it a JSON file with what an array cannot state."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from pix2earth.image_files.writing import NewImage
from pix2earth.settings import atomic


def write_npy(path: Path, image: NewImage) -> None:
    """Write an image as NPY, (height, width, band) or with time steps before; arguments as of ``write_image_file``.

    ``<name>.npy.json`` names axes, bands, units, times and what made the image, and is written first: an array is never
    without it.
    """
    axes = ["time step", "height", "width", "band"]
    about = {
        "axes": axes[4 - image.values.ndim :], "bands": list(image.bands), "units": image.units,
        "times": list(image.times), "made_by": dict(image.made_by), "history": list(image.history),
    }  # fmt: skip
    content = io.BytesIO()
    np.save(content, np.ascontiguousarray(image.values, "<f4"), allow_pickle=False)
    atomic.write_json(path.with_name(f"{path.name}.json"), about)
    atomic.write_bytes(path, content.getvalue())
