"""The depth of the U-Net for an image size, and the errors for sizes that do not fit."""

import pytest

from layers.sizes import require_multiple, unet_size
from tests.networks import network_fields


@pytest.fixture
def experiment(experiment_of):
    """``experiment(tilesize, height, width)``: an Experiment of images of this size."""

    def opened(tilesize, height, width):
        fields = network_fields(tilesize)
        return experiment_of(fields, model_name="net", tilesize=tilesize, img_height=height, img_width=width)

    return opened


@pytest.mark.parametrize(
    ("tilesize", "height", "width", "size"),
    [
        (512, 512, 256, 256),
        (256, 256, 128, 128),
        (256, 192, 192, 64),
        (96, 96, 96, 32),
        (64, 64, 64, 64),
        (16, 32, 64, 32),
    ],
)
def test_the_deepest_unet_that_fits(tilesize, height, width, size, experiment):
    assert unet_size(experiment(tilesize, height, width)) == size


@pytest.mark.parametrize(("tilesize", "size"), [(512, 256), (256, 256), (200, 128), (64, 64), (48, 32)])
def test_as_published_the_tile_size_decides(tilesize, size, experiment):
    assert unet_size(experiment(tilesize, 512, 512), as_published=True) == size


def test_as_published_an_image_that_needs_fewer_downsamplings_is_an_error(experiment):
    with pytest.raises(ValueError, match="multiples of 64, not 96 and 96"):
        unet_size(experiment(96, 96, 96), as_published=True)


def test_the_error_has_the_nearest_size(experiment):
    with pytest.raises(ValueError, match=r"net needs .* of 32, not 100 and 20; 96 and 32 would do"):
        require_multiple(experiment(100, 100, 20), 32)
