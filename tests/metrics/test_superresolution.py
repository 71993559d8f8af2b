"""The judges of super-resolution: recorded values of the field's own program, NumPy, scikit-image, and by hand."""

from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf
from skimage.exposure import match_histograms
from skimage.registration import phase_cross_correlation

import metrics
from metrics import SUPERRESOLUTION, Scale, score
from metrics.superresolution import judges
from metrics.superresolution.judges import Images
from metrics.superresolution.matching import matched
from metrics.superresolution.registration import shift
from tests.golden_files import FOLDER

SCALE = Scale(1.0)
SHARES = ("improvement", "omission", "hallucination")


class Golden:
    """The recorded images and scores; tiles are read once."""

    arrays: ClassVar = np.load(FOLDER / "superresolution.npz")
    tiles = range(4)

    @classmethod
    def images(cls, kind):
        return np.stack([np.moveaxis(cls.arrays[f"{tile}_{kind}"], 0, -1) for tile in cls.tiles])

    @classmethod
    def scores(cls, kind):
        table = np.stack([cls.arrays[f"{tile}_{kind}"] for tile in cls.tiles])
        return dict(zip(cls.arrays["columns"], table.T, strict=True))


def scored(name, target, prediction, coarse, mask=None):
    return score(target, prediction, SCALE, [name], mask, {"coarse_input": coarse})[name].numpy()


def images(side=64, factor=4, bands=3, seed=1, count=2):
    """Return a target, a prediction with errors, and the input: means of the target."""
    random = np.random.default_rng(seed)
    target = random.uniform(0.05, 0.4, (count, side, side, bands)).astype(np.float32)
    coarse = target.reshape(count, side // factor, factor, side // factor, factor, bands).mean((2, 4))
    prediction = 0.8 * target + 0.02 + random.normal(0, 0.02, target.shape)
    return target, np.abs(prediction).astype(np.float32), coarse


# ---- recorded values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*SHARES, "reflectance", "spectral", "synthesis"])
def test_golden_scores_of_real_tiles(name):
    found = scored(name, Golden.images("hr"), Golden.images("sr"), Golden.images("lr"))
    np.testing.assert_allclose(found, Golden.scores("matched")[name], rtol=1e-4)


def test_golden_scores_without_matching():
    both = Images.of(Golden.images("hr"), Golden.images("sr"), None, Golden.images("lr"))
    found = dict(zip(SHARES, judges.shares(both, both.fine), strict=True))
    found["synthesis"] = judges.synthesis_of(both, both.fine)
    for name, values in found.items():
        np.testing.assert_allclose(values, Golden.scores("plain")[name], rtol=1e-4, err_msg=name)


# ---- against NumPy and scikit-image --------------------------------------------------------------------------------


def triangle(few, many):
    """Return the weights (few, many) of a triangle of half-width `many / few`, normalised."""
    factor = many // few
    away = np.abs((np.arange(many) + 0.5) / factor - (np.arange(few)[:, None] + 0.5))
    weights = np.maximum(0, 1 - away)
    return weights / weights.sum(1, keepdims=True)


def bilinear(many, few):
    """Return the weights (many, few) of linear interpolation between centres of pixels."""
    at = np.clip((np.arange(many) + 0.5) * few / many - 0.5, 0, few - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(few)))


def expected(target, prediction, coarse, border):
    """Return all scores of one tile in float64, from the definitions; `border` in pixels of the input."""
    factor, (rows, columns, _) = target.shape[0] // coarse.shape[0], coarse.shape
    inner, outer = border, border * factor
    low = coarse[inner : rows - inner, inner : columns - inner].astype(np.float64)
    high, made = (
        image[outer : image.shape[0] - outer, outer : image.shape[1] - outer].astype(np.float64)
        for image in (target, prediction)
    )
    down = np.einsum(
        "ij,jkb,lk->ilb", triangle(low.shape[0], high.shape[0]), made, triangle(low.shape[1], high.shape[1])
    )
    up = np.einsum("ij,jkb,lk->ilb", bilinear(high.shape[0], low.shape[0]), low, bilinear(high.shape[1], low.shape[1]))
    cosine = (low * down).sum(-1) / np.linalg.norm(low, axis=-1) / np.linalg.norm(down, axis=-1)
    moved = phase_cross_correlation(low.mean(-1), down.mean(-1), upsample_factor=10)[0]
    made = match_histograms(made, high, channel_axis=-1)

    def far(x, y):
        return np.mean(np.abs(x - y) / np.abs(x + y + 1e-8), axis=-1)

    reference, error, added = far(up, high), far(made, high), far(made, up)
    limit = np.sort(reference.ravel())[int(0.75 * reference.size) - 1]
    chosen = ((reference > limit) | (error > limit) | (added > limit)) & (reference > 0)
    a, o = error[chosen] / reference[chosen], added[chosen] / reference[chosen]
    gained = 1 - np.exp(-0.05 * (a + o - 1))
    weights = np.exp(-np.stack([a + o * gained, o + a * gained, np.exp(-0.05 * a * o)]) / 0.25)
    parts = (weights / weights.sum(0)).mean(1)
    return dict(zip(SHARES, parts, strict=True)) | {
        "reflectance": np.abs(low - down).mean(), "spectral": np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean(),
        "spatial": np.hypot(*moved), "synthesis": np.abs(up - made).mean(),
        "without_reference": 100 * np.mean(reference == 0),
    }  # fmt: skip


