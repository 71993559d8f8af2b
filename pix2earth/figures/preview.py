"""Previews of maps and of folders of outputs: small PNG files beside them, to look at what was made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pix2earth.figures.images import Panel, draw_rows
from pix2earth.figures.panels.contrast import contrast_of
from pix2earth.figures.panels.shown_bands import shown_bands, title
from pix2earth.records.field import Field

SIDE = 512
"""Largest side of an image in pixels."""
MOST = 12
"""Largest number of images of a folder that are shown."""


class Shown(NamedTuple):
    """An image of a preview.

    Attributes:
        name: written above it.
        values: (height, width, 3), physical values of the shown bands, at most SIDE pixels high and wide.
    """

    name: str
    values: np.ndarray


def path_beside(output: Path) -> Path:
    """Return the path of the preview of a file or folder: ``<name>_preview.png`` beside it."""
    return output.with_name(f"{output.stem if output.is_file() else output.name}_preview.png")


def shown(name: str, values: np.ndarray, field: Field, *, upwards: bool = False) -> Shown:
    """Return an image as a preview shows it.

    Args:
        name: of the image.
        values: (height, width, band) physical values of the bands of ``field``, NaN where missing; the first time step
            of several.
        field: that they are of.
        upwards: the first row is the lowest, as in FITS.
    """
    every = max(1, -(-max(values.shape[:2]) // SIDE))
    small = values[:: -every if upwards else every, ::every]
    return Shown(name, small[..., list(shown_bands(field))])


def places_shown(count: int, most: int = MOST) -> list[int]:
    """Return which of a number of images are shown, at most ``most``, evenly chosen."""
    return sorted(set(np.linspace(0, count - 1, min(most, count)).round().astype(int).tolist()))


def draw(images: Sequence[Shown], field: Field, path: Path, caption: str, of: int | None = None) -> Path:
    """Draw images side by side, with one contrast for all, and return the path of the PNG.

    Args:
        images: at least one, of ``places_shown``; of several time steps the first one.
        field: that they are of.
        path: of the PNG.
        caption: of the figure.
        of: how many images there are.
    """
    contrast = contrast_of(field, np.concatenate([image.values.ravel() for image in images]))
    rows = [[Panel(image.values, contrast)] for image in images]
    heading = title("", field).strip().replace("\n", " ")
    part = f" ({len(images)} of {of})" if of and len(images) < of else ""
    first = f"time step 1 of {field.time_steps}; " if (field.time_steps or 1) > 1 else ""
    words = f"{heading}; {first}colours: {contrast.words}"
    draw_rows(rows, [], [image.name for image in images], path, caption=f"{caption}{part}\n{words}")
    return path


def draw_series(
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[np.ndarray]]],
    field: Field,
    path: Path,
    caption: str,
    *,
    upwards: bool = False,
) -> Path:
    """Draw dates of a series, one a row, and return the path of the PNG.

    Args:
        columns: titles, such as "observed" and "filled".
        rows: date and the image of each column, (height, width, band) of ``field``.
        field: of the images.
        path: of the PNG.
        caption: of the figure.
        upwards: the first row is the lowest, as in FITS.
    """
    images = [[shown(name, values, field, upwards=upwards).values for values in each] for name, each in rows]
    contrast = contrast_of(field, np.concatenate([image.ravel() for row in images for image in row]))
    if len(field.bands) == 1:  # in colours, from which the grey of missing pixels differs
        unit = "" if field.units == "1" else field.units
        limits, colormap = (contrast.low, contrast.high), contrast.colormap or "viridis"
        label = f"{field.bands[0]} {unit}".strip()
        panels = [
            [Panel(image[..., 0], limits=limits, colormap=colormap, label=label) for image in row] for row in images
        ]
        words = ""
    else:
        panels = [[Panel(image, contrast) for image in row] for row in images]
        words = f"\ncolours: {contrast.words}"
    draw_rows(panels, columns, [name for name, _ in rows], path, caption=f"{caption}{words}")
    return path
