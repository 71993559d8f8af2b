"""A coarse sensor to a fine one: pairs of each scene, a day or two apart."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from pix2earth.records.manifest import Field
from synthetic.ground.scene import SyntheticScene
from synthetic.observing import optics
from synthetic.presets.views import (  # fmt: skip
    SyntheticSample,
    any_dates,
    dates_field,
    days,
    measured,
    nodes,
    reflectance_field,
    sample_name,
    scene,
    times,
    transform,
    truth,
    truth_fields,
)
from synthetic.schema.dataset import SuperResolution
from synthetic.streams import stream
from synthetic.tables.land_cover import land_covers
from synthetic.tables.sensors import Sensor, band_weights, sensor


def coarse_sensor(configuration: SuperResolution) -> Sensor:
    """Return the sensor of the input."""
    bands = configuration.coarse_bands
    return sensor(configuration.coarse_sensor, None if bands is None else tuple(bands))


def fields(configuration: SuperResolution) -> tuple[dict[str, Field], dict[str, str]]:
    """Return the fields of a sample and the roles that differ from the usual ones."""
    side, factor, gsd = configuration.ground.size.width, configuration.factor, configuration.ground.gsd
    coarse = coarse_sensor(configuration)
    small, bands = side // factor, configuration.bands
    made = {
        "input_image": reflectance_field([small, small, len(coarse.bands)], coarse.bands, gsd * factor, coarse.rgb),
        "target": reflectance_field([side, side, len(bands)], bands, gsd, ["B4", "B3", "B2"]),
        **truth_fields(side),
        "land_cover_fraction": Field(
            dtype="uint8", shape=[small, small, len(land_covers())], bands=[cover.name for cover in land_covers()],
            scale=1 / 255, valid_range=(0.0, 1.0),
        ),
        "dates": dates_field(None, ["input", "target"]),
    }  # fmt: skip
    return made, {}


def seen_fine(
    configuration: SuperResolution, drawn: SyntheticScene, date: datetime, index: int, wanted: list[int]
) -> np.ndarray:
    """Return the noise-free reflectance (height, width, band) of the fine sensor in bands of Sentinel-2."""
    ground = drawn.reflectance(drawn.condition(date, index), wanted)
    return optics.seen(ground, 1, configuration.fine.psf_fwhm_px)


def seen_coarse(
    configuration: SuperResolution, fine: np.ndarray, shift: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Return the noise-free reflectance of the coarse sensor, of what the fine one sees in all twelve bands."""
    coarse = coarse_sensor(configuration)
    image = fine @ band_weights(coarse)
    return optics.seen(image, configuration.factor, configuration.coarse.psf_fwhm_px, shift)


def samples_of_scene(configuration: SuperResolution) -> int:
    """Return how many samples a scene has."""
    return configuration.dates


def samples(configuration: SuperResolution, number: int) -> list[SyntheticSample]:
    """Return the samples of a scene, one for each date."""
    drawn, made = scene(configuration, number), []
    seed = configuration.seed
    fraction = optics.block_mean_of_classes(drawn.places.land_cover, configuration.factor, len(land_covers()))
    for index, date in enumerate(any_dates(configuration, number, configuration.dates)):
        random = stream(seed, "shift", number, index)
        apart = int(np.rint(random.uniform(*configuration.apart_days)))
        down, right = random.normal(0, 1, 2) * configuration.coarse.misregistration_px
        later = date + timedelta(days=apart)
        # Numbers of dates: those of the coarse sensor follow those of the fine one.
        other = configuration.dates + index
        target = seen_fine(configuration, drawn, date, index, nodes(configuration.bands))
        everything = seen_fine(configuration, drawn, later, index if apart == 0 else other, list(range(12)))
        coarse = seen_coarse(configuration, everything, (float(down), float(right)))
        arrays = {
            "input_image": measured(coarse, configuration.coarse, seed, number, other),
            "target": measured(target, configuration.fine, seed, number, index),
            **truth(drawn),
            "land_cover_fraction": np.rint(fraction * 255).astype(np.uint8),
            "dates": days([later, date])[None, None],
        }
        place = transform(configuration, number)
        made.append(SyntheticSample(sample_name(number, index), arrays, place, times([date, later])))
    return made
