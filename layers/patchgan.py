"""The PatchGAN discriminator (Isola et al. 2017): one verdict for each patch, not one for the image."""

from __future__ import annotations

import keras
from keras import layers

from layers.convolution import conv


def patchgan(input_channels: int, target_channels: int, filters: int = 64, halvings: int = 3) -> keras.Model:
    """Return the discriminator of ``[input_image, target_image]``, for images of any height and width.

    The output is logits, float32, ``(batch, h, w, 1)`` with h = height / 2**halvings - 2: 30 at 256 pixels,
    14 at 128, 6 at 64 as published. Images need at least 3 * 2**halvings pixels a side.

    Args:
        input_channels: bands of the input image.
        target_channels: bands of the true or generated image.
        filters: channels of the first convolution; doubled at each further one.
        halvings: stride-2 convolutions. Each patch sees 70 pixels with 3 of them, 34 with 2.
    """
    input_image = keras.Input((None, None, input_channels), name="input_image")
    target_image = keras.Input((None, None, target_channels), name="target_image")
    x = layers.Concatenate()([input_image, target_image])
    for halving in range(halvings):
        x = conv(4, filters * 2**halving, 2, batchnorm=halving > 0, lrelu=True)(x)
    x = layers.ZeroPadding2D()(x)
    x = conv(4, filters * 2**halvings, 1, batchnorm=True, lrelu=True, padding="valid")(x)
    x = layers.ZeroPadding2D()(x)
    x = conv(4, 1, 1, batchnorm=False, lrelu=False, padding="valid")(x)
    logits = layers.Activation("linear", dtype="float32", name="logits")(x)
    return keras.Model([input_image, target_image], logits, name="patchgan")
