"""One training step of a plug-in, compiled for all devices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from pix2earth.batches import preparation
from pix2earth.plugins import contract, starting
from pix2earth.settings.optimization import LossWeight
from pix2earth.training import devices
from pix2earth.training.optimization import averages

if TYPE_CHECKING:
    from pix2earth.batches.dataset import Dataset

STOP = "(stop)"


def compile_step(gan: Any, plugin: Path, dataset: Dataset, strategy: tf.distribute.Strategy) -> Callable[..., Any]:
    """Return the compiled function of one step: (batch as stored, step, stop) -> losses by name.

    Args:
        gan: the plug-in.
        plugin: its file, for error messages.
        dataset: prepares the batch: scaling, masks, augmentation.
        strategy: the devices.

    Returns:
        A function of the batch as stored, the number of finished steps (int64) and a stop request (0.0 or 1.0); it
        returns the means of the losses over all devices. The stop request is returned as the loss ``STOP``, so that
        all machines learn after the same step that one of them is to stop.
    """
    decay = dataset.experiment.settings.ema
    names = contract.parameters(gan.train_step)
    train_step = gan.train_step
    if any(isinstance(weight, LossWeight) for weight in dataset.experiment.settings.gen_loss.values()):
        # Traced again: the weights have changed since it was traced for the same shapes.
        train_step = tf.function(getattr(train_step, "python_function", train_step))
    if strategy.num_replicas_in_sync > 1 or starting.reads_fields(gan):
        train_step = devices.inlined(gan, "train_step")

    def update(fields: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        with starting.given(gan, fields):
            losses = train_step(**contract.bind(plugin, "train_step", names, fields))
        starting.check_called(gan, plugin, dataset.experiment)
        return losses if isinstance(losses, dict) else {}

    if dataset.experiment.JIT_COMPILE:
        update = tf.function(update, jit_compile=True, autograph=False)

    def on_replica(batch: dict[str, tf.Tensor], step: tf.Tensor, stop: tf.Tensor) -> dict[str, tf.Tensor]:
        fields = dataset.prepare(batch) | {"step": step}
        if preparation.VALIDITY in names and preparation.VALIDITY not in fields:
            fields[preparation.VALIDITY] = preparation.all_valid(fields["target"], dataset.experiment)
        losses = update(fields)
        if decay is not None:
            averages.update(gan, decay, step)
        return {STOP: tf.identity(stop)} | {name: tf.cast(loss, tf.float32) for name, loss in losses.items()}

    def on_all(batch: Any, step: tf.Tensor, stop: tf.Tensor) -> dict[str, tf.Tensor]:
        values = strategy.run(on_replica, args=(batch, step, stop))
        mean = tf.distribute.ReduceOp.MEAN
        return {name: strategy.reduce(mean, value, axis=None) for name, value in values.items()}

    # The plug-in's step is converted by its own tf.function; converting ours would only make error messages unclear.
    return tf.function(on_all, autograph=False)
