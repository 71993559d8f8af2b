"""Preset cloud_removal: clouded optical images and a radar image to the clear optical image of the last date."""

from __future__ import annotations

import numpy as np

from pix2earth.records.manifest import Field
from synthetic.observing import clouds
from synthetic.presets.clouded_images import RGB, clouded_images
from synthetic.presets.fields import (
    classes_field,
    day_of_year_field,
    hidden_field,
    label_fields,
    radar_field,
    reflectance_field,
)
from synthetic.presets.samples import (
    SyntheticSample,
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

REVISION = 2
"""Part of the recipe's digest. Former versions, without a number, masked the cloud classes only."""


def fields(configuration: CloudRemoval) -> tuple[dict[str, Field], dict[str, str]]:
    """Return the fields of a sample, and the keys of the manifest that differ from the defaults."""
    side, time_steps, gsd = configuration.ground.size.width, configuration.dates, configuration.ground.gsd
    bands = configuration.bands
    sample_fields = {
        "input_image": reflectance_field([time_steps, side, side, len(bands)], bands, gsd, RGB),
        "radar": radar_field(side, gsd),
        "target": reflectance_field([side, side, len(bands)], bands, gsd, RGB),
        "cloud_mask": hidden_field(side),
        "cloud_alpha": Field(
            dtype="uint8", shape=[time_steps, side, side, 1], bands=["alpha"], scale=1 / clouds.STEPS,
            valid_range=(0.0, 1.0),
        ),
        "cloud_class": classes_field([time_steps, side, side], "0 clear, 1 thin, 2 thick, 3 shadow"),
        **label_fields(side),
        "dates": day_of_year_field(time_steps),
    }  # fmt: skip
    return sample_fields, {"score_by": "cloud_mask"}


def samples_of_scene(configuration: CloudRemoval) -> int:
    """Return the number of samples of a scene."""
    return 1


def samples(configuration: CloudRemoval, number: int) -> list[SyntheticSample]:
    """Return the only sample of a scene."""
    ground, optics, seed = scene(configuration, number), configuration.optics, configuration.seed
    dates = spaced_dates(configuration, number, configuration.dates, configuration.revisit_days)
    images, last = list(clouded_images(configuration, ground, dates)), len(dates) - 1
    arrays = {
        "input_image": np.stack(
            [
                measured_reflectance(image.clouded, optics, seed, number, time_step)
                for time_step, image in enumerate(images)
            ]
        ),
        "radar": measured_backscatter(ground, dates[last], last, configuration.radar),
        "target": measured_reflectance(images[last].clear, optics, seed, number, last),
        "cloud_mask": images[last].hidden,
        "cloud_alpha": np.stack([image.layer.alpha for image in images])[..., None],
        "cloud_class": np.stack([image.layer.classes for image in images])[..., None],
        **labels(ground),
        "dates": days_of_year(dates)[:, None, None, None],
    }
    # The target's time comes first: the leak check compares splits by it.
    acquired = iso_times([dates[last], *dates[:last]])
    return [SyntheticSample(sample_name(number, 0), arrays, transform(configuration, number), acquired)]
