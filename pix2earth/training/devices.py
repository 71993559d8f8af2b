"""Devices of a run: distribution strategy, seeds, precision, and gradients averaged over devices."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from pix2earth.plugins import state
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment


def prepare(experiment: Experiment) -> tf.distribute.Strategy:
    """Set seeds, precision and determinism, and return the strategy that ``distribution`` names.

    It must run before any other TensorFlow operation.

    Raises:
        UserError: TF_CONFIG is missing or wrong, or batch_size cannot be divided among the devices.
    """
    _sum_in_order(experiment)
    strategy = _strategy(experiment)
    _seed(experiment)
    replicas = strategy.num_replicas_in_sync
    if replicas > 1:
        _refuse_keras_2(experiment, replicas)
        _keep_losses_whole()
        if experiment.JIT_COMPILE:
            raise UserError(f"{experiment.file}: jit_compile: is not possible on {replicas} devices; leave it out")
    if experiment.BATCH_SIZE % replicas:
        raise UserError(
            f"{experiment.file}: batch_size: {experiment.BATCH_SIZE} cannot be divided among {replicas} devices;"
            f" use a multiple of {replicas}"
        )
    return strategy


def _sum_in_order(experiment: Experiment) -> None:
    """Let one thread execute the operations of a deterministic run on a CPU.

    TensorFlow adds three and more gradients of a variable (AddN) into the buffer of one that nobody else uses any
    longer, and starts with that one. Which one it is depends on how far other threads are, and so does the rounding.
    The threads inside of an operation are unaffected.
    """
    if not experiment.DETERMINISTIC or experiment.DISTRIBUTION != "none" or tf.config.list_physical_devices("GPU"):
        return
    try:
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # TensorFlow has computed in this process already, as in a notebook
        print(
            f"{experiment.file}: deterministic: sums of three and more gradients may differ in their rounding, because"
            " TensorFlow has been used in this process already; train with train.py"
        )


def _refuse_keras_2(experiment: Experiment, replicas: int) -> None:
    """Make sure that several devices train with Keras 3: gradients of Keras 2 are not averaged over them.

    Raises:
        UserError: ``legacy_keras`` is set.
    """
    environment = getattr(experiment, "environment", None)
    if environment and environment.LEGACY_KERAS:
        raise UserError(
            f"{environment.path}: legacy_keras: Keras 2 is possible on one device only, not on {replicas};"
            ' set distribution to "none"'
        )


def _keep_losses_whole() -> None:
    """Make a Keras loss the mean over its replica's share of the batch, like every other loss of a plug-in.

    Keras divides its loss objects by the number of replicas, but no other loss; in a sum of both, the weights would
    depend on the number of devices. `average_gradients` divides the gradients of all losses.
    """
    # Keras has no public option for this.
    from keras.src.losses import loss

    loss.scale_loss_for_distribution = lambda value: value


def prepare_single(experiment: Experiment) -> None:
    """Set seeds, precision and determinism for work on one device, such as evaluation."""
    _share_gpus()
    _seed(experiment)


def _share_gpus() -> None:
    """Allocate GPU memory as it is needed, so that other processes can use the device too."""
    for device in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(device, True)


def _seed(experiment: Experiment) -> None:
    keras.utils.set_random_seed(experiment.SEED)
    if experiment.DETERMINISTIC:
        tf.config.experimental.enable_op_determinism()
    keras.mixed_precision.set_dtype_policy(experiment.PRECISION)
    keras.config.set_image_data_format("channels_last")


def _strategy(experiment: Experiment) -> tf.distribute.Strategy:
    kind = experiment.DISTRIBUTION
    _share_gpus()
    if kind == "multiworker":
        _check_tf_config()
        return tf.distribute.MultiWorkerMirroredStrategy()
    if kind == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def _check_tf_config() -> None:
    """Check TF_CONFIG, since TensorFlow would wait forever or fail with an unclear error.

    Raises:
        UserError: it is missing or wrong.
    """
    text = os.environ.get("TF_CONFIG", "")
    example = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
    try:
        config = json.loads(text)
        workers, kind, index = config["cluster"]["worker"], config["task"]["type"], config["task"]["index"]
        if not isinstance(workers, list) or not isinstance(index, int):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise UserError(f"TF_CONFIG: distribution 'multiworker' needs it on every machine, such as {example}") from None
    if kind == "worker" and not 0 <= index < len(workers):
        raise UserError(f"TF_CONFIG: task index {index} is not one of the {len(workers)} workers")


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Return whether this process is the one that writes files: the only one, or the first of several machines."""
    resolver = strategy.cluster_resolver
    return (
        resolver is None
        or not resolver.task_type
        or (resolver.task_type in ("chief", "worker") and resolver.task_id == 0)
    )


