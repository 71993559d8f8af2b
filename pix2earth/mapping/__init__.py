"""Georeferenced inference: a network predicts a scene in overlapping windows, which are blended into one raster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pix2earth.mapping.arrays import predict_array

__all__ = ["predict_array"]


def __getattr__(name: str) -> Any:
    """Import ``predict_array`` when it is asked for: ``predict.py --help`` needs no NumPy."""
    if name != "predict_array":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from pix2earth.mapping.arrays import predict_array

    return predict_array
