"""Plug-ins and metrics that use former names of `layers`, `metrics` and `models`."""

import json

import numpy as np

import metrics
from layers.sizes import require_patches
from pix2earth.plugins import contract, finding

PLUGIN = """
import keras

from layers.conditional_gan import ConditionalGAN
from layers.patchgan import patchgan
from layers.strided_discriminator import pairs, strided_discriminator, ten_verdicts


class GAN(ConditionalGAN):
    def Generator(self):
        image = keras.Input((self.exp.IMG_HEIGHT, self.exp.IMG_WIDTH, self.exp.INPUT_CHANNELS))
        return keras.Model(image, keras.layers.Conv2D(self.exp.OUTPUT_CHANNELS, 1)(image))

    def Discriminator(self):
        self.second = strided_discriminator(
            self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS, stages=pairs(4, 8), head=ten_verdicts
        )
        return patchgan(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS, filters=4, halvings=2)
"""


def test_a_plugin_with_halvings_and_ten_verdicts(tiny_root, open_tiny):
    (tiny_root / "plugins").mkdir()
    (tiny_root / "plugins" / "old.py").write_text(PLUGIN)
    environment = tiny_root / "environment.json"
    environment.write_text(json.dumps(json.loads(environment.read_text()) | {"models_root": ["plugins"]}))
    experiment = open_tiny(tiny_root, "old", model_name="old", params={})
    gan = contract.build(experiment, finding.find(experiment))
    images = [np.zeros((1, 64, 64, channels), "float32") for channels in (4, 3)]
    assert gan.discriminator(images).shape == (1, 14, 14, 1)
    assert gan.second(images).shape == (1, 16, 16, 10)


def test_halvings_of_require_patches(tiny_root, open_tiny):
    require_patches(open_tiny(tiny_root, "small", img_height=12, img_width=12), halvings=2)


def test_metrics_counting():
    from metrics.counting import counted, mean, whole_windows
    from metrics.masking import apply_mask
    from metrics.masking import mean as masked_mean
    from metrics.masking import whole_windows as valid_windows

    assert (counted, mean, whole_windows) == (apply_mask, masked_mean, valid_windows)


def test_known_metrics():
    assert metrics.KNOWN is metrics.ALL_METRICS


def test_ratio_of_the_residual_upsampler():
    from models.residual_upsampler import integer_ratio, whole_ratio

    assert whole_ratio is integer_ratio
