"""Weights of trivial answers, fitted to the training split by least squares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pix2earth.baselines.answers.answer import FittedAnswer
from pix2earth.baselines.answers.fitted import NEIGHBOURHOOD, LinearFit
from pix2earth.baselines.samples import PhysicalDataset, Sample
from pix2earth.batches.time_steps import fold
from pix2earth.console.progress import tracked
from pix2earth.records.listing import Listing
from pix2earth.settings.errors import UserError

MOST_SAMPLES = 400
"""Training samples that are fitted to, evenly drawn from all; pixels abound."""
MOST_PIXELS = 4096
"""Pixels of a sample that are fitted to, evenly drawn from all."""
HELD_OUT = 4
"""Every so many samples are held out while it is decided whether neighbours help."""
RIDGE = 1e-6
"""Of the mean square of a feature: features may depend on each other."""


class Fitted(NamedTuple):
    """Weights, and how well they predict training samples that were held out.

    Attributes:
        weights: (feature, band), float32.
        neighbours: whether the neighbourhood helps; without, its weights are 0.
        rmse: over held-out samples of the training split, physical units; NaN where there is one sample.
        samples: number of samples that were fitted to.
    """

    weights: np.ndarray
    neighbours: bool
    rmse: float
    samples: int


@dataclass
class Sums:
    """Sums over pixels: of products of features, of features and targets, of squares of targets, and their number."""

    squares: np.ndarray
    products: np.ndarray
    target: float
    count: int

    def plus(self, other: Sums, sign: int = 1) -> Sums:
        """Return the sums over the pixels of both, or with -1 over those that are not in the other."""
        return Sums(
            self.squares + sign * other.squares,
            self.products + sign * other.products,
            self.target + sign * other.target,
            self.count + sign * other.count,
        )

    def solution(self, chosen: np.ndarray) -> np.ndarray:
        """Return the weights (feature, band) by least squares; 0 for features that are not chosen."""
        squares = self.squares[np.ix_(chosen, chosen)]
        scale = np.sqrt(np.maximum(np.diag(squares) / max(self.count, 1), 1e-30))
        normal = squares / scale / scale[:, None] + RIDGE * self.count * np.eye(len(scale))
        weights = np.zeros_like(self.products)
        weights[chosen] = np.linalg.solve(normal, self.products[chosen] / scale[:, None]) / scale[:, None]
        return weights

    def error(self, weights: np.ndarray) -> float:
        """Return the root mean square error of weights over these pixels and all bands."""
        explained = 2 * np.sum(weights * self.products) - np.sum(weights * (self.squares @ weights))
        return float(np.sqrt(max(self.target - explained, 0.0) / max(self.count * weights.shape[1], 1)))


def fit(answer: FittedAnswer, listing: Listing, names: Sequence[str]) -> Fitted:
    """Fit the weights of an answer.

    Whether the neighbourhood of a pixel helps is decided on every fourth sample; then all samples are fitted to.

    Args:
        answer: what is fitted.
        listing: of the dataset.
        names: of training samples.

    Raises:
        UserError: a record is damaged, or no pixel is valid.
    """
    chosen = names[:: -(-len(names) // MOST_SAMPLES)]
    size = answer.shapes[0]
    total = held_out = Sums(np.zeros((size[0], size[0])), np.zeros(size), 0.0, 0)
    fields = list(dict.fromkeys([answer.manifest.input, answer.manifest.target, *answer.fields]))
    samples = PhysicalDataset(listing).named("train", chosen, fields)
    for number, sums in enumerate(_sums(answer, tracked(samples, f"fit {answer.kind}", len(chosen), "samples"))):
        total = total.plus(sums)
        held_out = held_out.plus(sums) if number % HELD_OUT == HELD_OUT - 1 else held_out
    if not total.count:
        raise UserError(f"{listing.folder}: {answer.kind}: no training pixel is valid in input and target")
    candidates = [np.ones(size[0], bool)]
    if isinstance(answer, LinearFit):
        candidates.append(_without_neighbours(size[0]))
    rest = total.plus(held_out, -1)
    if not held_out.count or not rest.count:
        return Fitted(total.solution(candidates[-1]).astype(np.float32), len(candidates) == 1, np.nan, len(chosen))
    errors = [held_out.error(rest.solution(features)) for features in candidates]
    best = int(np.argmin(errors))
    return Fitted(total.solution(candidates[best]).astype(np.float32), best == 0, errors[best], len(chosen))


def _sums(answer: FittedAnswer, samples: Iterator[Sample]) -> Iterator[Sums]:
    """Yield the sums over the valid pixels of each sample."""
    compute = tf.function(answer.features, autograph=False)
    for sample in samples:
        source, target = (sample.fields[name] for name in (answer.manifest.input, answer.manifest.target))
        source = _on_grid(source, answer.size)
        # The pipeline gives a network the lower end of the range where a pixel is missing.
        lowest = np.asarray(answer.source.bounds[0], np.float32)
        further = {name: _on_grid(sample.fields[name].astype(np.float32), answer.size) for name in answer.fields}
        shown = np.where(np.isfinite(source), source, lowest)
        features = compute(tf.constant(shown), {name: tf.constant(values) for name, values in further.items()})
        rows = features.numpy()[0].reshape(-1, features.shape[-1]).astype(np.float64)
        wanted = (fold(target) if target.ndim == 4 else target).reshape(len(rows), -1).astype(np.float64)
        step = max(1, len(rows) // MOST_PIXELS)
        step += 1 - step % 2  # odd, or pixels of few columns alone would be drawn
        measured = np.isfinite(source).all(axis=(*range(source.ndim - 3), -1)).ravel()
        valid = (measured & np.isfinite(rows).all(-1) & np.isfinite(wanted).all(-1))[::step]
        rows, wanted = rows[::step][valid], wanted[::step][valid]
        squares, products = _products(rows, rows), _products(rows, wanted)
        yield Sums(squares, products, float(np.sum(wanted**2)), len(rows))


def _products(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return ``one.T @ other``; for so few columns the threads of BLAS take ten times as long as the products."""
    return np.einsum("ni,nj->ij", one, other)


def _on_grid(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a field as a batch on the grid of the network, by nearest neighbour as the pipeline has it."""
    rows, columns = (
        (2 * np.arange(fine) + 1) * own // (2 * fine) for fine, own in zip(size, values.shape[-3:-1], strict=True)
    )
    return np.ascontiguousarray(values[None, ..., rows[:, None], columns[None, :], :])


def _without_neighbours(features: int) -> np.ndarray:
    """Return which features of a linear map belong to the pixel itself; the constant does."""
    bands = (features - 1) // NEIGHBOURHOOD**2
    neighbour = np.arange(features) // bands
    return (neighbour == NEIGHBOURHOOD**2 // 2) | (np.arange(features) == features - 1)
