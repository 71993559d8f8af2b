"""Losses of pixels leave missing pixels out: values of NumPy over the valid ones, and no gradient from the others."""

import numpy as np
import pytest
import tensorflow as tf

from layers.conditional_gan import with_missing_pixels
from losses import generator_loss
from losses.masking import mean, whole_windows

RANDOM = np.random.default_rng(5)
TARGET, OUTPUT = (RANDOM.uniform(-1, 1, (2, 16, 16, 3)).astype("float32") for _ in range(2))
VALID = (RANDOM.random((2, 16, 16, 1)) < 0.7).astype("float32")
VALID[0, :13, :13] = 1  # some windows of 11 pixels are whole
WHERE = VALID[..., 0] > 0
DIFFERENCE = (TARGET - OUTPUT).astype("float64")[WHERE]


def loss(name, target=TARGET, validity=VALID, output=OUTPUT):
    fields = {} if validity is None else {"validity": tf.constant(validity)}
    total, terms = generator_loss(None, tf.constant(output), tf.constant(target), {name: 1.0}, fields=fields)
    assert float(total) == float(terms[name])
    return float(total)


def spectral_angles():
    unit = [image[WHERE].astype("float64") for image in (TARGET, OUTPUT)]
    unit = [spectra / np.linalg.norm(spectra, axis=-1, keepdims=True) for spectra in unit]
    return np.arccos(np.clip((unit[0] * unit[1]).sum(-1), -1, 1))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gen_l1", np.abs(DIFFERENCE).mean()),
        ("gen_l2", (DIFFERENCE**2).mean()),
        ("gen_rmse", np.sqrt((DIFFERENCE**2).mean())),
        ("gen_sam", spectral_angles().mean()),
    ],
)
def test_means_over_the_valid_pixels(name, expected):
    assert loss(name) == pytest.approx(expected, rel=1e-5)


def test_windows_without_a_missing_pixel():
    from skimage.metrics import structural_similarity

    scores = []
    for target, output, valid in zip(TARGET, OUTPUT, VALID[..., 0], strict=True):
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "full": True}
        _, windows = structural_similarity(target, output, data_range=2.0, channel_axis=-1, **options)
        places = [(row, column) for row in range(6) for column in range(6)]
        whole = [valid[row : row + 11, column : column + 11].all() for row, column in places]
        scores.append(windows[5:-5, 5:-5].reshape(36, 3)[whole])
    assert sum(map(len, scores)) > 3
    assert loss("gen_ssim") == pytest.approx(1 - np.concatenate(scores).mean(), rel=1e-4)


@pytest.mark.parametrize("name", ["gen_l1", "gen_l2", "gen_rmse", "gen_sam", "gen_ssim"])
def test_what_is_missing_has_no_influence(name):
    changed = np.where(VALID > 0, TARGET, 0.5).astype("float32")
    assert loss(name, changed) == pytest.approx(loss(name), rel=1e-6)
    everywhere = np.ones_like(VALID)
    assert loss(name, validity=everywhere) == pytest.approx(loss(name, validity=None), rel=1e-6)


def test_missing_pixels_have_no_gradient():
    output = tf.constant(OUTPUT)
    with tf.GradientTape() as tape:
        tape.watch(output)
        total, _ = generator_loss(None, output, TARGET, {"gen_l1": 1.0}, fields={"validity": tf.constant(VALID)})
    gradient = tape.gradient(total, output).numpy()
    assert (gradient[~WHERE] == 0).all() and (gradient[WHERE] != 0).all()


def test_a_batch_without_any_valid_pixel_is_0():
    assert loss("gen_l1", validity=np.zeros_like(VALID)) == 0


def test_each_folded_time_step_has_its_own_pixels():
    """Channels 0 and 1 are the bands of the first time step, 2 and 3 those of the second."""
    values = RANDOM.random((1, 4, 4, 4)).astype("float32")
    valid = np.ones((1, 4, 4, 2), "float32")
    valid[..., 1] = 0
    assert float(mean(tf.constant(values), tf.constant(valid))) == pytest.approx(values[..., :2].mean(), rel=1e-6)


def test_whole_windows():
    valid = np.ones((1, 5, 5, 1), "float32")
    valid[0, 4, 4] = 0
    np.testing.assert_array_equal(whole_windows(tf.constant(valid), 3)[0, :, :, 0], [[1, 1, 1], [1, 1, 1], [1, 1, 0]])


def test_a_discriminator_sees_the_same_missing_pixels_in_both_images():
    shown = with_missing_pixels(tf.constant(OUTPUT), tf.constant(TARGET), tf.constant(VALID)).numpy()
    np.testing.assert_array_equal(shown[~WHERE], TARGET[~WHERE])
    np.testing.assert_array_equal(shown[WHERE], OUTPUT[WHERE])
    assert with_missing_pixels(OUTPUT, TARGET, None) is OUTPUT
