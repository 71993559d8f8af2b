"""How the input and the output of a network lie on one another."""

from __future__ import annotations

from typing import NamedTuple

from experiment import Experiment
from settings.mistakes import Mistake


class Geometry(NamedTuple):
    """Sizes in pixels."""

    side: int
    """Of an input window."""
    factor: int
    """Output pixels a pixel of the input."""
    enlarged: int
    """How many times the dataset had enlarged what it stores as input: 12 where 120 m pixels are repeated at 10 m."""
    bands: int
    """Of the output, dates included."""


def geometry_of(experiment: Experiment) -> Geometry:
    """Return the geometry of an experiment's network.

    Raises:
        Mistake: its windows cannot be put together to a map.

    """
    manifest = experiment.manifest
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    if experiment.NORMALIZE == "l2":
        raise Mistake(
            f"{experiment.file}: normalize: 'l2' cannot be undone: every window would have a brightness of its own;"
            " --input takes a dataset, or train with 'symmetric'"
        )
    size = (experiment.IMG_HEIGHT, experiment.IMG_WIDTH)
    if size != target.size:
        raise Mistake(
            f"{experiment.file}: img_height, img_width: the network works at {size[0]} x {size[1]} pixels, not on the"
            f" grid of its target ({target.size[0]} x {target.size[1]}), so that there is no map of it"
        )
    (height, width), (rows, columns) = target.size, source.size
    if height != width or rows != columns or height % rows:
        raise Mistake(
            f"{experiment.file}: dataset: input tiles of {rows} x {columns} and target tiles of {height} x {width}"
            " pixels; a map needs squares and a whole factor between them"
        )
    factor = height // rows
    enlarged = max(1, round(manifest.ratio / factor))
    return Geometry(rows, factor, enlarged, len(target.bands) * (target.dates or 1))
