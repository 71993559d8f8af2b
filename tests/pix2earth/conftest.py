"""Small plug-ins that are built quickly, and experiments on synthetic datasets."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from pix2earth.records.manifest import Field, Manifest, Split


class SmallGan:
    """Networks with few weights and every kind of state: normalisation, dropout, seeds, variables."""

    def __init__(self, filters=3, optimizer=keras.optimizers.Adam):
        image = keras.Input((4, 4, 2))
        x = keras.layers.Conv2D(filters, 3, padding="same")(image)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.Dropout(0.5)(x)
        self.generator = keras.Model(image, keras.layers.Conv2D(3, 1)(x))
        pair = [image, keras.Input((4, 4, 3))]
        self.discriminator = keras.Model(pair, keras.layers.Conv2D(1, 3)(keras.layers.Concatenate()(pair)))
        self.generator_optimizer = optimizer(1e-2)
        self.discriminator_optimizer = optimizer(2e-2)
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.noise = keras.random.SeedGenerator(5)
        self.counter = tf.Variable(0, dtype=tf.int64)
        self.weight = keras.Variable(1.0)

    def learn(self):
        """Change every variable."""
        random = np.random.default_rng(int(self.counter))
        image, target = (tf.constant(random.normal(size=(2, 4, 4, bands)), tf.float32) for bands in (2, 3))
        with tf.GradientTape(persistent=True) as tape:
            prediction = self.generator(image, training=True)
            generator_loss = tf.reduce_mean((prediction - target) ** 2)
            discriminator_loss = tf.reduce_mean(self.discriminator([image, prediction]) ** 2)
        for network, optimizer, loss in (
            (self.generator, self.generator_optimizer, generator_loss),
            (self.discriminator, self.discriminator_optimizer, discriminator_loss),
        ):
            weights = network.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.counter.assign_add(1)
        self.weight.assign_add(keras.random.normal((), seed=self.noise))
        keras.random.normal(())


@pytest.fixture
def small_gan():
    """``small_gan(filters=3, optimizer=Adam)``: a plug-in with a method ``learn()`` that changes all its variables."""
    return SmallGan


@pytest.fixture
def namespace():
    """``namespace(**attributes)``: stands for an experiment or a plug-in with these attributes."""
    return SimpleNamespace


@pytest.fixture
def manifest_of():
    """``manifest_of(source, target, fields=None, **roles)``: a manifest of input, target and further fields."""

    def manifest(source: Field, target: Field, fields=None, **roles) -> Manifest:
        return Manifest(
            name="small", tilesize=target.size[0], split=Split(method="synthetic"),
            fields={"input_image": source, "target": target, **(fields or {})}, **roles,
        )  # fmt: skip

    return manifest


@pytest.fixture
def dataset_of(tmp_path, open_tiny):
    """``dataset_of(manifest, samples, **settings)``: a Dataset with the arrays ``samples[name][field]`` in val/."""
    from pix2earth.batches.dataset import Dataset
    from pix2earth.records.writer import DatasetWriter

    def dataset(manifest: Manifest, samples, **settings) -> Dataset:
        with DatasetWriter(tmp_path / "data", manifest) as writer:
            for name, fields in samples.items():
                writer.write("val", name, fields)
        (tmp_path / "environment.json").write_text(json.dumps({"data_root": "data"}))
        settings = {"dataset": manifest.name, "tilesize": manifest.tilesize, **settings}
        return Dataset(open_tiny(tmp_path, "small", **settings))

    return dataset
