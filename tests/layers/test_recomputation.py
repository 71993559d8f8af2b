"""Gradient checkpointing: outputs, gradients and states of steps equal those of the whole network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from layers.batch_norm import UnbiasedBatchNorm
from layers.recomputation import Segments

IMAGES = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")


def network():
    """Return input, boundaries and output of a network with batch statistics, dropout and a part beside the chain."""
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3))
    first = layers.Conv2D(4, 3, padding="same")(image)
    beside = layers.Conv2D(2, 1)(first)
    boundaries = [first]
    for _ in range(2):
        # Without a bias, whose gradient before the norm would be rounding noise.
        x = UnbiasedBatchNorm()(layers.Conv2D(4, 3, padding="same", use_bias=False)(boundaries[-1]))
        x = layers.Dropout(0.5)(layers.Activation("mish")(x))
        boundaries.append(layers.Add()([x, boundaries[-1]]))
    return image, boundaries, beside, layers.Conv2D(1, 3)(boundaries[-1])


def two_steps(recompute, compiled, **options):
    """Return gradients and all states after each of two steps, in which dropout draws different values."""
    image, boundaries, beside, output = network()
    model = keras.Model(image, [output, beside])
    segments = Segments(boundaries, source=image, beside=[beside], output=output)
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)

    def step(images):
        with tf.GradientTape() as tape:
            first, second = segments(images) if recompute else model(images, training=True)
            loss = tf.reduce_mean(first**2) + tf.reduce_mean(second**2)
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
