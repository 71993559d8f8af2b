"""Preset sar_to_optical: a radar image to a clear optical image of the same scene, a few days apart."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from pix2earth.records.manifest import Field
from synthetic.observing import optics
from synthetic.presets.fields import day_of_year_field, label_fields, radar_field, reflectance_field
from synthetic.presets.samples import (
    SyntheticSample,
    band_indices,
    dates_over_a_year,
    days_of_year,
    iso_times,
    labels,
    measured_backscatter,
    measured_reflectance,
    sample_name,
    scene,
    transform,
)
from synthetic.schema.dataset import SarToOptical
from synthetic.streams import stream


def fields(configuration: SarToOptical) -> tuple[dict[str, Field], dict[str, str]]:
    """Return the fields of a sample, and the keys of the manifest that differ from the defaults."""
    side, gsd, bands = configuration.ground.size.width, configuration.ground.gsd, configuration.bands
    sample_fields = {
        "input_image": radar_field(side, gsd),
        "target": reflectance_field([side, side, len(bands)], bands, gsd, ["B4", "B3", "B2"]),
        **label_fields(side),
        "dates": day_of_year_field(None, ["input", "target"]),
    }
    return sample_fields, {}


def samples_of_scene(configuration: SarToOptical) -> int:
    """Return the number of samples of a scene."""
    return configuration.dates


def samples(configuration: SarToOptical, number: int) -> list[SyntheticSample]:
    """Return the samples of a scene, one for each date."""
    ground, seed, scene_samples = scene(configuration, number), configuration.seed, []
    for time_step, date in enumerate(dates_over_a_year(configuration, number, configuration.dates)):
        random = stream(seed, "shift", number, time_step)
        days_apart = int(np.rint(random.uniform(*configuration.apart_days)))
        radar_date = date + timedelta(days=days_apart)
        reflectance = ground.reflectance(ground.condition(date, time_step), band_indices(configuration.bands))
        image = optics.observed(reflectance, 1, configuration.optics.psf_fwhm_px)
        arrays = {
            # Season and moisture are those of the radar's day; wind and snow are drawn for the time step.
            "input_image": measured_backscatter(ground, radar_date, time_step, configuration.radar),
            "target": measured_reflectance(image, configuration.optics, seed, number, time_step),
            **labels(ground),
            "dates": days_of_year([radar_date, date])[None, None],
        }
        place, acquired = transform(configuration, number), iso_times([date, radar_date])
        scene_samples.append(SyntheticSample(sample_name(number, time_step), arrays, place, acquired))
    return scene_samples
