"""Blocks of CTGAN's feature extractor: dilated bottlenecks, and the detection of clouds from features."""

from __future__ import annotations

from typing import Any

from keras import layers

from layers.aspp import convolved
from layers.batch_norm import UnbiasedBatchNorm


def bottleneck(x: Any, filters: int, named: dict[str, Any], name: str) -> Any:
    """Return three convolutions, the second with dilation 2; each with batch norm and ReLU.

    Args:
        x: ``(batch, height, width, channel)``.
        filters: number of channels of each.
        named: receives the layers by their published names.
        name: published name of the block.
    """
    for number, kernel, dilation in ((0, 1, 1), (3, 3, 2), (6, 1, 1)):
        x = convolved(x, filters, kernel, named, f"{name}.bottleneck", dilation=dilation, number=number)
    return x


def cloud_detection(filters: int, named: dict[str, Any]) -> Any:
    """Return the function from features to a mask, 0 to 1; each call uses the same layers.

    Args:
        filters: number of channels of the features.
        named: receives the layers by their published names.
    """
    parts: list[Any] = []
    for number, width in ((0, 2 * filters), (3, 4 * filters)):
        parts += [layers.Conv2D(width, 1), UnbiasedBatchNorm(), layers.ReLU()]
        named |= {f"cloud_detection.cloud_det.{number + index}": parts[-3 + index] for index in (0, 1)}
    parts += [layers.Conv2D(1, 1), layers.Activation("sigmoid")]
    named["cloud_detection.cloud_det.6"] = parts[-2]

    def detect(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x

    return detect
