"""Which image sizes a network's strides allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiment import Experiment

#: Multiples that the U-Net's four depths (8, 7, 6 and 5 halvings) need, the deepest first.
UNET_SIZES = (256, 128, 64, 32)


def require_multiple(experiment: Experiment, multiple: int) -> None:
    """Make sure that strides end on whole pixels.

    Args:
        experiment: read for MODEL_NAME, IMG_HEIGHT, IMG_WIDTH.
        multiple: what height and width must divide by.

    Raises:
        ValueError: they do not; with the nearest sizes that would do.
    """
    height, width = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    if height % multiple or width % multiple:
        nearest = [max(multiple, side // multiple * multiple) for side in (height, width)]
        raise ValueError(
            f"{experiment.MODEL_NAME} needs img_height and img_width to be multiples of {multiple}, not {height} "
            f"and {width}; {nearest[0]} and {nearest[1]} would do"
        )


def require_patches(experiment: Experiment, halvings: int = 3) -> None:
    """Make sure that a PatchGAN has at least one patch.

    Args:
        experiment: read for MODEL_NAME, IMG_HEIGHT, IMG_WIDTH.
        halvings: of the PatchGAN.

    Raises:
        ValueError: the image is smaller than three pixels after the halvings.
    """
    height, width = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    least = 3 * 2**halvings
    if min(height, width) < least:
        raise ValueError(
            f"{experiment.MODEL_NAME} needs img_height and img_width of at least {least}, not {height} and {width}:"
            " its PatchGAN has no patch else"
        )


def unet_size(experiment: Experiment, *, as_published: bool = False) -> int:
    """Return the tile size whose U-Net fits the experiment's images: 256, 128, 64 or 32.

    That is the deepest one that the tile size asks for and whose halvings the image allows. As published, the tile
    size alone decides, and 96 pixels, which can be halved five times but not six, are refused.

    Args:
        experiment: read for MODEL_NAME, TILESIZE, IMG_HEIGHT, IMG_WIDTH.
        as_published: let the tile size decide.

    Raises:
        ValueError: no U-Net fits.
    """
    height, width = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    wanted = [size for size in UNET_SIZES if experiment.TILESIZE >= size] or [UNET_SIZES[-1]]
    fitting = [size for size in wanted if height % size == 0 and width % size == 0]
    if fitting and not as_published:
        return fitting[0]
    require_multiple(experiment, wanted[0] if as_published else UNET_SIZES[-1])
    return wanted[0]
