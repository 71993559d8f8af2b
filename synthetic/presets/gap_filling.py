"""A stack of dates with cloud-shaped gaps to the whole stack."""

from __future__ import annotations

import functools

import numpy as np

from pix2earth.records.manifest import Field
from synthetic.observing import clouds, optics
from synthetic.presets.views import (  # fmt: skip
    SyntheticSample,
    dates_field,
    days,
    measured,
    nodes,
    reflectance_field,
    sample_name,
    scene,
    spaced,
    times,
    transform,
    truth,
    truth_fields,
)
from synthetic.products.product import NODATA
from synthetic.schema.dataset import GapFilling
from synthetic.streams import stream

RGB = ["B4", "B3", "B2"]


def side_of(configuration: GapFilling) -> int:
    """Return the side of a sample in pixels."""
    return configuration.crop or configuration.ground.size.width


def fields(configuration: GapFilling) -> tuple[dict[str, Field], dict[str, str]]:
    """Return the fields of a sample and the roles that differ from the usual ones."""
    side, dates, gsd = side_of(configuration), configuration.dates, configuration.ground.gsd
    shape = [dates, side, side, len(configuration.bands)]
    made = {
        "input_image": reflectance_field(shape, configuration.bands, gsd, RGB),
        "target": reflectance_field(shape, configuration.bands, gsd, RGB),
        "cloud_mask": Field(dtype="uint8", shape=[dates, side, side, 1], kind="mask", bands=["gap"]),
        **truth_fields(side),
        "dates": dates_field(dates),
    }
    return made, {"score_by": "cloud_mask"}


@functools.lru_cache(maxsize=4)
def all_covers(configuration: str) -> np.ndarray:
    """Return the share of gaps (scene, date) of every date; 0 on the dates of a scene that have none."""
    settings = GapFilling.model_validate_json(configuration, strict=False)
    random, shape = stream(settings.seed, "gaps"), (settings.scenes.total, settings.dates)
    with_gaps = np.arange(settings.dates) < random.integers(1, settings.dates + 1, shape[0])[:, None]
    with_gaps = random.permuted(with_gaps, axis=1)
    covers = np.zeros(shape)
    covers[with_gaps] = clouds.covers(stream(settings.seed, "covers"), int(with_gaps.sum()), settings.gaps)
    return covers


def samples_of_scene(configuration: GapFilling) -> int:
    """Return how many samples a scene has."""
    return 1


def samples(configuration: GapFilling, number: int) -> list[SyntheticSample]:
    """Return the one sample of a scene."""
    drawn, seed, side = scene(configuration, number), configuration.seed, side_of(configuration)
    covers = all_covers(configuration.model_dump_json())[number]
    when = spaced(configuration, number, configuration.dates, configuration.spacing_days)
    offset = (configuration.ground.size.width - side) // 2
    middle = slice(offset, offset + side)
    targets, gaps = [], []
    for index, date in enumerate(when):
        ground = drawn.reflectance(drawn.condition(date, index), nodes(configuration.bands))
        image = optics.seen(ground, 1, configuration.optics.psf_fwhm_px)
        targets.append(measured(image, configuration.optics, seed, number, index)[middle, middle])
        layer = clouds.cloud_layer(
            configuration.gaps, float(covers[index]), (side, side), seed, number, index, date, drawn.latitude,
            configuration.ground.gsd,
        )  # fmt: skip
        gaps.append(clouds.hidden(layer.alpha))
    target, gap = np.stack(targets), np.stack(gaps)[..., None]
    arrays = {
        "input_image": np.where(gap, np.uint16(NODATA), target),
        "target": target,
        "cloud_mask": gap.astype(np.uint8),
        **{name: array[middle, middle] for name, array in truth(drawn).items()},
        "dates": days(when)[:, None, None, None],
    }
    place = transform(configuration, number, offset)
    return [SyntheticSample(sample_name(number, 0), arrays, place, times(when))]
