"""What a reference classifier makes of true, generated and input frames, and how frames change over time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from pix2earth.land_cover.pixel_series import GENERATED, INPUT, TRUE, PixelSeries, pixel_features

Predict = Callable[[np.ndarray], np.ndarray]
Indices = tuple[int, int, int]


class Judge:
    """Adds up, series by series, confusions, errors of changes, and NDVI.

    Attributes:
        classes: that are told apart, sorted.
    """

    def __init__(self, predict: Predict, classes: Iterable[int], green_red_infrared: Indices | None) -> None:
        """Start without series.

        Args:
            predict: (pixel, feature) -> class of each pixel; 0: none.
            classes: that the classifier knows.
            green_red_infrared: indices of these bands, for NDVI; None: unknown.
        """
        self._predict, self.classes = predict, sorted(classes)
        self._series: Counter[str] = Counter()
        self._bands = green_red_infrared
        self._pairs: dict[str, dict[tuple[int, int], int]] = {}
        self._changes: dict[str, dict[int, np.ndarray]] = {}
        self._ndvi: dict[str, dict[int, np.ndarray]] = {}

    @property
    def series(self) -> int:
        """Number of series so far: of generated frames, or of true ones where there are no others."""
        return self._series[GENERATED] or self._series[TRUE]

    def add(self, series: PixelSeries) -> None:
        """Classify the frames of a series, at the pixels that have a class and are measured at all time steps.

        Errors of changes need true frames of the same series.
        """
        chosen = series.chosen
        labels = series.labels[chosen]
        self.classes = sorted({*self.classes, *np.unique(labels).tolist()})
        self._series.update(series.frames.keys())
        for kind, frames in series.frames.items():
            pairs = self._pairs.setdefault(kind, {})
            predicted = self._predict(pixel_features(frames, chosen))
            for (true, found), count in zip(*_counted(labels, predicted), strict=True):
                pairs[true, found] = pairs.get((true, found), 0) + count
            if TRUE in series.frames:
                self._add_changes(kind, frames[:, chosen], series.frames[TRUE][:, chosen], labels)
            self._add_ndvi(kind, frames[:, chosen], labels)

    def _add_changes(self, kind: str, frames: np.ndarray, true: np.ndarray, labels: np.ndarray) -> None:
        """Add errors of the change between time steps, and the change of the truth itself, by class."""
        if len(frames) < 2:
            return
        wanted = np.diff(true.astype(np.float64), axis=0)
        error = np.abs(np.diff(frames.astype(np.float64), axis=0) - wanted)
        sums = self._changes.setdefault(kind, {})
        for one in np.unique(labels).tolist():
            of_class = labels == one
            values = error[:, of_class]
            row = [values.sum(), np.abs(wanted[:, of_class]).sum(), values.size]
            sums[one] = sums.get(one, np.zeros(3)) + row

    def _add_ndvi(self, kind: str, frames: np.ndarray, labels: np.ndarray) -> None:
        if self._bands is None:
            return
        red, infrared = (frames[..., band].astype(np.float64) for band in self._bands[1:])
        total = red + infrared
        bright = total > 1e-4
        values = np.where(bright, (infrared - red) / np.where(bright, total, 1.0), 0.0)
        sums = self._ndvi.setdefault(kind, {})
        for one in np.unique(labels).tolist():
            of_class = labels == one
            row = np.stack([values[:, of_class].sum(axis=1), bright[:, of_class].sum(axis=1)], axis=-1)
            sums[one] = sums.get(one, np.zeros(row.shape)) + row

    def confusion(self, kind: str) -> np.ndarray:
        """Return the number of pixels, int (class, class + 1): rows true, columns predicted; the last column: none."""
        places = {one: index for index, one in enumerate(self.classes)}
        matrix = np.zeros((len(places), len(places) + 1), np.int64)
        for (true, found), count in self._pairs[kind].items():
            matrix[places[true], places.get(found, len(places))] += count
        return matrix

    def result(self) -> dict[str, Any]:
        """Return scores, errors of changes and NDVI of each kind of frames, as JSON without values that are not finite.

        "frames" has for each kind "confusion", the scores of ``scores`` and "change"; "ndvi" for each class and kind
        the means of each time step.
        """
        frames = {}
        for kind in (kind for kind in (TRUE, GENERATED, INPUT) if kind in self._pairs):
            matrix = self.confusion(kind)
            frames[kind] = {"confusion": matrix.tolist(), **scores(matrix, self.classes), "change": self._change(kind)}
        ndvi = {
            str(one): {kind: _means(sums[one]) for kind, sums in self._ndvi.items() if one in sums}
            for one in self.classes
        }
        ceiling = frames[TRUE]["accuracy"] if TRUE in frames else None
        made = frames.get(GENERATED, {}).get("accuracy")
        ratio = made / ceiling if made is not None and ceiling else None
        return {"classes": self.classes, "series": self.series, "frames": frames, "ratio": ratio, "ndvi": ndvi}

    def _change(self, kind: str) -> dict[str, Any] | None:
        """Return the mean error of changes and their mean size in the truth, over all pixels and of each class."""
        sums = self._changes.get(kind)
        if not sums:
            return None
        error, size, count = np.sum(list(sums.values()), axis=0)
        by_class = {str(one): float(row[0] / row[2]) for one, row in sorted(sums.items())}
        found = {"error": float(error / count), "of_truth": float(size / count), "by_class": by_class}
        return _finite(found)


def _counted(labels: np.ndarray, predicted: np.ndarray) -> tuple[list[tuple[int, int]], list[int]]:
    """Return the pairs (true, predicted) that occur, and how often."""
    pairs, counts = np.unique(np.stack([labels, predicted], axis=1), axis=0, return_counts=True)
    return [(int(true), int(found)) for true, found in pairs], counts.tolist()


def _means(sums: np.ndarray) -> list[float | None]:
    """Return the mean at each time step of (time, (sum, count)); None where no pixel counts or one is not finite."""
    return [float(total / count) if count and math.isfinite(total) else None for total, count in sums]


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def scores(matrix: np.ndarray, classes: list[int]) -> dict[str, Any]:
    """Return scores of a confusion matrix.

    Args:
        matrix: (class, class + 1) as ``Judge.confusion`` returns it.
        classes: their numbers.

    Returns:
        "accuracy"; "iou_micro" (the sum of hits over the sum of unions: accuracy / (2 - accuracy)); "f1" and "iou",
        means over the classes that occur; "pixels"; "by_class": for each that occurs "pixels", "precision", "recall",
        "f1", "iou". None where there is no pixel.
    """
    hits, true, found = np.diag(matrix), matrix.sum(axis=1), matrix[:, :-1].sum(axis=0)
    by_class: dict[str, dict[str, float]] = {}
    for index in np.flatnonzero(true):
        hit, wanted, made = int(hits[index]), int(true[index]), int(found[index])
        by_class[str(classes[index])] = {
            "pixels": wanted, "precision": hit / made if made else 0.0, "recall": hit / wanted,
            "f1": 2 * hit / (wanted + made), "iou": hit / (wanted + made - hit),
        }  # fmt: skip
    total = int(true.sum())
    accuracy = int(hits.sum()) / total if total else None
    means = {
        name: float(np.mean([each[name] for each in by_class.values()])) if by_class else None for name in ("f1", "iou")
    }
    micro = accuracy / (2 - accuracy) if accuracy is not None else None
    return {"accuracy": accuracy, "iou_micro": micro, **means, "pixels": total, "by_class": by_class}
