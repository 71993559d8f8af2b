"""Correlation of prediction and target at several resolutions (the inspector of Pix2PixCC, Jeong et al. 2022)."""

from __future__ import annotations

from typing import Any

from keras import ops

from losses.pooling import halved, halved_with_validity


def gen_cc(
    gen_output: Any,
    target: Any,
    validity: Any = None,
    cc_scales: int = 4,
    cc_concordance: bool = True,
    cc_epsilon: float = 1e-8,
) -> Any:
    """Return 1 minus the correlation coefficient of target and prediction, averaged over several resolutions.

    All images, bands and valid pixels of a batch are one vector. On several devices each has a vector of its own.

    Args:
        gen_output: ``(batch, height, width, band)``.
        target: of the same shape.
        validity: 1 where the target is a measurement, with one channel, or one for each time step that is folded; None:
            everywhere.
        cc_scales: number of resolutions, each half of the one before.
        cc_concordance: use the concordance coefficient (Lin 1989), not Pearson's.
        cc_epsilon: added to the denominators; data of a standard deviation of about its root count as constant.
    """
    if validity is not None:
        validity = ops.repeat(validity, target.shape[-1] // validity.shape[-1], axis=-1)
    values = []
    for scale in range(cc_scales):
        if scale and validity is None:
            target, gen_output = halved(target), halved(gen_output)
        elif scale:
            target, _ = halved_with_validity(target, validity)
            gen_output, validity = halved_with_validity(gen_output, validity)
        pearson, concordance = coefficients(target, gen_output, validity, cc_epsilon)
        values.append(1.0 - (concordance if cc_concordance else pearson))
    return sum(values[1:], values[0]) / cc_scales


def coefficients(target: Any, prediction: Any, validity: Any = None, epsilon: float = 1e-8) -> tuple[Any, Any]:
    """Return Pearson's and the concordance correlation coefficient, both 0 where one of the two is constant.

    Variances are those of a sample (divided by n - 1).

    Args:
        target: of any shape.
        prediction: of the same shape.
        validity: of the same shape, 1 where a value counts, otherwise 0; None: all count.
        epsilon: added to the denominators.
    """
    weights = ops.ones_like(target) if validity is None else validity
    count = ops.maximum(ops.sum(weights), 1.0)
    means = [ops.sum(weights * values) / count for values in (target, prediction)]
    first, second = (weights * (values - mean) for values, mean in zip((target, prediction), means, strict=True))
    squares, other_squares = ops.sum(ops.square(first)), ops.sum(ops.square(second))
    pearson = ops.sum(first * second) / (_root(squares) * _root(other_squares) + epsilon)
    degrees = ops.maximum(count - 1.0, 1.0)
    variance, other_variance = squares / degrees, other_squares / degrees
    spread = variance + other_variance + ops.square(means[0] - means[1]) + epsilon
    return pearson, 2.0 * pearson * _root(variance) * _root(other_variance) / spread


def _root(value: Any) -> Any:
    """Return the square root; its gradient at 0 is 0, not infinite, so that a constant image can be improved."""
    positive = value > 0
    return ops.where(positive, ops.sqrt(ops.where(positive, value, 1.0)), 0.0)
