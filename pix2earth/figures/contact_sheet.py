"""Contact sheet of a dataset: one figure with every field of some samples of each split."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pix2earth.figures.images import Panel, draw_rows
from pix2earth.figures.missing import hidden_in_target, missing
from pix2earth.figures.panels.contrast import Contrast, alike, contrast_of, in_words
from pix2earth.figures.panels.shown_bands import shown_bands, title
from pix2earth.records import format
from pix2earth.records.listing import Listing
from pix2earth.records.manifest import SPLITS, Field, Manifest
from pix2earth.records.metadata import times_of_steps
from pix2earth.settings.errors import UserError


class SheetSample(NamedTuple):
    """A sample as read.

    Attributes:
        name: split and name of the record.
        arrays: fields as stored.
        metadata: of the record.
    """

    name: str
    arrays: Mapping[str, np.ndarray]
    metadata: Mapping[str, Any]


def draw(listing: Listing, path: Path, samples: int) -> None:
    """Draw samples of each split, evenly spread over the sorted names, as PNG of about 1600 pixels width.

    All samples have one contrast for each field, which input and target share where they show the same bands.

    Args:
        listing: of the dataset.
        path: of the PNG.
        samples: number of samples of each split.

    Raises:
        UserError: a record is damaged, or the dataset is empty.
    """
    manifest = listing.manifest
    chosen = [_read(listing, split, name) for split in SPLITS for name in _spread(listing.names(split), samples)]
    if not chosen:
        raise UserError(f"{listing.folder}: has no samples")
    images = [_physical(sample, manifest) for sample in chosen]
    contrasts = _contrasts(manifest, images)
    rows = [
        [
            panel
            for key, field in manifest.fields.items()
            for panel in _dated(
                _panels(key, sample.arrays.get(key), field, physical.get(key), contrasts.get(key)),
                sample.metadata,
                key,
                field,
            )
        ]
        for sample, physical in zip(chosen, images, strict=True)
    ]
    titles = [
        title(key if field.time_steps is None else f"{key}, time step {number}", field)
        for key, field in manifest.fields.items()
        for number in range(1, (field.time_steps or 1) + 1)
    ]
    words = f"\ncolours: {in_words(contrasts)}" if contrasts else ""  # masks and classes have a legend alone
    caption = f"{manifest.name}: {_counts(listing)}{words}"
    draw_rows(rows, titles, [sample.name for sample in chosen], path, caption=caption, upwards=manifest.upwards)


def _spread(names: Sequence[str], count: int) -> list[str]:
    """Return so many of the names, evenly spread."""
    places = np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).astype(int)) if names else ()
    return [names[place] for place in places]


def _read(listing: Listing, split: str, name: str) -> SheetSample:
    """Return a sample.

    Raises:
        UserError: its record is damaged.
    """
    try:
        arrays, metadata = format.read(listing.path(split, name), listing.manifest)
    except ValueError as error:
        raise UserError(str(error)) from None
    return SheetSample(f"{split}/{name}", arrays, metadata)


def _counts(listing: Listing) -> str:
    """Return the number of samples of each split as a text."""
    return ", ".join(f"{len(listing.names(split))} {split}" for split in SPLITS)


def _is_image(field: Field) -> bool:
    """Return whether a field has pixels and is neither a mask nor of classes."""
    return field.kind == "image" and field.size != (1, 1)


def _physical(sample: SheetSample, manifest: Manifest) -> dict[str, np.ndarray]:
    """Return the shown bands of every image of a sample, (time step, height, width, 3); NaN is missing."""
    found = {}
    for key, field in manifest.fields.items():
        if not _is_image(field) or key not in sample.arrays:
            continue
        images = sample.arrays[key] if field.time_steps else sample.arrays[key][None]
        values = images.astype(np.float64) * field.scale + field.offset
        hidden = hidden_in_target(sample.arrays, manifest) if key == manifest.target else None
        values[missing(images, field) | (False if hidden is None else hidden)] = np.nan
        found[key] = values[..., list(shown_bands(field))]
    return found


def _contrasts(manifest: Manifest, images: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Contrast]:
    """Return the contrast of every image field, from all samples; that of the target where a field shows the same."""
    target = manifest.fields[manifest.target]
    order = sorted((key for key, field in manifest.fields.items() if _is_image(field)), key=_first(manifest.target))
    found: dict[str, Contrast] = {}
    for key in order:
        field = manifest.fields[key]
        values = np.concatenate([sample[key].ravel() for sample in images if key in sample] or [np.zeros(0)])
        if manifest.target in found and alike(field, target):
            found[key] = found[manifest.target]
        else:
            found[key] = contrast_of(field, values)
    return {key: found[key] for key in manifest.fields if key in found}


def _first(name: str) -> Any:
    return lambda key: key != name


def _dated(panels: list[Panel], metadata: Mapping[str, Any], name: str, field: Field) -> list[Panel]:
    """Return the panels of a field with the time of acquisition of each time step below them, where it is known."""
    times = times_of_steps(metadata, name, field)
    if not times or (field.kind != "image" and not isinstance(metadata["acquired"], Mapping)):
        return panels  # of a record's one time, masks and classes need not be
    return [
        panel if panel.values.ndim == 2 else replace(panel, label=time[:16].replace("T", " "))
        for panel, time in zip(panels, times, strict=True)
    ]


def _panels(
    name: str, array: np.ndarray | None, field: Field, images: np.ndarray | None, contrast: Contrast | None
) -> list[Panel]:
    """Return a panel for each time step of a field.

    Args:
        name: of the field.
        array: as stored; None: the sample is of a pool without this field.
        field: its description.
        images: shown bands of an image field, (time step, height, width, 3).
        contrast: of an image field.
    """
    if array is None:
        return [Panel(np.ones((1, 1, 3)), text="-")] * (field.time_steps or 1)
    if images is not None:
        return [Panel(image, contrast) for image in images]
    steps = array if field.time_steps else array[None]
    if field.size == (1, 1):
        return [Panel(np.ones((1, 1, 3)), text=_numbers(step, field)) for step in steps]
    maps = [step[..., 0] for step in steps]
    if field.kind == "mask" and set(np.unique(array)) <= {0, 1}:
        return [Panel(each, mask=True, label=name) for each in maps]
    if field.kind == "mask":
        return [Panel(each, limits=(0.0, float(array.max())), colormap="gray", label=name) for each in maps]
    known = dict(re.findall(r"(\d+) ([^,]+)", field.bands[0]))
    classes = {int(number): known.get(str(number), str(number)) for number in np.unique(array)}
    return [Panel(each, classes=classes, label=name) for each in maps]


def _numbers(step: np.ndarray, field: Field) -> str:
    """Return the values of one pixel as a text, with names where there are several."""
    values = step.ravel().astype(np.float64) * field.scale + field.offset
    unit = "" if field.units in ("", "1") else f" {field.units}"
    texts = [f"{value:.6g}{unit}" for value in values]
    if len(texts) == 1:
        return texts[0]
    return ", ".join(f"{band} {text}" for band, text in zip(field.bands, texts, strict=True))
