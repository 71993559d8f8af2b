"""Measurements of bands of evaluated tiles: errors, correlations, power spectra, maps, NDVI."""

import numpy as np
import pytest

from pix2earth.records.field import Field
from pix2earth.scoring.tiles import measurements
from pix2earth.scoring.tiles.measurements import MAPS, Measuring, radial_power, ring_frequencies
from pix2earth.settings.errors import UserError

BANDS = ["B03", "B04", "B08"]
SIDE = 24


def field(*shape, **changes):
    return Field(**{"dtype": "float32", "shape": list(shape or (SIDE, SIDE, 3)), "bands": BANDS, "gsd": 10.0} | changes)


def measured(folder, one, targets, predictions, names=None):
    measuring = Measuring(one)
    names = names or [f"t{number}" for number in range(len(targets))]
    half = len(targets) // 2
    for part in (slice(None, half), slice(half, None)):
        measuring.add(names[part], targets[part], predictions[part])
    measuring.write(folder)
    return measurements.load(folder)


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    targets = random.uniform(0.05, 0.4, (6, SIDE, SIDE, 3)).astype(np.float32)
    return targets, targets * 0.9 + random.normal(0, 0.02, targets.shape).astype(np.float32)


def test_errors_and_correlations_are_those_of_all_valid_pixels(tmp_path, images):
    targets, predictions = images
    targets[0, :5] = np.nan
    found = measured(tmp_path, field(), targets, predictions)
    valid = np.isfinite(targets).all(axis=-1)
    error = (predictions - targets)[valid].astype(np.float64)
    np.testing.assert_allclose(found.rmse, np.sqrt((error**2).mean(axis=0)), rtol=1e-6)
    np.testing.assert_allclose(found.bias, error.mean(axis=0), rtol=1e-5)
    joined = np.concatenate([targets[valid], predictions[valid]], axis=-1).T.astype(np.float64)
    np.testing.assert_allclose(found.correlations, np.corrcoef(joined), atol=1e-6)
    assert found.pixel_count == valid.sum() and found.gsd == 10 and list(found.bands) == BANDS


def test_some_tiles_have_a_map_of_the_error(tmp_path, images):
    targets, predictions = images
    targets[1, 3, 4, 0] = np.nan
    found = measured(tmp_path, field(), targets, predictions)
    assert list(found.tiles) == ["t0", "t1", "t2", "t3"] and found.maps.shape == (MAPS, SIDE, SIDE)
    np.testing.assert_allclose(found.maps[0], (predictions[0] - targets[0]).mean(axis=-1), rtol=1e-5, atol=1e-7)
    assert np.isnan(found.maps[1, 3, 4]) and np.isnan(found.maps).sum() == 1


def test_maps_have_the_highest_row_first(tmp_path, images):
    targets, predictions = images
    names = [f"t{number}" for number in range(len(targets))]
    measuring = Measuring(field(), upwards=True)
    measuring.add(names, targets, predictions)
    measuring.write(tmp_path)
    error = (predictions[0] - targets[0]).mean(axis=-1)
    np.testing.assert_allclose(measurements.load(tmp_path).maps[0], error[::-1], rtol=1e-5, atol=1e-7)


def test_power_is_that_of_complete_images(tmp_path, images):
    targets, predictions = images
    targets[1:, 0, 0] = np.nan
    found = measured(tmp_path, field(), targets, predictions)
    np.testing.assert_allclose(found.power, [radial_power(targets[0]), radial_power(predictions[0])], rtol=1e-4)
    assert found.frequencies[-1] == 0.5
    targets[0, 0, 0] = np.nan
    assert measured(tmp_path / "b", field(), targets, predictions).power.shape[1] == 0


def test_a_wave_has_its_power_in_the_ring_of_its_frequency():
    wave = np.sin(2 * np.pi * 6 * np.arange(48) / 48)[None, :, None] * np.ones((48, 1, 1))
    power = radial_power(wave)[:, 0]
    assert power.argmax() == 5 and ring_frequencies(len(power))[5] == pytest.approx(6 / 48)
    np.testing.assert_allclose(radial_power(3 * wave)[:, 0], 9 * power)


@pytest.mark.parametrize("fold", [False, True])
def test_ndvi_is_a_mean_by_time_step(tmp_path, fold):
    target = np.full((2, 2, SIDE, SIDE, 3), 0.1, np.float32)
    target[:, 1, ..., 2] = 0.3
    prediction = target.copy()
    prediction[..., 2] *= 2
    arrays = [
        each.transpose(0, 2, 3, 1, 4).reshape(2, SIDE, SIDE, 6) if fold else each for each in (target, prediction)
    ]
    found = measured(tmp_path, field(2, SIDE, SIDE, 3), *arrays)
    np.testing.assert_allclose(found.ndvi, [[0, 0.5], [1 / 3, 5 / 7]], atol=1e-6)
    assert found.maps.shape[0] == 2
    unknown = measured(tmp_path / "b", field(2, SIDE, SIDE, 3, bands=["x", "y", "z"]), *arrays)
    assert unknown.ndvi.shape == (2, 0)


def test_without_a_valid_pixel_there_is_no_file_and_a_damaged_one_is_named(tmp_path, images):
    nothing = np.full_like(images[0], np.nan)
    assert measured(tmp_path, field(), nothing, images[1]) is None
    (tmp_path / measurements.FILE).write_bytes(b"PK damaged")
    with pytest.raises(UserError, match=r"measurements\.npz: is damaged"):
        measurements.load(tmp_path)
