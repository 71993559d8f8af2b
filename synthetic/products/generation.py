"""Step one: the ideal product, as no sensor sees it."""

from __future__ import annotations

import functools
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pix2earth.settings.errors import UserError
from synthetic.ground import time_series
from synthetic.ground.scene import SyntheticScene, latitude
from synthetic.observing.steps import View
from synthetic.products import product
from synthetic.schema.generation import GenerationFile, Physical, TimeSeries
from synthetic.streams import stream
from synthetic.tables.sensors import sensor

SERIES_START = datetime(2021, 1, 4, 10, 30)
"""Time series have no dates of their own; their frames begin here."""
SERIES_LATITUDE = 50.0
"""Nor have they a place."""


class GenerationTask(NamedTuple):
    """Some frames of one view: what one process writes."""

    configuration: str
    beside: Path
    folder: Path
    scene: int
    frames: tuple[int, ...]


def dates(configuration: GenerationFile, number: int) -> list[datetime]:
    """Return when the frames of a scene are taken; they rise strictly."""
    count = configuration.product.horizon
    source = configuration.source
    if isinstance(source, TimeSeries):
        return [SERIES_START + timedelta(days=index * source.step_days) for index in range(count)]
    times = source.time
    random = stream(configuration.seed, "dates", number)
    jitter = random.uniform(-1, 1, count) * times.jitter_days
    first = datetime.combine(times.start, time(10, 30))
    return [first + timedelta(days=index * times.revisit_days + float(jitter[index])) for index in range(count)]


def stored_dtype(configuration: GenerationFile) -> str:
    """Return the type of the stored numbers."""
    source = configuration.source
    reflectance = isinstance(source, Physical) and source.quantity == "reflectance"
    return configuration.product.dtype or ("uint16" if reflectance else "float32")


def check(configuration: GenerationFile, path: str, beside: Path) -> None:
    """Find what a schema cannot see: too short series, too many cells, dates beyond the calendar.

    Raises:
        UserError: with the file.
    """
    if stored_dtype(configuration) == "uint16" and not (
        isinstance(configuration.source, Physical) and configuration.source.quantity == "reflectance"
    ):
        raise UserError(f"{path}: product.dtype: uint16 holds reflectance only; use float32 or leave it out")
    try:
        dates(configuration, 0)
        renderer(configuration.model_dump_json(), beside, 0)
    except OverflowError:
        raise UserError(f"{path}: product.horizon: the calendar has no dates for so many frames so far apart") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


@functools.lru_cache(maxsize=1)
def _archive(source: str, beside: Path) -> time_series.Archive:
    """Return the time series of a source; kept, for all views take theirs from the same files."""
    return time_series.read(TimeSeries.model_validate_json(source, strict=False), beside)


@functools.lru_cache(maxsize=2)
def renderer(configuration: str, beside: Path, number: int) -> Any:
    """Return an object that draws the frames of a scene; kept, for frames of one scene follow one another."""
    settings = GenerationFile.model_validate_json(configuration, strict=False)
    source = settings.source
    if isinstance(source, TimeSeries):
        archive = _archive(source.model_dump_json(), beside)
        return time_series.SeriesScene(settings.product, source, archive, settings.seed, number)
    return SyntheticScene(source.ground, settings.seed, number)


def view_of(configuration: GenerationFile, drawn: Any, index: int, date: datetime) -> View:
    """Return a frame of the latent product."""
    source, gsd = configuration.source, configuration.product.gsd
    if isinstance(source, TimeSeries):
        bands = tuple(f"series_{number}" for number in range(1, source.ndim + 1))
        return View(drawn.frame(index), drawn.labels, bands, None, gsd)
    seen_by = sensor(source.sensor, None if source.bands is None else tuple(source.bands))
    everything = sensor(source.sensor).bands
    chosen = [everything.index(band) for band in seen_by.bands]
    condition = drawn.condition(date, index)
    if source.quantity == "reflectance":
        image = drawn.reflectance(condition, chosen)
    else:
        image = drawn.backscatter(condition)[..., chosen]
    labels = np.stack([drawn.places.instance, drawn.places.land_cover], axis=-1).astype(np.int16)
    return View(image, labels, seen_by.bands, seen_by, gsd)


def write(task: GenerationTask) -> int:
    """Write the frames of a task that are not there yet; return how many frames it has."""
    configuration = GenerationFile.model_validate_json(task.configuration, strict=False)
    astype, dtype = configuration.product.astype, stored_dtype(configuration)
    when = dates(configuration, task.scene)
    for index in task.frames:
        if not product.has_frame(task.folder, index, astype):
            try:
                drawn = renderer(task.configuration, task.beside, task.scene)
            except ValueError as error:
                raise UserError(f"{task.folder}: scene {task.scene}: {error}") from None
            view = view_of(configuration, drawn, index, when[index])
            product.write_frame(task.folder, index, view, dtype=dtype, astype=astype)
    return len(task.frames)


def finish(configuration: GenerationFile, folder: Path, number: int) -> None:
    """Write the index of a complete product."""
    source = configuration.source
    when = dates(configuration, number)
    seen_by = sensor(source.sensor, None if source.bands is None else tuple(source.bands)) if isinstance(
        source, Physical
    ) else None  # fmt: skip
    bands = list(seen_by.bands) if seen_by else [f"series_{band}" for band in range(1, source.ndim + 1)]  # type: ignore[union-attr]
    view = {
        "bands": bands, "sensor": seen_by.name if seen_by else None, "gsd": configuration.product.gsd,
        "dtype": stored_dtype(configuration), "astype": configuration.product.astype,
        "dates": {str(index): date.isoformat() for index, date in enumerate(when)},
        "scene": number, "seed": configuration.seed,
        "latitude": round(latitude(source.ground, configuration.seed, number), 6)
        if isinstance(source, Physical) else SERIES_LATITUDE,
    }  # fmt: skip
    about = {"configuration": configuration.model_dump(mode="json"), "digest": digest(configuration, number)}
    product.finish(folder, range(configuration.product.horizon), view, about)


def digest(configuration: GenerationFile, number: int) -> str:
    """Return what identifies a product: its configuration and the number of its scene."""
    return product.digest_of(["generate", configuration.model_dump(mode="json"), number])
