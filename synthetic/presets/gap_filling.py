"""Preset gap_filling: a stack of time steps with cloud-shaped gaps to the complete stack."""

from __future__ import annotations

import functools

import numpy as np

from pix2earth.records.manifest import Field
from synthetic.observing import clouds, optics
from synthetic.presets.fields import day_of_year_field, label_fields, reflectance_field
from synthetic.presets.samples import (
    SyntheticSample,
    band_indices,
    days_of_year,
    iso_times,
    labels,
    measured_reflectance,
    sample_name,
    scene,
    spaced_dates,
    transform,
)
from synthetic.products.product import NODATA
from synthetic.schema.dataset import GapFilling
from synthetic.streams import stream

RGB = ["B4", "B3", "B2"]


def sample_side(configuration: GapFilling) -> int:
    """Return the side of a sample in pixels."""
    return configuration.crop or configuration.ground.size.width


def fields(configuration: GapFilling) -> tuple[dict[str, Field], dict[str, str]]:
    """Return the fields of a sample, and the keys of the manifest that differ from the defaults."""
    side, time_steps, gsd = sample_side(configuration), configuration.dates, configuration.ground.gsd
    shape = [time_steps, side, side, len(configuration.bands)]
    sample_fields = {
        "input_image": reflectance_field(shape, configuration.bands, gsd, RGB),
        "target": reflectance_field(shape, configuration.bands, gsd, RGB),
        "cloud_mask": Field(dtype="uint8", shape=[time_steps, side, side, 1], kind="mask", bands=["gap"]),
        **label_fields(side),
        "dates": day_of_year_field(time_steps),
    }
    return sample_fields, {"score_by": "cloud_mask"}


@functools.lru_cache(maxsize=4)
def gap_covers(configuration: str) -> np.ndarray:
    """Return the share of gaps (scene, time step) of all scenes; 0 for time steps without gaps.

    Args:
        configuration: the configuration as JSON, which can be cached.
    """
    settings = GapFilling.model_validate_json(configuration, strict=False)
    random, shape = stream(settings.seed, "gaps"), (settings.scenes.total, settings.dates)
    with_gaps = np.arange(settings.dates) < random.integers(1, settings.dates + 1, shape[0])[:, None]
    with_gaps = random.permuted(with_gaps, axis=1)
    covers = np.zeros(shape)
    covers[with_gaps] = clouds.cloud_covers(stream(settings.seed, "covers"), int(with_gaps.sum()), settings.gaps)
    return covers


def samples_of_scene(configuration: GapFilling) -> int:
    """Return the number of samples of a scene."""
    return 1


def samples(configuration: GapFilling, number: int) -> list[SyntheticSample]:
    """Return the only sample of a scene."""
    ground, seed, side = scene(configuration, number), configuration.seed, sample_side(configuration)
    covers = gap_covers(configuration.model_dump_json())[number]
    dates = spaced_dates(configuration, number, configuration.dates, configuration.spacing_days)
    offset = (configuration.ground.size.width - side) // 2
    crop = slice(offset, offset + side)
    targets, gaps = [], []
    for time_step, date in enumerate(dates):
        reflectance = ground.reflectance(ground.condition(date, time_step), band_indices(configuration.bands))
        image = optics.observed(reflectance, 1, configuration.optics.psf_fwhm_px)
        targets.append(measured_reflectance(image, configuration.optics, seed, number, time_step)[crop, crop])
        layer = clouds.cloud_layer(
            configuration.gaps, float(covers[time_step]), (side, side), seed, number, time_step, date, ground.latitude,
            configuration.ground.gsd,
        )  # fmt: skip
        gaps.append(clouds.is_cloud(layer.alpha))
    target, gap = np.stack(targets), np.stack(gaps)[..., None]
    arrays = {
        "input_image": np.where(gap, np.uint16(NODATA), target),
        "target": target,
        "cloud_mask": gap.astype(np.uint8),
        **{name: array[crop, crop] for name, array in labels(ground).items()},
        "dates": days_of_year(dates)[:, None, None, None],
    }
    place = transform(configuration, number, offset)
    return [SyntheticSample(sample_name(number, 0), arrays, place, iso_times(dates))]