@pytest.mark.parametrize(("factor", "side", "border"), [(2, 48, 8), (3, 63, 5), (4, 64, 4), (20, 60, 0)])
def test_numpy_and_scikit_image(factor, side, border):
    """Also where the factor does not divide the border: both grids lose whole pixels of the input."""
    target, prediction, coarse = images(side, factor)
    prediction = np.roll(prediction, 2, axis=1)  # so that the images are shifted
    for name in SUPERRESOLUTION:
        found = scored(name, target, prediction, coarse)
        for tile in range(2):
            value = expected(target[tile], prediction[tile], coarse[tile], border)[name]
            assert found[tile] == pytest.approx(value, rel=2e-4, abs=1e-6), (name, tile)


def test_matching_with_equal_values():
    """Ties in either image, and constant bands, are matched as scikit-image does it."""
    random = np.random.default_rng(3)
    image, reference = random.integers(0, 12, (2, 3, 20, 17, 4)).astype(np.float64)
    reference = reference**2 / 7
    image[1, ..., 0], reference[2, ..., 1] = 5.0, 3.0
    found = matched(tf.constant(image), tf.constant(reference), tf.ones((3, 20, 17, 1), tf.bool))
    for tile in range(3):
        np.testing.assert_allclose(found[tile], match_histograms(image[tile], reference[tile], channel_axis=-1))


def test_matching_of_valid_pixels_alone():
    random = np.random.default_rng(5)
    image, reference = random.normal(0, 1, (2, 1, 12, 12, 2))
    keep = random.random((1, 12, 12)) < 0.6
    found = matched(*map(tf.constant, (image, reference, keep[..., None]))).numpy()
    for band in range(2):
        of_band = match_histograms(image[..., band][keep], reference[..., band][keep])
        np.testing.assert_allclose(found[..., band][keep], of_band)
    np.testing.assert_array_equal(found[~keep], image[~keep])


@pytest.mark.parametrize("moved", [(0, 0), (3, -2), (-5, 8)])
def test_shift_of_whole_pixels(moved):
    image = np.random.default_rng(2).normal(0, 1, (1, 33, 40))
    np.testing.assert_allclose(
        shift(tf.constant(image), tf.constant(np.roll(image, moved, (1, 2))))[0], np.negative(moved)
    )


def test_shift_of_parts_of_a_pixel():
    """Equal to scikit-image, at any brightness."""
    random = np.random.default_rng(8)
    fine = random.normal(0, 1, (5, 96, 84))
    for image, rows, columns in zip(fine, (1, 2, 3, -4, 7), (0, -2, 5, 6, -1), strict=True):
        moved = np.roll(image, (rows, columns), (0, 1))
        first, second = (one.reshape(24, 4, 21, 4).mean((1, 3)) for one in (image, moved))
        wanted = phase_cross_correlation(first, second, upsample_factor=10)[0]
        found = shift(tf.constant(first[None]), tf.constant(second[None]))[0]
        np.testing.assert_allclose(found, wanted, atol=1e-9)
        np.testing.assert_allclose(shift(tf.constant(1e-4 * first[None]), tf.constant(1e-4 * second[None]))[0], found)


# ---- meaning ------------------------------------------------------------------------------------------------------


