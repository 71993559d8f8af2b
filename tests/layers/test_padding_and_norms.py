"""Padding, instance normalisation, upsampling and the channels of an image pair, compared with NumPy and SciPy."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from layers.instance_norm import InstanceNorm
from layers.multiscale_discriminator import by_scale, copies, multiscale_discriminator
from layers.padding import Padding
from layers.weighted_upsampling import AlignedBilinear
from losses.pooling import halved, halved_with_validity

RANDOM = np.random.default_rng(2)
IMAGES = RANDOM.normal(size=(2, 5, 7, 3)).astype("float32")


@pytest.mark.parametrize(("kind", "mode"), [("replication", "edge"), ("reflection", "reflect"), ("zero", "constant")])
def test_padding(kind, mode):
    layer = Padding(3, kind)
    expected = np.pad(IMAGES, ((0, 0), (3, 3), (3, 3), (0, 0)), mode=mode)
    np.testing.assert_array_equal(layer(IMAGES), expected)
    assert layer.compute_output_shape(IMAGES.shape) == expected.shape
    np.testing.assert_array_equal(Padding.from_config(layer.get_config())(IMAGES), expected)


def test_padding_of_another_kind_is_an_error():
    with pytest.raises(ValueError, match="one of replication, reflection, zero, not 'replicate'"):
        Padding(1, "replicate")


def test_instance_norm():
    mean, variance = (function(IMAGES, axis=(1, 2), keepdims=True) for function in (np.mean, np.var))
    layer = InstanceNorm(epsilon=1e-2)
    np.testing.assert_allclose(layer(IMAGES), (IMAGES - mean) / np.sqrt(variance + 1e-2), atol=1e-5)
    assert InstanceNorm.from_config(layer.get_config()).epsilon == 1e-2


def test_corners_keep_their_places():
    """SciPy's linear zoom has the same grid."""
    upsampled = np.asarray(AlignedBilinear(2)(IMAGES))
    np.testing.assert_allclose(upsampled, ndimage.zoom(IMAGES, (1, 2, 2, 1), order=1), atol=1e-5)
    np.testing.assert_array_equal(upsampled[:, ::9, ::13], IMAGES[:, ::4, ::6])
    np.testing.assert_array_equal(AlignedBilinear(2).weights_of(1), [[1], [1]])


def windows(image, row, column):
    return image[max(2 * row - 1, 0) : 2 * row + 2, max(2 * column - 1, 0) : 2 * column + 2]


@pytest.mark.parametrize("shape", [(5, 7), (4, 6), (1, 2)])
def test_halved_images_are_means_without_padding(shape):
    image = RANDOM.normal(size=shape).astype("float32")
    rows, columns = (np.arange((side + 1) // 2) for side in shape)
    expected = [[windows(image, row, column).mean() for column in columns] for row in rows]
    np.testing.assert_allclose(np.asarray(halved(image[None, ..., None]))[0, ..., 0], expected, atol=1e-6)
    constant = np.full_like(image, 0.1)[None, ..., None]
    assert np.ptp(halved(constant)) <= 1e-8


def test_halved_images_leave_missing_pixels_out():
    validity = (RANDOM.random((1, 6, 6, 1)) < 0.4).astype("float32")
    validity[0, :3, :3] = 0
    image = RANDOM.normal(size=(1, 6, 6, 1)).astype("float32")
    means, valid = (np.asarray(each)[0, ..., 0] for each in halved_with_validity(image, validity))
    for row, column in np.ndindex(3, 3):
        chosen = windows(image[0, ..., 0], row, column)[windows(validity[0, ..., 0], row, column) > 0]
        assert valid[row, column] == (len(chosen) > 0)
        assert means[row, column] == pytest.approx(chosen.mean() if len(chosen) else 0, abs=1e-6)


@pytest.mark.parametrize(
    ("input_channels", "target_channels", "balance", "expected"),
    [(3, 1, 1.0, (1, 3)), (1, 3, 1.0, (3, 1)), (2, 2, 1.0, (1, 1)), (3, 2, 1.0, (1, 1)), (3, 1, 0.0, (1, 1)),
     (4, 1, 0.5, (1, 2)), (1, 93, 1.0, (93, 1)), (1, 99, 1.0, (99, 1)), (3, 1, -1.0, (1, 1))],
)  # fmt: skip
def test_the_image_with_fewer_bands_is_repeated(input_channels, target_channels, balance, expected):
    assert copies(input_channels, target_channels, balance) == expected


def test_parameters_of_the_published_discriminators():
    for (bands, options), count in {
        ((1, 1), ()): 2_763_713, ((1, 1), (("scales", 3),)): 8_291_139, ((1, 1), (("filters", 32),)): 693_729,
        ((3, 1), ()): 2_767_809,
    }.items():  # fmt: skip
        assert multiscale_discriminator(*bands, **dict(options)).count_params() == count


def test_each_scale_sees_images_of_half_the_size():
    network = multiscale_discriminator(2, 1, filters=1, scales=2)
    pair = [np.zeros((1, 64, 48, bands), "float32") for bands in (2, 1)]
    logits = [blocks[-1].shape for blocks in by_scale(network(pair))]
    assert logits == [(1, 6, 4, 1), (1, 2, 1, 1)]
    again = keras.Model.from_config(network.get_config())
    assert again.count_params() == network.count_params()
