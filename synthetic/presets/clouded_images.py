"""Optical images under clouds and without them, as several presets have them: covers, time steps, masks."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from synthetic.ground.scene import SyntheticScene
from synthetic.observing import clouds, optics
from synthetic.presets.samples import band_indices
from synthetic.schema.dataset import CloudedDataset
from synthetic.schema.derivation import Clouds
from synthetic.streams import stream
from synthetic.tables.land_cover import spectrum

RGB = ["B4", "B3", "B2"]
CHANGE = 0.05
"""Change of the reflectance of any band by cloud or shadow, as part of it, from which a pixel is masked."""


class CloudedImage(NamedTuple):
    """One time step of a scene, under its clouds and without them.

    Attributes:
        clear: float32 (height, width, band), reflectance without clouds, before the sensor's errors.
        clouded: float32 (height, width, band), the same under clouds.
        layer: the clouds.
    """

    clear: np.ndarray
    clouded: np.ndarray
    layer: clouds.CloudLayer

    @property
    def hidden(self) -> np.ndarray:
        """Where cloud, haze or shadow is (1), uint8 (height, width, 1)."""
        hidden = (self.layer.classes > 0) | changed(self.clear, self.clouded)
        return hidden.astype(np.uint8)[..., None]


def cloud_covers(configuration: CloudedDataset) -> np.ndarray:
    """Return the cloud cover (scene, time step) of all scenes, stratified over the whole dataset."""
    shape = configuration.scenes.total, configuration.dates
    return _covers(configuration.seed, shape, configuration.clouds.model_dump_json())


@functools.lru_cache(maxsize=4)
def _covers(seed: int, shape: tuple[int, int], settings: str) -> np.ndarray:
    """Return the covers for settings as JSON, which can be cached."""
    parsed = Clouds.model_validate_json(settings, strict=False)
    return clouds.cloud_covers(stream(seed, "covers"), shape[0] * shape[1], parsed).reshape(shape)


def clouded_images(
    configuration: CloudedDataset, scene: SyntheticScene, dates: Sequence[datetime]
) -> Iterator[CloudedImage]:
    """Yield the images of a scene on the dates of its time steps."""
    number, bands = scene.number, band_indices(configuration.bands)
    shape, covers = (scene.shape[0], scene.shape[1]), cloud_covers(configuration)[number]
    for time_step, date in enumerate(dates):
        reflectance = scene.reflectance(scene.condition(date, time_step), bands)
        layer = clouds.cloud_layer(
            configuration.clouds, float(covers[time_step]), shape, scene.seed, number, time_step, date, scene.latitude,
            configuration.ground.gsd,
        )  # fmt: skip
        clear = optics.observed(reflectance, 1, configuration.optics.psf_fwhm_px)
        yield CloudedImage(clear, clouds.clouded(clear, layer, spectrum("cloud")[bands]), layer)


def changed(clear: np.ndarray, clouded: np.ndarray) -> np.ndarray:
    """Return where clouds or shadows change the reflectance of any band by more than ``CHANGE``, bool (height, width).

    Edges of shadows and haze, which the cloud classes call clear, are among these pixels.
    """
    return (np.abs(clouded - clear) > CHANGE * np.abs(clear)).any(axis=-1)
