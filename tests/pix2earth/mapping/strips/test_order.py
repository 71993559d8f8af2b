"""Whether the order of batches matters: networks with a state, or with random numbers, are found."""

import keras
import tensorflow as tf

from pix2earth.mapping.strips.order import has_no_state


def traced(function):
    return tf.function(function, autograph=False).get_concrete_function(tf.TensorSpec((2, 8, 8, 3)))


def test_a_network_that_reads_its_weights_has_no_state():
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()])
    assert has_no_state(traced(lambda image: network(image, training=False)))
    assert has_no_state(traced(tf.function(lambda image: network(image, training=False))))
    assert not has_no_state(traced(lambda image: network(image, training=True)))  # moves the mean of the batch norm


def test_random_numbers_and_changed_variables_are_a_state():
    dropout, count = keras.layers.Dropout(0.5), tf.Variable(0.0)
    assert not has_no_state(traced(lambda image: dropout(image, training=True)))
    assert not has_no_state(traced(tf.function(lambda image: image + tf.random.normal(()))))
    assert not has_no_state(traced(lambda image: image + count.assign_add(1.0)))
