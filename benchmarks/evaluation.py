"""Speed of the ten metrics, in batches, compared with NumPy, SciPy and scikit-image, tile by tile.

`python benchmarks/evaluation.py` scores 256 tiles of 256 x 256 x 3 with both, alternately, and prints the median speeds
and their ratio. The reference is written for speed with these packages: separable filters, float32 where it is accurate
enough, one process. All scores of both are compared.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from metrics import METRICS, Scale, score

Image = NDArray[np.floating]
Scores = dict[str, NDArray[np.floating]]
SCALE = Scale(data_range=1.0, ratio=1 / 12, rgb=(2, 1, 0))
LAPLACIAN = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], np.float32)


def make_tiles(count: int, side: int, seed: int = 0) -> tuple[Image, Image]:
    """Return smooth targets with noise, and biased predictions with more noise, float32 (count, side, side, 3)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side
    frequency = rng.uniform(2, 12, (2, count, 1, 1, 3)).astype(np.float32)
    phase = rng.uniform(0, 6, (count, 1, 1, 3)).astype(np.float32)
    smooth = np.sin(frequency[0] * rows[..., None] + frequency[1] * columns[..., None] + phase)
    target = 0.35 + 0.2 * smooth + 0.03 * rng.standard_normal(smooth.shape, np.float32)
    prediction = 0.02 + 0.95 * target + 0.03 * rng.standard_normal(smooth.shape, np.float32)
    return target.clip(0, 1), prediction.clip(0, 1)


def reference_angle(target: Image, prediction: Image) -> float:
    """Return the mean spectral angle of one tile."""
    norms = np.linalg.norm(target, axis=-1) * np.linalg.norm(prediction, axis=-1)
    dots = np.einsum("ijk,ijk->ij", target, prediction)
    defined = norms > 0
    return float(np.arccos(np.clip(dots[defined] / norms[defined], -1, 1)).mean())


def reference_correlation(target: Image, prediction: Image) -> float:
    """Return the mean correlation of the bands of one tile."""
    pairs = zip(np.moveaxis(target, -1, 0), np.moveaxis(prediction, -1, 0), strict=True)
    return float(np.mean([np.corrcoef(t.ravel(), p.ravel())[0, 1] for t, p in pairs]))


def reference_laplacian(image: Image) -> Image:
    """Return the Laplacian of the inner pixels of one tile."""
    return ndimage.convolve(image, LAPLACIAN[..., None])[1:-1, 1:-1]


def reference_ssim(target: Image, prediction: Image) -> float:
    """Return the SSIM of one tile as Wang et al. 2004 define it."""
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": -1}
    return float(structural_similarity(target, prediction, data_range=SCALE.data_range, **options))


def reference_uiqi(target: Image, prediction: Image) -> float:
    """Return the UIQI of one tile, in float64 because of the cancellation in E[xx] - E[x]^2."""
    x, y = target.astype(np.float64), prediction.astype(np.float64)

    def box(image: Image) -> Image:
        return ndimage.uniform_filter(image, (8, 8, 1))[4:-3, 4:-3]

    mean_x, mean_y = box(x), box(y)
    variances = box(x * x + y * y) - mean_x**2 - mean_y**2
    covariance = box(x * y) - mean_x * mean_y
    return float((4 * covariance * mean_x * mean_y / (variances * (mean_x**2 + mean_y**2))).mean())


def reference_haarpsi(target: Image, prediction: Image) -> float:
    """Return the HaarPSI of one tile."""
    luma_t, chroma_t = reference_channels(target)
    luma_p, chroma_p = reference_channels(prediction)
    maps: list[Image] = []
    weights: list[Image] = []
    for axis in (0, 1):
        edges = [(reference_haar(luma_t, n, axis), reference_haar(luma_p, n, axis)) for n in (2, 4, 8)]
        maps.append((reference_similarity(*edges[0]) + reference_similarity(*edges[1])) / 2)
        weights.append(np.maximum(*edges[2]))
    colours = [reference_similarity(t, p) for t, p in zip(chroma_t, chroma_p, strict=True)]
    maps.append((colours[0] + colours[1]) / 2)
    weights.append((weights[0] + weights[1]) / 2)
    weighted = [w / (1 + np.exp(-4.2 * s)) for s, w in zip(maps, weights, strict=True)]
    z = float(np.sum(weighted) / np.sum(weights))
    return float((np.log(z / (1 - z)) / 4.2) ** 2)


