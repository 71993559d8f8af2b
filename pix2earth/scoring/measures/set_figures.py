"""Figures of a whole set of samples, such as the effective resolution: they are no means of scores of samples."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from metrics import OF_SETS, UNITS, VERSIONS, Scale, why_undefined

if TYPE_CHECKING:
    from experiment import Experiment

NO_SAMPLES = "every sample has a masked pixel, or a value that is not finite"


class SetFigures:
    """Collects what figures of a set need of each sample, for the prediction and each baseline.

    Attributes:
        names: of the figures.
        undefined: figures that a dataset does not have, with the reason.
    """

    def __init__(self, names: Sequence[str], experiment: Experiment, scale: Scale) -> None:
        """Start without samples.

        Args:
            names: of `metrics.OF_SETS`.
            experiment: the size of its images is used.
            scale: of the images.
        """
        self.names, self._scale = list(names), scale
        self._side = min(experiment.IMG_HEIGHT, experiment.IMG_WIDTH)
        bands = len(experiment.manifest.fields[experiment.manifest.target].bands)
        reasons = {name: why_undefined(name, bands, scale) for name in self.names}
        self.undefined = {name: reason for name, reason in reasons.items() if reason}
        self._collected: dict[str, dict[str, list[np.ndarray]]] = {}

    def start(self) -> None:
        """Forget all samples."""
        self._collected = {name: {} for name in self.names}

    def of_samples(
        self, target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, baselines: Sequence[str]
    ) -> dict[str, dict[str, tf.Tensor]]:
        """Return by figure and baseline ("" for the prediction) what the figure needs of each sample.

        Args:
            target: (samples, height, width, band) for the prediction, then again for each baseline.
            prediction: of the same shape.
            mask: (samples, height, width) or None.
            baselines: their names.
        """
        found = {}
        for name in (name for name in self.names if name not in self.undefined):
            values = _function(OF_SETS[name][0])(target, prediction, mask, self._scale)
            found[name] = dict(zip(("", *baselines), tf.split(values, len(baselines) + 1), strict=True))
        return found

    def add(self, values: Mapping[str, Mapping[str, tf.Tensor]], chosen: Sequence[int]) -> None:
        """Add the chosen samples of a batch."""
        for name, by_baseline in values.items():
            for baseline, of_batch in by_baseline.items():
                self._collected[name].setdefault(baseline, []).append(of_batch.numpy()[list(chosen)])

    def values(self) -> list[dict[str, Any]]:
        """Return for each figure its name ("metric"), "value", that of each baseline, samples, and why it is undefined.

        Values are NaN where they are undefined.
        """
        rows = []
        for name in self.names:
            row: dict[str, Any] = {"metric": name, "value": math.nan, "samples": 0}
            arrays = {key: np.concatenate(parts) for key, parts in self._collected.get(name, {}).items()}
            finite = [np.isfinite(array).all(axis=tuple(range(1, array.ndim))) for array in arrays.values()]
            # Of all baselines the same samples, those that the prediction and they have.
            common = np.all(finite, axis=0)
            for baseline, array in arrays.items():
                row[baseline or "value"] = _function(OF_SETS[name][1])(array[common], self._side, self._scale)
                row["samples"] = int(common.sum())
            if arrays and not row["samples"]:
                row["reason"] = NO_SAMPLES
            rows.append(row | ({"reason": self.undefined[name]} if name in self.undefined else {}))
        return rows

    def as_json(self) -> list[dict[str, Any]]:
        """Return ``values`` with null where a number is not finite, and their versions."""
        return [
            {
                key: None if isinstance(value, float) and not math.isfinite(value) else value
                for key, value in row.items()
            }
            | {"unit": UNITS.get(row["metric"], ""), "version": VERSIONS[row["metric"]]}
            for row in self.values()
        ]

    def lines(self) -> list[str]:
        """Return a line for each figure: "effective_gsd of 12 samples: 14.2 m; bicubic 28.4 m"."""
        lines = []
        for row in self.values():
            numbers = {key: value for key, value in row.items() if isinstance(value, float)}
            unit = UNITS.get(row["metric"], "")
            words = [
                f"{'' if key == 'value' else f'{key} '}{value:.4g} {unit}".strip() for key, value in numbers.items()
            ]
            reason = f" ({row['reason']})" if "reason" in row else ""
            lines.append(f"{row['metric']} of {row['samples']} samples together: {'; '.join(words)}{reason}")
        return lines


def _function(place: str) -> Any:
    module, function = place.split(":")
    return getattr(importlib.import_module(module), function)
