"""Training on two devices, each with another part of every batch, equals training on one device with whole batches."""

import json

import pytest

from tests.started_commands import run

#: Each device computes batch norm with its own part of a batch, and Adam does not depend on the scale of gradients:
#: with one of them, the results could not show whether the gradients are averaged.
PLUGIN = """
import keras
from keras import layers

from layers.conditional_gan import ConditionalGAN


class GAN(ConditionalGAN):
    def __init__(self, experiment):
        super().__init__(experiment)
        self.generator_optimizer = keras.optimizers.SGD(0.01)
        self.discriminator_optimizer = keras.optimizers.SGD(0.1)

    def Generator(self):
        image = keras.Input((self.exp.IMG_HEIGHT, self.exp.IMG_WIDTH, self.exp.INPUT_CHANNELS))
        return keras.Model(image, layers.Conv2D(self.exp.OUTPUT_CHANNELS, 3, padding="same")(image))

    def Discriminator(self):
        image = keras.Input((None, None, self.exp.INPUT_CHANNELS))
        target = keras.Input((None, None, self.exp.OUTPUT_CHANNELS))
        x = layers.Conv2D(4, 4, strides=2, activation="tanh")(layers.Concatenate()([image, target]))
        return keras.Model([image, target], layers.Conv2D(1, 3)(x))
"""

#: Takes two environments, of one device and of two.
SCRIPT = """
import sys

import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from experiment import Environment, open_experiment
from pix2earth.batches.dataset import Dataset
from pix2earth.plugins import finding
from pix2earth.training.compiled_step import compile_step
from pix2earth.training.loop import Training


def train(environment):
    experiment = open_experiment("replicas", Environment(environment), "0101-0000")
    run = Training(experiment, Dataset(experiment), finding.find(experiment))
    step = compile_step(run.gan, run.plugin, run.dataset, run.strategy)
    batches, targets, losses = run.batches(0), [], []
    for number in range(experiment.STEPS):
        batch = next(batches)
        targets.append([part.numpy() for part in run.strategy.experimental_local_results(batch["target"])])
        means = step(batch, tf.constant(number, tf.int64), tf.constant(0.0))
        losses.append({name: float(value) for name, value in means.items()})
    weights = run.gan.generator.trainable_variables + run.gan.discriminator.trainable_variables
    return targets, losses, [weight.numpy() for weight in weights]


(batches, losses, weights), (parts, mean_losses, shared_weights) = map(train, sys.argv[1:])
for (batch,), (first, second) in zip(batches, parts, strict=True):
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(batch, np.concatenate([first, second]))
for one, two in zip(losses, mean_losses, strict=True):
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-5, err_msg=name)
for one, two in zip(weights, shared_weights, strict=True):
    np.testing.assert_allclose(two, one, atol=1e-6)
"""


@pytest.mark.slow
def test_two_devices_equal_one(tiny_root, write_experiment):
    """It needs its own process, because logical devices must be configured before TensorFlow is used."""
    write_experiment(
        tiny_root, "replicas", model_name="small", params={}, steps=3, batch_size=4, img_height=16, img_width=16,
        gen_loss={"gen_gan": 1.0, "gen_l1": 1.0, "gen_l2": 2.0, "gen_rmse": None}, disc_loss={"disc_bce": 1.0},
    )  # fmt: skip
    (tiny_root / "plugins").mkdir()
    (tiny_root / "plugins" / "small.py").write_text(PLUGIN)
    settings = json.loads((tiny_root / "environment.json").read_text()) | {"models_root": ["plugins"]}
    environments = []
    for distribution in ("none", "mirrored"):
        environments.append(str(tiny_root / f"{distribution}.json"))
        (tiny_root / f"{distribution}.json").write_text(json.dumps(settings | {"distribution": distribution}))
    run("-c", SCRIPT, *environments, CUDA_VISIBLE_DEVICES="-1")
