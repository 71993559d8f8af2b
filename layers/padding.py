"""Padding of images by repeated edges, by reflection or by zeros."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

KINDS = ("replication", "reflection", "zero")
"""Edges repeated; reflected without repeating the edge, which needs more pixels a side than are added; zeros."""


@keras.saving.register_keras_serializable("pix2earth")
class Padding(keras.layers.Layer):
    """Add ``size`` pixels at all four sides of images ``(batch, height, width, channel)``."""

    def __init__(self, size: int, kind: str = "replication", **kwargs: Any) -> None:
        """Store the settings.

        Args:
            size: number of pixels at each side.
            kind: one of ``KINDS``.
            kwargs: arguments of every Keras layer.

        Raises:
            ValueError: another kind.
        """
        super().__init__(**kwargs)
        if kind not in KINDS:
            raise ValueError(f"padding must be one of {', '.join(KINDS)}, not {kind!r}")
        self.size, self.kind = size, kind

    def call(self, x: Any) -> Any:
        """Return the padded images."""
        if self.kind == "replication":
            return _replicated(_replicated(x, self.size, axis=1), self.size, axis=2)
        widths = ((0, 0), (self.size, self.size), (self.size, self.size), (0, 0))
        return ops.pad(x, widths, mode="reflect" if self.kind == "reflection" else "constant")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the padded shape."""
        batch, height, width, channels = input_shape
        height, width = (None if side is None else side + 2 * self.size for side in (height, width))
        return batch, height, width, channels

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "size": self.size, "kind": self.kind}


def _replicated(x: Any, size: int, axis: int) -> Any:
    """Return images with both edges of an axis, 1 or 2, repeated; no backend pads so."""
    first, last = (x[:, :1], x[:, -1:]) if axis == 1 else (x[:, :, :1], x[:, :, -1:])
    return ops.concatenate([first] * size + [x] + [last] * size, axis=axis)
