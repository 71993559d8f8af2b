"""Scatter figure of an evaluation: target against prediction of every pixel, both axes logarithmic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

matplotlib.use("Agg")  # a server has no display

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from metrics import SCIENTIFIC
from pix2earth.batches.time_steps import flat
from pix2earth.figures.box_plot import save
from pix2earth.figures.preview import places_shown
from pix2earth.scoring.shown.samples import shown

if TYPE_CHECKING:
    from pix2earth.scoring.scorer import Scorer

BINS = 40
"""Bins of a decade: a step of 6 %, so that the lines of 10 % error are told from that of equality."""
MOST_SAMPLES = 256
"""Of larger splits this many samples are shown, evenly chosen: networks predict them a second time."""
DECADES = 8
"""Values that are smaller than the largest by more than this many powers of ten are left out as zeros."""


class PixelPairs:
    """Counts of pixels by the magnitudes of target and prediction.

    Attributes:
        counts: number of pixels by (bin of the target, bin of the prediction); the bin of a value is
            floor(BINS * log10 |value|).
        total: number of finite pairs.
        zeros: of these, pairs of which a value is 0, which have no place on logarithmic axes.
        opposite: of these, pairs of different signs, which are shown by their magnitudes.
    """

    def __init__(self) -> None:
        """Begin without pixels."""
        self.counts: Counter[tuple[int, int]] = Counter()
        self.total = self.zeros = self.opposite = 0

    def add(self, target: np.ndarray, prediction: np.ndarray) -> None:
        """Count pixels; pairs with a value that is not finite are left out.

        Args:
            target: physical values of any shape, NaN where nothing was measured.
            prediction: of as many values.
        """
        target, prediction = target.ravel().astype(np.float64), prediction.ravel().astype(np.float64)
        finite = np.isfinite(target) & np.isfinite(prediction)
        shown_pixels = finite & (target != 0) & (prediction != 0)
        self.total += int(finite.sum())
        self.zeros += int(finite.sum() - shown_pixels.sum())
        target, prediction = target[shown_pixels], prediction[shown_pixels]
        self.opposite += int((np.sign(target) != np.sign(prediction)).sum())
        bins = np.floor(BINS * np.log10(np.abs(np.stack([target, prediction], axis=-1)))).astype(int)
        places, counts = np.unique(bins, axis=0, return_counts=True)
        self.counts.update({(int(row), int(column)): int(n) for (row, column), n in zip(places, counts, strict=True)})

    def histogram(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the counts as (target, prediction), and the edges of the bins, which both axes share.

        Bins that are DECADES below the highest one are left out.
        """
        places, numbers = np.array(list(self.counts)), np.array(list(self.counts.values()))
        places = places.reshape(-1, 2)
        kept = (places > places.max(initial=0) - DECADES * BINS).all(axis=1)
        places, numbers = places[kept], numbers[kept]
        first, last = (int(places.min()), int(places.max())) if len(places) else (0, 0)
        table = np.zeros((last - first + 1, last - first + 1))
        if len(places):
            table[tuple((places - first).T)] = numbers
        return table, 10 ** (np.arange(first, last + 2) / BINS)


def draw(pairs: PixelPairs, title: str, units: str) -> Figure:
    """Return the figure: number of pixels by magnitude of target and prediction, equality, and errors of 10 %.

    Args:
        pairs: the pixels.
        title: of the figure.
        units: of the values; "1" is not written.
    """
    table, edges = pairs.histogram()
    figure = Figure(figsize=(7, 6.4), layout="constrained")
    axis = figure.subplots()
    if table.any():
        image = axis.pcolormesh(edges, edges, np.ma.masked_equal(table.T, 0), norm=LogNorm(1, max(table.max(), 2)))
        figure.colorbar(image, ax=axis, label="pixels")
    else:
        axis.text(0.5, 0.5, "no pixel to show", ha="center", va="center", transform=axis.transAxes)
    ends = np.array([edges[0], edges[-1]])
    axis.plot(ends, ends, color="black", linewidth=1, label="equal")
    for factor, label in ((0.9, "10 % off"), (1.1, None)):
        axis.plot(ends, factor * ends, color="black", linewidth=0.8, linestyle="--", label=label)
    axis.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal", title=title)
    unit = "" if units in ("", "1") else f" ({units})"
    axis.set_xlabel(f"target, magnitude{unit}")
    axis.set_ylabel(f"prediction, magnitude{unit}")
    axis.legend(loc="upper left")
    left_out = f"{pairs.zeros:,} of {pairs.total:,} pixels are left out as zeros, {pairs.opposite:,} differ in sign"
    figure.supxlabel(left_out, fontsize=9)
    return figure


def draw_where_asked(scorer: Scorer, split: str, scores: Path) -> Path | None:
    """Draw the figure of a split beside its scores, where metrics of scientific images are asked for.

    Args:
        scorer: of the network; its names of metrics decide.
        split: of the samples.
        scores: the CSV of the evaluation; the figure is ``<name>_<split>_scatter.png`` beside it.

    Returns:
        The figure, or None where no metric asks for it.

    Raises:
        UserError: a record is damaged.
    """
    if not set(scorer.names) & set(SCIENTIFIC):
        return None
    every = scorer.dataset.names(split)
    names = [every[place] for place in places_shown(len(every), MOST_SAMPLES)]
    pairs = of_samples(scorer, split, names)
    path = scores.with_name(f"{scores.stem}_{split}_scatter.png")
    samples = f"{len(names)} of {len(every)} samples of {split}"
    units = scorer.target.units if scorer.experiment.NORMALIZE != "l2" else "unit norm"
    return save(draw(pairs, f"{scorer.experiment.output.run_name}\n{samples}", units), path)


def of_samples(scorer: Scorer, split: str, names: Sequence[str]) -> PixelPairs:
    """Return the valid pixels of some samples, target and prediction in physical units."""
    pairs = PixelPairs()
    for start in range(0, len(names), scorer.batch):
        images = shown(scorer, split, names[start : start + scorer.batch])
        pairs.add(flat(images.targets), flat(images.predictions))
    return pairs
