"""Multiply-adds of the published networks, forward and backward, and of a whole training step, for one sample.

They are counted in traced graphs, from the shapes of convolutions and matrix products alone: nothing is computed, and
variables have no values, so that networks of any size need about 1 GiB. Pixels of padding count like others. Operations
on single numbers, such as norms, activations and optimisers, do not count.

    python benchmarks/multiply_adds.py [--models ctgan pix2pixcc ...]
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from pix2earth.console.quiet import quieten_tensorflow

quieten_tensorflow()
import keras
import tensorflow as tf
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph

from benchmarks.published import PUBLISHED, Case, random_experiment
from pix2earth.plugins import contract, finding, own_losses

ELEMENTWISE_LAST = ("DepthwiseConv2dNative", "DepthwiseConv2dNativeBackpropInput",
                    "DepthwiseConv2dNativeBackpropFilter")  # fmt: skip
NETWORKS = ("generator", "backward", "discriminator", "backward_discriminator")


def count(graph: Any) -> Counter[str]:
    """Return the multiply-adds of the operations of a function's graph that run, by type of operation.

    Args:
        graph: of a concrete function; the graphs of functions that it calls are counted at each call.

    Raises:
        ValueError: an operation without a static shape.
    """
    found: Counter[str] = Counter()
    for operation in _needed(graph):
        if number := _of_operation(operation):
            found[operation.type] += number
        for name in ("f", "then_branch", "else_branch", "body"):
            called = operation.node_def.attr[name].func.name if name in operation.node_def.attr else ""
            if called:
                found.update(count(_function(graph, called, operation)))
    return found


def _needed(graph: Any) -> list[Any]:
    """Return the operations that outputs and changes of variables depend on; TensorFlow leaves the others out."""
    waiting = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    found: dict[str, Any] = {}
    while waiting:
        operation = waiting.pop()
        if operation.name not in found:
            found[operation.name] = operation
            waiting += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return list(found.values())


def _function(graph: Any, name: str, call: Any) -> Any:
    """Return the graph of a function that an operation of a graph calls, with the shapes of this call."""
    while name not in graph._functions:
        graph = graph.outer_graph
    skipped = 1 if call.type in ("If", "StatelessIf") else 0
    shapes = [tensor.shape for tensor in list(call.inputs)[skipped:]]
    return function_def_to_graph(graph._functions[name].cached_definition, input_shapes=shapes)


def _of_operation(operation: Any) -> int:
    """Return the multiply-adds of one operation, 0 for all but convolutions and matrix products."""
    kind, inputs = operation.type, operation.inputs
    if kind in ("Conv2D", "Conv3D", "DepthwiseConv2dNative"):
        return _product(operation.outputs[0]) * _taps(kind, _shape(inputs[1]))
    if kind.endswith("BackpropInput") or kind == "Conv3DBackpropInputV2":
        return _product(inputs[2]) * _taps(kind, _shape(inputs[1]))
    if kind.endswith("BackpropFilter") or kind == "Conv3DBackpropFilterV2":
        return _product(inputs[2]) * _taps(kind, _shape(operation.outputs[0]))
    if kind in ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"):
        transposed = operation.get_attr("transpose_a" if kind == "MatMul" else "adj_x")
        return _product(operation.outputs[0]) * _shape(inputs[0])[-2 if transposed else -1]
    if kind == "Einsum":
        terms = operation.get_attr("equation").decode().split("->")[0].split(",")
        sizes = {
            label: size for term, tensor in zip(terms, inputs, strict=True)
            for label, size in zip(term, _shape(tensor), strict=True)
        }  # fmt: skip
        return math.prod(sizes.values()) if len(terms) == 2 else 0
    return 0


def _taps(kind: str, kernel: list[int]) -> int:
    """Return the multiply-adds for each number of the convolution's output: pixels of the kernel times input channels.

    Args:
        kind: of the operation.
        kernel: its shape; that of a depthwise convolution has one multiply-add for each pixel.
    """
    return math.prod(kernel[:-2] if kind in ELEMENTWISE_LAST else kernel[:-1])


def _shape(tensor: tf.Tensor) -> list[int]:
    """Return a static shape.

    Raises:
        ValueError: it is not known.
    """
    if not tensor.shape.is_fully_defined():
        raise ValueError(f"{tensor.name}: its shape {tensor.shape} is not known before it is computed")
    return list(tensor.shape.as_list())


def _product(tensor: tf.Tensor) -> int:
    return math.prod(_shape(tensor))


def traced(function: Any, *arguments: Any, **named: Any) -> Counter[str]:
    """Return the multiply-adds of a function of tensors, which is traced, not run."""
    if not hasattr(function, "get_concrete_function"):
        function = tf.function(function, autograph=False)
    return count(function.get_concrete_function(*arguments, **named).graph)


def forward_and_backward(network: keras.Model, side: int = 0) -> tuple[int, int]:
    """Return the multiply-adds of a network in inference, and those of the gradient with respect to its weights.

    Args:
        network: a Keras model.
        side: height and width where the network states none.
    """
    specs = [
        tf.TensorSpec((1, *(length or side for length in tensor.shape[1:])), tensor.dtype) for tensor in network.inputs
    ]

    def outputs(*images: tf.Tensor, training: bool = False) -> Any:
        return network(list(images) if len(images) > 1 else images[0], training=training)

    def gradient(*images: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            total = tf.add_n([tf.reduce_sum(each) for each in tf.nest.flatten(outputs(*images, training=True))])
        return total, [each for each in tape.gradient(total, network.trainable_variables) if each is not None]

    def training(*images: tf.Tensor) -> Any:
        return outputs(*images, training=True)

    both, alone = (sum(traced(function, *specs).values()) for function in (gradient, training))
    return sum(traced(outputs, *specs).values()), both - alone


class Counted:
    """The multiply-adds of one model at one size.

    Attributes:
        networks: (weights, forward, backward) by the name of the network.
        step: of a training step.
    """

    def __init__(self, case: Case, root: Path, name: str) -> None:
        """Build the model in a graph, where variables have no memory, and count.

        Args:
            case: the model and its size.
            root: an empty folder.
            name: of the model.
        """
        experiment = random_experiment(root, name, case, batch_size=1)
        with tf.Graph().as_default():
            plugin = finding.find(experiment)
            kind = contract.load(plugin).GAN
            inherited = {key: value for base in reversed(kind.__mro__) for key, value in vars(base).items()}
            own_losses.declare(experiment, plugin, inherited)
            gan = kind(experiment)
            found = {key: getattr(gan, key) for key in NETWORKS if isinstance(getattr(gan, key, None), keras.Model)}
            self.networks = {
                key: (_weights(network), *forward_and_backward(network, case.side)) for key, network in found.items()
            }
            self.step = sum(traced(gan.train_step, **_step_fields(experiment)).values())


def _weights(network: keras.Model) -> int:
    return sum(math.prod(variable.shape) for variable in network.trainable_variables)


def _step_fields(experiment: Any) -> dict[str, tf.TensorSpec]:
    """Return what a training step of one sample takes."""
    exp, size = experiment, (experiment.IMG_HEIGHT, experiment.IMG_WIDTH)
    time = (exp.INPUT_TIME_STEPS,) if exp.INPUT_TIME_STEPS else ()
    specs = {
        "input_image": tf.TensorSpec((1, *time, *size, exp.INPUT_CHANNELS)),
        "target": tf.TensorSpec((1, *size, exp.OUTPUT_CHANNELS)),
        "step": tf.TensorSpec((), tf.int64),
    }
    if exp.manifest.hidden_field:
        specs["input_mask"] = tf.TensorSpec((1, *size, exp.manifest.fields[exp.manifest.hidden_field].time_steps or 1))
    if exp.manifest.sequence:
        specs["sequence_start"] = tf.TensorSpec((1,))
    return specs


def main() -> None:
    """Print a table of the models."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--models", nargs="+", default=list(PUBLISHED), choices=list(PUBLISHED))
    options = arguments.parse_args()
    print("| model | size | network | weights | forward | backward | step |\n|---|---|---|---:|---:|---:|---:|")
    for name in options.models:
        case = PUBLISHED[name]
        with tempfile.TemporaryDirectory() as folder:
            counted = Counted(case, Path(folder), name)
        step = f"{counted.step / 1e9:,.1f}"
        for network, (weights, forward, backward) in counted.networks.items():
            numbers = " | ".join([f"{weights:,}", *(f"{each / 1e9:,.1f}" for each in (forward, backward))])
            print(f"| `{name}` | {case.side} x {case.side} | {network} | {numbers} | {step} |", flush=True)
            step = ""


if __name__ == "__main__":
    main()
