"""The metrics, compared with values of the definitions in the literature: tests/golden/metrics.npz (see its `meta`)."""

import numpy as np
import pytest
import tensorflow as tf

from metrics import METRICS, Scale, score
from tests.golden_files import FOLDER

GOLDEN = np.load(FOLDER / "metrics.npz")
PAIRS = range(4)
KEYS = {
    "SAM": "SAM_rad",
    "sCC": "SCC_laplacian_defined",
    "CC": "CC_defined",
    "HPSI": "HPSI_range1_rgb",
    "SSIM": "SSIM_gauss_range1",
    "PSNR": "PSNR_range1",
    "RMSE": "RMSE",
    "ERGAS": "ERGAS_ratio1_12",
    "UIQC": "UIQI_window8",
    "MAE": "MAE",
}
SCALE = Scale(data_range=1.0, ratio=1 / 12, rgb=(2, 1, 0))


def images(kind: str) -> np.ndarray:
    return np.stack([GOLDEN[f"pair{pair}_{kind}"] for pair in PAIRS])


def expected(name: str, key: str | None = None) -> np.ndarray:
    return np.array([GOLDEN[f"pair{pair}_ref_{key or KEYS[name]}"] for pair in PAIRS])


def test_every_metric_has_a_golden_value():
    assert list(KEYS) == list(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_batch(name):
    scores = score(images("target"), images("predict"), SCALE, [name])[name]
    np.testing.assert_allclose(scores, expected(name), rtol=1e-4)
    assert scores.dtype == tf.float32


@pytest.mark.parametrize("name", METRICS)
def test_float64(name):
    target, prediction = images("target").astype(np.float64), images("predict").astype(np.float64)
    scores = score(target, prediction, SCALE, [name])[name]
    np.testing.assert_allclose(scores, expected(name), rtol=1e-6)
    assert scores.dtype == tf.float64


@pytest.mark.parametrize("pair", PAIRS)
def test_single(pair):
    target, prediction = images("target")[pair : pair + 1], images("predict")[pair : pair + 1]
    for name, scores in score(target, prediction, SCALE).items():
        np.testing.assert_allclose(scores, expected(name)[pair : pair + 1], rtol=1e-4, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_graph_with_unknown_shape(compiled):
    unknown = tf.TensorSpec((None, None, None, 3), tf.float32)

    @tf.function(input_signature=[unknown, unknown], jit_compile=compiled)
    def step(target, prediction):
        return score(target, prediction, SCALE)

    for count in (3, 4):
        for name, scores in step(images("target")[:count], images("predict")[:count]).items():
            np.testing.assert_allclose(scores, expected(name)[:count], rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("denominator", [1, 4, 30])
def test_ratio_of_ergas(denominator):
    scale = Scale(1.0, 1 / denominator, (2, 1, 0))
    key = "ERGAS_ratio1" if denominator == 1 else f"ERGAS_ratio1_{denominator}"
    scores = score(images("target"), images("predict"), scale, ["ERGAS"])["ERGAS"]
    np.testing.assert_allclose(scores, expected("ERGAS", key), rtol=1e-4)


def test_order_of_bands_of_haarpsi():
    scores = score(images("target"), images("predict"), Scale(1.0, 1.0, (0, 1, 2)), ["HPSI"])["HPSI"]
    np.testing.assert_allclose(scores, expected("HPSI", "HPSI_range1_asis"), rtol=1e-4)
