"""Samples of synthetic datasets: scenes, dates, places, and measurements of optical sensors and radar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from pix2earth.settings.errors import UserError
from synthetic.ground.scene import SyntheticScene
from synthetic.observing import optics, radar
from synthetic.products.product import encode_reflectance
from synthetic.schema.dataset import DatasetConfiguration, Optics, Radar
from synthetic.streams import stream
from synthetic.tables.sensors import sensor

FIRST_YEAR, YEARS = 2021, 3
SCENES_PER_ROW = 40
"""Scenes lie side by side in the coordinate system, so many in a row, and share no ground."""
EAST, NORTH = 200_000.0, 5_500_000.0
CRS = "EPSG:32632"
"""Synthetic scenes have no real place; they get coordinates in this system."""


class SyntheticSample(NamedTuple):
    """One sample: its name, arrays by field, affine transform (a, b, c, d, e, f), and acquisition times (ISO 8601)."""

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
        UserError: there is no room for its cells.
    """
    try:
        return SyntheticScene(configuration.ground, configuration.seed, number)
    except ValueError as error:
        raise UserError(f"ground: scene {number}: {error}") from None


def first_date(configuration: DatasetConfiguration, number: int) -> datetime:
    """Return the first date of a scene, 10:30 on a random day of ``YEARS`` years."""
    day = stream(configuration.seed, "dates", number).integers(0, 365 * YEARS)
    return datetime(FIRST_YEAR, 1, 1, 10, 30) + timedelta(days=int(day))


def spaced_dates(
    configuration: DatasetConfiguration, number: int, count: int, gaps: tuple[float, float]
) -> list[datetime]:
    """Return dates of a scene; the days between them are drawn from the range ``gaps``."""
    random = stream(configuration.seed, "dates", number, 1)
    days = np.concatenate([[0], np.cumsum(np.rint(random.uniform(*gaps, count - 1)))])
    return [first_date(configuration, number) + timedelta(days=float(day)) for day in days]


def dates_over_a_year(configuration: DatasetConfiguration, number: int, count: int) -> list[datetime]:
    """Return rising dates of a scene, spread over a year."""
    random = stream(configuration.seed, "dates", number, 1)
    days = np.floor((np.arange(count) + random.random(count)) * 365 / count)
    return [first_date(configuration, number) + timedelta(days=float(day)) for day in days]


def transform(configuration: DatasetConfiguration, number: int, offset: int = 0) -> tuple[float, ...]:
    """Return the affine transform (a, b, c, d, e, f) of a scene's target, or of a crop at an offset in pixels."""
    gsd, side = configuration.ground.gsd, configuration.ground.size.width
    row, column = divmod(number, SCENES_PER_ROW)
    x, y = EAST + column * side * gsd, NORTH - row * side * gsd
    return gsd, 0.0, x + offset * gsd, 0.0, -gsd, y - offset * gsd


# ---- measurements -----------------------------------------------------------------------------------------------


def band_indices(bands: Sequence[str]) -> list[int]:
    """Return the positions of bands among the twelve of Sentinel-2."""
    return [sensor("sentinel2").bands.index(band) for band in bands]


def with_calibration_error(image: np.ndarray, settings: Optics, seed: int, number: int, time_step: int) -> np.ndarray:
    """Return reflectance with the gain and offset errors of a time step, the same for every image of it."""
    random = stream(seed, "gain", number, time_step)
    bands = image.shape[-1]
    gain, offset = (1.0, settings.gain_sd), (0.0, settings.offset_sd)
    return optics.calibrated(image, random.normal(*gain, (bands,)), random.normal(*offset, (bands,)))


def measured_reflectance(image: np.ndarray, settings: Optics, seed: int, number: int, time_step: int) -> np.ndarray:
    """Return stored reflectance (uint16) as an optical sensor measures it; equal pixels get equal noise."""
    image = with_calibration_error(image, settings, seed, number, time_step)
    random = stream(seed, "noise", number, time_step)
    return encode_reflectance(optics.noisy(random, image, settings.noise.sigma0, settings.noise.kappa))


def measured_backscatter(scene: SyntheticScene, date: datetime, time_step: int, settings: Radar) -> np.ndarray:
    """Return VV and VH in dB as a radar measures them, float16 (height, width, 2)."""
    power = scene.backscatter(scene.condition(date, time_step))
    if settings.speckle:
        power = radar.speckled(stream(scene.seed, "speckle", scene.number, time_step), power, settings.looks)
    return radar.decibels(power).astype(np.float16)


def labels(scene: SyntheticScene) -> dict[str, np.ndarray]:
    """Return the fields land_cover and instances of a scene, (height, width, 1)."""
    return {"land_cover": scene.layout.land_cover[..., None], "instances": scene.layout.instance[..., None]}


def days_of_year(dates: Sequence[datetime]) -> np.ndarray:
    """Return the days of year of dates, uint16 (n,)."""
    return np.array([date.timetuple().tm_yday for date in dates], np.uint16)


def iso_times(dates: Sequence[datetime]) -> list[str]:
    """Return dates as ISO 8601, UTC."""
    return [f"{date.isoformat()}Z" for date in dates]
