"""A pool of generated images, from which a discriminator gets some of earlier steps (Shrivastava et al. 2017)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class ImagePool(keras.layers.Layer):
    """Returns generated images, half of them replaced by images of earlier steps once the pool is full.

    As in CycleGAN (Zhu et al. 2017). The images are variables, so that a checkpoint holds them; a pool of 50 images of
    256 x 256 x 3 takes 39 MB.
    """

    def __init__(self, size: int, shape: tuple[int, int, int], seed: int = 0) -> None:
        """Start with an empty pool.

        Args:
            size: number of images that it holds.
            shape: of an image, (height, width, band).
            seed: of the draws.
        """
        super().__init__(name="image_pool")
        self.size = size
        self.random = keras.random.SeedGenerator(seed)
        self.images = self.add_weight(shape=(size, *shape), initializer="zeros", trainable=False, name="images")
        self.count = self.add_weight(shape=(), initializer="zeros", dtype="int32", trainable=False, name="count")
        self.built = True

    def call(self, images: Any) -> Any:
        """Return as many images, (batch, height, width, band), and keep these; the batch size must be known."""
        results = []
        for image in ops.unstack(ops.cast(images, self.images.dtype), axis=0):
            is_full = ops.equal(self.count, self.size)
            chance, place = ops.unstack(keras.random.uniform((2,), seed=self.random))
            drawn = ops.cast(ops.floor(place * self.size), "int32")
            index = ops.where(is_full, ops.minimum(drawn, self.size - 1), self.count)
            exchanged = ops.logical_and(is_full, chance < 0.5)
            kept = ops.logical_or(exchanged, ops.logical_not(is_full))
            here = ops.logical_and(ops.equal(ops.arange(self.size), index), kept)[:, None, None, None]
            results.append(ops.where(exchanged, ops.take(self.images, index, axis=0), image))
            self.images.assign(ops.where(here, image[None], self.images))
            self.count.assign(ops.minimum(self.count + 1, self.size))
        return ops.cast(ops.stack(results), images.dtype)
