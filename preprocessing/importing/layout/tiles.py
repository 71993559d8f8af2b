"""Tiles: the samples to be written, each with its place in the files of its scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from preprocessing.importing.layout.grids import Placement
from preprocessing.importing.layout.scenes import ImportScene


class ImportTile(NamedTuple):
    """A sample to be written.

    Attributes:
        name: unique in the dataset.
        scene: its files.
        placements: where it lies in each field.
        row, column: its first pixel in the scene's target.
        side: of the target in pixels.
        cut: whether its scene has other tiles as well.
        crs, transform: of the target's pixels.
        acquired: times of acquisition by field.
    """

    name: str
    scene: ImportScene
    placements: Mapping[str, Placement]
    row: int
    column: int
    side: int
    cut: bool
    crs: str | None
    transform: tuple[float, ...] | None
    acquired: Mapping[str, tuple[str, ...]]
