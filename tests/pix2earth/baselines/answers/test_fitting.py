"""Weights are those of NumPy's least squares on the same pixels, and what is held out is not fitted to."""

import numpy as np
import pytest

from pix2earth.baselines.answers import fitting
from pix2earth.baselines.answers.building import build
from pix2earth.baselines.upsampling import bicubic_image
from pix2earth.records.listing import Listing
from pix2earth.records.loading import load_manifest


@pytest.fixture
def listing(tiny_root):
    folder = tiny_root / "data" / "tiny" / "64"
    return Listing(folder, load_manifest(folder, "tiny"))


def test_is_least_squares_on_the_training_samples(listing, tiny_arrays, monkeypatch):
    monkeypatch.setattr(fitting, "MOST_PIXELS", 64 * 64)
    monkeypatch.setattr(fitting, "RIDGE", 1e-12)
    answer = build("linear_fit", listing.manifest, (64, 64))
    names = listing.names("train")
    fitted = fitting.fit(answer, listing, names)
    rows, wanted = [], []
    for name in names:
        coarse = np.pad(tiny_arrays["train"][name]["input_image"] * 1e-4, ((1, 1), (1, 1), (0, 0)), mode="symmetric")
        shifted = [coarse[row : row + 32, column : column + 32] for row in range(3) for column in range(3)]
        fine = bicubic_image(np.concatenate(shifted, axis=-1).astype(np.float32), 2).reshape(64 * 64, -1)
        rows.append(np.column_stack([fine, np.ones(len(fine))]).astype(np.float64))
        wanted.append(tiny_arrays["train"][name]["target"].reshape(64 * 64, -1) * 1e-4)
    if not fitted.neighbours:
        rows = [np.where(np.arange(37) // 4 == 4, each, 0) + (np.arange(37) == 36) for each in rows]
    expected = np.linalg.lstsq(np.concatenate(rows), np.concatenate(wanted), rcond=None)[0]
    errors = [np.concatenate(rows) @ weights - np.concatenate(wanted) for weights in (fitted.weights, expected)]
    rmse, least = (np.sqrt(np.mean(error**2)) for error in errors)
    assert least <= rmse * (1 + 1e-6) and rmse == pytest.approx(least, rel=1e-3)
    assert fitted.rmse == pytest.approx(least, rel=0.1) and fitted.samples == 12


def test_one_sample_cannot_be_held_out(listing):
    answer = build("linear_fit", listing.manifest, (64, 64))
    fitted = fitting.fit(answer, listing, listing.names("train")[:1])
    assert np.isnan(fitted.rmse) and not fitted.neighbours and np.isfinite(fitted.weights).all()
    neighbours = np.delete(fitted.weights, [*range(16, 20), 36], axis=0)
    assert (neighbours == 0).all() and (fitted.weights[16:20] != 0).any()
