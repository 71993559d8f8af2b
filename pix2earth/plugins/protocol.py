"""The interface of a plug-in's class ``GAN`` as a type; docs/add-a-model.md quotes it."""

from __future__ import annotations

from typing import Any, Protocol

import keras
import tensorflow as tf

Losses = dict[str, tf.Tensor]


class PlugIn(Protocol):
    """What the toolkit expects of ``GAN(experiment)``; needed are ``train_step``, and ``generator`` or ``predict``.

    Further networks are Keras models among the attributes, each with an attribute ``<network>_optimizer``. Everything
    among the attributes that holds variables is part of a checkpoint.
    """

    #: Input image -> output image, (batch, height, width, band).
    generator: keras.Model
    generator_optimizer: keras.optimizers.Optimizer

    # ---- optional, as literals: read from the source before anything is imported -------------------------------

    #: How samples come: "pairs", "pools" (input and target independently) or "sequences" (in the order of time).
    sampling: str = "pairs"
    #: Losses that the plug-in computes itself, with default weights; keys of ``gen_loss`` in experiment.json.
    gen_losses: dict[str, float | None] = {}
    #: The same for ``disc_loss``.
    disc_losses: dict[str, float | None] = {}
    #: Keys of augmentation that the network cannot bear: "random_resize", "random_rotate", "random_mirror".
    excluded_augmentation: tuple[str, ...] = ()

    def train_step(self, **fields: tf.Tensor) -> Losses:
        """Update the networks once and return the losses by name; a ``tf.function``.

        Args:
            **fields: fields of the batch by the names of the parameters: any field of the dataset, ``input_image``,
                ``target``, ``step`` (int64 scalar, the global step), ``validity`` (1 where the target is a
                measurement), and with ``sampling = "sequences"`` ``sequence_start`` (1 where one starts).
        """
        ...

    def predict(self, **fields: tf.Tensor) -> tf.Tensor:
        """Return the prediction, in the shape of the target; where it is missing, the generator is called.

        Args:
            **fields: as of ``train_step``, without ``step``, ``target`` and ``validity``.
        """
        ...

    def panels(self, **fields: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return further columns of the sample images by title; optional, and without effect on the training.

        Args:
            **fields: as of ``predict``, and ``target``, ``validity`` and ``prediction``, which is that of ``predict``.

        Returns:
            Images (batch, [time step,] height, width, band), of one band, of at least three, or in the values of the
            network with the bands of target or input.
        """
        ...


class Constructor(Protocol):
    """The class itself: it is called with the experiment."""

    def __call__(self, experiment: Any) -> PlugIn:
        """Build networks and optimisers.

        Raises:
            ValueError: a setting does not fit, in one sentence.
        """
        ...
