"""Metrics of scientific images, compared with NumPy, SciPy, calculations by hand and recorded values of pix2pixCC."""

import numpy as np
import pytest
from scipy import stats

from metrics import ALL_METRICS, GROUPS, LOWER_IS_BETTER, SCIENTIFIC, UNITS, Scale, score
from tests.golden_files import load, paths

SCALE = Scale(6000.0, low=-3000.0)
SHAPE = (3, 40, 35, 2)


@pytest.fixture(scope="module")
def pair():
    """Magnetograms: weak fields of both signs, strong ones in a spot, and a prediction with errors of all kinds."""
    random = np.random.default_rng(4)
    target = random.laplace(0, 20, SHAPE)
    target[:, 10:20, 5:18] += random.normal(600, 300, (3, 10, 13, 2))
    return target, 0.92 * target + 3 + random.normal(0, 5, SHAPE)


@pytest.fixture(scope="module")
def disk():
    rows, columns = np.mgrid[:40, :35]
    return np.repeat((np.hypot(rows - 19.5, columns - 17.0) < 15)[None], 3, axis=0)


def one(name, target, prediction, mask=None):
    return score(target, prediction, SCALE, [name], mask)[name].numpy()


def row(*values):
    """Return an image of one row and one band."""
    return np.array(values, np.float64).reshape(1, 1, -1, 1)


def invalid_outside(image, mask):
    return np.where(mask[..., None], image, np.nan)


# ---- by hand ------------------------------------------------------------------------------------------------------


def test_flux_error_by_hand():
    """|T| adds up to 10, |P| to 12: 20 %, although the sums of T and P (2 and 0) differ otherwise."""
    assert one("FluxError", row(1, -2, 3, -4, 4 - 4), row(-6, 6, 0, 0, 0)) == pytest.approx([20.0])
    assert one("FluxError", row(5, 5), row(-3, 2)) == pytest.approx([50.0])  # too small counts as too large does
    assert np.isnan(one("FluxError", row(0, 0), row(1, 2)))
    two_bands = np.concatenate([row(0, 0), row(4, -4)], -1), np.concatenate([row(9, 9), row(5, 5)], -1)
    assert one("FluxError", *two_bands) == pytest.approx([25.0])  # a band without flux has no relative error


def test_within_ten_percent_by_hand():
    """Met: 95 and 110 of 100, -92 of -100, 0 of 0. Not met: 89 and 111 of 100, 100 of -100, 1e-9 of 0."""
    target = row(100, 100, -100, 0, 100, 100, -100, 0)
    assert one("PPE10", target, row(95, 110, -92, 0, 89, 111, 100, 1e-9)) == pytest.approx([50.0])
    assert np.isnan(one("PPE10", target, row(95, 110, -92, 0, 89, 111, 100, np.nan)))


def test_concordance_by_hand():
    """T = 1, 2, 3 and P = 2, 3, 4: covariance and variances are 2/3 and the means differ by 1, so 4/3 / (4/3 + 1)."""
    assert one("CCC", row(1, 2, 3), row(2, 3, 4)) == pytest.approx([4 / 7])
    assert one("CCC", row(1, 2, 3), row(3, 2, 1)) == pytest.approx([-1.0])
    assert one("CCC", row(1, 2, 3), row(2, 2, 2)) == pytest.approx([0.0])
    assert np.isnan(one("CCC", row(2, 2, 2), row(2, 2, 2)))


def test_binned_correlation_by_hand():
    """Noise that has the mean 0 in every bin does not matter, nor what fills no bin."""
    target = np.kron(np.array([[1.0, 4.0], [2.0, 7.0]]), np.ones((8, 8)))
    noise = np.tile([[1.0, -1.0], [-1.0, 1.0]], (8, 8))
    edge = ((0, 3), (0, 5))
    images = [
        np.pad(image, edge, constant_values=c)[None, ..., None] for image, c in ((target, 90), (target + noise, -7))
    ]
    assert one("CC8", *images) == pytest.approx([1.0])
    bins = np.array([[1.0, 4.0, 2.0, 7.0], [3.0, 1.0, 2.0, 5.0]])
    images = [np.kron(image.reshape(2, 2), np.ones((8, 8)))[None, ..., None] for image in bins]
    assert one("CC8", *images) == pytest.approx([stats.pearsonr(*bins).statistic])
    assert np.isnan(one("CC8", *(image[:, :8, :8] for image in images)))


# ---- against NumPy and SciPy, whole and inside a disk -------------------------------------------------------------


