"""Weights of published PyTorch networks, carried over to Keras networks by their names.

A plug-in that rebuilds a published network has a method ``published_names``, which returns for each of its networks the
variable of every name in the published state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

PARTS = {
    "weight": ("kernel", "gamma", "alpha", "table"),
    "bias": ("bias", "beta"),
    "running_mean": ("moving_mean",),
    "running_var": ("moving_variance",),
}
"""Last part of a published name -> attributes of Keras layers, of which a layer has at most one."""
IGNORED = ("num_batches_tracked",)
"""Last parts of names of published states that no network needs."""


def converted(array: np.ndarray) -> np.ndarray:
    """Return a published array in the layout of Keras, kernels with their spatial axes first.

    Convolutions (out, in, height, width) become (height, width, in, out), transposed ones (in, out, height, width)
    (height, width, out, in), matrices (out, in) (in, out); vectors and numbers stay.
    """
    if array.ndim in (2, 3, 4, 5):
        spatial = range(2, array.ndim)
        return np.transpose(array, (*spatial, 1, 0))
    return array


def assign(state: Mapping[str, np.ndarray], variables: Mapping[str, Any]) -> None:
    """Assign a published state to variables; nothing is assigned where something does not fit.

    Args:
        state: published arrays by name.
        variables: Keras variables by published name.

    Raises:
        ValueError: names of one are not in the other, or shapes differ; with all of them.
    """
    given = {name: array for name, array in state.items() if name.rsplit(".", 1)[-1] not in IGNORED}
    lines = [f"{name}: the network has no such weight" for name in given if name not in variables]
    lines += [f"{name}: is missing" for name in variables if name not in given]
    arrays = {name: converted(np.asarray(given[name])) for name in variables if name in given}
    for name, array in arrays.items():
        if tuple(array.shape) != tuple(variables[name].shape):
            lines.append(f"{name}: is {list(array.shape)}, the network has {list(variables[name].shape)}")
    if lines:
        raise ValueError("\n".join(lines))
    for name, array in arrays.items():
        variables[name].assign(array)


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
