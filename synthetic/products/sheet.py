"""Overview figure of a product or dataset: frames over time, classes, clouds, and the NDVI of each class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")  # a server has no display

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from pix2earth.figures.images import MISSING
from pix2earth.figures.missing import hidden_in_target, missing
from pix2earth.records.metadata import acquisition_times
from pix2earth.records.sequences import sequences
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError
from synthetic.ground import season
from synthetic.observing.clouds import SHADOW, THICK, THIN
from synthetic.observing.radar import DECIBELS, decibels
from synthetic.products import product
from synthetic.tables.land_cover import land_covers
from synthetic.tables.sensors import Sensor

FRAMES, SAMPLES = 6, 4
TEXT = 9
"""Size of the text in points: readable where a picture of six columns is as wide as a page."""
BRIGHTEST, GAMMA = 0.28, 1 / 1.6
"""Reflectance shown as white, and the exponent, close to the usual true colour of Sentinel-2."""
CLOUD_COLOURS = {0: "#3c6e47", THIN: "#c9d3dc", THICK: "#ffffff", SHADOW: "#1b2a33"}
CLOUD_NAMES = {0: "clear", THIN: "thin cloud", THICK: "cloud", SHADOW: "shadow"}


class NdviSeries(NamedTuple):
    """Mean NDVI of the clear pixels of a class, and the days of year."""

    days: list[float]
    ndvi: list[float]


class Column(NamedTuple):
    """One frame or sample: its title, and its panels by kind, from top to bottom."""

    title: str
    panels: dict[str, np.ndarray]


class Sheet(NamedTuple):
    """Content of the figure: a column per frame or sample, NDVI by class number, and the class map of a product."""

    title: str
    columns: list[Column]
    curves: dict[int, NdviSeries]
    land_cover: np.ndarray | None


def draw(path: Path, output: Path) -> None:
    """Draw the overview figure of a product or dataset.

    Args:
        path: folder of a product, or of a dataset (with or without the tile size).
        output: the PNG to write.

    Raises:
        UserError: the folder is neither.
    """
    if (path / product.INDEX).is_file() or (path / product.UNFINISHED).is_file():
        compose(of_product(path), output)
    else:
        compose(of_dataset(path), output)


# ---- content ---------------------------------------------------------------------------------------------------


def of_product(folder: Path) -> Sheet:
    """Return the content of the figure of a product."""
    index = product.load_index(folder)
    numbers = product.frame_numbers(index)
    shown = {numbers[at] for at in np.linspace(0, len(numbers) - 1, min(FRAMES, len(numbers))).astype(int)}
    columns: list[Column] = []
    curves: defaultdict[int, NdviSeries] = defaultdict(lambda: NdviSeries([], []))
    for number in numbers:
        frame, date = product.read_frame(folder, index, number), product.acquisition_time(index, number)
        clear = np.ones(frame.image.shape[:2], bool) if frame.cloud_class is None else frame.cloud_class == 0
        if frame.sensor:
            _add_ndvi(curves, frame.image, frame.bands, frame.labels[..., 1], clear, season.day_of_year(date))
        if number in shown:
            radar = frame.sensor is not None and frame.sensor.kind == "radar"
            image = decibels(frame.image) if radar else frame.image
            panels = {"frame": colour(image, frame.bands, _rgb(frame.sensor, frame.bands), radar=radar)}
            if frame.cloud_class is not None:
                panels["clouds"] = frame.cloud_class
            columns.append(Column(f"frame {number}, {date:%Y-%m-%d}", panels))
    size = f"{index['features']['width']} x {index['features']['height']} pixels of {index['gsd']:g} m"
    title = f"{folder.name}: {len(numbers)} frames, {size}, {len(index['bands'])} bands"
    return Sheet(title, columns, dict(curves), product.read_labels(folder, index)[..., 1] if index["sensor"] else None)


def _rgb(sensor: Sensor | None, bands: Sequence[str]) -> list[int]:
    """Return the positions of the bands to show as red, green and blue."""
    rgb = [band for band in (sensor.rgb if sensor else ()) if band in bands]
    return [list(bands).index(band) for band in rgb] if len(rgb) == 3 else [at % len(bands) for at in range(3)]


def of_dataset(path: Path) -> Sheet:
    """Return the content of the figure of a dataset that ``make`` wrote."""
    from pix2earth.console.quiet import quieten_tensorflow

    quieten_tensorflow()  # before the record format imports it
    from pix2earth.records.format import read
    from pix2earth.records.listing import open_folder

    listing = open_folder(str(path))
    manifest, names = listing.manifest, listing.names("train")
    if "land_cover" not in manifest.fields or not names:
        raise UserError(f"{path}: is no synthetic dataset; python dataset.py show draws other datasets")
    shown = _shown_samples(names, manifest.sequence)
    columns: list[Column] = []
    curves: defaultdict[int, NdviSeries] = defaultdict(lambda: NdviSeries([], []))
    for name in names:
        arrays, metadata = read(listing.path("train", name), manifest)
        _add_targets(curves, arrays, metadata, manifest)
        if name in shown:
            columns.append(Column(f"train/{name}", _sample_panels(arrays, manifest)))
    counts = ", ".join(f"{len(listing.names(split))} {split}" for split in ("train", "val", "test"))
    return Sheet(f"{manifest.name}: {counts} samples of {manifest.tilesize} pixels", columns, dict(curves), None)


def _shown_samples(names: Sequence[str], sequence: str | None) -> set[str]:
    """Return the samples to show: time steps of the first sequence where there are any, else some of all."""
    candidates, most = names, SAMPLES
    if sequence:
        candidates, most = next(iter(sequences(names, sequence).values())), FRAMES
    return {candidates[at] for at in np.linspace(0, len(candidates) - 1, min(most, len(candidates))).astype(int)}


def _add_targets(
    curves: dict[int, NdviSeries], arrays: dict[str, Any], metadata: dict[str, Any], manifest: Any
) -> None:
    """Add the mean NDVI of each class in the targets of a sample, which are clear."""
    field = manifest.fields[manifest.target]
    images = arrays["target"] if field.time_steps else arrays["target"][None]
    for image, date in zip(images, acquisition_times(metadata, manifest.target), strict=False):
        day = season.day_of_year(datetime.fromisoformat(date.rstrip("Z")))
        classes = arrays["land_cover"][..., 0]
        _add_ndvi(curves, image * field.scale + field.offset, field.bands, classes, classes > 0, day)


def _sample_panels(arrays: dict[str, Any], manifest: Any) -> dict[str, np.ndarray]:
    """Return the panels of a sample: every time step of the input, radar, the target, clouds and classes.

    Pixels without a value, and those that the manifest's mask hides in the target, are light grey.
    """
    panels: dict[str, np.ndarray] = {}
    hidden = hidden_in_target(arrays, manifest)
    shown_fields = {"input": manifest.input, "radar": "radar", "target": manifest.target}
    for role, name in shown_fields.items():
        if name not in arrays:
            continue
        field, stored = manifest.fields[name], arrays[name]
        images = stored if field.time_steps else stored[None]
        for time_step, image in enumerate(images, start=1):
            values = image.astype(np.float32) * field.scale + field.offset
            shown = colour(values, field.bands, list(field.rgb_indices), radar=field.units == "dB")
            gone = missing(image, field)
            if name == manifest.target and hidden is not None:
                gone |= hidden[time_step - 1] if hidden.ndim == 3 else hidden
            shown = np.where(gone[..., None], MISSING, shown)
            panels[f"{role}, time step {time_step}" if field.time_steps else role] = shown
    if "cloud_class" in arrays:
        panels["clouds"] = arrays["cloud_class"][-1, ..., 0]
    elif "cloud_mask" in arrays and not manifest.fields["cloud_mask"].time_steps:
        panels["hidden (white)"] = np.repeat(arrays["cloud_mask"] > 0, 3, axis=-1).astype(np.float32)
    panels["land cover"] = arrays["land_cover"][..., 0]
    return panels


def colour(image: np.ndarray, bands: Sequence[str], rgb: Sequence[int], *, radar: bool) -> np.ndarray:
    """Return (height, width, 3) of 0 to 1: true colour with the same stretch for all images, or backscatter as grey."""
    if radar:
        low, high = DECIBELS
        grey = np.clip((image[..., list(bands).index("VV")].astype(np.float32) - low) / (high - low), 0, 1)
        return grey[..., None].repeat(3, axis=-1)
    brightest = BRIGHTEST if any(band.startswith(("B", "Oa")) for band in bands) else 1.0
    return np.clip(image[..., list(rgb)] / brightest, 0, 1) ** GAMMA


def _add_ndvi(
    curves: dict[int, NdviSeries], image: np.ndarray, bands: Sequence[str], classes: np.ndarray, clear: np.ndarray,
    day: float,
) -> None:  # fmt: skip
    """Add the mean NDVI of the clear pixels of each class on a day."""
    near = next((band for band in ("B8", "B8A", "Oa17") if band in bands), None)
    red = next((band for band in ("B4", "Oa08") if band in bands), None)
    if near is None or red is None:
        return
    infrared, visible = image[..., list(bands).index(near)], image[..., list(bands).index(red)]
    ndvi = (infrared - visible) / np.maximum(infrared + visible, 1e-3)
    for cover in land_covers():
        pixels = clear & (classes == cover.number)
        if pixels.sum() >= 10:
            curves[cover.number].days.append(day)
            curves[cover.number].ndvi.append(float(ndvi[pixels].mean()))


# ---- drawing ---------------------------------------------------------------------------------------------------


def compose(sheet: Sheet, output: Path) -> None:
    """Write the PNG: panels above the class map and the NDVI curves."""
    kinds = list(dict.fromkeys(kind for column in sheet.columns for kind in column.panels))
    lower_part = bool(sheet.curves) or sheet.land_cover is not None
    height = 2 * len(kinds) + 0.5
    figure = Figure(figsize=(1.9 * max(len(sheet.columns), 3) + 0.5, height + 3.2 * lower_part), layout="constrained")
    figure.suptitle(sheet.title, fontsize=11)
    parts: Any = figure.subfigures(2, 1, height_ratios=[height, 3.2]) if lower_part else (figure, None)
    upper, lower = parts
    axes = upper.subplots(len(kinds), len(sheet.columns), squeeze=False)
    for at, column in enumerate(sheet.columns):
        axes[0][at].set_title(column.title, fontsize=TEXT)
        for row, kind in enumerate(kinds):
            _show(axes[row][at], kind, column.panels[kind])
            if at == 0:
                axes[row][at].set_ylabel(kind, fontsize=TEXT)
    if "clouds" in kinds:
        patches = [
            Patch(facecolor=CLOUD_COLOURS[key], edgecolor="#777777", label=CLOUD_NAMES[key]) for key in CLOUD_COLOURS
        ]
        upper.legend(handles=patches, loc="outside lower center", ncols=4, fontsize=TEXT)
    if lower is not None:
        _draw_lower_part(lower, sheet)
    with atomic.replacing(output) as temporary:
        figure.savefig(temporary, format="png", dpi=130)


def _draw_lower_part(figure: Any, sheet: Sheet) -> None:
    """Draw the class map of a product, and the NDVI curves or a legend of the classes."""
    axes = iter(figure.subplots(1, 2, width_ratios=[1, 3]) if sheet.curves and sheet.land_cover is not None
                else [figure.subplots()])  # fmt: skip
    if sheet.land_cover is not None:
        axis = next(axes)
        _show(axis, "land cover", sheet.land_cover)
        axis.set_title("land cover", fontsize=TEXT)
    if sheet.curves:
        _curves(next(axes), sheet.curves)
    else:
        covers = [cover for cover in land_covers() if np.any(sheet.land_cover == cover.number)]
        patches = [Patch(facecolor=cover.colour, edgecolor="#777777", label=cover.name) for cover in covers]
        figure.legend(handles=patches, loc="outside right center", fontsize=TEXT)


def _show(axis: Any, kind: str, panel: np.ndarray) -> None:
    """Draw one panel: classes and clouds in their colours, images as they are."""
    axis.set_xticks([])
    axis.set_yticks([])
    if kind == "land cover":
        colours = ListedColormap([cover.colour for cover in land_covers()])
        axis.imshow(panel, cmap=colours, vmin=0.5, vmax=len(land_covers()) + 0.5, interpolation="nearest")
    elif kind == "clouds":
        axis.imshow(
            panel, cmap=ListedColormap(list(CLOUD_COLOURS.values())), vmin=-0.5, vmax=3.5, interpolation="nearest"
        )
    else:
        axis.imshow(panel, interpolation="nearest")


def _curves(axis: Any, curves: dict[int, NdviSeries]) -> None:
    """Draw the NDVI of each class over the year: a point per frame, and the mean within 25 days of mid-month."""
    for cover in land_covers():
        if cover.number in curves:
            days, values = np.array(curves[cover.number].days), np.array(curves[cover.number].ndvi)
            order = np.argsort(days)
            days, values = days[order], values[order]
            edge = "#777777" if cover.name == "snow" else cover.colour
            axis.plot(days, values, ".", color=edge, markersize=4, alpha=0.6)
            months = np.arange(15, 366, 30)
            near = np.abs((days[None] - months[:, None] + 182) % 365 - 182) < 25
            means = [values[month].mean() if month.any() else np.nan for month in near]
            axis.plot(months, means, color=edge, label=cover.name, linewidth=1.5)
    axis.set_xlim(1, 366)
    axis.set_ylim(-0.35, 1.25)  # room for the legend
    axis.set_yticks(np.arange(-0.2, 1.01, 0.2))
    axis.set_xlabel("day of year", fontsize=TEXT)
    axis.set_ylabel("NDVI of clear pixels", fontsize=TEXT)
    axis.tick_params(labelsize=TEXT)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=TEXT, ncols=4, loc="upper left")
