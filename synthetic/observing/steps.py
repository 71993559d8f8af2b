"""What happens to one frame on its way from the ideal product to a sensor's: the steps of a derivation."""

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
"""Reflectance of a cloud in bands that have no wavelength."""


@dataclass(frozen=True)
class View:
    """One frame with all that is known of it.

    Attributes:
        image: float32 (height, width, band).
        labels: int16 (height, width, 2): instance and class.
        bands: names of the bands.
        sensor: whose bands they are; None where they have no wavelength.
        gsd: metres a pixel.
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
class Frame:
    """Which frame it is: what random numbers and the sun depend on.

    Attributes:
        seed: of the derivation.
        scene: number of the scene.
        index: number of the frame in the latent product.
        count: frames of the latent product.
        date: when it was taken.
        latitude: degrees north.
    """

    seed: int
    scene: int
    index: int
    count: int
    date: datetime
    latitude: float

    def stream(self, purpose: str, step: int) -> np.random.Generator:
        """Return the random numbers of a step of this frame; several steps of a kind differ."""
        return stream(self.seed, purpose, self.scene, self.index * 100 + step)


def derived(view: View, steps: Sequence[Any], frame: Frame) -> View:
    """Return a frame after all steps, in their order.

    Raises:
        ValueError: a step does not fit the frame, such as a factor that does not divide its size.
    """
    for number, step in enumerate(steps):
        view = STEPS[type(step)](view, step, frame, number)
    return view


def _gain(view: View, step: configuration.Gain, frame: Frame, number: int) -> View:
    drawn = frame if step.each == "frame" else replace(frame, index=0)
    random = drawn.stream("gain", number)
    shape = len(view.bands) if step.each == "frame" else 1
    factor, summand = random.uniform(*step.mul, shape), random.uniform(*step.add, shape)
    return replace(view, image=optics.calibrated(view.image, factor, summand))


def _cloud(view: View, step: configuration.CloudStep, frame: Frame, number: int) -> View:
    if view.alpha is not None:
        raise ValueError("there are clouds already; a product can be clouded once")
    cover = clouds.covers(stream(frame.seed, "covers", frame.scene), frame.count, step)[frame.index]
    layer = clouds.cloud_layer(
        step, float(cover), (view.image.shape[0], view.image.shape[1]), frame.seed, frame.scene, frame.index,
        frame.date, frame.latitude, view.gsd,
    )  # fmt: skip
    white = np.full(len(view.bands), WHITE)
    if view.sensor is not None:
        if view.sensor.kind == "radar":
            raise ValueError("clouds do not hide the ground from a radar; leave the step out")
        white = spectrum("cloud") @ band_weights(view.sensor)
    image = clouds.clouded(view.image, layer, white)
    return replace(view, image=image, alpha=layer.alpha, cloud_class=layer.classes)


def _distortion(view: View, step: configuration.Distortion, frame: Frame, number: int) -> View:
    def nearest(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else distortion.distorted(array, step.axis, step.growth_rate, labels=True)

    labels = nearest(view.labels)
    assert labels is not None
    image = distortion.distorted(view.image, step.axis, step.growth_rate)
    return replace(view, image=image, labels=labels, alpha=nearest(view.alpha), cloud_class=nearest(view.cloud_class),
                   class_fraction=nearest(view.class_fraction))  # fmt: skip


def _resample(view: View, step: configuration.Resample, frame: Frame, number: int) -> View:
    for side, pixels in zip(("height", "width"), view.image.shape[:2], strict=True):
        if pixels % step.factor:
            raise ValueError(f"factor {step.factor} does not divide the {side} of {pixels} pixels")
    shares = coarse_shares(view, step.factor)
    alpha, classes = view.alpha, view.cloud_class
    if alpha is not None and classes is not None:
        opacity = optics.seen(alpha[..., None].astype(np.float32), step.factor, step.psf_fwhm_px)[..., 0]
        shadow = optics.seen((classes == clouds.SHADOW)[..., None].astype(np.float32), step.factor)[..., 0]
        alpha = np.rint(opacity).astype(np.uint8)
        # Stored classes follow from stored opacity at every resolution; a coarse pixel is in shadow by majority.
        classes = clouds.cloud_classes(alpha, np.where(shadow >= 0.5, 1.0, 0.0))
    return replace(
        view, image=optics.seen(view.image, step.factor, step.psf_fwhm_px), labels=coarse_labels(view.labels, shares),
        gsd=view.gsd * step.factor, alpha=alpha, cloud_class=classes, class_fraction=shares,
    )  # fmt: skip


def coarse_shares(view: View, factor: int) -> np.ndarray:
    """Return the shares of the classes in coarse pixels, also of a view that is coarse already."""
    if view.class_fraction is not None:
        return optics.seen(view.class_fraction, factor)
    highest = max(len(land_covers()), int(view.labels[..., 1].max()))
    return optics.block_mean_of_classes(view.labels[..., 1], factor, highest)


def coarse_labels(labels: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return instance and class of coarse pixels: the most frequent class, and of it the most central instance."""
    factor = labels.shape[0] // shares.shape[0]
    if factor == 1:
        return labels
    height, width = shares.shape[:2]
    pixels = labels.reshape(height, factor, width, factor, 2).transpose(0, 2, 1, 3, 4)
    pixels = pixels.reshape(height, width, factor * factor, 2)
    y, x = np.mgrid[:factor, :factor] - (factor - 1) / 2
    pixels = pixels[:, :, np.argsort((x**2 + y**2).ravel(), kind="stable")]
    # Of pixels that are coarse already, the most frequent class may be the label of none: then the next one.
    present = optics.block_mean_of_classes(labels[..., 1], factor, shares.shape[-1]) > 0
    classes = np.where(present, shares, -1).argmax(axis=-1) + 1
    first = (pixels[..., 1] == classes[..., None]).argmax(axis=-1)
    return np.take_along_axis(pixels, first[..., None, None], axis=2)[:, :, 0]


