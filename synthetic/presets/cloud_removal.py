"""Preset cloud_removal: clouded optical images and a radar image to the clear optical image of the last date."""

from __future__ import annotations

import functools

import numpy as np

from pix2earth.records.manifest import Field
from synthetic.observing import clouds, optics
from synthetic.presets.fields import classes_field, day_of_year_field, label_fields, radar_field, reflectance_field
from synthetic.presets.samples import (
    SyntheticSample,
    band_indices,
    days_of_year,
    iso_times,
    labels,
    measured_backscatter,
    measured_reflectance,
    sample_name,
    scene,
    spaced_dates,
    transform,
)
from synthetic.schema.dataset import CloudRemoval
from synthetic.streams import stream
from synthetic.tables.land_cover import spectrum

RGB = ["B4", "B3", "B2"]
REVISION = 2
"""Part of the recipe's digest. Former versions, without a number, masked the cloud classes only."""
CHANGE = 0.05
"""Change of the reflectance of any band by cloud or shadow, as part of it, from which a pixel is masked."""


def fields(configuration: CloudRemoval) -> tuple[dict[str, Field], dict[str, str]]:
    """Return the fields of a sample, and the roles that differ from the defaults."""
    side, time_steps, gsd = configuration.ground.size.width, configuration.dates, configuration.ground.gsd
    bands = configuration.bands
    sample_fields = {
        "input_image": reflectance_field([time_steps, side, side, len(bands)], bands, gsd, RGB),
        "radar": radar_field(side, gsd),
        "target": reflectance_field([side, side, len(bands)], bands, gsd, RGB),
        "cloud_mask": Field(dtype="uint8", shape=[side, side, 1], kind="mask", bands=["clouded"]),
        "cloud_alpha": Field(
            dtype="uint8", shape=[time_steps, side, side, 1], bands=["alpha"], scale=1 / clouds.STEPS,
            valid_range=(0.0, 1.0),
        ),
        "cloud_class": classes_field([time_steps, side, side], "0 clear, 1 thin, 2 thick, 3 shadow"),
        **label_fields(side),
        "dates": day_of_year_field(time_steps),
    }  # fmt: skip
    return sample_fields, {"score_by": "cloud_mask"}


@functools.lru_cache(maxsize=4)
def cloud_covers(configuration: str) -> np.ndarray:
    """Return the cloud cover (scene, time step) of all scenes, stratified over the whole dataset.

    Args:
        configuration: the configuration as JSON, which can be cached.
    """
    settings = CloudRemoval.model_validate_json(configuration, strict=False)
    count = settings.scenes.total * settings.dates
    covers = clouds.cloud_covers(stream(settings.seed, "covers"), count, settings.clouds)
    return covers.reshape(settings.scenes.total, settings.dates)


def samples_of_scene(configuration: CloudRemoval) -> int:
    """Return the number of samples of a scene."""
    return 1


def samples(configuration: CloudRemoval, number: int) -> list[SyntheticSample]:
    """Return the only sample of a scene."""
    ground, seed = scene(configuration, number), configuration.seed
    bands = band_indices(configuration.bands)
    covers = cloud_covers(configuration.model_dump_json())[number]
    dates = spaced_dates(configuration, number, configuration.dates, configuration.revisit_days)
    inputs, layers, clear, clouded = [], [], np.empty(0), np.empty(0)
    for time_step, date in enumerate(dates):
        reflectance = ground.reflectance(ground.condition(date, time_step), bands)
        layer = clouds.cloud_layer(
            configuration.clouds, float(covers[time_step]), (ground.shape[0], ground.shape[1]), seed, number, time_step,
            date, ground.latitude, configuration.ground.gsd,
        )  # fmt: skip
        clear = optics.observed(reflectance, 1, configuration.optics.psf_fwhm_px)
        clouded = clouds.clouded(clear, layer, spectrum("cloud")[bands])
        inputs.append(measured_reflectance(clouded, configuration.optics, seed, number, time_step))
        layers.append(layer)
    last = len(dates) - 1
    arrays = {
        "input_image": np.stack(inputs),
        "radar": measured_backscatter(ground, dates[last], last, configuration.radar),
        "target": measured_reflectance(clear, configuration.optics, seed, number, last),
        "cloud_mask": ((layers[last].classes > 0) | changed(clear, clouded)).astype(np.uint8)[..., None],
        "cloud_alpha": np.stack([layer.alpha for layer in layers])[..., None],
        "cloud_class": np.stack([layer.classes for layer in layers])[..., None],
        **labels(ground),
        "dates": days_of_year(dates)[:, None, None, None],
    }
    # The target's time comes first: the leak check compares splits by it.
    acquired = iso_times([dates[last], *dates[:last]])
    return [SyntheticSample(sample_name(number, 0), arrays, transform(configuration, number), acquired)]


def changed(clear: np.ndarray, clouded: np.ndarray) -> np.ndarray:
    """Return where clouds or shadows change the reflectance of any band by more than ``CHANGE``, bool (height, width).

    Edges of shadows and haze, which the cloud classes call clear, are among these pixels.
    """
    return (np.abs(clouded - clear) > CHANGE * np.abs(clear)).any(axis=-1)