def reference_channels(image: Image) -> tuple[Image, list[Image]]:
    """Return the luma of one tile, downsampled by 2, and the magnitudes of both chromas."""
    height, width, _ = image.shape
    downsampled = image[..., SCALE.rgb].reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3))
    downsampled = downsampled * (255 / SCALE.data_range)
    to_yiq = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float32)
    luma, *chromas = np.moveaxis(downsampled @ to_yiq.T, -1, 0)
    return luma, [np.abs(ndimage.uniform_filter(c, 2, mode="constant", origin=-1)) for c in chromas]


def reference_haar(luma: Image, side: int, axis: int) -> Image:
    """Return the magnitudes of the response of one tile to a Haar filter of this side along an axis."""
    edge = np.repeat([-1.0, 1.0], side // 2) / side
    rows = ndimage.correlate1d(luma, edge, axis, mode="constant", origin=-1)
    return np.abs(ndimage.correlate1d(rows, np.ones(side), 1 - axis, mode="constant", origin=-1))


def reference_similarity(first: Image, second: Image) -> Image:
    """Return the local similarity of HaarPSI."""
    return (2 * first * second + 30) / (first**2 + second**2 + 30)


def reference_scores(target: Image, prediction: Image) -> dict[str, float]:
    """Return all ten metrics of one tile."""
    error = prediction - target
    square = np.square(error).mean((0, 1))
    return {
        "SAM": reference_angle(target, prediction),
        "sCC": reference_correlation(reference_laplacian(target), reference_laplacian(prediction)),
        "CC": reference_correlation(target, prediction),
        "HPSI": reference_haarpsi(target, prediction),
        "SSIM": reference_ssim(target, prediction),
        "PSNR": float(peak_signal_noise_ratio(target, prediction, data_range=SCALE.data_range)),
        "RMSE": float(np.sqrt(square.mean())),
        "ERGAS": float(100 * SCALE.ratio * np.sqrt((square / target.mean((0, 1)) ** 2).mean())),
        "UIQC": reference_uiqi(target, prediction),
        "MAE": float(np.abs(error).mean()),
    }


def one_by_one(targets: Image, predictions: Image) -> Scores:
    """Return the scores of the reference, tile by tile."""
    rows = [reference_scores(t, p) for t, p in zip(targets, predictions, strict=True)]
    return {name: np.array([row[name] for row in rows]) for name in METRICS}


def in_batches(batch: int) -> Callable[[Image, Image], Scores]:
    """Return a function that scores tiles with the toolkit's metrics, traced once for any batch size."""
    import tensorflow as tf

    @tf.function
    def step(target: tf.Tensor, prediction: tf.Tensor) -> dict[str, tf.Tensor]:
        return score(target, prediction, SCALE)

    def run(targets: Image, predictions: Image) -> Scores:
        parts = [
            step(tf.constant(targets[start : start + batch]), tf.constant(predictions[start : start + batch]))
            for start in range(0, len(targets), batch)
        ]
        return {name: np.concatenate([part[name].numpy() for part in parts]) for name in METRICS}

    return run


def seconds(function: Callable[[Image, Image], Scores], *tiles: Image) -> tuple[float, Scores]:
    """Return the seconds that a function needs for the tiles, and its scores."""
    start = time.perf_counter()
    scores = function(*tiles)
    return time.perf_counter() - start, scores


def main() -> None:
    """Measure both alternately and print medians, their ratio and the largest differences of scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()

    tiles = make_tiles(options.tiles, 256)
    toolkit = in_batches(options.batch)
    toolkit(*(part[: options.batch] for part in tiles))  # trace
    times: dict[str, list[float]] = {"toolkit": [], "reference": []}
    for _ in range(options.runs):
        elapsed, scores = seconds(toolkit, *tiles)
        times["toolkit"].append(elapsed)
        elapsed, expected = seconds(one_by_one, *tiles)
        times["reference"].append(elapsed)

    for name, runs in times.items():
        median = statistics.median(runs)
        speed, duration = options.tiles / median, 1000 * median / options.tiles
        print(f"{name:9s} {speed:7.1f} samples/s  {duration:6.2f} ms a sample")
    print(f"ratio     {statistics.median(times['reference']) / statistics.median(times['toolkit']):7.1f}")
    for name in METRICS:
        difference = np.max(np.abs(scores[name] / expected[name] - 1))
        print(f"{name:5s} largest relative difference {difference:.1e}")
        if not difference < 1e-3:
            raise SystemExit(f"{name}: the scores of the toolkit and of the reference differ")


if __name__ == "__main__":
    main()
