"""Preset series: each time step of a scene is one sample, under clouds, as radar, without clouds and as land cover."""

from __future__ import annotations

from pix2earth.records.manifest import Field
from synthetic.presets.clouded_images import RGB, clouded_images
from synthetic.presets.fields import classes_field, hidden_field, radar_field, reflectance_field
from synthetic.presets.samples import (
    SyntheticSample,
    iso_times,
    labels,
    measured_backscatter,
    measured_reflectance,
    sample_name,
    scene,
    spaced_dates,
    transform,
)
from synthetic.schema.dataset import Series

SEQUENCE = r"(?P<sequence>.+)_t(?P<position>\d+)"
"""How the names of samples tell their place and their order in time."""


def fields(configuration: Series) -> tuple[dict[str, Field], dict[str, str]]:
    """Return the fields of a sample, and the keys of the manifest that differ from the defaults."""
    side, gsd, bands = configuration.ground.size.width, configuration.ground.gsd, configuration.bands
    sample_fields = {
        "input_image": reflectance_field([side, side, len(bands)], bands, gsd, RGB),
        "radar": radar_field(side, gsd),
        "target": reflectance_field([side, side, len(bands)], bands, gsd, RGB),
        "cloud_mask": hidden_field(side),
        "land_cover": classes_field([side, side], "class"),
    }
    return sample_fields, {"score_by": "cloud_mask", "sequence": SEQUENCE}


def name_of_sample(number: int, index: int) -> str:
    """Return the name of time step ``index`` of scene ``number``, which ``SEQUENCE`` matches."""
    return f"{sample_name(number, 0)}_t{index:02d}"


def samples_of_scene(configuration: Series) -> int:
    """Return the number of samples of a scene."""
    return configuration.dates


def samples(configuration: Series, number: int) -> list[SyntheticSample]:
    """Return the samples of a scene, one for each time step."""
    ground, optics, seed = scene(configuration, number), configuration.optics, configuration.seed
    dates = spaced_dates(configuration, number, configuration.dates, configuration.revisit_days)
    place, land_cover = transform(configuration, number), labels(ground)["land_cover"]
    scene_samples = []
    for time_step, image in enumerate(clouded_images(configuration, ground, dates)):
        date = dates[time_step]
        arrays = {
            "input_image": measured_reflectance(image.clouded, optics, seed, number, time_step),
            "radar": measured_backscatter(ground, date, time_step, configuration.radar),
            "target": measured_reflectance(image.clear, optics, seed, number, time_step),
            "cloud_mask": image.hidden,
            "land_cover": land_cover,
        }
        scene_samples.append(SyntheticSample(name_of_sample(number, time_step), arrays, place, iso_times([date])))
    return scene_samples
