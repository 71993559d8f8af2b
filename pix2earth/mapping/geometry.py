"""Geometry of inference: sizes of the windows of a scene, the input of a network and its output."""

from __future__ import annotations

import math
from typing import NamedTuple

from experiment import Experiment
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError


class Geometry(NamedTuple):
    """Sizes of windows, network input and output, in pixels.

    Attributes:
        side: of a window, in pixels of the scene.
        factor: output pixels per pixel of the scene, along each axis.
        coarse: side in pixels to which a window is averaged, as the dataset made its input from fine tiles; None where
            windows are not averaged.
        stored: side of the network's input as the dataset stores it.
        bands: number of bands of the output, over all time steps.
        pixel: pixel size of the scene that this geometry expects, in metres; None where the dataset does not state it.
        repeated: how often the dataset repeats a measured pixel along each axis: 12 where 120 m are stored at 10 m.
    """

    side: int
    factor: int
    coarse: int | None
    stored: int
    bands: int
    pixel: float | None
    repeated: int


def geometry_of(experiment: Experiment, *, degrade: bool = False) -> Geometry:
    """Return the geometry of an experiment's network.

    Args:
        experiment: of the trained run.
        degrade: the scene has the pixel size of the target, and each window is averaged to the pixel size of the input.

    Raises:
        UserError: its windows cannot be joined to a map, or the input is not coarser than the target.
    """
    manifest = experiment.manifest
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    if experiment.NORMALIZE == "l2":
        raise UserError(
            f"{experiment.file}: normalize: 'l2' cannot be undone: every window would have a different brightness;"
            " --input takes a dataset, or train with 'symmetric'"
        )
    if (experiment.IMG_HEIGHT, experiment.IMG_WIDTH) != target.size:
        raise UserError(
            f"{experiment.file}: img_height, img_width: the network works at {experiment.IMG_HEIGHT} x"
            f" {experiment.IMG_WIDTH} pixels, not on the grid of its target"
            f" ({target.size[0]} x {target.size[1]}), so that its predictions cannot be joined to a map"
        )
    (side, width), (stored, columns) = target.size, source.size
    tiles = f"{experiment.DATA_ROOT}: input tiles of {stored} x {columns} and target tiles of {side} x {width} pixels"
    if side != width or stored != columns:
        raise UserError(f"{tiles}: a map needs squares")
    bands = len(target.bands) * (target.time_steps or 1)
    if degrade:
        coarse = coarse_side(source, target)
        return Geometry(side, 1, coarse, stored, bands, target.gsd, 1)
    if side % stored:
        raise UserError(
            f"{tiles}: no integer factor lies between them; give a scene of the target's pixels and --degrade"
        )
    factor = side // stored
    repeated = max(1, round(manifest.ratio / factor))
    return Geometry(stored, factor, None, stored, bands, source.gsd and source.gsd / repeated, repeated)


def coarse_side(source: Field, target: Field) -> int:
    """Return the side in pixels to which a target tile is averaged to have the pixel size of the input's sensor.

    Raises:
        UserError: the dataset does not state that the input is coarser than the target, or the input is not an image.
    """
    if not source.gsd or not target.gsd or source.gsd <= target.gsd or source.kind != "image":
        stated = [f"{gsd:g} m" if gsd else "no gsd" for gsd in (source.gsd, target.gsd)]
        raise UserError(
            f"--degrade: the dataset states {stated[0]} for the input ({source.kind}) and {stated[1]} for the target;"
            " leave it out"
        )
    if source.size[0] < target.size[0]:
        return source.size[0]
    return math.floor(target.size[0] * target.gsd / source.gsd + 1e-6)  # stored upsampled; rounded as the datasets are
