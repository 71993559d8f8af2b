"""Scenes whose cells follow measured time series of UEA/UCR archives (``.ts`` files)."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from pix2earth.settings.errors import UserError
from synthetic.ground.cells import draw_cells
from synthetic.ground.random_fields import covariance_field, kernel_correlation
from synthetic.schema.generation import Product, TimeSeries
from synthetic.streams import stream


class Archive(NamedTuple):
    """Time series of one or several files.

    Attributes:
        series: float32 (case, step, dimension), each dimension from 0 to 1 over all files together.
        group: int (case,), the group of labels of each series, 1 to ``nclass``.
    """

    series: np.ndarray
    group: np.ndarray


def read(source: TimeSeries, folder: Path) -> Archive:
    """Read the files of a source.

    Args:
        source: configuration with the names of the files.
        folder: folder that their paths are relative to.

    Raises:
        UserError: sktime is not installed; a file is missing, damaged or has gaps, or too few dimensions or classes.
    """
    try:
        from sktime.datasets import load_from_tsfile
    except ImportError:
        raise UserError("source.kind ts: needs the package sktime: pip install 'sktime>=1.0'") from None
    series, labels = [], []
    for name in source.path:
        path = folder / name
        if not path.is_file():
            raise UserError(f"{path}: there is no such file (named by source.path); get it from the UEA/UCR archive")
        try:
            cases, case_labels = load_from_tsfile(str(path), return_data_type="nested_univ")
        except Exception as error:  # its parser raises many kinds
            reason = " ".join(str(error).split())
            raise UserError(f"{path}: cannot be read as a .ts file with classes: {reason}") from None
        if cases.shape[1] < source.ndim:
            raise UserError(f"{path}: has {cases.shape[1]} dimensions, source.ndim asks for {source.ndim}")
        file_series = [_pad(case[: source.ndim]) for case in cases.to_numpy()]
        if not all(np.isfinite(case).all() for case in file_series):
            raise UserError(f"{path}: has missing values; take an archive without any")
        series += file_series
        labels += [str(label) for label in case_labels]
    return _archive(series, labels, source)


def _pad(dimensions: np.ndarray) -> np.ndarray:
    """Return a series (step, dimension); shorter dimensions are padded with zeros at the end."""
    columns = [np.asarray(values, np.float32) for values in dimensions]
    steps = max(map(len, columns))
    return np.stack([np.pad(values, (0, steps - len(values))) for values in columns], axis=1)


def _archive(series: list[np.ndarray], labels: list[str], source: TimeSeries) -> Archive:
    """Group the labels and scale each dimension to [0, 1] over all files together."""
    steps = min(map(len, series))
    stacked = np.stack([case[:steps] for case in series])
    low, high = stacked.min(axis=(0, 1)), stacked.max(axis=(0, 1))
    names = sorted(set(labels))
    if source.nclass > len(names):
        raise UserError(f"source.nclass: {source.nclass} groups of only {len(names)} labels ({', '.join(names)})")
    group_of = {
        name: number
        for number, members in enumerate(np.array_split(np.array(names), source.nclass), start=1)
        for name in members
    }
    scaled = (stacked - low) / np.where(high > low, high - low, 1)
    return Archive(scaled.astype(np.float32), np.array([group_of[label] for label in labels]))


class SeriesScene:
    """A scene whose cells follow time series: a pure function of product, source, seed and number.

    Attributes:
        labels: int16 (height, width, 2), instance and group of each pixel.
        texture: float (height, width, band), constant in time.
        start: first step of the series that is used.
    """

    def __init__(self, product: Product, source: TimeSeries, archive: Archive, seed: int, number: int) -> None:
        """Draw the cells, a time series for each cell, and the texture.

        Raises:
            ValueError: the series are shorter than the horizon, or the kernel does not fall off within the scene.
        """
        self.product, self.archive = product, archive
        steps = archive.series.shape[1]
        if product.horizon > steps:
            raise ValueError(f"product.horizon: {product.horizon} frames of series of length {steps}")
        shape = product.size.height, product.size.width
        points = stream(seed, "points", number)
        _, cells = draw_cells(points, shape, product.n_polygons, product.min_area_px, None)
        group = stream(seed, "labels", number).integers(1, source.nclass + 1, product.n_polygons)
        random = stream(seed, "series", number)
        cases = np.array([random.choice(np.flatnonzero(archive.group == member)) for member in group])
        self.start = int(random.integers(0, steps - product.horizon + 1))
        self.curves = archive.series[cases]
        self.cells = cells
        self.labels = np.stack([cells + 1, group[cells]], axis=-1).astype(np.int16)
        self.texture = 0.5 * np.tanh(self._draw_texture(source, stream(seed, "texture", number), shape))

    def _draw_texture(self, source: TimeSeries, random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        """Return Gaussian texture (height, width, band) before tanh."""
        sampler = source.random_sampler
        if sampler.kernel is None:
            return sampler.std * random.standard_normal((*shape, source.ndim), np.float32)
        parameters = sampler.kernel.model_dump(exclude={"name"}, exclude_none=True)
        kernel = kernel_correlation(sampler.kernel.name, np.arange(2 * max(shape)), **parameters)
        try:
            fields = [covariance_field(random, shape, kernel) for _ in range(source.ndim)]
        except ValueError as error:
            raise ValueError(f"source.random_sampler.kernel: {error}") from None
        return sampler.std * np.stack(fields, axis=-1)

    def frame(self, index: int) -> np.ndarray:
        """Return frame ``index``, float32 (height, width, band): series between 0 and 1 plus texture within 0.5."""
        return self.curves[:, self.start + index][self.cells] + self.texture
