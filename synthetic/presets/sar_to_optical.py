"""Radar to the clear optical view, a few days apart."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from pix2earth.records.manifest import Field
from synthetic.observing import optics
from synthetic.presets.views import (  # fmt: skip
    SyntheticSample,
    any_dates,
    backscatter,
    dates_field,
    days,
    measured,
    nodes,
    radar_field,
    reflectance_field,
    sample_name,
    scene,
    times,
    transform,
    truth,
    truth_fields,
)
from synthetic.schema.dataset import SarToOptical
from synthetic.streams import stream


def fields(configuration: SarToOptical) -> tuple[dict[str, Field], dict[str, str]]:
    """Return the fields of a sample and the roles that differ from the usual ones."""
    side, gsd, bands = configuration.ground.size.width, configuration.ground.gsd, configuration.bands
    made = {
        "input_image": radar_field(side, gsd),
        "target": reflectance_field([side, side, len(bands)], bands, gsd, ["B4", "B3", "B2"]),
        **truth_fields(side),
        "dates": dates_field(None, ["input", "target"]),
    }
    return made, {}


def samples_of_scene(configuration: SarToOptical) -> int:
    """Return how many samples a scene has."""
    return configuration.dates


def samples(configuration: SarToOptical, number: int) -> list[SyntheticSample]:
    """Return the samples of a scene, one for each date."""
    drawn, seed, made = scene(configuration, number), configuration.seed, []
    for index, date in enumerate(any_dates(configuration, number, configuration.dates)):
        random = stream(seed, "shift", number, index)
        apart = int(np.rint(random.uniform(*configuration.apart_days)))
        other = date + timedelta(days=apart)
        ground = drawn.reflectance(drawn.condition(date, index), nodes(configuration.bands))
        image = optics.seen(ground, 1, configuration.optics.psf_fwhm_px)
        arrays = {
            # The radar sees the other day's state of the same date number: wind and snow are those of the date.
            "input_image": backscatter(drawn, other, index, configuration.radar),
            "target": measured(image, configuration.optics, seed, number, index),
            **truth(drawn),
            "dates": days([other, date])[None, None],
        }
        place = transform(configuration, number)
        made.append(SyntheticSample(sample_name(number, index), arrays, place, times([date, other])))
    return made
