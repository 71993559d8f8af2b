"""Layers by the names that a published network has for them, and their variables by published names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

PARTS = {
    "weight": ("kernel", "gamma", "alpha", "table"),
    "bias": ("bias", "beta"),
    "running_mean": ("moving_mean",),
    "running_var": ("moving_variance",),
}
"""Last part of a published name -> attributes of Keras layers, of which a layer has at most one."""


def variables(layers: Mapping[str, keras.layers.Layer]) -> dict[str, keras.Variable]:
    """Return the variables of built layers by published names, such as ``conv_in.0.weight``.

    Args:
        layers: by their published names, such as ``conv_in.0``.
    """
    found: dict[str, Any] = {}
    for name, layer in layers.items():
        for part, attributes in PARTS.items():
            for attribute in attributes:
                variable = getattr(layer, attribute, None)
                if isinstance(variable, keras.Variable):
                    found[f"{name}.{part}"] = variable
    return found
