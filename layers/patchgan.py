"""The PatchGAN discriminator (Isola et al. 2017): one output for each patch of an image, not one for the image."""

from __future__ import annotations

import keras
from keras import layers

from layers.convolution import conv


def patchgan(
    input_channels: int,
    target_channels: int,
    filters: int = 64,
    downsamplings: int = 3,
    *,
    halvings: int | None = None,
) -> keras.Model:
    """Return the discriminator of ``[input_image, target_image]``, for images of any height and width.

    The output is logits, float32, ``(batch, h, w, 1)`` with h = height / 2**downsamplings - 2: 30 for images of 256
    pixels, 14 for 128, 6 for 64 as published. Images need at least 3 * 2**downsamplings pixels a side.

    Args:
        input_channels: bands of the input image.
        target_channels: bands of the target or generated image.
        filters: channels of the first convolution; each further one has twice as many as the one before.
        downsamplings: number of convolutions with stride 2. With 3 of them each output depends on a patch of 70 x 70
            pixels, with 2 on one of 34 x 34.
        halvings: former name of `downsamplings`; existing plug-ins use it.
    """
    downsamplings = downsamplings if halvings is None else halvings
    input_image = keras.Input((None, None, input_channels), name="input_image")
    target_image = keras.Input((None, None, target_channels), name="target_image")
    x = layers.Concatenate()([input_image, target_image])
    for level in range(downsamplings):
        x = conv(4, filters * 2**level, 2, batchnorm=level > 0, lrelu=True)(x)
    x = layers.ZeroPadding2D()(x)
    x = conv(4, filters * 2**downsamplings, 1, batchnorm=True, lrelu=True, padding="valid")(x)
    x = layers.ZeroPadding2D()(x)
    x = conv(4, 1, 1, batchnorm=False, lrelu=False, padding="valid")(x)
    logits = layers.Activation("linear", dtype="float32", name="logits")(x)
    return keras.Model([input_image, target_image], logits, name="patchgan")
