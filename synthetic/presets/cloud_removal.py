"""Several dates under clouds, and the radar image of the last one, to the clear view of the last date."""

from __future__ import annotations

import functools

import numpy as np

from pix2earth.records.manifest import Field
from synthetic.observing import clouds, optics
from synthetic.presets.views import (  # fmt: skip
    SyntheticSample,
    backscatter,
    classes_field,
    dates_field,
    days,
    measured,
    nodes,
    radar_field,
    reflectance_field,
    sample_name,
    scene,
    spaced,
    times,
    transform,
    truth,
    truth_fields,
)
from synthetic.schema.dataset import CloudRemoval
from synthetic.streams import stream
from synthetic.tables.land_cover import spectrum

RGB = ["B4", "B3", "B2"]


def fields(configuration: CloudRemoval) -> tuple[dict[str, Field], dict[str, str]]:
    """Return the fields of a sample and the roles that differ from the usual ones."""
    side, dates, gsd = configuration.ground.size.width, configuration.dates, configuration.ground.gsd
    bands = configuration.bands
    made = {
        "input_image": reflectance_field([dates, side, side, len(bands)], bands, gsd, RGB),
        "radar": radar_field(side, gsd),
        "target": reflectance_field([side, side, len(bands)], bands, gsd, RGB),
        "cloud_mask": Field(dtype="uint8", shape=[side, side, 1], kind="mask", bands=["clouded"]),
        "cloud_alpha": Field(
            dtype="uint8", shape=[dates, side, side, 1], bands=["alpha"], scale=1 / clouds.STEPS, valid_range=(0.0, 1.0)
        ),
        "cloud_class": classes_field([dates, side, side], "0 clear, 1 thin, 2 thick, 3 shadow"),
        **truth_fields(side),
        "dates": dates_field(dates),
    }
    return made, {"score_by": "cloud_mask"}


@functools.lru_cache(maxsize=4)
def all_covers(configuration: str) -> np.ndarray:
    """Return the cover of every date of every scene (scene, date): stratified over the whole dataset."""
    settings = CloudRemoval.model_validate_json(configuration, strict=False)
    count = settings.scenes.total * settings.dates
    drawn = clouds.covers(stream(settings.seed, "covers"), count, settings.clouds)
    return drawn.reshape(settings.scenes.total, settings.dates)


def samples_of_scene(configuration: CloudRemoval) -> int:
    """Return how many samples a scene has."""
    return 1


def samples(configuration: CloudRemoval, number: int) -> list[SyntheticSample]:
    """Return the one sample of a scene."""
    drawn, seed = scene(configuration, number), configuration.seed
    wanted = nodes(configuration.bands)
    covers = all_covers(configuration.model_dump_json())[number]
    when = spaced(configuration, number, configuration.dates, configuration.revisit_days)
    inputs, layers, clear = [], [], np.empty(0)
    for index, date in enumerate(when):
        ground = drawn.reflectance(drawn.condition(date, index), wanted)
        layer = clouds.cloud_layer(
            configuration.clouds, float(covers[index]), (drawn.shape[0], drawn.shape[1]), seed, number, index, date,
            drawn.latitude, configuration.ground.gsd,
        )  # fmt: skip
        clear = optics.seen(ground, 1, configuration.optics.psf_fwhm_px)
        hidden = clouds.clouded(clear, layer, spectrum("cloud")[wanted])
        inputs.append(measured(hidden, configuration.optics, seed, number, index))
        layers.append(layer)
    last = len(when) - 1
    arrays = {
        "input_image": np.stack(inputs),
        "radar": backscatter(drawn, when[last], last, configuration.radar),
        "target": measured(clear, configuration.optics, seed, number, last),
        "cloud_mask": (layers[last].classes > 0).astype(np.uint8)[..., None],
        "cloud_alpha": np.stack([layer.alpha for layer in layers])[..., None],
        "cloud_class": np.stack([layer.classes for layer in layers])[..., None],
        **truth(drawn),
        "dates": days(when)[:, None, None, None],
    }
    # The target's date first: splits are compared by it.
    acquired = times([when[last], *when[:last]])
    return [SyntheticSample(sample_name(number, 0), arrays, transform(configuration, number), acquired)]