def test_meaning_of_the_shares():
    """The truth improves, the enlarged input omits, and noise hallucinates."""
    target, _, coarse = images()
    enlarged = tf.image.resize(coarse, target.shape[1:3])
    noise = np.random.default_rng(0).permutation(target.reshape(2, -1, 3), axis=1).reshape(target.shape)[..., ::-1]
    best = ("improvement", target), ("omission", enlarged), ("hallucination", 3 * noise)
    for name, prediction in best:
        both = Images.of(target, prediction, None, coarse)
        found = dict(zip(SHARES, judges.shares(both, both.fine), strict=True))
        assert (np.argmax([found[each] for each in SHARES], axis=0) == SHARES.index(name)).all(), name
        np.testing.assert_allclose(sum(found.values()), 1, rtol=1e-5)


def test_pixels_where_input_and_target_are_equal_are_counted():
    """Of a plane of one value, with detail in 8 x 8 of the 32 x 32 inner pixels."""
    coarse = np.full((1, 16, 16, 2), 0.25, np.float32)
    target = np.full((1, 64, 64, 2), 0.25, np.float32)
    target[0, 20:28, 20:28] += np.random.default_rng(1).uniform(0.01, 0.1, (8, 8, 2))
    prediction = 0.5 * target + 0.125
    assert scored("without_reference", target, prediction, coarse) == pytest.approx([100 * (1 - 64 / 1024)])
    assert np.isfinite([scored(name, target, prediction, coarse) for name in SHARES]).all()
    nothing = np.full_like(target, 0.25)
    assert scored("without_reference", nothing, prediction, coarse) == pytest.approx([100.0])
    assert np.isnan([scored(name, nothing, prediction, coarse) for name in SHARES]).all()


def test_a_shift_is_counted_in_pixels_of_the_input():
    target, _, _ = images(128, 4)
    random = np.random.default_rng(0).uniform(0.1, 0.3, (2, 32, 32, 3))
    smooth = tf.image.resize(random, (128, 128), "bicubic").numpy()
    coarse = tf.image.resize(smooth, (32, 32), antialias=True)
    moved = np.roll(smooth, 4, axis=2)
    np.testing.assert_allclose(scored("spatial", target, moved, coarse), 1.0, atol=0.11)
    np.testing.assert_allclose(scored("spatial", target, smooth, coarse), 0.0)


# ---- masks and undefined scores ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in SUPERRESOLUTION if name != "spatial"])
def test_masked_pixels_have_no_influence(name):
    target, prediction, coarse = images()
    mask = np.ones((2, 64, 64), bool)
    mask[0, 30:36, 25:40] = False
    other_target, other_prediction = (np.where(mask[..., None], image, np.nan) for image in (target, prediction))
    found = scored(name, target, prediction, coarse, mask)
    np.testing.assert_array_equal(scored(name, other_target, other_prediction, coarse, mask), found)
    whole = scored(name, target, prediction, coarse)
    assert found[1] == pytest.approx(whole[1], rel=1e-5)
    assert name == "without_reference" or found[0] != whole[0]
    assert np.isnan(scored(name, target, prediction, coarse, np.zeros_like(mask))).all()


def test_undefined_scores():
    target, prediction, coarse = images()
    mask = np.ones((2, 64, 64), bool)
    mask[0, 30, 30] = False
    assert np.isnan(scored("spatial", target, prediction, coarse, mask)).tolist() == [True, False]
    prediction[1, 40, 40, 0] = np.nan
    for name in SUPERRESOLUTION:
        assert np.isnan(scored(name, target, prediction, coarse)).tolist() == [False, True], name
    assert np.isnan(scored("spectral", target[..., :1], target[..., :1], coarse[..., :1])).all()
    assert "no spectra" in metrics.why_undefined("spectral", 1, SCALE)
    with pytest.raises(ValueError, match="32 x 32 pixels have nothing left without the border"):
        scored("reflectance", target[:, :32, :32], prediction[:, :32, :32], coarse[:, :8, :8])
    with pytest.raises(ValueError, match="no whole multiple"):
        scored("reflectance", target, prediction, coarse[:, :15])


def test_tables():
    assert list(metrics.GROUPS["superresolution"])[: len(SUPERRESOLUTION)] == list(SUPERRESOLUTION)
    better = {name for name in SUPERRESOLUTION if name not in metrics.LOWER_IS_BETTER}
    assert better - metrics.WITHOUT_DIRECTION == {"improvement"}
