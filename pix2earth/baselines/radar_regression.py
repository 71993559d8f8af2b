"""Baselines from radar to optical: means and regressions, fitted on the training split in seconds."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations_with_replacement

import numpy as np
from scipy import ndimage

from pix2earth.baselines.samples import BaselineSet, PhysicalDataset, Predictor, Sample
from pix2earth.console.progress import tracked

WINDOW = 5
"""Side in pixels of the window that averages speckle."""
STRIDE = 4
"""Every so many pixels of a row and column are fitted to; neighbours tell little that is new."""
DEGREE = 3
CENTRE_DB, SPREAD_DB = -12.0, 6.0
"""Bring backscatter near [-1, 1], or its powers would have too different sizes."""
YEAR = 365.25


def radar_baselines(dataset: PhysicalDataset) -> BaselineSet:
    """Return means and regressions from radar to optical, fitted on the training split.

    The dataset has the fields ``input_image`` (VV and VH in dB), ``target``, ``land_cover`` and ``dates`` (day of
    year).

    Raises:
        UserError: there is no training split, or a record is damaged.
    """
    single, averaged = fitted(dataset, "input_image")
    return BaselineSet(
        {
            "mean of all": single.mean(),
            "mean of the true land cover": single.mean_of_true_class(),
            "mean of the land cover seen": single.mean_of_seen_class(),
            "regression": single.regression(),
            f"mean of the land cover seen, {WINDOW} x {WINDOW}": averaged.mean_of_seen_class(),
            f"regression, {WINDOW} x {WINDOW}": averaged.regression(),
        },
        notes="All means and coefficients are those of the training split. \"Mean of the true land cover\" looks up the"
        " true class of every test pixel, which no method has that is given radar alone; \"land cover seen\" is the"
        " class that a Gaussian classifier predicts from VV and VH. The regression is a polynomial of degree"
        f" {DEGREE} in VV and VH (dB) and in sine and cosine of the day of year, pixel by pixel;"
        f" {WINDOW} x {WINDOW}: after averaging the radar's power over so many pixels.",
    )  # fmt: skip


def fitted(dataset: PhysicalDataset, radar: str) -> tuple[RadarFit, RadarFit]:
    """Return the sums over the training split for radar as it is, and averaged over ``WINDOW``.

    Args:
        dataset: with the fields ``target`` and ``land_cover``.
        radar: the field of VV and VH in dB.

    Raises:
        UserError: there is no training split, or a record is damaged.
    """
    single, averaged = RadarFit(1, radar), RadarFit(WINDOW, radar)
    names = dataset.names("train")
    fields = [name for name in (radar, "target", "land_cover", "dates") if name in dataset.manifest.fields]
    for sample in tracked(dataset.samples("train", fields), "fit", len(names), "samples"):
        single.add(sample)
        averaged.add(sample)
    return single, averaged


class RadarFit:
    """Sums over the training split, from which every predictor is computed."""

    def __init__(self, window: int, field: str = "input_image") -> None:
        """Start with empty sums; radar is that of a field, averaged over a window of so many pixels a side."""
        self.window = window
        self.field = field
        self.squares: np.ndarray = np.zeros(1)
        self.products: np.ndarray = np.zeros(1)
        self.moments: dict[int, np.ndarray] = {}
        self.sums: dict[int, np.ndarray] = {}

    def add(self, sample: Sample) -> None:
        """Add a training sample to the sums."""
        grid = slice(STRIDE // 2, None, STRIDE)
        radar = self.radar(sample)[grid, grid].reshape(-1, 2)
        target = sample.fields["target"][grid, grid].astype(np.float64)
        land_cover = sample.fields["land_cover"][grid, grid].ravel()
        target = target.reshape(len(radar), -1)
        inputs = features(radar, day(sample))
        self.squares = self.squares + inputs.T @ inputs
        self.products = self.products + inputs.T @ target
        for number in np.unique(land_cover):
            of_class = land_cover == number
            # Sums of 1, x and x x^T of the radar give mean and covariance.
            ones = np.column_stack([np.ones(of_class.sum()), radar[of_class]])
            self.moments[int(number)] = self.moments.get(int(number), 0) + ones.T @ ones
            self.sums[int(number)] = self.sums.get(int(number), 0) + target[of_class].sum(axis=0)

    def radar(self, sample: Sample) -> np.ndarray:
        """Return VV and VH (height, width, 2) in dB, averaged as power."""
        decibels = sample.fields[self.field].astype(np.float64)
        if self.window == 1:
            return decibels
        power = ndimage.uniform_filter(10 ** (decibels / 10), (self.window, self.window, 1))
        return 10 * np.log10(power)

    # ---- predictors --------------------------------------------------------------------------------------------

    def spectrum(self) -> np.ndarray:
        """Return the mean spectrum (band,) of all pixels."""
        pixels = sum(float(moment[0, 0]) for moment in self.moments.values())
        return np.sum(list(self.sums.values()), axis=0) / pixels

    def mean(self) -> Predictor:
        """Return the predictor of the mean spectrum of all pixels."""
        spectrum = self.spectrum()
        return lambda sample: np.broadcast_to(spectrum, sample.fields["target"].shape)

    def means(self) -> np.ndarray:
        """Return the mean spectrum (class number, band) of the classes; that of all where a class never occurred."""
        table = np.tile(self.spectrum(), (256, 1))
        for number, total in self.sums.items():
            table[number] = total / self.moments[number][0, 0]
        return table

    def mean_of_true_class(self) -> Predictor:
        """Return the predictor of the mean spectrum of the true land cover."""
        table = self.means()
        return lambda sample: table[sample.fields["land_cover"][..., 0]]

    def mean_of_seen_class(self) -> Predictor:
        """Return the predictor of the mean spectrum of the land cover that is most likely given VV and VH."""
        table, likely = self.means(), self.classifier()
        return lambda sample: table[likely(self.radar(sample))]

    def classifier(self) -> Callable[[np.ndarray], np.ndarray]:
        """Return the maximum a posteriori classifier with a Gaussian a class (quadratic discriminant analysis)."""
        rules = []
        for moment in self.moments.values():
            mean = moment[0, 1:] / moment[0, 0]
            covariance = moment[1:, 1:] / moment[0, 0] - np.outer(mean, mean) + 1e-3 * np.eye(2)
            constant = math.log(moment[0, 0]) - 0.5 * math.log(np.linalg.det(covariance))
            rules.append((mean, np.linalg.inv(covariance), constant))
        numbers = np.array(list(self.moments))

        def likely(radar: np.ndarray) -> np.ndarray:
            scores = [
                constant - 0.5 * np.einsum("...i,ij,...j", radar - mean, inverse, radar - mean)
                for mean, inverse, constant in rules
            ]
            return numbers[np.argmax(scores, axis=0)]

        return likely

    def regression(self) -> Predictor:
        """Return the predictor by least squares."""
        size = len(self.squares)
        # A trace of ridge: sine and cosine of few dates may depend on each other.
        ridge = 1e-6 * np.trace(self.squares) / size * np.eye(size)
        coefficients = np.linalg.solve(self.squares + ridge, self.products)

        def predict(sample: Sample) -> np.ndarray:
            radar = self.radar(sample)
            prediction = features(radar.reshape(-1, 2), day(sample)) @ coefficients
            return prediction.reshape(*radar.shape[:2], -1)

        return predict


def day(sample: Sample) -> float:
    """Return the day of year of the radar image: as the field ``dates`` has it, else that of the sample."""
    if "dates" not in sample.fields:
        return float(sample.acquired[0].timetuple().tm_yday)
    return float(sample.fields["dates"][..., 0].item())


def features(radar: np.ndarray, day_of_year: float) -> np.ndarray:
    """Return all products of up to ``DEGREE`` of VV, VH, sine and cosine of the day of year, (pixel, feature).

    Args:
        radar: VV and VH in dB (pixel, 2).
        day_of_year: of the radar image.
    """
    angle = 2 * math.pi * day_of_year / YEAR
    season = np.broadcast_to([math.sin(angle), math.cos(angle)], radar.shape)
    variables = np.column_stack([(radar - CENTRE_DB) / SPREAD_DB, season])
    columns = [np.ones(len(radar))]
    for degree in range(1, DEGREE + 1):
        for chosen in combinations_with_replacement(range(4), degree):
            if chosen.count(3) < 2:  # the square of the cosine follows from that of the sine
                columns.append(variables[:, chosen].prod(axis=1))
    return np.stack(columns, axis=1)
