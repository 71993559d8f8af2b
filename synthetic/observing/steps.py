"""Steps of a derivation: each turns one frame into another, from the latent product to that of a sensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from synthetic.observing import clouds, distortion, optics, radar
from synthetic.schema import derivation as configuration
from synthetic.streams import stream
from synthetic.tables.land_cover import land_covers, spectrum
from synthetic.tables.sensors import Sensor, band_weights, sensor

WHITE = 0.98
"""Reflectance of a cloud in bands without wavelength."""


@dataclass(frozen=True)
class SyntheticFrame:
    """One frame with its labels, bands and clouds.

    Attributes:
        image: float32 (height, width, band).
        labels: int16 (height, width, 2): instance and class.
        bands: names of the bands.
        sensor: the sensor that has these bands; None for bands without wavelength.
        gsd: ground sampling distance (m).
        alpha: uint8 (height, width), opacity of clouds times 255; None without clouds.
        cloud_class: uint8 (height, width), see ``clouds``; None without clouds.
        class_fraction: float32 (height, width, class), shares of the classes in coarse pixels; None at full resolution.
    """

    image: np.ndarray
    labels: np.ndarray
    bands: tuple[str, ...]
    sensor: Sensor | None
    gsd: float
    alpha: np.ndarray | None = None
    cloud_class: np.ndarray | None = None
    class_fraction: np.ndarray | None = None


@dataclass(frozen=True)
class FrameContext:
    """Identity of a frame, which its random numbers and the position of the sun depend on.

    Attributes:
        seed: seed of the derivation.
        scene: number of the scene.
        index: number of the frame in the latent product.
        count: number of frames of the latent product.
        date: acquisition time.
        latitude: degrees north.
    """

    seed: int
    scene: int
    index: int
    count: int
    date: datetime
    latitude: float

    def stream(self, purpose: str, step: int) -> np.random.Generator:
        """Return the random generator of a step of this frame; two steps of the same type have different ones."""
        return stream(self.seed, purpose, self.scene, self.index * 100 + step)


def apply_steps(frame: SyntheticFrame, steps: Sequence[Any], context: FrameContext) -> SyntheticFrame:
    """Return a frame after all steps, in their order.

    Raises:
        ValueError: a step does not fit the frame, such as a factor that does not divide its size.
    """
    for number, step in enumerate(steps):
        frame = STEPS[type(step)](frame, step, context, number)
    return frame


def _gain(frame: SyntheticFrame, step: configuration.Gain, context: FrameContext, number: int) -> SyntheticFrame:
    per_frame = step.each == "frame"
    random = (context if per_frame else replace(context, index=0)).stream("gain", number)
    shape = len(frame.bands) if per_frame else 1
    factor, summand = random.uniform(*step.mul, shape), random.uniform(*step.add, shape)
    return replace(frame, image=optics.calibrated(frame.image, factor, summand))


def _cloud(frame: SyntheticFrame, step: configuration.CloudStep, context: FrameContext, number: int) -> SyntheticFrame:
    if frame.alpha is not None:
        raise ValueError("there are clouds already; a product can be clouded once")
    covers = clouds.cloud_covers(stream(context.seed, "covers", context.scene), context.count, step)
    layer = clouds.cloud_layer(
        step, float(covers[context.index]), (frame.image.shape[0], frame.image.shape[1]), context.seed, context.scene,
        context.index, context.date, context.latitude, frame.gsd,
    )  # fmt: skip
    white = np.full(len(frame.bands), WHITE)
    if frame.sensor is not None:
        if frame.sensor.kind == "radar":
            raise ValueError("clouds do not hide the ground from a radar; leave the step out")
        white = spectrum("cloud") @ band_weights(frame.sensor)
    image = clouds.clouded(frame.image, layer, white)
    return replace(frame, image=image, alpha=layer.alpha, cloud_class=layer.classes)


def _distortion(
    frame: SyntheticFrame, step: configuration.Distortion, context: FrameContext, number: int
) -> SyntheticFrame:
    def nearest(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else distortion.distorted(array, step.axis, step.growth_rate, labels=True)

    labels = nearest(frame.labels)
    assert labels is not None
    image = distortion.distorted(frame.image, step.axis, step.growth_rate)
    return replace(
        frame, image=image, labels=labels, alpha=nearest(frame.alpha), cloud_class=nearest(frame.cloud_class),
        class_fraction=nearest(frame.class_fraction),
    )  # fmt: skip


def _resample(
    frame: SyntheticFrame, step: configuration.Resample, context: FrameContext, number: int
) -> SyntheticFrame:
    for side, pixels in zip(("height", "width"), frame.image.shape[:2], strict=True):
        if pixels % step.factor:
            raise ValueError(f"factor {step.factor} does not divide the {side} of {pixels} pixels")
    fractions = coarse_class_fractions(frame, step.factor)
    alpha, classes = frame.alpha, frame.cloud_class
    if alpha is not None and classes is not None:
        opacity = optics.observed(alpha[..., None].astype(np.float32), step.factor, step.psf_fwhm_px)[..., 0]
        shadow = optics.observed((classes == clouds.SHADOW)[..., None].astype(np.float32), step.factor)[..., 0]
        alpha = np.rint(opacity).astype(np.uint8)
        # Classes follow from stored opacity at every resolution; a coarse pixel is shadow if most of it is.
        classes = clouds.cloud_classes(alpha, np.where(shadow >= 0.5, 1.0, 0.0))
    return replace(
        frame, image=optics.observed(frame.image, step.factor, step.psf_fwhm_px),
        labels=coarse_labels(frame.labels, fractions), gsd=frame.gsd * step.factor, alpha=alpha, cloud_class=classes,
        class_fraction=fractions,
    )  # fmt: skip


def coarse_class_fractions(frame: SyntheticFrame, factor: int) -> np.ndarray:
    """Return the shares of the classes in coarse pixels, float32 (height, width, class); the frame may be coarse."""
    if frame.class_fraction is not None:
        return optics.observed(frame.class_fraction, factor)
    highest = max(len(land_covers()), int(frame.labels[..., 1].max()))
    return optics.class_fractions(frame.labels[..., 1], factor, highest)


def coarse_labels(labels: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Return instance and class of coarse pixels: the most frequent class, and its most central instance."""
    factor = labels.shape[0] // fractions.shape[0]
    if factor == 1:
        return labels
    height, width = fractions.shape[:2]
    pixels = labels.reshape(height, factor, width, factor, 2).transpose(0, 2, 1, 3, 4)
    pixels = pixels.reshape(height, width, factor * factor, 2)
    y, x = np.mgrid[:factor, :factor] - (factor - 1) / 2
    pixels = pixels[:, :, np.argsort((x**2 + y**2).ravel(), kind="stable")]
    # If the pixels are coarse already, the most frequent class may be the label of none of them: then the next one.
    labelled = optics.class_fractions(labels[..., 1], factor, fractions.shape[-1]) > 0
    classes = np.where(labelled, fractions, -1).argmax(axis=-1) + 1
    first = (pixels[..., 1] == classes[..., None]).argmax(axis=-1)
    return np.take_along_axis(pixels, first[..., None, None], axis=2)[:, :, 0]


