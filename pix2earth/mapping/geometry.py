"""Geometry of inference: sizes of the windows of a scene, the input of a network and its output."""

from __future__ import annotations

from typing import NamedTuple

from experiment import Experiment
from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.manifest import Manifest, size_by_gsd
from pix2earth.settings.errors import UserError


class Geometry(NamedTuple):
    """Sizes of windows, network input and output, in pixels.

    Attributes:
        window: (height, width) of a window, in pixels of the scene.
        factor: output pixels per pixel of the scene, along each axis.
        coarse: (height, width) to which a window is averaged, as the dataset made its input from fine tiles; None where
            windows are not averaged.
        stored: (height, width) of the network's input as the dataset stores it.
        bands: number of bands of the output, over all time steps.
        pixel: pixel size of the scene that this geometry expects, in metres; None where the dataset does not state it.
        repeated: how often the dataset repeats a measured pixel along each axis: 12 where 120 m are stored at 10 m.
        degradation: how windows are averaged, where the dataset states it.
        reduced: how many times smaller than those of the dataset the pixels of the scene are, and of all its fields:
            by Wald's protocol a network is trained on averages, and applied to the pixels that were measured.
        block: side in output pixels of blocks that keep their average where windows are blended: those of the coarse
            pixels of a sharpened image, whose averages the network keeps; else 1.
    """

    window: tuple[int, int]
    factor: int
    coarse: tuple[int, int] | None
    stored: tuple[int, int]
    bands: int
    pixel: float | None
    repeated: int
    degradation: Degradation | None = None
    reduced: int = 1
    block: int = 1


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
    (height, width), (rows, columns) = target.size, source.size
    bands = len(target.bands) * (target.time_steps or 1)
    block = max(1, round(manifest.ratio)) if manifest.guide else 1
    if degrade:
        coarse = coarse_size(manifest)
        return Geometry(target.size, 1, coarse, source.size, bands, target.gsd, 1, manifest.degradation, block=block)
    factor = height // rows
    if (rows * factor, columns * factor) != target.size:
        raise UserError(
            f"{experiment.DATA_ROOT}: input tiles of {rows} x {columns} and target tiles of {height} x {width} pixels:"
            " no integer factor lies between them; give a scene of the target's pixels and --degrade"
        )
    repeated = max(1, round(manifest.ratio / factor))
    reduced = manifest.reduced or 1
    pixel = source.gsd and source.gsd / repeated / reduced
    return Geometry(source.size, factor, None, source.size, bands, pixel, repeated, reduced=reduced, block=block)


def coarse_size(manifest: Manifest) -> tuple[int, int]:
    """Return the height and width to which a target tile is averaged to have the pixel size of the input's sensor.

    Raises:
        UserError: the dataset does not state that the input is coarser than the target, or the input is not an image.
    """
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    if manifest.degradation is not None:
        return manifest.degradation.size(target.size)
    if not source.gsd or not target.gsd or source.gsd <= target.gsd or source.kind != "image":
        stated = [f"{gsd:g} m" if gsd else "no gsd" for gsd in (source.gsd, target.gsd)]
        raise UserError(
            f"--degrade: the dataset states {stated[0]} for the input ({source.kind}), {stated[1]} for the target and"
            " no degradation; leave it out"
        )
    if source.size[0] < target.size[0]:
        return source.size
    return size_by_gsd(source, target)  # stored upsampled
