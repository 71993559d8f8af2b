"""Prepared batches of synthetic fields."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.batches.dataset import Dataset


@pytest.fixture
def prepare(experiment_of):
    """``prepare(fields, arrays, draws=None, roles=None, **settings)``: the network's values, as NumPy arrays."""

    def prepared(fields, arrays, draws=None, roles=None, **settings) -> dict[str, np.ndarray]:
        dataset = Dataset(experiment_of(fields, roles=roles, **settings))
        batch = {name: tf.constant(array) for name, array in arrays.items()}
        if draws is not None:
            batch["draws"] = tf.constant(draws, tf.float32)
        return {name: value.numpy() for name, value in dataset.prepare(batch).items()}

    return prepared
