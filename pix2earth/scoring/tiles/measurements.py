"""What figures say of the bands of evaluated tiles: errors, correlations, power spectra, error maps, means of NDVI.

They are sums over the tiles of which pictures are kept, in ``measurements.npz`` beside the pictures of a run or
baseline: images of all bands would need a thousand times the room.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pix2earth.batches.time_steps import separate
from pix2earth.records.field import Field
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError
from sensors import lexicon

FILE = "measurements.npz"
PIXELS_A_TILE = 128
"""Pixels of each image that are kept as they are, evenly chosen."""
MAPS, MAP_SIDE = 4, 256
"""Tiles whose error maps are kept, and the largest side of a map; of larger ones every n-th pixel is kept."""
RED_INFRARED = (665.0, 842.0)
"""Wavelengths in nm."""


class Measurements(NamedTuple):
    """Measurements of a prediction, in physical units.

    Attributes:
        bands: names (band,).
        units: of the values.
        gsd: of a pixel in metres, 0 where it is not known.
        tiles: names of the tiles.
        pixel_count: number of valid pixels.
        sums: of target and prediction over valid pixels (2, band).
        products: sums of products of all pairs of bands, those of the target first (2 * band, 2 * band).
        pixels: some valid pixels of target and prediction (2, pixel, band).
        power: mean power of target and prediction by ring of frequency (2, ring, band), over complete images.
        frequencies: of the rings in cycles per pixel.
        maps: prediction minus target, mean over bands and time steps (tile, height, width), of the first tiles.
        ndvi: mean NDVI of target and prediction by time step (2, time step); empty without red and near infrared.
    """

    bands: np.ndarray
    units: str
    gsd: float
    tiles: np.ndarray
    pixel_count: int
    sums: np.ndarray
    products: np.ndarray
    pixels: np.ndarray
    power: np.ndarray
    frequencies: np.ndarray
    maps: np.ndarray
    ndvi: np.ndarray

    @property
    def bias(self) -> np.ndarray:
        """Mean of prediction minus target (band,)."""
        return (self.sums[1] - self.sums[0]) / self.pixel_count

    @property
    def rmse(self) -> np.ndarray:
        """Root mean squared error (band,)."""
        bands = len(self.bands)
        squares = np.diag(self.products)
        crossed = np.diag(self.products[:bands, bands:])
        return np.sqrt(np.maximum(squares[:bands] + squares[bands:] - 2 * crossed, 0) / self.pixel_count)

    @property
    def correlations(self) -> np.ndarray:
        """Pearson's correlations of all pairs of bands, those of the target first (2 * band, 2 * band)."""
        means = self.sums.ravel() / self.pixel_count
        covariance = self.products / self.pixel_count - np.outer(means, means)
        deviations = np.sqrt(np.maximum(np.diag(covariance), 0))
        with np.errstate(invalid="ignore", divide="ignore"):
            return covariance / np.outer(deviations, deviations)