def describe(strategy: tf.distribute.Strategy) -> dict[str, Any]:
    """Return the entry ``devices`` of ``run.json``."""
    logical_devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return {
        "strategy": type(strategy).__name__,
        "replicas": strategy.num_replicas_in_sync,
        "devices": [device.name for device in logical_devices],
        "names": [detail.get("device_name", "?") for detail in details],
    }


def replica_variables(next_creator: Any, **options: Any) -> Any:
    """Create a variable that every replica may assign, also where Keras states no aggregation; a variable creator.

    Such variables are the states of seed generators. All replicas assign the same value, so that of the first is kept.
    """
    if options.get("aggregation") in (None, tf.VariableAggregation.NONE):
        options["aggregation"] = tf.VariableAggregation.ONLY_FIRST_REPLICA
    return next_creator(**options)


def inlined(gan: Any, method: str) -> Callable[..., Any]:
    """Return a method of a plug-in without its ``tf.function``, so that it can run on several devices at once.

    Replicas synchronise inside a step (to add up gradients), which TensorFlow does not support inside a nested
    ``tf.function``; therefore the plain function, converted by AutoGraph, is traced into the outer one.
    """
    plain = getattr(getattr(type(gan), method), "python_function", getattr(type(gan), method))
    converted = tf.autograph.to_graph(plain)

    def inline(**arguments: Any) -> Any:
        tf.config.run_functions_eagerly(True)  # inlines tf.functions that the method calls
        try:
            return converted(gan, **arguments)
        finally:
            tf.config.run_functions_eagerly(False)

    return inline


def average_gradients(gan: Any, replicas: int) -> None:
    """Make every optimiser of a plug-in apply the mean over replicas of the gradients.

    Keras adds them up, while a plug-in, which does not depend on devices, computes the mean over its own share of the
    batch; otherwise the update would grow with the number of devices.
    """
    for name, optimizer in state.optimizers(gan).items() if replicas > 1 else ():
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise UserError(
                f"{name}: is an optimiser of Keras 2, whose gradients are not averaged over {replicas} devices; use one"
                ' of Keras 3, or set distribution to "none"'
            )
        optimizer.apply = _averaged(optimizer.apply, replicas)


def _averaged(apply: Any, replicas: int) -> Any:
    """Return an optimiser's method ``apply`` with the gradients divided by the number of replicas."""

    def averaged(grads: Any, trainable_variables: Any = None) -> Any:
        return apply([None if grad is None else grad / replicas for grad in grads], trainable_variables)

    return averaged


def learning_rates(gan: Any) -> dict[str, float]:
    """Return the current learning rate of each optimiser of a plug-in, by attribute, except for schedules.

    A schedule is not a variable, so no checkpoint overwrites it.
    """
    rates = {}
    for name, optimizer in state.optimizers(gan).items():
        inner = getattr(optimizer, "inner_optimizer", optimizer)  # of a loss-scaling optimiser
        if not callable(getattr(inner, "_learning_rate", None)):
            rates[name] = float(tf.convert_to_tensor(inner.learning_rate))
    return rates


def set_learning_rates(gan: Any, rates: dict[str, float]) -> None:
    """Set the learning rates of a plug-in's optimisers."""
    optimizers = state.optimizers(gan)
    for name, rate in rates.items():
        optimizer = optimizers[name]
        getattr(optimizer, "inner_optimizer", optimizer).learning_rate = rate
