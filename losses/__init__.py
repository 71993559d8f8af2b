"""Generator and discriminator losses, by the names that experiment.json uses.

The two tables contain only strings, so that an experiment can be validated without importing Keras; the module of a
loss is imported at its first use. A new loss is one function and one line in a table.

A loss function gets its arguments by the names of its parameters. A generator loss may name
``disc_generated_output``, ``gen_output``, ``target``, ``loss_object`` and ``data_range``; a discriminator loss
``disc_real_output``, ``disc_generated_output``, ``loss_object`` and ``label_smoothing``. Both may name any field of the
batch, ``validity`` (where the target is a measurement), and what the plug-in's training step adds, such as features.
What is not always there has a default in the function. Tensors are float32, classes int32.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
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
    "gen_cc": "losses.correlation:gen_cc",
    "gen_fm": "losses.features:gen_fm",
}

#: Terms of the discriminator loss as "module:function", in the order in which they are summed.
DISCRIMINATOR_LOSSES: dict[str, str] = {
    "disc_bce": "losses.adversarial:disc_bce",
    "disc_nll": "losses.adversarial:disc_nll",
    "disc_wstein": "losses.adversarial:disc_wstein",
    "disc_lsgan": "losses.adversarial:disc_lsgan",
    "disc_hinge": "losses.adversarial:disc_hinge",
    "disc_fooling_rate": "losses.judgements:disc_fooling_rate",
    "disc_recall": "losses.judgements:disc_recall",
    "disc_precision": "losses.judgements:disc_precision",
}

LOGGED_ALONE = ("disc_fooling_rate", "disc_recall", "disc_precision")
"""Terms without a gradient, of which only the weight 0 has a meaning."""
WITHOUT_PROBABILITY = ("disc_lsgan", "disc_wstein")
"""Losses of discriminators whose output is no probability, nor its logit, so that such shares have no meaning."""


OUTPUTS = ("disc_real_output", "disc_generated_output")
"""Parameters that may be lists, of a discriminator of several scales."""


def generator_loss(
    disc_generated_output: Any,
    gen_output: Any,
    target: Any,
    weights: Mapping[str, float | None],
    loss_object: Callable[[Any, Any], Any] | None = None,
    data_range: float = 2.0,
    fields: Mapping[str, Any] | None = None,
    terms: Mapping[str, Any] | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Return the generator's total loss and its unweighted terms.

    Args:
        disc_generated_output: discriminator output for (input, generated), of any shape, or a list of those of several
            scales, over which adversarial losses are averaged; None where no weight is that of an adversarial loss.
        gen_output: generated images, ``(batch, height, width, band)``.
        target: target images of the same shape.
        weights: name of ``GENERATOR_LOSSES`` or of ``terms`` -> weight, a number or a scalar tensor or variable.
            ``None`` or absent: not computed. The number 0: computed and returned, but not added to the total, so that a
            NaN of this term reaches neither the total nor a gradient.
        loss_object: ``loss(labels, outputs)`` of ``gen_gan``; None: binary cross-entropy of logits.
        data_range: largest minus smallest possible value of the images: 2 for -1..1, 1 for 0..1.
        fields: whatever else loss functions name as parameters: fields of the batch, ``validity``, features.
        terms: values of a plug-in's own losses by name.

    Raises:
        ValueError: an unknown name; the message has the nearest valid one. A loss that names what is not there.
    """
    tensors = {
        "disc_generated_output": disc_generated_output,
        "gen_output": gen_output,
        "target": target,
    }
    settings = {**(fields or {}), "loss_object": loss_object, "data_range": data_range}
    return _weighted_sum(GENERATOR_LOSSES, weights, tensors, settings, terms or {})


