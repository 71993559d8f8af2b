"""Samples of the presets: their fields against each other and against the scene."""

import itertools
from datetime import datetime

import numpy as np
import pytest

from pix2earth.records.sequences import sequences
from synthetic.observing import optics
from synthetic.presets import (
    cloud_removal,
    clouded_images,
    datasets,
    gap_filling,
    samples,
    sar_to_optical,
    series,
    super_resolution,
)
from synthetic.tables.sensors import band_weights, sensor

DATE = datetime(2021, 6, 1, 10, 30)


def tiny(preset: str, **changes):
    """Return the configuration of the tiny profile, with some keys changed."""
    settings = datasets.load(datasets.FILES / f"{preset}.yaml", "tiny").model_dump(mode="json")
    return datasets.PRESETS[preset].model_validate(datasets.merged(settings, changes), strict=False)


# ---- super-resolution -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_the_coarse_image_is_the_fine_one_with_the_coarse_point_spread_function(factor):
    """Without noise: fine bands aggregated with the coarse PSF, sampled here, are the coarse bands to 1e-4."""
    configuration = tiny("super_resolution", factor=factor)
    scene = samples.scene(configuration, 3)
    all_bands = super_resolution.fine_reflectance(configuration, scene, DATE, 0, list(range(12)))
    fine = super_resolution.fine_reflectance(configuration, scene, DATE, 0, samples.band_indices(configuration.bands))
    coarse = super_resolution.coarse_reflectance(configuration, all_bands)
    matching = coarse[..., samples.band_indices(configuration.bands)]
    sigma = 1.2 * factor / 2.3548200450309493
    centres = (np.arange(64 // factor) + 0.5) * factor
    weights = np.exp(-((np.arange(64) + 0.5 - centres[:, None]) ** 2) / (2 * sigma**2))
    weights /= weights.sum(axis=1, keepdims=True)
    expected = np.einsum("ij,jkb,lk->ilb", weights, fine.astype(np.float64), weights)
    assert np.abs(expected - matching).max() < 1e-4
    # Block means differ by more, so that another PSF would be found.
    assert np.abs(optics.observed(fine, factor) - matching).max() > 1e-3


def test_stored_pairs_without_noise_are_consistent():
    """Without noise, gain and shift, on the same day, only rounding to 1e-4 is left."""
    exact = {"gain_sd": 0.0, "offset_sd": 0.0, "noise": {"sigma0": 0.0, "kappa": 0.0}}
    changes = {"fine": exact, "coarse": {**exact, "misregistration_px": 0.0}, "apart_days": [0, 0]}
    configuration = tiny("super_resolution", **changes)
    for sample in super_resolution.samples(configuration, 2):
        fine, coarse = (sample.fields[name] * 1e-4 - 0.1 for name in ("target", "input_image"))
        aggregated = optics.observed(fine.astype(np.float32), 4, 1.2)
        assert np.abs(aggregated - coarse[..., samples.band_indices(configuration.bands)]).max() <= 1e-4


def test_bands_of_another_coarse_sensor_are_interpolated():
    configuration = tiny("super_resolution", coarse_sensor="olci")
    scene = samples.scene(configuration, 0)
    all_bands = super_resolution.fine_reflectance(configuration, scene, DATE, 0, list(range(12)))
    coarse = super_resolution.coarse_reflectance(configuration, all_bands)
    expected = optics.observed(all_bands @ band_weights(sensor("olci")), 4, 1.2)
    assert coarse.shape == (16, 16, 21)
    np.testing.assert_allclose(coarse, expected, atol=1e-6)


def test_class_fractions_are_those_of_the_fine_pixels():
    configuration = tiny("super_resolution")
    (first, _) = super_resolution.samples(configuration, 1)
    fractions, classes = first.fields["land_cover_fraction"] / 255, first.fields["land_cover"][..., 0]
    blocks = classes.reshape(16, 4, 16, 4)
    for number in range(1, 9):
        np.testing.assert_allclose(
            fractions[..., number - 1], (blocks == number).mean(axis=(1, 3)), atol=0.5 / 255 + 1e-6
        )


# ---- clouds and gaps --------------------------------------------------------------------------------------------


def test_clouds_of_a_dataset_have_the_requested_mean():
    configuration = tiny("cloud_removal", scenes={"train": 60, "val": 0, "test": 0})
    covers = clouded_images.cloud_covers(configuration)
    assert covers.shape == (60, 4)
    assert covers.mean() == pytest.approx(0.35, abs=0.02)
    for number in range(3):
        (sample,) = cloud_removal.samples(configuration, number)
        clouded = np.isin(sample.fields["cloud_class"][..., 0], (1, 2)).mean(axis=(1, 2))
        assert np.abs(clouded - covers[number]).max() <= 1 / 64**2 + 0.001


def test_clear_pixels_are_equal_and_gaps_are_nodata():
    configuration = tiny("gap_filling")
    for number in range(4):
        (sample,) = gap_filling.samples(configuration, number)
        gap = sample.fields["cloud_mask"][..., 0] == 1
        assert gap.any() and (sample.fields["input_image"][gap] == 0).all()
        np.testing.assert_array_equal(sample.fields["input_image"][~gap], sample.fields["target"][~gap])
        assert sample.fields["target"].min() > 0


def test_gaps_are_in_one_to_all_of_the_time_steps():
    configuration = tiny("gap_filling", scenes={"train": 300, "val": 0, "test": 0})
    covers = gap_filling.gap_covers(configuration.model_dump_json())
    counts = np.bincount((covers > 0).sum(axis=1), minlength=4)
    assert counts[0] == 0 and np.abs(counts[1:] - 100).max() < 30
    assert covers[covers > 0].min() >= 0.05 and covers.max() <= 0.95
    assert covers[covers > 0].mean() == pytest.approx(0.35, abs=0.02)


# ---- radar and optical ------------------------------------------------------------------------------------------


def test_radar_is_at_most_three_days_from_the_optical_image():
    configuration, apart = tiny("sar_to_optical"), []
    for number in range(12):
        for sample in sar_to_optical.samples(configuration, number):
            optical, radar = (datetime.fromisoformat(date.rstrip("Z")) for date in sample.acquired)
            apart.append((radar - optical).days)
            days = [date.timetuple().tm_yday for date in (radar, optical)]
            assert sample.fields["dates"].ravel().tolist() == days
    assert min(apart) >= -3 and max(apart) <= 3 and len(set(apart)) > 4


def test_radar_without_speckle_is_the_backscatter_of_the_scene():
    configuration = tiny("sar_to_optical", radar={"speckle": False}, apart_days=[0, 0])
    sample = sar_to_optical.samples(configuration, 5)[1]
    scene = samples.scene(configuration, 5)
    date = datetime.fromisoformat(sample.acquired[0].rstrip("Z"))
    expected = 10 * np.log10(scene.backscatter(scene.condition(date, 1)).astype(np.float64))
    np.testing.assert_allclose(sample.fields["input_image"], np.clip(expected, -25, 0), atol=0.01)  # float16


@pytest.mark.parametrize("preset", list(datasets.PRESETS))
def test_samples_have_the_fields_of_their_manifest(preset):
    configuration = tiny(preset)
    manifest = datasets.manifest(configuration, preset)
    scene_samples = datasets.scene_samples((configuration.model_dump_json(), 0))
    assert [sample.name for sample in scene_samples] == datasets.names(configuration, 0)
    for sample in scene_samples:
        assert sorted(sample.fields) == sorted(manifest.fields)
        for name, field in manifest.fields.items():
            array = sample.fields[name]
            assert (array.dtype, list(array.shape)) == (np.dtype(field.dtype), field.shape)
        dates = sample.fields.get("dates")
        assert len(sample.acquired) == (1 if dates is None else dates.size)


# ---- cloud removal: the mask ----------------------------------------------------------------------------------------


def test_the_mask_covers_every_pixel_that_clouds_or_shadows_change():
    """Without noise: outside of the mask, the clouded image differs from the target by at most 5 % in every band."""
    exact = {"gain_sd": 0.0, "offset_sd": 0.0, "noise": {"sigma0": 0.0, "kappa": 0.0}}
    configuration = tiny("cloud_removal", optics=exact, clouds={"mean": 0.3})
    edges = 0
    for number in range(6):
        (sample,) = cloud_removal.samples(configuration, number)
        target, last = (sample.fields[name].astype(float) * 1e-4 - 0.1 for name in ("target", "input_image"))
        change = np.abs(last[-1] - target)
        clear = sample.fields["cloud_mask"][..., 0] == 0
        assert (change[clear] <= 0.05 * np.abs(target[clear]) + 2e-4).all()  # 2e-4: rounding of both
        assert (sample.fields["cloud_mask"][..., 0][sample.fields["cloud_class"][-1, ..., 0] > 0] == 1).all()
        edges += int((~clear & (sample.fields["cloud_class"][-1, ..., 0] == 0)).sum())
    assert edges > 0


# ---- series ---------------------------------------------------------------------------------------------------------


def test_the_time_steps_of_a_series_are_irregular_and_in_order():
    configuration = tiny("series")
    names = [name for number in range(2) for name in datasets.names(configuration, number)]
    found = sequences(reversed(names), series.SEQUENCE)
    assert found == {
        place: [f"{place}_t{step:02d}" for step in range(12)] for place in ("scene_0000_0", "scene_0001_0")
    }
    scene_samples = series.samples(configuration, 1)
    assert [sample.name for sample in scene_samples] == found["scene_0001_0"]
    times = [datetime.fromisoformat(sample.acquired[0]) for sample in scene_samples]
    days = [(late - early).days for early, late in itertools.pairwise(times)]
    assert min(days) >= 10 and max(days) <= 20 and len(set(days)) > 3


def test_larger_profiles_have_twice_as_many_time_steps():
    counts = {name: datasets.load(datasets.FILES / "series.yaml", name).dates for name in ("tiny", "cpu", "default")}
    assert counts == {"tiny": 12, "cpu": 12, "default": 24}


def test_a_series_is_one_place_under_changing_clouds():
    """Clear pixels of input and target are equal; the land cover stays, and radar and target follow the season."""
    exact = {"gain_sd": 0.0, "offset_sd": 0.0, "noise": {"sigma0": 0.0, "kappa": 0.0}}
    configuration = tiny("series", optics=exact, radar={"speckle": False})
    covers = clouded_images.cloud_covers(configuration)[4]
    scene, scene_samples = samples.scene(configuration, 4), series.samples(configuration, 4)
    for step, (cover, sample) in enumerate(zip(covers, scene_samples, strict=True)):
        date = datetime.fromisoformat(sample.acquired[0].rstrip("Z"))
        condition = scene.condition(date, step)
        radar = np.clip(10 * np.log10(scene.backscatter(condition).astype(np.float64)), -25, 0)
        np.testing.assert_allclose(sample.fields["radar"], radar, atol=0.01)  # float16
        clear = optics.observed(scene.reflectance(condition, samples.band_indices(configuration.bands)), 1, 1.2)
        target, image = (sample.fields[name] * 1e-4 - 0.1 for name in ("target", "input_image"))
        np.testing.assert_allclose(target, clear, atol=6e-5)
        np.testing.assert_array_equal(sample.fields["land_cover"], scene.layout.land_cover[..., None])
        hidden = sample.fields["cloud_mask"][..., 0] == 1
        assert (np.abs(image - target)[~hidden] <= 0.05 * np.abs(target[~hidden]) + 2e-4).all()
        assert hidden.mean() >= cover - 0.001
        assert sample.transform == samples.transform(configuration, 4)
    targets = np.stack([sample.fields["target"] for sample in scene_samples]).astype(float)
    changes = np.abs(np.diff(targets, axis=0)).mean(axis=(1, 2, 3)) * 1e-4
    assert changes.min() > 0 and changes.max() > 0.01


def test_series_and_cloud_removal_see_the_same_ground():
    """Without clouds, the time steps of a scene are those of the stack of cloud_removal."""
    changes = {"clouds": {"mean": 0.0}, "scenes": {"train": 8, "val": 2, "test": 2}}
    stack = cloud_removal.samples(tiny("cloud_removal", **changes), 5)[0]
    steps = series.samples(tiny("series", **changes, dates=4), 5)
    images = np.stack([step.fields["input_image"] for step in steps])
    np.testing.assert_array_equal(images, stack.fields["input_image"])
    np.testing.assert_array_equal(steps[-1].fields["radar"], stack.fields["radar"])
    assert [step.acquired[0] for step in steps] == [*stack.acquired[1:], stack.acquired[0]]
