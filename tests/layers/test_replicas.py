"""Two replicas, each with half of a batch, do what one does with all of it."""

import subprocess
import sys

from experiment import PROJECT

SCRIPT = """
import keras, numpy as np, tensorflow as tf
from types import SimpleNamespace
from layers.conditional_gan import ConditionalGAN
from layers.patchgan import patchgan
from pix2earth.training.devices import average_gradients
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

class Tiny(ConditionalGAN):
    def Generator(self):
        image = keras.Input((16, 16, 2))
        return keras.Model(image, keras.layers.Conv2D(3, 3, padding="same")(image))
    def Discriminator(self):
        return patchgan(2, 3, filters=4, halvings=2)

def train(devices):
    strategy = tf.distribute.MirroredStrategy(devices)
    exp = SimpleNamespace(
        GEN_LOSS={"gen_gan": 0, "gen_l1": 1.0, "gen_l2": 2.0}, DISC_LOSS={"disc_bce": 1.0}, DATA_RANGE=2.0,
        LEARNING_RATE={"generator": None, "discriminator": None}, PRECISION="float32")
    with strategy.scope():
        keras.utils.set_random_seed(0)
        gan = Tiny(exp)
        gan.generator_optimizer = keras.optimizers.SGD(0.1)
        gan.generator_optimizer.build(gan.generator.trainable_variables)
    average_gradients(gan, strategy.num_replicas_in_sync)
    random = np.random.default_rng(0)
    # Equal discriminator inputs on both replicas: its batch norm knows only its own.
    image = np.tile(random.uniform(-1, 1, (2, 16, 16, 2)), (2, 1, 1, 1)).astype("float32")
    target = np.tile(random.uniform(-1, 1, (2, 16, 16, 3)), (2, 1, 1, 1)).astype("float32")
    data = tf.data.Dataset.from_tensors((image, target)).unbatch().batch(4)
    @tf.function
    def step(image, target):
        return strategy.run(gan.train_step, args=(image, target, tf.constant(0, tf.int64)))
    for image, target in strategy.experimental_distribute_dataset(data):
        losses = step(image, target)
    local = {name: strategy.experimental_local_results(loss)[0].numpy() for name, loss in losses.items()}
    return local, [w.numpy() for w in gan.generator.trainable_variables]

(one, weights), (two, shared) = train(["CPU:0"]), train(["CPU:0", "CPU:1"])
for name in one:
    np.testing.assert_allclose(one[name], two[name], rtol=1e-5, err_msg=name)
for a, b in zip(weights, shared, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-6)
"""


def test_two_replicas_equal_one():
    """Run in a process of its own, as logical devices can only be made before TensorFlow starts."""
    run = subprocess.run([sys.executable, "-c", SCRIPT], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
