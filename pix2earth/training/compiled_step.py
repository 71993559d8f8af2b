"""One training step on all devices, compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from pix2earth.plugins import contract
from pix2earth.training import devices

if TYPE_CHECKING:
    from pix2earth.batches.dataset import Dataset

STOP = "(stop)"


def compile_step(gan: Any, plugin: Path, dataset: Dataset, strategy: tf.distribute.Strategy) -> Callable[..., Any]:
    """Return the function of one step: (batch as stored, step, stop) -> losses by name, means over all devices.

    The stop request goes along as the loss ``STOP``, so that all machines learn after the same step that one of them
    is to stop.
    """
    names = contract.parameters(gan.train_step)
    train_step = gan.train_step
    if strategy.num_replicas_in_sync > 1:
        train_step = devices.inlined(gan, "train_step")

    def learn(fields: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        losses = train_step(**contract.bind(plugin, "train_step", names, fields))
        return losses if isinstance(losses, dict) else {}

    if dataset.experiment.JIT_COMPILE:
        learn = tf.function(learn, jit_compile=True, autograph=False)

    def on_replica(batch: dict[str, tf.Tensor], step: tf.Tensor, stop: tf.Tensor) -> dict[str, tf.Tensor]:
        losses = learn(dataset.prepare(batch) | {"step": step})
        return {STOP: tf.identity(stop)} | {name: tf.cast(loss, tf.float32) for name, loss in losses.items()}

    def on_all(batch: Any, step: tf.Tensor, stop: tf.Tensor) -> dict[str, tf.Tensor]:
        values = strategy.run(on_replica, args=(batch, step, stop))
        mean = tf.distribute.ReduceOp.MEAN
        return {name: strategy.reduce(mean, value, axis=None) for name, value in values.items()}

    # The plug-in converts its own step; converting ours would only blur its error messages.
    return tf.function(on_all, autograph=False)
