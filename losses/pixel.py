"""Losses of pixel values: differences between prediction and target, averaged over the valid pixels of a batch."""

from __future__ import annotations

from typing import Any

from keras import ops

from losses.masking import mean

#: Added under the root of `rmse`, whose gradient at 0 is infinite without it. It changes the value by 1e-6 at most.
RMSE_EPSILON = 1e-12


def l1(gen_output: Any, target: Any, validity: Any = None) -> Any:
    """Return the mean absolute difference."""
    return mean(ops.abs(target - gen_output), validity)


def l2(gen_output: Any, target: Any, validity: Any = None) -> Any:
    """Return the mean squared difference."""
    return mean(ops.square(target - gen_output), validity)


def smooth_l1(gen_output: Any, target: Any, validity: Any = None) -> Any:
    """Return the mean Huber loss with threshold 1 (smooth L1): d^2 / 2 where |d| < 1, else |d| - 1/2."""
    size = ops.abs(target - gen_output)
    return mean(ops.where(size < 1.0, 0.5 * ops.square(size), size - 0.5), validity)


def total_variation(gen_output: Any) -> Any:
    """Return the anisotropic total variation: mean absolute differences of neighbours, down plus across.

    Rudin, Osher and Fatemi 1992. It is 0 along a side of one pixel.
    """
    down = ops.abs(gen_output[:, 1:] - gen_output[:, :-1])
    across = ops.abs(gen_output[:, :, 1:] - gen_output[:, :, :-1])
    return sum((ops.mean(differences) for differences in (down, across) if 0 not in differences.shape), ops.zeros(()))


def rmse(gen_output: Any, target: Any, validity: Any = None) -> Any:
    """Return the root of the mean squared difference of the whole batch, not the mean of the roots of its images."""
    return ops.sqrt(l2(gen_output, target, validity) + RMSE_EPSILON)
