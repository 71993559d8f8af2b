"""Panels of a plug-in: images of its method ``panels``, which sample images show as further columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from pix2earth.plugins import starting, state
from pix2earth.plugins.contract import bind, parameters
from pix2earth.plugins.failures import attributed_to
from pix2earth.settings.errors import UserError

COLUMNS = ("Input", "Target", "Prediction", "Error")
"""Titles of the columns that every sample image has; no panel begins with one of them and a comma."""


class PanelImages(NamedTuple):
    """Images of one title.

    Attributes:
        values: float32 (sample, [time step,] height, width, band).
        role: "input" or "target" where they have the bands of it, in the values of the network; else None.
    """

    values: np.ndarray
    role: str | None


def computed(gan: Any, path: Path, fields: Mapping[str, Any]) -> dict[str, PanelImages]:
    """Return the images of a plug-in's method ``panels`` by title; none where it has no such method.

    All variables of the plug-in have the same values as before: panels cannot change a training.

    Args:
        gan: the plug-in.
        path: its file.
        fields: the prepared fields of a batch by name, with ``validity`` and ``prediction``.

    Raises:
        UserError: the method fails, asks for another field, or returns something else than images by title.
    """
    if not callable(getattr(gan, "panels", None)):
        return {}
    with attributed_to(path, "panels() fails"), state.unchanged(gan):
        with starting.given(gan, fields):
            found = gan.panels(**bind(path, "panels", parameters(gan.panels), fields))
        if not isinstance(found, Mapping):
            raise UserError(f"{path}: panels() returns {type(found).__name__}; it must return a dict, title to image")
        images = {title: tf.cast(tf.convert_to_tensor(image), tf.float32).numpy() for title, image in found.items()}
    roles = {role: tuple(fields[name].shape) for role, name in (("target", "target"), ("input", "input_image"))}
    return {title: _checked(path, title, values, roles) for title, values in images.items()}


def _checked(path: Path, title: Any, values: np.ndarray, roles: Mapping[str, Sequence[int]]) -> PanelImages:
    """Return images with the role whose bands they have.

    Args:
        path: file of the plug-in.
        title: of the images.
        values: what the plug-in returned.
        roles: shapes of target and input.

    Raises:
        UserError: title or shape do not fit a sample image.
    """
    if not isinstance(title, str) or not title or title.split(",")[0] in COLUMNS:
        raise UserError(f"{path}: panels() returns the title {title!r}; use a text other than {', '.join(COLUMNS)}")
    batch, shown = roles["target"][0], " x ".join(map(str, values.shape)) or "a single number"
    if values.ndim not in (4, 5) or values.shape[0] != batch or 0 in values.shape:
        raise UserError(
            f"{path}: panels() returns '{title}' of {shown}; it must be {batch} images: samples, [time steps,] rows,"
            " columns, bands"
        )
    bands = values.shape[-1]
    fitting = [role for role, shape in roles.items() if _same_bands(values.shape, shape)]
    if bands == 1 or not fitting:
        if bands == 2:
            raise UserError(
                f"{path}: panels() returns '{title}' with 2 bands; it must have one, at least three, or those of input"
                " or target"
            )
        return PanelImages(values, None)
    preferred = "input" if title.lower().startswith("input") else "target"
    return PanelImages(values, preferred if preferred in fitting else fitting[0])


def _same_bands(shape: Sequence[int], other: Sequence[int]) -> bool:
    """Return whether images have the same bands, and the same time steps where there is such an axis."""
    return len(shape) == len(other) and shape[-1] == other[-1] and shape[1:-3] == other[1:-3]
