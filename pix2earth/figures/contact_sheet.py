"""Contact sheet of a dataset: one figure with every field of some samples of each split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pix2earth.figures.images import Panel, draw_rows, stretch
from pix2earth.figures.missing import hidden_in_target, missing
from pix2earth.figures.shown_bands import shown_bands, title
from pix2earth.records import format
from pix2earth.records.listing import Listing
from pix2earth.records.manifest import SPLITS, Field
from pix2earth.records.metadata import times_of_steps
from pix2earth.settings.errors import UserError


def draw(listing: Listing, path: Path, samples: int) -> None:
    """Draw samples of each split, evenly spread over the sorted names, as PNG.

    Args:
        listing: of the dataset.
        path: of the PNG.
        samples: number of samples of each split.

    Raises:
        UserError: a record is damaged, or the dataset is empty.
    """
    manifest = listing.manifest
    rows, names = [], []
    for split in SPLITS:
        available = listing.names(split)
        chosen = np.unique(np.linspace(0, len(available) - 1, min(samples, len(available))).astype(int))
        for index in chosen if available else ():
            name = available[index]
            try:
                arrays, metadata = format.read(listing.path(split, name), manifest)
            except ValueError as error:
                raise UserError(str(error)) from None
            hidden = {manifest.target: hidden_in_target(arrays, manifest)}
            rows.append(
                [
                    panel
                    for key, field in manifest.fields.items()
                    for panel in _dated(_panels(arrays.get(key), field, hidden.get(key)), metadata, key, field)
                ]
            )
            names.append(f"{split}\n{name}")
    if not rows:
        raise UserError(f"{listing.folder}: has no samples")
    titles = [
        title(key if field.time_steps is None else f"{key}, time step {number}", field)
        for key, field in manifest.fields.items()
        for number in range(1, (field.time_steps or 1) + 1)
    ]
    draw_rows(rows, titles, names, path, caption=f"{manifest.name}: {_counts(listing)}")


def _counts(listing: Listing) -> str:
    """Return the number of samples of each split as a text."""
    return ", ".join(f"{len(listing.names(split))} {split}" for split in SPLITS)


def _dated(panels: list[Panel], metadata: Mapping[str, Any], name: str, field: Field) -> list[Panel]:
    """Return the panels of a field with the time of acquisition of each time step below them, where it is known."""
    times = times_of_steps(metadata, name, field)
    if not times or (field.kind != "image" and not isinstance(metadata["acquired"], Mapping)):
        return panels  # of a record's one time, masks and classes need not be
    return [replace(panel, label=time[:16].replace("T", " ")) for panel, time in zip(panels, times, strict=True)]


def _panels(array: np.ndarray | None, field: Field, hidden: np.ndarray | None = None) -> list[Panel]:
    """Return a panel for each time step of a field; all time steps have the same stretch.

    Args:
        array: as stored; None: white panels.
        field: its description.
        hidden: bool ([time step,] height, width), pixels of an image that are missing although they have values.
    """
    if array is None:  # the sample is of a pool without this field
        return [Panel(np.ones((1, 1, 3)), (0.0, 1.0))] * (field.time_steps or 1)
    images = array if field.time_steps else array[None]
    if field.kind != "image":
        return [Panel(image[..., 0], colormap="viridis" if field.kind == "classes" else "gray") for image in images]
    values = images.astype(np.float64) * field.scale + field.offset
    values[missing(images, field) | (False if hidden is None else hidden)] = np.nan
    rgb = values[..., shown_bands(field)]
    limits = stretch(rgb)
    return [Panel(image, limits) for image in rgb]