def _bands(frame: SyntheticFrame, step: configuration.Bands, context: FrameContext, number: int) -> SyntheticFrame:
    target = sensor(step.sensor, None if step.names is None else tuple(step.names))
    if frame.sensor is None:
        raise ValueError(f"the product has no wavelengths, hence no bands of {step.sensor}")
    if frame.sensor.kind != target.kind:
        raise ValueError(f"a product of {frame.sensor.name} has no bands of {step.sensor}")
    if set(target.bands) <= set(frame.bands):
        image = frame.image[..., [frame.bands.index(band) for band in target.bands]]
    elif frame.bands == sensor("sentinel2").bands:
        image = frame.image @ band_weights(target)
    else:
        raise ValueError(f"bands of {step.sensor} need all twelve of Sentinel-2, the product has {len(frame.bands)}")
    return replace(frame, image=image, bands=target.bands, sensor=target)


def _misregistration(
    frame: SyntheticFrame, step: configuration.Misregistration, context: FrameContext, number: int
) -> SyntheticFrame:
    down, right = context.stream("shift", number).normal(0, step.sd_px, 2)
    return replace(frame, image=shifted(frame.image, float(down), float(right)))


def shifted(image: np.ndarray, down: float, right: float) -> np.ndarray:
    """Return an image (height, width, band) on a grid shifted by so many pixels down and right; bilinear."""
    for axis, shift in ((0, down), (1, right)):
        size = image.shape[axis]
        positions = np.clip(np.arange(size) + shift, 0, size - 1)
        left = np.minimum(np.floor(positions).astype(int), size - 2)
        weight = (positions - left).astype(np.float32).reshape([-1 if at == axis else 1 for at in range(3)])
        low, high = np.take(image, left, axis=axis), np.take(image, left + 1, axis=axis)
        image = low + weight * (high - low)
    return image


def _blur(frame: SyntheticFrame, step: configuration.Blur, context: FrameContext, number: int) -> SyntheticFrame:
    return replace(frame, image=optics.observed(frame.image, 1, step.fwhm_px))


def _noise(frame: SyntheticFrame, step: configuration.Noise, context: FrameContext, number: int) -> SyntheticFrame:
    return replace(frame, image=optics.noisy(context.stream("noise", number), frame.image, step.sigma0, step.kappa))


def _speckle(frame: SyntheticFrame, step: configuration.Speckle, context: FrameContext, number: int) -> SyntheticFrame:
    return replace(frame, image=radar.speckled(context.stream("speckle", number), frame.image, step.looks))


def _impulses(
    frame: SyntheticFrame, step: configuration.Impulses, context: FrameContext, number: int
) -> SyntheticFrame:
    random = context.stream("impulses", number)
    return replace(frame, image=optics.with_impulses(random, frame.image, random.uniform(*step.proportion)))


STEPS: dict[type, Any] = {
    configuration.Gain: _gain,
    configuration.CloudStep: _cloud,
    configuration.Distortion: _distortion,
    configuration.Resample: _resample,
    configuration.Bands: _bands,
    configuration.Misregistration: _misregistration,
    configuration.Blur: _blur,
    configuration.Noise: _noise,
    configuration.Speckle: _speckle,
    configuration.Impulses: _impulses,
}
"""The function of each type of step: (frame, settings of the step, context, position of the step) to frame."""