def discriminator_loss(
    disc_real_output: Any,
    disc_generated_output: Any,
    weights: Mapping[str, float | None],
    loss_object: Callable[[Any, Any], Any] | None = None,
    label_smoothing: float = 0.0,
    fields: Mapping[str, Any] | None = None,
    terms: Mapping[str, Any] | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Return the discriminator's total loss and its unweighted terms.

    Args:
        disc_real_output: discriminator output for (input, target), of any shape, or a list of those of several scales.
        disc_generated_output: discriminator output for (input, generated), of the same shape.
        weights: name of ``DISCRIMINATOR_LOSSES`` or of ``terms`` -> weight, as in `generator_loss`.
        loss_object: ``loss(labels, outputs)`` of ``disc_bce``; None: binary cross-entropy of logits.
        label_smoothing: how much the label of a target is below 1 in ``disc_bce``.
        fields: as in `generator_loss`.
        terms: as in `generator_loss`.

    Raises:
        ValueError: as in `generator_loss`.
    """
    tensors = {"disc_real_output": disc_real_output, "disc_generated_output": disc_generated_output}
    settings = {**(fields or {}), "loss_object": loss_object, "label_smoothing": label_smoothing}
    return _weighted_sum(DISCRIMINATOR_LOSSES, weights, tensors, settings, terms or {})


def needs_discriminator(generator_weights: Mapping[str, Any], discriminator_weights: Mapping[str, Any]) -> bool:
    """Return whether any loss that is computed is a function of the discriminator output."""
    adversarial = [name for name in generator_weights if is_adversarial(name) and generator_weights[name] is not None]
    return bool(adversarial) or any(discriminator_weights[name] is not None for name in discriminator_weights)


def wrong_share(weights: Mapping[str, Any]) -> str | None:
    """Return why a share of `LOGGED_ALONE` has no meaning with the weights of a discriminator's losses, or None."""
    for name in LOGGED_ALONE:
        if weights.get(name):
            return f"{name} has no gradient and can only be logged; its weight is 0, not {weights[name]}"
        others = [loss for loss in WITHOUT_PROBABILITY if weights.get(loss)]
        if weights.get(name) is not None and others:
            return f"{name} counts probabilities above 0.5, which {others[0]} does not teach; leave it out"
    return None


def is_adversarial(name: str) -> bool:
    """Return whether a generator loss of the table is a function of the discriminator's output or features."""
    judged = {"disc_generated_output", "disc_generated_features"}
    return name in GENERATOR_LOSSES and not judged.isdisjoint(_function(GENERATOR_LOSSES[name])[1])


def compares_with_target(name: str) -> bool:
    """Return whether a generator loss of the table is a function of the target, so that it needs pairs."""
    return name in GENERATOR_LOSSES and "target" in _function(GENERATOR_LOSSES[name])[1]


def _weighted_sum(
    table: Mapping[str, str],
    weights: Mapping[str, float | None],
    tensors: Mapping[str, Any],
    settings: Mapping[str, Any],
    terms: Mapping[str, Any],
) -> tuple[Any, dict[str, Any]]:
    """Compute the terms that have a weight and sum them in the order of the table, then a plug-in's own."""
    from keras import ops

    for name in weights:
        if name not in table and name not in terms:
            raise ValueError(_unknown(name, [*table, *terms]))
    arguments = {name: _as_float32(tensor) for name, tensor in tensors.items() if tensor is not None}
    arguments = {**settings, **arguments}
    total, results = ops.zeros((), "float32"), {}
    for name in [*table, *terms]:
        weight = weights.get(name)
        if weight is None:
            continue
        if _is_zero(weight) and name in table and _missing(table[name], arguments):
            continue  # a default of an experiment whose model has no discriminator
        results[name] = ops.cast(terms[name], "float32") if name in terms else _term(name, table[name], arguments)
        if not _is_zero(weight):  # 0 * NaN is NaN, in the total and in every gradient
            total = total + weight * results[name]
    return total, results


def _is_zero(weight: Any) -> bool:
    """Return whether a weight is the number 0, and not a variable that may be 0 at present."""
    return isinstance(weight, int | float) and weight == 0


def _missing(location: str, arguments: Mapping[str, Any]) -> list[str]:
    """Return what a loss function names that is not among the arguments and has no default."""
    _, parameters, optional = _function(location)
    return [name for name in parameters if name not in arguments and name not in optional]


def _as_float32(tensor: Any) -> Any:
    """Return a tensor or a list of tensors as float32: of half-precision outputs, means would be too inaccurate."""
    from keras import ops

    if isinstance(tensor, list | tuple):
        return [_as_float32(each) for each in tensor]
    return ops.cast(tensor, "float32")


def _term(name: str, location: str, arguments: Mapping[str, Any]) -> Any:
    """Return the value of one loss; where outputs are lists of several scales, the mean over them.

    Raises:
        ValueError: the function names what is not among the arguments.
    """
    function, parameters, _ = _function(location)
    if missing := _missing(location, arguments):
        raise ValueError(f"loss '{name}' asks for {missing[0]}, which there is not: {', '.join(sorted(arguments))}")
    chosen = {each: arguments[each] for each in parameters if each in arguments}
    outputs = {each: value for each, value in chosen.items() if each in OUTPUTS and isinstance(value, list)}
    if not outputs:
        return function(**chosen)
    values = [
        function(**chosen | dict(zip(outputs, scale, strict=True))) for scale in zip(*outputs.values(), strict=True)
    ]
    return sum(values[1:], values[0]) / len(values)


@cache  # AutoGraph does not convert a cached function; of a converted one it would warn about the import
def _function(location: str) -> tuple[Callable[..., Any], list[str], set[str]]:
    """Import ``module:function`` and return it with the names of its parameters, and of those with a default."""
    from inspect import signature

    module, _, name = location.partition(":")
    function = getattr(import_module(module), name)
    parameters = signature(function).parameters
    return function, list(parameters), {name for name, each in parameters.items() if each.default is not each.empty}


def _unknown(name: str, known: Collection[str]) -> str:
    """Return the error message for a name that is not known."""
    from difflib import get_close_matches

    nearest = get_close_matches(name, known, n=1)
    hint = f": did you mean '{nearest[0]}'?" if nearest else ","
    return f"unknown loss '{name}'{hint} valid names are {', '.join(known)}"
