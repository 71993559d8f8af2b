"""Losses of pixels that a mask hides in the input: hinge losses of patches with hidden pixels, mean squared error.

D is the output of a discriminator, m the hidden patches: 1 where any pixel of the patch is hidden. Hinge losses are
means over all patches and channels of m; a patch without hidden pixels adds 0.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from losses.masking import mean


def hidden_patches(mask: Any, size: int) -> Any:
    """Return 1 for each patch with a hidden pixel, else 0.

    Args:
        mask: (batch, height, width, channel), 1 where hidden.
        size: side of a patch in pixels.

    Returns:
        (batch, height // size, width // size, channel).
    """
    return ops.max_pool(mask, size, strides=size, padding="valid", data_format="channels_last")


def gen_hinge_hidden(generated_output: Any, patches: Any) -> Any:
    """Return -mean(D m).

    Args:
        generated_output: of generated images, (batch, height, width, 1).
        patches: (batch, height, width, channel), 1 where hidden.
    """
    return -ops.mean(generated_output * patches)


def disc_hinge_hidden(real_output: Any, generated_output: Any, patches: Any) -> Any:
    """Return mean(relu(1 - D_r m) m) + mean(relu(1 + D_f m) m).

    Args:
        real_output: of target images, (batch, height, width, 1).
        generated_output: of generated images, of the same shape.
        patches: (batch, height, width, channel), 1 where hidden.
    """
    real = ops.mean(ops.relu(1.0 - real_output * patches) * patches)
    return real + ops.mean(ops.relu(1.0 + generated_output * patches) * patches)


def l2_hidden(generated: Any, target: Any, mask: Any) -> Any:
    """Return the mean squared error of the hidden pixels of the batch; 0 where there are none.

    Args:
        generated: (batch, height, width, time step * band).
        target: of the same shape.
        mask: (batch, height, width, time step), 1 where hidden.
    """
    return mean(ops.square(generated - target), mask)
