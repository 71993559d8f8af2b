"""Errors of NDVI and NDWI, by hand and by NumPy."""

import numpy as np
import pytest

import metrics
from metrics import Scale, score

SCALE = Scale(1.0, green_red_infrared=(1, 0, 3))


def one(name, target, prediction, mask=None, scale=SCALE):
    return score(target, prediction, scale, [name], mask)[name].numpy()


def pixels(*spectra):
    """Return an image of one row: red, green, something else, near infrared."""
    return np.array(spectra, np.float64)[np.newaxis, np.newaxis]


def test_by_hand():
    """NDVI 0.6 and 0.2, NDWI -0.5 and -0.2; then a pixel that is right in both."""
    target, prediction = pixels((0.1, 0.2, 9, 0.4), (0.1, 0.1, 9, 0.1)), pixels((0.2, 0.2, 7, 0.3), (0.3, 0.3, 7, 0.3))
    assert one("NDVI_error", target, prediction) == pytest.approx([(0.6 - 0.2) / 2])
    assert one("NDWI_error", target, prediction) == pytest.approx([(0.2 / 0.6 - 0.1 / 0.5) / 2])


@pytest.mark.parametrize("masked", [False, True])
def test_by_numpy(masked):
    random = np.random.default_rng(3)
    target = random.uniform(0.01, 0.5, (3, 12, 10, 4)).astype(np.float32)
    prediction = np.abs(target + random.normal(0, 0.05, target.shape)).astype(np.float32)
    target[0, 2, 3], prediction[1, 4, 4] = 0.0, -0.1
    mask = random.random((3, 12, 10)) < (0.6 if masked else 2)
    images = [np.where(mask[..., None], image, np.nan) for image in (target, prediction)]
    for name, (x, y) in {"NDVI_error": (3, 0), "NDWI_error": (1, 3)}.items():
        found = one(name, *images, mask if masked else None)
        for sample in range(3):
            t, p = target[sample][mask[sample]].astype(float), prediction[sample][mask[sample]].astype(float)
            bright = (t[:, x] + t[:, y] > 1e-4) & (p[:, x] + p[:, y] > 1e-4)
            indices = [(i[bright, x] - i[bright, y]) / (i[bright, x] + i[bright, y]) for i in (t, p)]
            assert found[sample] == pytest.approx(np.abs(indices[0] - indices[1]).mean(), rel=1e-4), (name, sample)


def test_undefined():
    target = pixels((0.1, 0.2, 9, 0.4), (0.1, 0.1, 9, 0.1))
    for name in metrics.INDICES:
        assert np.isnan(one(name, target, 0 * target)).all()
        assert np.isnan(one(name, target, np.where(target == 0.1, np.nan, target))).all()
        assert np.isnan(one(name, target, target, scale=Scale(1.0))).all()
        assert "near infrared" in metrics.why_undefined(name, 4, Scale(1.0))
        assert metrics.why_undefined(name, 4, SCALE) is None and name in metrics.LOWER_IS_BETTER
