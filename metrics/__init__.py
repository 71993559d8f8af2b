"""Image quality measures, batched in TensorFlow.

A metric is a function `(target, prediction, mask, scale) -> (batch,)`; `METRICS` says where each one lives.
To add one, write the function and add one line to the table. Importing this package imports neither
TensorFlow nor NumPy.
"""

from __future__ import annotations

import functools
import importlib
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

METRICS: dict[str, str] = {
    "SAM": "metrics.spectral:spectral_angle",
    "sCC": "metrics.correlation:spatial_correlation",
    "CC": "metrics.correlation:correlation",
    "HPSI": "metrics.haarpsi:haarpsi",
    "SSIM": "metrics.structural:ssim",
    "PSNR": "metrics.pixelwise:psnr",
    "RMSE": "metrics.pixelwise:rmse",
    "ERGAS": "metrics.spectral:ergas",
    "UIQC": "metrics.structural:uiqi",
    "MAE": "metrics.pixelwise:mae",
}
"""Name, which is also the column of the CSV in this order -> "module:function"."""

PUBLISHED: dict[str, str] = {
    "SAM_aris": "metrics.arisgan:spectral_angle",
    "sCC_aris": "metrics.arisgan:spatial_correlation",
    "CC_aris": "metrics.arisgan:correlation",
    "HPSI_aris": "metrics.arisgan:haarpsi",
    "SSIM_aris": "metrics.arisgan:ssim",
    "PSNR_aris": "metrics.arisgan:psnr",
    "RMSE_aris": "metrics.arisgan:rmse",
    "ERGAS_aris": "metrics.arisgan:ergas",
    "UIQC_aris": "metrics.arisgan:uiqc",
}
"""The same for measures as the published ARISGAN program computes them; only computed when asked for."""

KNOWN = ChainMap(PUBLISHED, METRICS)
"""Both tables in one, those of `METRICS` first (a ChainMap lists its last mapping first)."""

GROUPS: dict[str, Mapping[str, str]] = {"all": METRICS, "arisgan": KNOWN}
"""What an experiment may write instead of a list of names."""

LOWER_IS_BETTER = frozenset({"SAM", "RMSE", "ERGAS", "MAE", "SAM_aris", "RMSE_aris", "ERGAS_aris"})

UNITS: dict[str, str] = {
    "SAM": "rad",
    "PSNR": "dB",
    "RMSE": "data",
    "ERGAS": "%",
    "MAE": "data",
    "SAM_aris": "rad",
    "PSNR_aris": "dB",
    "RMSE_aris": "data",
    "ERGAS_aris": "%",
}
"""Units for display; "data" is the unit of the images themselves. A metric not listed is a plain number."""


@dataclass(frozen=True)
class Scale:
    """What the numbers in the images mean.

    Attributes:
        data_range: valid_max - valid_min in physical units, for PSNR, SSIM and HPSI.
        ratio: ground sampling distance of the high resolution over that of the low one, for ERGAS.
        rgb: indices of the red, green and blue bands, for HPSI; with fewer than three bands rgb[0] is grey.
    """

    data_range: float
    ratio: float = 1.0
    rgb: tuple[int, int, int] = (0, 1, 2)


@functools.cache  # also keeps AutoGraph from trying to convert the import
def metric(name: str) -> Callable[..., tf.Tensor]:
    """Return the function of a metric, importing its module at the first use.

    Raises:
        KeyError: the tables have no such name.
    """
    if name not in KNOWN:
        raise KeyError(f"unknown metric {name!r}: choose from {', '.join(KNOWN)}")
    module, function = KNOWN[name].split(":")
    return getattr(importlib.import_module(module), function)


def score(
    target: tf.Tensor,
    prediction: tf.Tensor,
    scale: Scale,
    names: Iterable[str] | None = None,
    mask: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    """Score each prediction of a batch by each metric asked for.

    Works eagerly and inside a tf.function, with an unknown batch size too. A sample without any valid pixel
    or window scores NaN, and what lies outside of the mask has no influence, be it NaN. The metrics of `PUBLISHED`
    take every pixel, whatever the mask.

    Args:
        target: float32 or float64, (batch, height, width, band), in physical units.
        prediction: as `target`.
        scale: what the numbers mean.
        names: metrics of `KNOWN`; all of `METRICS` by default.
        mask: (batch, height, width), non-zero where a pixel counts; all pixels count by default.

    Returns:
        Name -> scores of shape (batch,), in the order of `names`.
    """
    functions = {name: metric(name) for name in (METRICS if names is None else names)}
    return {name: function(target, prediction, mask, scale) for name, function in functions.items()}