class Measuring:
    """Measures images batch by batch."""

    def __init__(self, field: Field, *, upwards: bool = False) -> None:
        """Begin without images.

        Args:
            field: of target and prediction.
            upwards: the first row of images is the lowest; maps get the highest one first.
        """
        self._down = slice(None, None, -1 if upwards else 1)
        self.field, bands = field, len(field.bands)
        self.count, self.sums, self.products = 0, np.zeros((2, bands)), np.zeros((2 * bands, 2 * bands))
        self._tiles: list[str] = []
        self._pixels: list[np.ndarray] = []
        self._power: list[np.ndarray] = []
        self._maps: list[np.ndarray] = []
        self._steps = field.time_steps or 1
        self._ndvi = np.zeros((3, self._steps))  # sums of target and prediction, count
        self._red_infrared = lexicon.nearest_bands(field.bands, RED_INFRARED)
        self._width = 0

    def add(self, names: list[str], targets: np.ndarray, predictions: np.ndarray) -> None:
        """Measure a batch.

        Args:
            names: of the tiles.
            targets: physical values (tile, [time step,] height, width, band), NaN where not valid; time steps may be
                folded.
            predictions: the same, without NaN.
        """
        images = [separate(values, self.field.time_steps).astype(np.float64) for values in (targets, predictions)]
        self._width = images[0].shape[2]
        for number, (target, prediction) in enumerate(zip(*images, strict=True)):
            valid = np.isfinite(target).all(axis=-1) & np.isfinite(prediction).all(axis=-1)
            pair = np.stack([target[valid], prediction[valid]])
            if not pair.size:
                continue
            joined = np.concatenate(list(pair), axis=-1)
            self.count += len(joined)
            self.sums += pair.sum(axis=1)
            self.products += joined.T @ joined
            places = np.linspace(0, len(joined) - 1, min(PIXELS_A_TILE, len(joined))).astype(int)
            self._pixels.append(pair[:, places].astype(np.float32))
            if valid.all():
                self._power.append(np.stack([radial_power(image) for image in (target, prediction)]))
            self._add_ndvi(pair, number % self._steps)
        errors = (images[1] - images[0]).mean(axis=-1)
        self._add_maps(names, errors.reshape(len(names), self._steps, *errors.shape[1:]))

    def _add_maps(self, names: list[str], errors: np.ndarray) -> None:
        """Keep the errors of the first tiles, (tile, time step, height, width), as their mean over time steps."""
        every = -(-max(errors.shape[2:]) // MAP_SIDE)
        for name, error in list(zip(names, errors, strict=True))[: MAPS - len(self._maps)]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # a pixel without a valid time step
                self._maps.append(np.nanmean(error, axis=0)[::every, ::every][self._down].astype(np.float32))
            self._tiles.append(name)

    def _add_ndvi(self, pair: np.ndarray, step: int) -> None:
        if self._red_infrared is None:
            return
        red, infrared = (pair[..., band] for band in self._red_infrared)
        usable = ((red + infrared) > 1e-4).all(axis=0)
        ratio = (infrared[:, usable] - red[:, usable]) / (infrared[:, usable] + red[:, usable])
        self._ndvi[:2, step] += ratio.sum(axis=1)
        self._ndvi[2, step] += usable.sum()

    def write(self, folder: Path) -> None:
        """Write the measurements into a folder; nothing where no pixel is valid.

        Raises:
            OSError: the file cannot be written.
        """
        if not self.count:
            return
        power = np.mean(self._power, axis=0) if self._power else np.zeros((2, 0, len(self.field.bands)))
        ndvi = self._ndvi[:2] / np.maximum(self._ndvi[2], 1) if self._ndvi[2].all() else np.zeros((2, 0))
        gsd = (self.field.gsd or 0) * self.field.size[1] / self._width
        content = Measurements(
            np.array(self.field.bands), self.field.units, gsd, np.array(self._tiles),
            self.count, self.sums, self.products,
            np.concatenate(self._pixels, axis=1), power, ring_frequencies(power.shape[1]), np.stack(self._maps), ndvi,
        )  # fmt: skip
        written = io.BytesIO()
        np.savez_compressed(written, **content._asdict())
        atomic.write_bytes(folder / FILE, written.getvalue())


def load(folder: Path) -> Measurements | None:
    """Return the measurements in a folder, or None where there are none.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as content:
            values = {name: content[name] for name in Measurements._fields}
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise UserError(f"{path}: is damaged ({error}); remove it and evaluate the run again") from None
    scalars = {"units": str(values["units"]), "gsd": float(values["gsd"]), "pixel_count": int(values["pixel_count"])}
    return Measurements(**values | scalars)


def radial_power(image: np.ndarray) -> np.ndarray:
    """Return the mean power of each band by ring of frequency, (ring, band), from 1 / n to 1 / 2 cycles per pixel.

    Each band is without its mean and multiplied by a Hann window. n is the smaller side; a ring is 1 / n wide.

    Args:
        image: finite (height, width, band).
    """
    height, width, bands = image.shape
    window = np.outer(np.hanning(height), np.hanning(width))[..., None]
    power = np.abs(np.fft.fft2((image - image.mean(axis=(0, 1))) * window, axes=(0, 1))) ** 2
    side = min(height, width)
    distance = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)) * side
    rings = np.rint(distance).astype(int).ravel()
    inside = (rings >= 1) & (rings <= side // 2)
    counts = np.bincount(rings[inside], minlength=side // 2 + 1)[1:]
    flat = power.reshape(-1, bands)
    sums = [np.bincount(rings[inside], flat[inside, band], side // 2 + 1)[1:] for band in range(bands)]
    return np.stack(sums, axis=-1) / counts[:, None]


def ring_frequencies(rings: int) -> np.ndarray:
    """Return the frequencies of the rings of ``radial_power`` in cycles per pixel."""
    return np.arange(1, rings + 1) / max(2 * rings, 1)
