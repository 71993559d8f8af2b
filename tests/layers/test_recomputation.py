"""Gradient checkpointing: outputs, gradients and states of steps equal those of the whole network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from layers.batch_norm import UnbiasedBatchNorm
from layers.recomputation import Segments, TimeSteps

IMAGES = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")


def network():
    """Return input, boundaries and output of a network with batch statistics and dropout."""
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3))
    first = layers.Conv2D(4, 3, padding="same")(image)
    boundaries = [first]
    for _ in range(2):
        # Without a bias, whose gradient before the norm would be rounding noise.
        x = UnbiasedBatchNorm()(layers.Conv2D(4, 3, padding="same", use_bias=False)(boundaries[-1]))
        x = layers.Dropout(0.5)(layers.Activation("mish")(x))
        boundaries.append(layers.Add()([x, boundaries[-1]]))
    return image, boundaries, layers.Conv2D(1, 3)(boundaries[-1])


def two_steps(recompute, compiled, **options):
    """Return gradients and all states after each of two steps, in which dropout draws different values."""
    image, boundaries, output = network()
    model = keras.Model(image, output)
    segments = Segments(boundaries, source=image, output=output)
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)

    def step(images):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((segments(images) if recompute else model(images, training=True)) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss, gradients

    step = tf.function(step, **options) if compiled else step
    found = []
    for _ in range(2):
        loss, gradients = step(tf.constant(IMAGES))
        found += [np.asarray(loss), *map(np.asarray, gradients), *(np.asarray(each) for each in model.variables)]
    return found, [variable.path for variable in model.variables]


@pytest.mark.parametrize("options", [None, {}, pytest.param({"jit_compile": True}, marks=pytest.mark.slow)])
def test_steps_equal_those_without(options):
    compiled, options = options is not None, options or {}
    (one, paths), (other, _) = (two_steps(recompute, compiled, **options) for recompute in (False, True))
    assert any("seed" in path for path in paths) and any("moving_variance" in path for path in paths)
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        if first.dtype == np.float32:
            np.testing.assert_allclose(second, first, rtol=1e-6, atol=1e-6 * np.abs(first).max())
        else:
            np.testing.assert_array_equal(second, first)  # the state of random numbers


def test_features_inside_of_segments_are_not_kept():
    """Of three segments of activations that keep much, the gradient needs the boundaries alone."""
    kept = []

    def counted(x):
        kept.append(1)
        return keras.ops.tanh(x)

    image = keras.Input((8, 8, 3))
    boundaries = [image]
    for _ in range(3):
        boundaries.append(layers.Lambda(counted)(boundaries[-1]))
    segments = Segments(boundaries)
    kept.clear()
    x = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(x)
        output = segments(x)
        assert len(kept) == 3
    gradient = tape.gradient(output, x)
    assert len(kept) == 6
    expected = IMAGES.astype("float64")
    slope = np.ones_like(expected)
    for _ in range(3):
        expected = np.tanh(expected)
        slope *= 1 - expected**2
    # 1 - tanh(x)^2 cancels: the absolute error is that of float32 at 1.
    np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-6)


def shared_network():
    """Return input and outputs of a network of one time step with batch statistics and dropout."""
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3))
    half = layers.Dropout(0.5)(layers.Conv2D(4, 3, padding="same")(image))
    features = UnbiasedBatchNorm()(layers.Conv2D(4, 3, padding="same", use_bias=False)(half))
    return image, [features, layers.Conv2D(1, 1)(features)]


@pytest.mark.parametrize("compiled", [False, True])
def test_time_steps_equal_those_without(compiled):
    """Outputs, gradients, statistics, which move once in each time step, and states of random numbers."""
    series = tf.constant(np.random.default_rng(0).normal(size=(2, 3, 8, 8, 3)).astype("float32"))
    found = []
    for recompute in (False, True):
        image, outputs = shared_network()
        model = keras.Model(image, outputs)
        steps = TimeSteps(image, outputs, 3)

        def step(images, recompute=recompute, model=model, steps=steps):
            with tf.GradientTape() as tape:
                outputs = steps(images) if recompute else [model(images[:, each], training=True) for each in range(3)]
                loss = tf.add_n([tf.reduce_mean(first**2) + tf.reduce_mean(second) for first, second in outputs])
            return outputs, tape.gradient(loss, model.trainable_variables)

        results = (tf.function(step) if compiled else step)(series)
        found.append([np.asarray(each) for each in [*tf.nest.flatten(results), *model.variables]])
    assert len(found[0]) == len(found[1]) > 10
    for first, second in zip(*found, strict=True):
        np.testing.assert_allclose(second, first, rtol=1e-5, atol=1e-6 * np.abs(first).max())


def test_each_time_step_is_computed_again_after_the_gradient_of_the_next():
    """The order in which a compiled step computes features, and their gradients, of three time steps."""
    order = []

    def noted(x):
        @tf.custom_gradient
        def note(values):
            def gradient(upstream):
                with tf.control_dependencies([tf.py_function(lambda: order.append("gradient"), [], [])]):
                    return tf.identity(upstream)

            with tf.control_dependencies([tf.py_function(lambda: order.append("features"), [], [])]):
                return tf.identity(values), gradient

        return note(x)

    image = keras.Input((8, 8, 3))
    features = layers.Conv2D(4, 3)(image)
    steps = TimeSteps(image, [layers.Lambda(noted)(features)], 3)
    variables = [variable for part in steps.parts for variable in part.trainable_variables]

    @tf.function
    def step(series):
        with tf.GradientTape() as tape:
            loss = tf.add_n([tf.reduce_mean(each[0] ** 2) for each in steps(series)])
        return tape.gradient(loss, variables[:2])

    order.clear()
    step(tf.zeros((1, 3, 8, 8, 3)))
    assert order == ["features"] * 3 + ["features", "gradient"] * 3
