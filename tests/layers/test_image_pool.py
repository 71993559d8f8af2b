"""The pool of generated images, with draws that are given, and how often it exchanges images by its own draws."""

import keras
import numpy as np
import pytest

from layers.image_pool import ImagePool


@pytest.fixture
def drawn(monkeypatch):
    """``drawn((chance, place), ...)``: what the pool draws, one pair for each image."""

    def give(*pairs):
        left = iter(pairs)
        monkeypatch.setattr(keras.random, "uniform", lambda shape, seed: keras.ops.convert_to_tensor(next(left)))

    return give


def batch(*values):
    """Images of 2 x 1 pixels of one band, each of one value."""
    return np.reshape(np.repeat(np.array(values, "float32"), 2), (len(values), 2, 1, 1))


def values_of(images):
    found = np.asarray(images)
    assert found.shape[1:] == (2, 1, 1) and (found[:, 0] == found[:, 1]).all()
    return found[:, 0, 0, 0].tolist()


def test_what_it_returns_and_keeps(drawn):
    """By hand: the first two fill it; then a chance below 0.5 exchanges the image at floor(2 * place)."""
    pool = ImagePool(2, (2, 1, 1))
    drawn((0.0, 0.9), (0.0, 0.9), (0.3, 0.6), (0.7, 0.0), (0.1, 0.0), (0.4, 0.99), (0.5, 0.0))
    assert values_of(pool(batch(1, 2))) == [1, 2]
    assert values_of(pool.images) == [1, 2]
    assert values_of(pool(batch(3))) == [2]
    assert values_of(pool.images) == [1, 3]
    assert values_of(pool(batch(4))) == [4]
    assert values_of(pool.images) == [1, 3]
    # In a batch, the second image may be exchanged for one that the first has left there.
    assert values_of(pool(batch(5, 6))) == [1, 3]
    assert values_of(pool.images) == [5, 6]
    assert values_of(pool(batch(7))) == [7]
    assert int(pool.count) == 2


def test_it_may_return_an_image_of_the_same_batch(drawn):
    pool = ImagePool(1, (2, 1, 1))
    drawn((0.9, 0.0), (0.2, 0.0), (0.2, 0.0))
    assert values_of(pool(batch(1, 2, 3))) == [1, 1, 2]
    assert values_of(pool.images) == [3]


def test_half_of_the_images_are_exchanged():
    """Of 400, 200 with a standard deviation of 10; each image comes out at most once, in full precision."""
    pool = ImagePool(8, (2, 1, 1), seed=1)
    numbers = np.arange(408)
    found = [value for start in range(0, 408, 8) for value in values_of(pool(batch(*numbers[start : start + 8])))]
    assert found[:8] == numbers[:8].tolist()
    assert 150 < np.count_nonzero(np.array(found[8:]) != numbers[8:]) < 250
    assert len(set(found[8:])) == 400
    assert len({*found[8:], *values_of(pool.images)}) == 408
