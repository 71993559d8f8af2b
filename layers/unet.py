"""The U-Net of pix2pix (Isola et al. 2017), for images and, in aris-a, aris-b and aris-c, for features."""

from __future__ import annotations

from typing import Any

from keras import layers

from layers.convolution import conv, deconv


def unet(x: Any, tilesize: int, output_channels: int, kernel_size: int = 4) -> Any:
    """Return the output of the U-Net, after tanh: ``(batch, height, width, output_channels)``, float32.

    Args:
        x: ``(batch, height, width, channel)``; height and width are multiples of 256, 128, 64 or 32, see `tilesize`.
        tilesize: from 256 pixels on there are 8 downsamplings, from 128 on 7, from 64 on 6, below 5; a tile of one of
            these sizes has one pixel at the bottleneck.
        output_channels: channels of the result.
        kernel_size: side of all kernels in pixels.
    """
    x, skips = _encode(x, tilesize, kernel_size)
    x = _decode(x, skips, tilesize, kernel_size)
    x = deconv(kernel_size, output_channels, 2, batchnorm=False, relu=False, dropout=None)(x)
    return layers.Activation("tanh", dtype="float32")(x)


def _outer_filters(tilesize: int) -> list[int]:
    """Return the filters of the encoder's outer levels, the outermost first; five levels of 512 follow."""
    return [filters for size, filters in ((256, 64), (128, 128), (64, 256)) if tilesize >= size]


def _encode(x: Any, tilesize: int, kernel_size: int) -> tuple[Any, list[Any]]:
    """Return the bottleneck and the outputs of the levels above it, the outermost first."""
    skips = []
    for filters in [*_outer_filters(tilesize), 512, 512, 512, 512, 512]:
        # Only the level of 64 filters, the first one for tiles of 256 pixels, has no batch norm.
        x = conv(kernel_size, filters, 2, batchnorm=filters != 64, lrelu=True)(x)
        skips.append(x)
    return x, skips[:-1]


def _decode(x: Any, skips: list[Any], tilesize: int, kernel_size: int) -> Any:
    """Return the decoder's features at half the size of the output."""
    dropouts = [0.5, 0.5, 0.5, None]
    inner = [(512, dropout) for dropout in dropouts]
    outer = [(filters, None) for filters in reversed(_outer_filters(tilesize))]
    # A tile below 64 pixels has four levels above the bottleneck, all of 512 filters.
    for (filters, dropout), skip in zip([*inner, *outer], reversed(skips), strict=True):
        x = deconv(kernel_size, filters, 2, batchnorm=True, relu=True, dropout=dropout)(x)
        x = layers.Concatenate()([x, skip])
    return x
