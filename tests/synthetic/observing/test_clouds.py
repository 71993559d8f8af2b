"""Clouds: covers, opacity, classes, independence of time steps, and shadows."""

import itertools
import math
from datetime import datetime, timedelta

import numpy as np
import pytest
from scipy import ndimage

from synthetic.observing import clouds
from synthetic.schema.derivation import Clouds
from synthetic.streams import stream
from synthetic.tables.land_cover import spectrum

SIDE = 128
DATE = datetime(2021, 3, 22, 10, 30)


def layer(cover: float, time_step: int, side: int = SIDE, **settings) -> clouds.CloudLayer:
    date = DATE + timedelta(days=3 * time_step)
    return clouds.cloud_layer(Clouds(**settings), cover, (side, side), 7, 0, time_step, date, 48.0, 10.0)


@pytest.mark.parametrize("mean", [0.05, 0.35, 0.4, 0.9])
@pytest.mark.parametrize("concentration", [0.5, 2.0, 20.0])
def test_covers_have_the_requested_mean(mean, concentration):
    drawn = clouds.cloud_covers(stream(7, "covers"), 100, Clouds(mean=mean, concentration=concentration))
    assert drawn.mean() == pytest.approx(mean, abs=0.02)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    # Beta: variance mean (1 - mean) / (concentration + 1).
    assert drawn.std() == pytest.approx(math.sqrt(mean * (1 - mean) / (concentration + 1)), rel=0.1)


def test_covers_range_from_clear_to_overcast():
    drawn = clouds.cloud_covers(stream(7, "covers"), 100, Clouds())
    assert drawn.min() < 0.02
    assert drawn.max() > 0.9


def test_successive_covers_are_not_correlated():
    drawn = clouds.cloud_covers(stream(7, "covers"), 400, Clouds())
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.1


def test_covers_stay_within_their_limits():
    drawn = clouds.cloud_covers(stream(7, "covers"), 100, Clouds(limits=(0.05, 0.95)))
    assert drawn.min() >= 0.05
    assert drawn.max() <= 0.95


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_mean_covers_of_0_and_1_are_exact(mean):
    assert set(clouds.cloud_covers(stream(7, "covers"), 5, Clouds(mean=mean))) == {mean}
    assert clouds.is_cloud(layer(mean, 0).alpha).mean() == mean


@pytest.fixture(scope="module")
def layers():
    """Clouds of 101 time steps, half of the ground covered."""
    return [layer(0.5, time_step) for time_step in range(101)]


