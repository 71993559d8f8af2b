"""Time steps are folded into bands and unfolded again, of NumPy arrays and of tensors, as NumPy does it by hand."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.batches import time_steps

STACK = np.random.default_rng(3).random((2, 3, 4, 5, 6)).astype("float32")  # batch, time step, height, width, band
FOLDED = np.concatenate([STACK[:, step] for step in range(3)], axis=-1)
EITHER = pytest.mark.parametrize("kind", [np.asarray, tf.constant])


@EITHER
def test_folded_and_unfolded(kind):
    np.testing.assert_array_equal(time_steps.fold(kind(STACK)), FOLDED)
    np.testing.assert_array_equal(time_steps.unfold(kind(FOLDED), 3), STACK)
    np.testing.assert_array_equal(time_steps.fold(kind(STACK[0])), FOLDED[0])
    np.testing.assert_array_equal(time_steps.unfold(kind(FOLDED[0]), 3), STACK[0])


def test_an_unknown_batch_size():
    @tf.function(input_signature=[tf.TensorSpec((None, 3, 4, 5, 6))])
    def back_and_forth(values):
        return time_steps.unfold(time_steps.fold(values), 3)

    np.testing.assert_array_equal(back_and_forth(STACK), STACK)


@EITHER
@pytest.mark.parametrize("values", [STACK, FOLDED])
def test_single_time_steps(kind, values):
    np.testing.assert_array_equal(time_steps.separate(kind(values), 3), STACK.reshape(6, 4, 5, 6))


def test_without_time_steps_nothing_changes():
    np.testing.assert_array_equal(time_steps.separate(STACK[:, 0], None), STACK[:, 0])
    np.testing.assert_array_equal(time_steps.flat(STACK[:, 0]), STACK[:, 0])


def test_constants_of_bands():
    constants = np.array([1.0, 2.0])
    np.testing.assert_array_equal(time_steps.for_channels(constants, 2, 3), [1, 2])
    np.testing.assert_array_equal(time_steps.for_channels(constants, 6, 3), [1, 2, 1, 2, 1, 2])


@pytest.mark.parametrize("channels, steps", [(4, 3), (4, None), (3, 1), (1, None)])
def test_other_numbers_of_channels_are_refused(channels, steps):
    with pytest.raises(ValueError, match=f"{channels} channels are neither 2 bands nor those of"):
        time_steps.for_channels(np.array([1.0, 2.0]), channels, steps)
    with pytest.raises(ValueError, match="7 channels are not those of 3 time steps"):
        time_steps.unfold(np.zeros((1, 2, 2, 7)), 3)
