"""The U-Net of pix2pix (Isola et al. 2017), as the ARISGAN family uses it on images and on features."""

from __future__ import annotations

from typing import Any

from keras import layers

from layers.convolution import conv, deconv


def unet(x: Any, tilesize: int, output_channels: int, kernel_size: int = 4) -> Any:
    """Return the U-Net's output for a tensor: tanh, float32, of the tensor's height and width.

    Args:
        x: ``(batch, height, width, channel)``; sides are multiples of 256, 128, 64 or 32, according to
            the branch that the tile size takes.
        tilesize: at least 256, 128, 64 or less: 8, 7, 6 or 5 halvings, so that a tile ends as one pixel.
        output_channels: channels of the result.
        kernel_size: side of all kernels.
    """
    x, skips = _encode(x, tilesize, kernel_size)
    x = _decode(x, skips, tilesize, kernel_size)
    x = deconv(kernel_size, output_channels, 2, batchnorm=False, relu=False, dropout=None)(x)
    return layers.Activation("tanh", dtype="float32")(x)


def _outer_filters(tilesize: int) -> list[int]:
    """Return the filters of the encoder's outer levels, from the outside in; five of 512 follow."""
    return [filters for size, filters in ((256, 64), (128, 128), (64, 256)) if tilesize >= size]


def _encode(x: Any, tilesize: int, kernel_size: int) -> tuple[Any, list[Any]]:
    """Return the one-pixel bottleneck and the outputs of the levels above it, from the outside in."""
    skips = []
    for filters in [*_outer_filters(tilesize), 512, 512, 512, 512, 512]:
        # Only the level of 64 filters, the first of a full-sized tile, has no batch norm.
        x = conv(kernel_size, filters, 2, batchnorm=filters != 64, lrelu=True)(x)
        skips.append(x)
    return x, skips[:-1]


def _decode(x: Any, skips: list[Any], tilesize: int, kernel_size: int) -> Any:
    """Return the decoder's features at half of the final size."""
    dropouts = [0.5, 0.5, 0.5, None]
    inner = [(512, dropout) for dropout in dropouts]
    outer = [(filters, None) for filters in reversed(_outer_filters(tilesize))]
    # A tile below 64 pixels has four levels above its bottleneck, all of them inner ones.
    for (filters, dropout), skip in zip([*inner, *outer], reversed(skips), strict=True):
        x = deconv(kernel_size, filters, 2, batchnorm=True, relu=True, dropout=dropout)(x)
        x = layers.Concatenate()([x, skip])
    return x
