"""What the four datasets have in common: samples, fields of the manifest, and looks at a scene."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError
from synthetic.ground.scene import SyntheticScene
from synthetic.observing import optics, radar
from synthetic.products.product import NODATA, OFFSET, SCALE
from synthetic.schema.dataset import DatasetConfiguration, Optics, Radar
from synthetic.streams import stream
from synthetic.tables.land_cover import land_covers
from synthetic.tables.sensors import sensor

FIRST_YEAR, YEARS = 2021, 3
COLUMNS = 40
"""Scenes lie side by side on a map, so many in a row, and share no ground."""
EAST, NORTH = 200_000.0, 5_500_000.0
CRS = "EPSG:32632"
"""A place for scenes that are nowhere."""


class SyntheticSample(NamedTuple):
    """One sample: its name, its arrays by field, its place and its times."""

    name: str
    fields: dict[str, np.ndarray]
    transform: tuple[float, ...]
    acquired: list[str]


def sample_name(number: int, index: int) -> str:
    """Return the name of sample ``index`` of scene ``number``."""
    return f"scene_{number:04d}_{index}"


def scene(configuration: DatasetConfiguration, number: int) -> SyntheticScene:
    """Return a scene of a dataset.

    Raises:
        UserError: its cells have no room.
    """
    try:
        return SyntheticScene(configuration.ground, configuration.seed, number)
    except ValueError as error:
        raise UserError(f"ground: scene {number}: {error}") from None


def start(configuration: DatasetConfiguration, number: int) -> datetime:
    """Return the first date of a scene: any day of some years, 10:30."""
    day = stream(configuration.seed, "dates", number).integers(0, 365 * YEARS)
    return datetime(FIRST_YEAR, 1, 1, 10, 30) + timedelta(days=int(day))


def spaced(configuration: DatasetConfiguration, number: int, count: int, gaps: tuple[float, float]) -> list[datetime]:
    """Return the dates of a scene, days apart as drawn from a range."""
    random = stream(configuration.seed, "dates", number, 1)
    days = np.concatenate([[0], np.cumsum(np.rint(random.uniform(*gaps, count - 1)))])
    return [start(configuration, number) + timedelta(days=float(day)) for day in days]


def any_dates(configuration: DatasetConfiguration, number: int, count: int) -> list[datetime]:
    """Return dates of a scene spread over a year, rising."""
    random = stream(configuration.seed, "dates", number, 1)
    days = np.floor((np.arange(count) + random.random(count)) * 365 / count)
    return [start(configuration, number) + timedelta(days=float(day)) for day in days]


def transform(configuration: DatasetConfiguration, number: int, offset: int = 0) -> tuple[float, ...]:
    """Return the affine transform (a, b, c, d, e, f) of a scene's target, or of a part that begins at an offset."""
    gsd, side = configuration.ground.gsd, configuration.ground.size.width
    row, column = divmod(number, COLUMNS)
    x, y = EAST + column * side * gsd, NORTH - row * side * gsd
    return gsd, 0.0, x + offset * gsd, 0.0, -gsd, y - offset * gsd


# ---- looks at a scene -------------------------------------------------------------------------------------------


def nodes(bands: Sequence[str]) -> list[int]:
    """Return the positions of Sentinel-2's bands among the twelve of a spectrum."""
    return [sensor("sentinel2").bands.index(band) for band in bands]


def calibrated(image: np.ndarray, about: Optics, seed: int, number: int, index: int) -> np.ndarray:
    """Return an image with the calibration error of its date, the same for every image of that date."""
    random = stream(seed, "gain", number, index)
    bands = image.shape[-1]
    gain, offset = (1.0, about.gain_sd), (0.0, about.offset_sd)
    return optics.calibrated(image, random.normal(*gain, (bands,)), random.normal(*offset, (bands,)))


def measured(image: np.ndarray, about: Optics, seed: int, number: int, index: int) -> np.ndarray:
    """Return reflectance as an optical sensor measures it, uint16; equal pixels get equal noise."""
    image = calibrated(image, about, seed, number, index)
    noisy = optics.noisy(stream(seed, "noise", number, index), image, about.noise.sigma0, about.noise.kappa)
    return np.clip(np.rint((noisy - OFFSET) / SCALE), 1, 65535).astype(np.uint16)


def backscatter(drawn: SyntheticScene, date: datetime, index: int, about: Radar) -> np.ndarray:
    """Return VV and VH in dB as a radar measures them, float16 (height, width, 2)."""
    power = drawn.backscatter(drawn.condition(date, index))
    if about.speckle:
        power = radar.speckled(stream(drawn.seed, "speckle", drawn.number, index), power, about.looks)
    return radar.decibels(power).astype(np.float16)


def truth(drawn: SyntheticScene) -> dict[str, np.ndarray]:
    """Return the fields land_cover and instances of a scene."""
    return {"land_cover": drawn.places.land_cover[..., None], "instances": drawn.places.instance[..., None]}


def days(dates: Sequence[datetime]) -> np.ndarray:
    """Return the days of year of some dates, uint16 (n,)."""
    return np.array([date.timetuple().tm_yday for date in dates], np.uint16)


def times(dates: Sequence[datetime]) -> list[str]:
    """Return dates as ISO 8601."""
    return [f"{date.isoformat()}Z" for date in dates]


# ---- fields of the manifest -------------------------------------------------------------------------------------


def reflectance_field(shape: Sequence[int], bands: Sequence[str], gsd: float, rgb: Sequence[str]) -> Field:
    """Return the field of measured reflectance; stored 0 is no data."""
    return Field(
        dtype="uint16", shape=list(shape), bands=list(bands), units="1", scale=SCALE, offset=OFFSET, nodata=NODATA,
        valid_range=(0.0, 1.0), rgb=[band for band in rgb if band in bands] or None, gsd=gsd,
    )  # fmt: skip


def radar_field(side: int, gsd: float) -> Field:
    """Return the field of backscatter in dB."""
    return Field(
        dtype="float16", shape=[side, side, 2], bands=["VV", "VH"], units="dB", valid_range=radar.DECIBELS,
        rgb=["VV", "VH", "VV"], gsd=gsd,
    )  # fmt: skip


def classes_field(shape: Sequence[int], band: str, dtype: str = "uint8") -> Field:
    """Return a field of classes or numbers that are never mixed."""
    return Field(dtype=dtype, shape=[*shape, 1], kind="classes", bands=[band])  # type: ignore[arg-type]


def truth_fields(side: int) -> dict[str, Field]:
    """Return the fields of what is where."""
    return {
        "land_cover": classes_field([side, side], "class"),
        "instances": classes_field([side, side], "instance", "uint16"),
    }


def dates_field(dates: int | None, bands: Sequence[str] = ("day_of_year",)) -> Field:
    """Return the field of days of year: one pixel that the pipeline spreads over the tile."""
    shape = [1, 1, len(bands)] if dates is None else [dates, 1, 1, len(bands)]
    return Field(dtype="uint16", shape=shape, bands=list(bands), units="d", valid_range=(1.0, 366.0))


def class_names() -> str:
    """Return the numbers and names of the land covers in one line."""
    return ", ".join(f"{cover.number} {cover.name}" for cover in land_covers())
