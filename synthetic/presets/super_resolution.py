"""Preset super_resolution: the image of a coarse sensor to that of a fine sensor, a few days apart."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.manifest import Field
from synthetic.ground.scene import SyntheticScene
from synthetic.observing import optics
from synthetic.presets.fields import day_of_year_field, label_fields, reflectance_field
from synthetic.presets.samples import (
    SyntheticSample,
    band_indices,
    dates_over_a_year,
    days_of_year,
    iso_times,
    labels,
    measured_reflectance,
    sample_name,
    scene,
    transform,
)
from synthetic.schema.dataset import SuperResolution
from synthetic.streams import stream
from synthetic.tables.land_cover import land_covers
from synthetic.tables.sensors import Sensor, band_weights, sensor


def coarse_sensor(configuration: SuperResolution) -> Sensor:
    """Return the sensor of the input."""
    bands = configuration.coarse_bands
    return sensor(configuration.coarse_sensor, None if bands is None else tuple(bands))


def fields(configuration: SuperResolution) -> tuple[dict[str, Field], dict[str, Any]]:
    """Return the fields of a sample, and the keys of the manifest that differ from the defaults."""
    side, factor, gsd = configuration.ground.size.width, configuration.factor, configuration.ground.gsd
    coarse = coarse_sensor(configuration)
    small, bands = side // factor, configuration.bands
    sample_fields = {
        "input_image": reflectance_field([small, small, len(coarse.bands)], coarse.bands, gsd * factor, coarse.rgb),
        "target": reflectance_field([side, side, len(bands)], bands, gsd, ["B4", "B3", "B2"]),
        **label_fields(side),
        "land_cover_fraction": Field(
            dtype="uint8", shape=[small, small, len(land_covers())], bands=[cover.name for cover in land_covers()],
            scale=1 / 255, valid_range=(0.0, 1.0),
        ),
        "dates": day_of_year_field(None, ["input", "target"]),
    }  # fmt: skip
    return sample_fields, {"degradation": degradation(configuration)}


def degradation(configuration: SuperResolution) -> Degradation | None:
    """Return how inputs are made from targets, but for rounding; None where they differ by anything else than means."""
    fine, coarse = configuration.fine, configuration.coarse
    errors = [coarse.misregistration_px, *configuration.apart_days]
    for optic in (fine, coarse):
        errors += [optic.gain_sd, optic.offset_sd, optic.noise.sigma0, optic.noise.kappa]
    same_bands = list(coarse_sensor(configuration).bands) == configuration.bands
    if any(errors) or coarse.psf_fwhm_px is not None or not same_bands or configuration.factor < 2:
        return None
    return Degradation(kind="average", factor=configuration.factor)


def fine_reflectance(
    configuration: SuperResolution, ground: SyntheticScene, date: datetime, time_step: int, bands: list[int]
) -> np.ndarray:
    """Return the noise-free reflectance (height, width, band) of the fine sensor in some of Sentinel-2's bands."""
    reflectance = ground.reflectance(ground.condition(date, time_step), bands)
    return optics.observed(reflectance, 1, configuration.fine.psf_fwhm_px)


def coarse_reflectance(
    configuration: SuperResolution, fine: np.ndarray, shift: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Return the noise-free reflectance (height, width, band) of the coarse sensor.

    Args:
        configuration: of the dataset.
        fine: reflectance (height, width, 12) of the fine sensor in all of Sentinel-2's bands.
        shift: of the coarse grid down and right, in coarse pixels.
    """
    coarse = coarse_sensor(configuration)
    image = fine @ band_weights(coarse)
    return optics.observed(image, configuration.factor, configuration.coarse.psf_fwhm_px, shift)


def samples_of_scene(configuration: SuperResolution) -> int:
    """Return the number of samples of a scene."""
    return configuration.dates


def samples(configuration: SuperResolution, number: int) -> list[SyntheticSample]:
    """Return the samples of a scene, one for each date."""
    ground, scene_samples = scene(configuration, number), []
    seed = configuration.seed
    fraction = optics.class_fractions(ground.layout.land_cover, configuration.factor, len(land_covers()))
    for time_step, date in enumerate(dates_over_a_year(configuration, number, configuration.dates)):
        random = stream(seed, "shift", number, time_step)
        days_apart = int(np.rint(random.uniform(*configuration.apart_days)))
        down, right = random.normal(0, 1, 2) * configuration.coarse.misregistration_px
        coarse_date = date + timedelta(days=days_apart)
        # Time steps of the coarse sensor are numbered after those of the fine one.
        coarse_step = configuration.dates + time_step
        target = fine_reflectance(configuration, ground, date, time_step, band_indices(configuration.bands))
        condition_step = time_step if days_apart == 0 else coarse_step
        all_bands = fine_reflectance(configuration, ground, coarse_date, condition_step, list(range(12)))
        coarse = coarse_reflectance(configuration, all_bands, (float(down), float(right)))
        arrays = {
            "input_image": measured_reflectance(coarse, configuration.coarse, seed, number, coarse_step),
            "target": measured_reflectance(target, configuration.fine, seed, number, time_step),
            **labels(ground),
            "land_cover_fraction": np.rint(fraction * 255).astype(np.uint8),
            "dates": days_of_year([coarse_date, date])[None, None],
        }
        place, acquired = transform(configuration, number), iso_times([date, coarse_date])
        scene_samples.append(SyntheticSample(sample_name(number, time_step), arrays, place, acquired))
    return scene_samples
