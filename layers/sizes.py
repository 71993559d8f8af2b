"""Checks of image sizes: multiples that strides require, the smallest image of a PatchGAN, the depth of a U-Net."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiment import Experiment

#: Multiples that U-Nets with 8, 7, 6 and 5 downsamplings require of height and width.
UNET_SIZES = (256, 128, 64, 32)


def require_multiple(experiment: Experiment, multiple: int) -> None:
    """Check that height and width are multiples of the product of all strides.

    Args:
        experiment: its MODEL_NAME, IMG_HEIGHT and IMG_WIDTH are used.
        multiple: height and width must be multiples of it.

    Raises:
        ValueError: they are not; the message has the nearest sizes that are.
    """
    height, width = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    if height % multiple or width % multiple:
        nearest = [max(multiple, side // multiple * multiple) for side in (height, width)]
        raise ValueError(
            f"{experiment.MODEL_NAME} needs img_height and img_width to be multiples of {multiple}, not {height} "
            f"and {width}; {nearest[0]} and {nearest[1]} would do"
        )


def require_patches(experiment: Experiment, downsamplings: int = 3, *, halvings: int | None = None) -> None:
    """Check that a PatchGAN has at least one patch.

    Args:
        experiment: its MODEL_NAME, IMG_HEIGHT and IMG_WIDTH are used.
        downsamplings: number of the PatchGAN's convolutions with stride 2.
        halvings: former name of `downsamplings`; existing plug-ins use it.

    Raises:
        ValueError: the image has fewer than three pixels a side after the downsamplings.
    """
    downsamplings = downsamplings if halvings is None else halvings
    height, width = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    smallest = 3 * 2**downsamplings
    if min(height, width) < smallest:
        raise ValueError(
            f"{experiment.MODEL_NAME} needs img_height and img_width of at least {smallest}, not {height} and {width}:"
            " its PatchGAN would have no patch"
        )


def unet_size(experiment: Experiment, *, as_published: bool = False) -> int:
    """Return the tile size that selects the depth of the experiment's U-Net: 256, 128, 64 or 32.

    It is the largest of these that does not exceed the tile size and divides height and width. As published, the tile
    size alone decides; an image of 96 pixels, which 32 divides but 64 does not, is then an error.

    Args:
        experiment: its MODEL_NAME, TILESIZE, IMG_HEIGHT and IMG_WIDTH are used.
        as_published: let the tile size alone decide.

    Raises:
        ValueError: no U-Net fits.
    """
    height, width = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    sizes = [size for size in UNET_SIZES if experiment.TILESIZE >= size] or [UNET_SIZES[-1]]
    fitting = [size for size in sizes if height % size == 0 and width % size == 0]
    if fitting and not as_published:
        return fitting[0]
    require_multiple(experiment, sizes[0] if as_published else UNET_SIZES[-1])
    return sizes[0]
