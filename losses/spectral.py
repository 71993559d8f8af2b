"""Losses of spectra: the angle between the bands of a pixel of prediction and target."""

from __future__ import annotations

from typing import Any

from keras import ops

from losses.masking import mean

#: Added to squared norms, so that a spectrum of zeros has an angle and a gradient.
EPSILON = 1e-12


def spectral_angle(gen_output: Any, target: Any, validity: Any = None) -> Any:
    """Return the mean angle between the spectra of prediction and target, in rad (Kruse et al. 1993).

    The angle is atan2 of the length of the difference of the unit vectors and of their sum, times two (Kahan): the arc
    cosine has an infinite gradient at 0. It is that of the network's values: with ``normalize`` "symmetric" or "unit",
    spectra begin at the lower end of the valid range.
    """
    generated, true = _unit(gen_output), _unit(target)
    difference, total = _norm(generated - true), _norm(generated + true)
    return mean(ops.expand_dims(2.0 * ops.arctan2(difference, total), -1), validity)


def _unit(image: Any) -> Any:
    return image / ops.expand_dims(_norm(image), -1)


def _norm(image: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(image), axis=-1) + EPSILON)
