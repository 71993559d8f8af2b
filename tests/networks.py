"""Data for tests of networks: fields with any number of bands, and random batches that fit an experiment."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from experiment import Experiment
from pix2earth.plugins.state import variables
from pix2earth.records.manifest import Field

#: Weights of the losses in tests of models; ``None``: not computed.
GEN_LOSS = {"gen_gan": 1.0, "gen_l1": 100.0, "gen_ssim": 1.0} | dict.fromkeys(["gen_l2", "gen_rmse", "gen_wstein"])
DISC_LOSS = {"disc_bce": 1.0, "disc_nll": None}


def network_fields(
    size: int, input_bands: int = 5, target_bands: int = 3, *, ratio: float | None = 2.0, shared: bool = True
) -> dict[str, Field]:
    """Return the fields input_image and target of a square tile.

    Args:
        size: side of the tile in pixels.
        input_bands: number of bands of the input: B1, B2, ...
        target_bands: number of bands of the target: the first ones of the input, in reverse order.
        ratio: ground sampling distance of the input over that of the target; None: not stated.
        shared: whether the target's bands have the names of the input's.
    """
    sources = [f"B{number + 1}" for number in range(input_bands)]
    targets = [f"{'B' if shared else 'T'}{number + 1}" for number in reversed(range(target_bands))]
    gsd = {} if ratio is None else {"gsd": 10.0 * ratio}
    return {
        "input_image": Field(dtype="uint16", shape=[size, size, input_bands], bands=sources, **gsd),
        "target": Field(dtype="uint16", shape=[size, size, target_bands], bands=targets, gsd=10.0),
    }


def random_batch(experiment: Experiment, *masks: str, size: int = 2) -> dict[str, tf.Tensor]:
    """Return random arguments of a training step: input_image and target in -1..1, masks of 0 and 1, and the step.

    Args:
        experiment: its sizes and numbers of channels are used.
        masks: names of further fields, or ``input_mask``.
        size: number of samples.
    """
    random = np.random.default_rng(0)
    shape = (size, experiment.IMG_HEIGHT, experiment.IMG_WIDTH)
    time = (experiment.INPUT_TIME_STEPS,) if experiment.INPUT_TIME_STEPS else ()
    series = (size, *time, *shape[1:], experiment.INPUT_CHANNELS)
    fields, roles = experiment.manifest.fields, {"input_mask": experiment.manifest.hidden_field}
    channels = {name: (field := fields[roles.get(name) or name]).shape[-1] * (field.time_steps or 1) for name in masks}
    return {
        "input_image": tf.constant(random.uniform(-1, 1, series), "float32"),
        "target": tf.constant(random.uniform(-1, 1, (*shape, experiment.OUTPUT_CHANNELS)), "float32"),
        "step": tf.constant(0, "int64"),
    } | {name: tf.constant(random.integers(0, 2, (*shape, channels[name])), "float32") for name in masks}


def eager_step(gan: Any, **batch: Any) -> dict[str, tf.Tensor]:
    """Take a training step operation by operation: for a single step much quicker than compiling it first."""
    tf.config.run_functions_eagerly(True)
    try:
        return gan.train_step(**batch)
    finally:
        tf.config.run_functions_eagerly(False)


def descending(gan: Any, rate: float = 1e-2) -> Any:
    """Return a plug-in whose optimisers, all attributes, are gradient descent.

    Adam would turn the rounding errors of gradients that are 0, such as those of biases before a norm, into steps of
    full size, by which no two ways of computing the same step could be compared.
    """
    for name, value in vars(gan).items():
        if isinstance(value, keras.optimizers.Optimizer):
            setattr(gan, name, keras.optimizers.SGD(rate))
            getattr(gan, name).build(getattr(gan, name.removesuffix("_optimizer")).trainable_variables)
    return gan


def variables_after(gan: Any, batch: Mapping[str, Any], steps: int = 2) -> dict[str, np.ndarray]:
    """Return all variables of a plug-in after some training steps with the same batch, operation by operation.

    Each operation has the same inputs whatever surrounds it; compiled, they are fused and rounded in other ways.
    """
    for step in range(steps):
        eager_step(gan, **{**batch, "step": tf.constant(step, "int64")})
    return {name: np.asarray(variable) for name, variable in variables(gan).items()}
