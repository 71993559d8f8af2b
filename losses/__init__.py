"""Generator and discriminator losses, by the names that experiment.json uses.

The two tables contain only strings, so that an experiment can be validated without importing Keras; the module of a
loss is imported at its first use. A new loss is one function and one line in a table.

A loss function gets its arguments by the names of its parameters. A generator loss may use
``disc_generated_output``, ``gen_output``, ``target``, ``loss_object`` and ``data_range``; a discriminator loss
``disc_real_output``, ``disc_generated_output``, ``loss_object`` and ``label_smoothing``. Tensors are float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

#: Terms of the generator loss as "module:function", in the order in which they are summed.
GENERATOR_LOSSES: dict[str, str] = {
    "gen_gan": "losses.adversarial:gen_bce",
    "gen_nll": "losses.adversarial:gen_nll",
    "gen_ssim": "losses.ssim:gen_ssim",
    "gen_l1": "losses.pixel:l1",
    "gen_l2": "losses.pixel:l2",
    "gen_rmse": "losses.pixel:rmse",
    "gen_wstein": "losses.adversarial:gen_wstein",
    "gen_lsgan": "losses.adversarial:gen_lsgan",
    "gen_hinge": "losses.adversarial:gen_hinge",
    "gen_sam": "losses.spectral:spectral_angle",
    "gen_tv": "losses.pixel:total_variation",
}

#: Terms of the discriminator loss as "module:function", in the order in which they are summed.
DISCRIMINATOR_LOSSES: dict[str, str] = {
    "disc_bce": "losses.adversarial:disc_bce",
    "disc_nll": "losses.adversarial:disc_nll",
    "disc_wstein": "losses.adversarial:disc_wstein",
    "disc_lsgan": "losses.adversarial:disc_lsgan",
    "disc_hinge": "losses.adversarial:disc_hinge",
}


def generator_loss(
    disc_generated_output: Any,
    gen_output: Any,
    target: Any,
    weights: Mapping[str, float | None],
    loss_object: Callable[[Any, Any], Any] | None = None,
    data_range: float = 2.0,
) -> tuple[Any, dict[str, Any]]:
    """Return the generator's total loss and its unweighted terms.

    Args:
        disc_generated_output: discriminator output for (input, generated), of any shape; None where no weight is that
            of an adversarial loss.
        gen_output: generated images, ``(batch, height, width, band)``.
        target: target images of the same shape.
        weights: name of ``GENERATOR_LOSSES`` -> weight, a number or a scalar tensor or variable. ``None`` or absent:
            not computed. The number 0: computed and returned, but not added to the total, so that a NaN of this term
            reaches neither the total nor a gradient.
        loss_object: ``loss(labels, outputs)`` of ``gen_gan``; None: binary cross-entropy of logits.
        data_range: largest minus smallest possible value of the images: 2 for -1..1, 1 for 0..1.

    Raises:
        ValueError: an unknown name; the message has the nearest valid one.
    """
    tensors = {
        "disc_generated_output": disc_generated_output,
        "gen_output": gen_output,
        "target": target,
    }
    settings = {"loss_object": loss_object, "data_range": data_range}
    return _weighted_sum(GENERATOR_LOSSES, weights, tensors, settings)


def discriminator_loss(
    disc_real_output: Any,
    disc_generated_output: Any,
    weights: Mapping[str, float | None],
    loss_object: Callable[[Any, Any], Any] | None = None,
    label_smoothing: float = 0.0,
) -> tuple[Any, dict[str, Any]]:
    """Return the discriminator's total loss and its unweighted terms.

    Args:
        disc_real_output: discriminator output for (input, target), of any shape.
        disc_generated_output: discriminator output for (input, generated), of the same shape.
        weights: name of ``DISCRIMINATOR_LOSSES`` -> weight, as in `generator_loss`.
        loss_object: ``loss(labels, outputs)`` of ``disc_bce``; None: binary cross-entropy of logits.
        label_smoothing: how much the label of a target is below 1 in ``disc_bce``.

    Raises:
        ValueError: an unknown name; the message has the nearest valid one.
    """
    tensors = {"disc_real_output": disc_real_output, "disc_generated_output": disc_generated_output}
    settings = {"loss_object": loss_object, "label_smoothing": label_smoothing}
    return _weighted_sum(DISCRIMINATOR_LOSSES, weights, tensors, settings)


def needs_discriminator(generator_weights: Mapping[str, Any], discriminator_weights: Mapping[str, Any]) -> bool:
    """Return whether any loss that is computed is a function of the discriminator output."""
    computed = [name for name, weight in generator_weights.items() if weight is not None]
    return any(map(is_adversarial, computed)) or any(weight is not None for weight in discriminator_weights.values())


def is_adversarial(name: str) -> bool:
    """Return whether a generator loss is a function of the discriminator output."""
    return "disc_generated_output" in _function(GENERATOR_LOSSES[name])[1]


def _weighted_sum(
    table: Mapping[str, str],
    weights: Mapping[str, float | None],
    tensors: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> tuple[Any, dict[str, Any]]:
    """Compute the terms that have a weight and sum them in the order of the table."""
    from keras import ops

    for name in weights:
        if name not in table:
            raise ValueError(_unknown(name, table))
    # Means and logarithms of half-precision outputs would be too inaccurate.
    arguments = {name: ops.cast(tensor, "float32") for name, tensor in tensors.items() if tensor is not None}
    arguments |= settings
    total, terms = ops.zeros((), "float32"), {}
    for name, location in table.items():
        weight = weights.get(name)
        if weight is None:
            continue
        function, parameters = _function(location)
        terms[name] = function(**{parameter: arguments[parameter] for parameter in parameters})
        if not isinstance(weight, int | float) or weight != 0:  # 0 * NaN is NaN, in the total and in every gradient
            total = total + weight * terms[name]
    return total, terms


@cache  # AutoGraph does not convert a cached function; of a converted one it would warn about the import
def _function(location: str) -> tuple[Callable[..., Any], list[str]]:
    """Import ``module:function`` and return it with the names of its parameters."""
    from inspect import signature

    module, _, name = location.partition(":")
    function = getattr(import_module(module), name)
    return function, list(signature(function).parameters)


def _unknown(name: str, table: Mapping[str, str]) -> str:
    """Return the error message for a name that is not in the table."""
    from difflib import get_close_matches

    nearest = get_close_matches(name, table, n=1)
    hint = f": did you mean '{nearest[0]}'?" if nearest else ","
    return f"unknown loss '{name}'{hint} valid names are {', '.join(table)}"
