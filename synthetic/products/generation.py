"""Generation of latent products: reflectance or backscatter of the ground, before any sensor."""

from __future__ import annotations

import functools
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pix2earth.settings.errors import UserError
from synthetic.ground import time_series
from synthetic.ground.scene import SyntheticScene, latitude
from synthetic.observing.steps import SyntheticFrame
from synthetic.products import product
from synthetic.schema.generation import GenerationFile, Physical, TimeSeries
from synthetic.streams import stream
from synthetic.tables.sensors import Sensor, sensor

SERIES_START = datetime(2021, 1, 4, 10, 30)
"""Acquisition time of the first frame from time series, which have no dates."""
SERIES_LATITUDE = 50.0
"""Latitude of scenes from time series, which have no place."""


class GenerationTask(NamedTuple):
    """Some frames of one scene, which one process writes.

    Attributes:
        configuration: the configuration as JSON.
        config_folder: folder that paths in the configuration are relative to.
        folder: folder of the product.
        scene: number of the scene.
        frames: numbers of the frames.
    """

    configuration: str
    config_folder: Path
    folder: Path
    scene: int
    frames: tuple[int, ...]


def acquisition_times(configuration: GenerationFile, number: int) -> list[datetime]:
    """Return the acquisition times of the frames of a scene; they rise strictly."""
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
    """Return the stored type of the frames: "uint16" or "float32"."""
    source = configuration.source
    reflectance = isinstance(source, Physical) and source.quantity == "reflectance"
    return configuration.product.dtype or ("uint16" if reflectance else "float32")


def check(configuration: GenerationFile, path: str, config_folder: Path) -> None:
    """Check what the schema cannot: length of the series, room for the cells, dates within the calendar.

    Raises:
        UserError: one of them does not fit; the message starts with ``path``, the configuration file.
    """
    if stored_dtype(configuration) == "uint16" and not (
        isinstance(configuration.source, Physical) and configuration.source.quantity == "reflectance"
    ):
        raise UserError(f"{path}: product.dtype: uint16 holds reflectance only; use float32 or leave it out")
    try:
        acquisition_times(configuration, 0)
        scene_of(configuration.model_dump_json(), config_folder, 0)
    except OverflowError:
        raise UserError(f"{path}: product.horizon: the calendar has no dates for so many frames so far apart") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


@functools.lru_cache(maxsize=1)
def _archive(source: str, config_folder: Path) -> time_series.Archive:
    """Return the time series of a source (as JSON); cached, as all scenes use the same files."""
    return time_series.read(TimeSeries.model_validate_json(source, strict=False), config_folder)


@functools.lru_cache(maxsize=2)
def scene_of(configuration: str, config_folder: Path, number: int) -> Any:
    """Return a scene of a configuration (as JSON); cached, as the frames of a scene are written one after the other."""
    settings = GenerationFile.model_validate_json(configuration, strict=False)
    source = settings.source
    if isinstance(source, TimeSeries):
        archive = _archive(source.model_dump_json(), config_folder)
        return time_series.SeriesScene(settings.product, source, archive, settings.seed, number)
    return SyntheticScene(source.ground, settings.seed, number)


def _sensor_of(source: Physical) -> Sensor:
    """Return the sensor with the bands of a physical source."""
    return sensor(source.sensor, None if source.bands is None else tuple(source.bands))


def _series_bands(source: TimeSeries) -> tuple[str, ...]:
    """Return the names of the bands of a source of time series."""
    return tuple(f"series_{number}" for number in range(1, source.ndim + 1))


def latent_frame(configuration: GenerationFile, scene: Any, index: int, date: datetime) -> SyntheticFrame:
    """Return frame ``index`` of a scene, acquired at ``date``."""
    source, gsd = configuration.source, configuration.product.gsd
    if isinstance(source, TimeSeries):
        return SyntheticFrame(scene.frame(index), scene.labels, _series_bands(source), None, gsd)
    frame_sensor = _sensor_of(source)
    all_bands = sensor(source.sensor).bands
    chosen = [all_bands.index(band) for band in frame_sensor.bands]
    condition = scene.condition(date, index)
    if source.quantity == "reflectance":
        image = scene.reflectance(condition, chosen)
    else:
        image = scene.backscatter(condition)[..., chosen]
    labels = np.stack([scene.layout.instance, scene.layout.land_cover], axis=-1).astype(np.int16)
    return SyntheticFrame(image, labels, frame_sensor.bands, frame_sensor, gsd)


def write(task: GenerationTask) -> int:
    """Write the missing frames of a task; return the number of all its frames."""
    configuration = GenerationFile.model_validate_json(task.configuration, strict=False)
    astype, dtype = configuration.product.astype, stored_dtype(configuration)
    times = acquisition_times(configuration, task.scene)
    for index in task.frames:
        if not product.has_frame(task.folder, index, astype):
            try:
                scene = scene_of(task.configuration, task.config_folder, task.scene)
            except ValueError as error:
                raise UserError(f"{task.folder}: scene {task.scene}: {error}") from None
            frame = latent_frame(configuration, scene, index, times[index])
            product.write_frame(task.folder, index, frame, dtype=dtype, astype=astype)
    return len(task.frames)


def finish(configuration: GenerationFile, folder: Path, number: int) -> None:
    """Write the index of a complete product of scene ``number``."""
    source, times = configuration.source, acquisition_times(configuration, number)
    if isinstance(source, Physical):
        bands, name = _sensor_of(source).bands, source.sensor
        degrees = round(latitude(source.ground, configuration.seed, number), 6)
    else:
        bands, name, degrees = _series_bands(source), None, SERIES_LATITUDE
    properties = {
        "bands": list(bands), "sensor": name, "gsd": configuration.product.gsd, "dtype": stored_dtype(configuration),
        "astype": configuration.product.astype,
        "dates": {str(index): date.isoformat() for index, date in enumerate(times)},
        "scene": number, "seed": configuration.seed, "latitude": degrees,
    }  # fmt: skip
    origin = {"configuration": configuration.model_dump(mode="json"), "digest": digest(configuration, number)}
    product.finish(folder, range(configuration.product.horizon), properties, origin)


def digest(configuration: GenerationFile, number: int) -> str:
    """Return the digest that identifies a product, of its configuration and the number of its scene."""
    return product.digest_of(["generate", configuration.model_dump(mode="json"), number])