def expected(name, target, prediction):
    """Return the score of valid pixels (pixel, band), by NumPy and SciPy."""
    bands = list(zip(target.T, prediction.T, strict=True))
    if name == "CC":
        return np.mean([stats.pearsonr(t, p).statistic for t, p in bands])
    if name == "RMSE":
        return np.sqrt(np.mean((target - prediction) ** 2))
    if name == "CCC":
        return np.mean(
            [2 * np.cov(t, p, bias=True)[0, 1] / (t.var() + p.var() + (t.mean() - p.mean()) ** 2) for t, p in bands]
        )
    if name == "FluxError":
        return np.mean([100 * abs(np.abs(p).sum() / np.abs(t).sum() - 1) for t, p in bands])
    return 100 * np.mean(np.isclose(prediction, target, rtol=0.1, atol=0))


@pytest.mark.parametrize("name", [name for name in GROUPS["scientific"] if name != "CC8"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("masked", [False, True])
def test_numpy_and_scipy(name, dtype, masked, pair, disk):
    where = disk if masked else np.ones_like(disk)
    target, prediction = (invalid_outside(image, where).astype(dtype) for image in pair)
    scores = one(name, target, prediction, disk if masked else None)
    for sample, value in enumerate(scores):
        reference = expected(name, *(image[sample][where[sample]] for image in pair))
        assert value == pytest.approx(reference, rel=1e-10 if dtype == np.float64 else 2e-5), sample


def test_binned_correlation_in_a_disk(pair, disk):
    target, prediction = (invalid_outside(image, disk) for image in pair)
    for sample, value in enumerate(one("CC8", target, prediction, disk)):
        bins = [(r, c) for r in range(0, 40, 8) for c in range(0, 32, 8) if disk[sample, r : r + 8, c : c + 8].all()]
        assert 4 <= len(bins) < 20
        means = [[image[sample, r : r + 8, c : c + 8].mean((0, 1)) for r, c in bins] for image in pair]
        t, p = np.array(means)
        assert value == pytest.approx(np.mean([stats.pearsonr(t[:, b], p[:, b]).statistic for b in range(2)]))


def test_a_sample_without_valid_pixels_has_no_score(pair, disk):
    mask = disk.copy()
    mask[1] = False
    for name in SCIENTIFIC:
        assert np.isnan(one(name, *(invalid_outside(image, mask) for image in pair), mask)).tolist() == [
            False,
            True,
            False,
        ]


# ---- recorded values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", paths("pix2pixcc_losses*.npz"))
def test_golden_correlation_and_concordance(path):
    """Those of pix2pixCC are over the whole tensor, here one image of one band, with variances over n - 1 pixels."""
    arrays, meta = load(path)
    for case, of_case in meta["cases"].items():
        prefix, eps = "" if case == "primary" else case, of_case["config"]["eps"]
        target, fake = (
            arrays[f"{prefix}{key}"].astype(np.float64).reshape(1, 1, -1, 1) for key in ("in/target", "out/fake")
        )
        pcc, ccc, n = one("CC", target, fake)[0], one("CCC", target, fake)[0], target.size
        if np.ptp(target) == 0:
            assert np.isnan(pcc) and ccc == pytest.approx(0.0, abs=1e-9), case
            continue
        norms = np.linalg.norm(target - target.mean()) * np.linalg.norm(fake - fake.mean())
        assert pcc * norms / (norms + eps) == pytest.approx(arrays[f"{prefix}out/PCC/scale0"], abs=1e-5), case
        variances, distance = (target.var() + fake.var()) * n / (n - 1), (target.mean() - fake.mean()) ** 2
        fraction = norms / (norms + eps) * n / (n - 1) * (target.var() + fake.var() + distance)
        expected_ccc = ccc * fraction / (variances + distance + eps)
        assert expected_ccc == pytest.approx(arrays[f"{prefix}out/CCC/scale0"], abs=1e-5), case


def test_tables():
    assert list(SCIENTIFIC) == ["CC8", "CCC", "FluxError", "PPE10"]
    assert set(SCIENTIFIC) <= set(ALL_METRICS)
    assert list(GROUPS["scientific"]) == ["CC", "CC8", "CCC", "RMSE", "FluxError", "PPE10"]
    assert "FluxError" in LOWER_IS_BETTER and not LOWER_IS_BETTER & {"CC8", "CCC", "PPE10"}
    assert {name: UNITS.get(name) for name in SCIENTIFIC} == {"CC8": None, "CCC": None, "FluxError": "%", "PPE10": "%"}