def _bands(view: View, step: configuration.Bands, frame: Frame, number: int) -> View:
    wanted = sensor(step.sensor, None if step.names is None else tuple(step.names))
    if view.sensor is None:
        raise ValueError(f"the product has no wavelengths, hence no bands of {step.sensor}")
    if view.sensor.kind != wanted.kind:
        raise ValueError(f"a product of {view.sensor.name} has no bands of {step.sensor}")
    if set(wanted.bands) <= set(view.bands):
        image = view.image[..., [view.bands.index(band) for band in wanted.bands]]
    elif view.bands == sensor("sentinel2").bands:
        image = view.image @ band_weights(wanted)
    else:
        raise ValueError(f"bands of {step.sensor} need all twelve of Sentinel-2, the product has {len(view.bands)}")
    return replace(view, image=image, bands=wanted.bands, sensor=wanted)


def _misregistration(view: View, step: configuration.Misregistration, frame: Frame, number: int) -> View:
    down, right = frame.stream("shift", number).normal(0, step.sd_px, 2)
    return replace(view, image=shifted(view.image, float(down), float(right)))


def shifted(image: np.ndarray, down: float, right: float) -> np.ndarray:
    """Return an image (height, width, band) seen from a grid that lies so many pixels down and right; bilinear."""
    for axis, shift in ((0, down), (1, right)):
        size = image.shape[axis]
        positions = np.clip(np.arange(size) + shift, 0, size - 1)
        left = np.minimum(np.floor(positions).astype(int), size - 2)
        weight = (positions - left).astype(np.float32).reshape([-1 if at == axis else 1 for at in range(3)])
        low, high = np.take(image, left, axis=axis), np.take(image, left + 1, axis=axis)
        image = low + weight * (high - low)
    return image


def _blur(view: View, step: configuration.Blur, frame: Frame, number: int) -> View:
    return replace(view, image=optics.seen(view.image, 1, step.fwhm_px))


def _noise(view: View, step: configuration.Noise, frame: Frame, number: int) -> View:
    return replace(view, image=optics.noisy(frame.stream("noise", number), view.image, step.sigma0, step.kappa))


def _speckle(view: View, step: configuration.Speckle, frame: Frame, number: int) -> View:
    return replace(view, image=radar.speckled(frame.stream("speckle", number), view.image, step.looks))


def _impulses(view: View, step: configuration.Impulses, frame: Frame, number: int) -> View:
    random = frame.stream("impulses", number)
    return replace(view, image=optics.with_impulses(random, view.image, random.uniform(*step.proportion)))


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