@pytest.mark.parametrize("cover", [0.0, 0.001, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("shadows", [True, False])
def test_the_cover_of_a_time_step_is_exact(cover, shadows):
    for time_step in range(4):
        share = clouds.is_cloud(layer(cover, time_step, shadows=shadows).alpha).mean()
        assert abs(share - cover) <= 1 / SIDE**2 + 0.001


def test_classes_are_thresholds_of_opacity_and_shadow(layers):
    for clouded in layers[:20]:
        opacity, classes = clouded.alpha / 255, clouded.classes
        np.testing.assert_array_equal(classes == 2, opacity >= 0.5)
        np.testing.assert_array_equal(classes == 1, (opacity > 0.1) & (opacity < 0.5))
        np.testing.assert_array_equal(np.isin(classes, (0, 3)), opacity <= 0.1)
        np.testing.assert_array_equal(classes == 3, (opacity <= 0.1) & (clouded.shadow > 0.3))


def test_clear_pixels_are_unchanged_and_opaque_clouds_hide_the_ground():
    ground = stream(7, "texture").random((256, 256, 4), np.float32)
    for time_step, shadows in ((0, False), (1, True), (2, True)):
        clouded = layer(0.5, time_step, 256, shadows=shadows)
        image = clouds.clouded(ground, clouded, spectrum("cloud")[:4])
        clear = (clouded.alpha == 0) & (clouded.shadow == 0)
        assert clear.sum() > 1000
        assert np.abs(image - ground)[clear].max() <= 1e-7
        opaque = clouded.alpha == 255
        assert opaque.sum() > 4000
        for band in range(4):
            assert abs(np.corrcoef(image[opaque][:, band], ground[opaque][:, band])[0, 1]) < 0.05


def test_clouds_are_mixed_with_the_ground_by_opacity():
    ground = np.full((2, 2, 1), 0.2, np.float32)
    alpha = np.array([[0, 51], [127, 255]], np.uint8)
    shadow = np.array([[1.0, 0.0], [0.0, 0.0]], np.float32)
    clouded = clouds.CloudLayer(alpha, shadow, np.full((2, 2), 0.5, np.float32))
    image = clouds.clouded(ground, clouded, np.array([0.8]))
    opacity = alpha / 255
    expected = (1 - opacity) * 0.2 + opacity * 0.5 * 0.8
    expected[0, 0] = 0.1  # shadow of a thick cloud: half of the light
    np.testing.assert_allclose(image[..., 0], expected, rtol=1e-6)


def test_clouds_of_successive_time_steps_are_not_correlated(layers):
    pairs = itertools.pairwise(layers)
    correlations = [np.corrcoef(first.alpha.ravel(), second.alpha.ravel())[0, 1] for first, second in pairs]
    assert len(correlations) == 100
    assert abs(np.mean(correlations)) < 0.15


def test_edges_are_soft():
    """From clear to opaque in no less than two pixels, nearly everywhere."""
    alpha = layer(0.5, 3, 256).alpha.astype(int)
    partly = (alpha > 0) & (alpha < 255)
    assert partly.mean() > 0.1
    steps = np.abs(np.diff(alpha, axis=1))
    assert np.percentile(steps[steps > 0], 99) < 128


class TestShadow:
    MARGIN = 40

    @pytest.fixture(scope="class", params=[(-9, -13), (6, 0), (-20, 5)])
    def shadow_of_clouds(self, request):
        """Opacity of a large cloud field, its shadow on the core, and the requested shift."""
        alpha = layer(0.35, 4, 256 + 2 * self.MARGIN, shadows=False).alpha
        return alpha / 255, clouds.shadow_opacity(alpha, request.param, self.MARGIN), request.param

    def test_has_the_area_of_the_thick_clouds_that_cast_it(self, shadow_of_clouds):
        opacity, shadow, (down, right) = shadow_of_clouds
        assert shadow.shape == (256, 256)
        rows, columns = (slice(self.MARGIN - by, self.MARGIN - by + 256) for by in (down, right))
        thick = (opacity[rows, columns] >= 0.5).mean()
        assert thick > 0.1
        assert (shadow >= 0.5).mean() == pytest.approx(thick, rel=0.15)

    def test_has_the_requested_shift(self, shadow_of_clouds):
        opacity, shadow, expected = shadow_of_clouds
        core = opacity[self.MARGIN : -self.MARGIN, self.MARGIN : -self.MARGIN]
        product = np.fft.fft2(shadow - shadow.mean()) * np.conj(np.fft.fft2(core - core.mean()))
        correlation = np.fft.fftshift(np.fft.ifft2(product).real)
        peak = np.unravel_index(correlation.argmax(), correlation.shape)
        assert np.abs(np.array(peak) - 128 - expected).max() <= 1

    def test_is_smoother_than_the_clouds(self, shadow_of_clouds):
        opacity, shadow, _ = shadow_of_clouds
        assert np.abs(np.diff(shadow, axis=0)).max() < np.abs(np.diff(opacity, axis=0)).max()


def test_shadows_fall_away_from_the_morning_sun():
    """North-west of their clouds, 8 to 20 pixels of 10 m away."""
    for time_step in range(20):
        down, right = clouds.shadow_shift(stream(7, "clouds", 0, time_step), DATE, 48.0, 10.0, 40)
        assert down < 0
        assert right < 0
        assert 7 <= math.hypot(down, right) <= 21
        # The azimuth of the sun is 148 degrees, that of the shadow 328.
        assert math.degrees(math.atan2(-right, -down)) == pytest.approx(32, abs=6)


def test_shadows_are_shorter_in_larger_pixels():
    shift = clouds.shadow_shift(stream(7, "clouds"), DATE, 48.0, 30.0, 40)
    assert 2 <= math.hypot(*shift) <= 7.5


def test_pixels_under_clouds_have_no_shadow(layers):
    for clouded in layers[:10]:
        assert (clouded.shadow[clouds.is_cloud(clouded.alpha)] == 0).all()


def test_shadows_can_be_switched_off():
    assert not layer(0.5, 0, shadows=False).shadow.any()
    assert not layer(0.0, 0).shadow.any()


def test_clouds_are_bright_and_differ_between_time_steps(layers):
    brightness = np.array([clouded.brightness.mean() for clouded in layers[:40]])
    assert brightness.min() > 0.6
    assert brightness.max() < 1.05
    assert brightness.std() > 0.05


def test_time_steps_have_many_small_or_few_large_clouds(layers):
    counts = [ndimage.label(clouds.is_cloud(clouded.alpha))[1] for clouded in layers]
    assert min(counts) <= 8
    assert max(counts) >= 25
