"""Clouds: cover, mask, independence, shadows."""

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


def layer(cover: float, index: int, side: int = SIDE, **settings) -> clouds.CloudLayer:
    date = DATE + timedelta(days=3 * index)
    return clouds.cloud_layer(Clouds(**settings), cover, (side, side), 7, 0, index, date, 48.0, 10.0)


@pytest.mark.parametrize("mean", [0.05, 0.35, 0.4, 0.9])
@pytest.mark.parametrize("concentration", [0.5, 2.0, 20.0])
def test_covers_have_the_asked_mean(mean, concentration):
    drawn = clouds.cloud_covers(stream(7, "covers"), 100, Clouds(mean=mean, concentration=concentration))
    assert drawn.mean() == pytest.approx(mean, abs=0.02)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    # Beta: variance mean (1 - mean) / (concentration + 1).
    assert drawn.std() == pytest.approx(math.sqrt(mean * (1 - mean) / (concentration + 1)), rel=0.1)


def test_covers_reach_from_clear_to_overcast():
    drawn = clouds.cloud_covers(stream(7, "covers"), 100, Clouds())
    assert drawn.min() < 0.02
    assert drawn.max() > 0.9


def test_covers_come_in_no_order():
    drawn = clouds.cloud_covers(stream(7, "covers"), 400, Clouds())
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.1


def test_covers_stay_within_their_limits():
    drawn = clouds.cloud_covers(stream(7, "covers"), 100, Clouds(limits=(0.05, 0.95)))
    assert drawn.min() >= 0.05
    assert drawn.max() <= 0.95


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_always_clear_and_always_overcast(mean):
    assert set(clouds.cloud_covers(stream(7, "covers"), 5, Clouds(mean=mean))) == {mean}
    assert clouds.is_cloud(layer(mean, 0).alpha).mean() == mean


@pytest.fixture(scope="module")
def sky():
    """Clouds over 101 dates, half of the ground covered."""
    return [layer(0.5, number) for number in range(101)]


@pytest.mark.parametrize("cover", [0.0, 0.001, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("shadows", [True, False])
def test_the_cover_of_a_frame_is_exact(cover, shadows):
    for index in range(4):
        found = clouds.is_cloud(layer(cover, index, shadows=shadows).alpha).mean()
        assert abs(found - cover) <= 1 / SIDE**2 + 0.001


def test_classes_are_the_thresholded_opacity(sky):
    for date in sky[:20]:
        opacity = date.alpha / 255
        np.testing.assert_array_equal(date.classes == 2, opacity >= 0.5)
        np.testing.assert_array_equal(date.classes == 1, (opacity > 0.1) & (opacity < 0.5))
        np.testing.assert_array_equal(np.isin(date.classes, (0, 3)), opacity <= 0.1)
        np.testing.assert_array_equal(date.classes == 3, (opacity <= 0.1) & (date.shadow > 0.3))


def test_what_is_clear_is_seen_as_it_is_and_what_is_hidden_not_at_all():
    ground = stream(7, "texture").random((256, 256, 4), np.float32)
    for index, shadows in ((0, False), (1, True), (2, True)):
        over = layer(0.5, index, 256, shadows=shadows)
        seen = clouds.clouded(ground, over, spectrum("cloud")[:4])
        clear = (over.alpha == 0) & (over.shadow == 0)
        assert clear.sum() > 1000
        assert np.abs(seen - ground)[clear].max() <= 1e-7
        opaque = over.alpha == 255
        assert opaque.sum() > 4000
        for band in range(4):
            assert abs(np.corrcoef(seen[opaque][:, band], ground[opaque][:, band])[0, 1]) < 0.05


def test_half_a_cloud_is_half_ground():
    ground = np.full((2, 2, 1), 0.2, np.float32)
    alpha = np.array([[0, 51], [127, 255]], np.uint8)
    shadow = np.array([[1.0, 0.0], [0.0, 0.0]], np.float32)
    seen = clouds.clouded(ground, clouds.CloudLayer(alpha, shadow, np.full((2, 2), 0.5, np.float32)), np.array([0.8]))
    opacity = alpha / 255
    wanted = (1 - opacity) * 0.2 + opacity * 0.5 * 0.8
    wanted[0, 0] = 0.1  # shadow of a thick cloud: half of the light
    np.testing.assert_allclose(seen[..., 0], wanted, rtol=1e-6)


def test_clouds_of_two_dates_have_nothing_in_common(sky):
    found = [np.corrcoef(one.alpha.ravel(), other.alpha.ravel())[0, 1] for one, other in itertools.pairwise(sky)]
    assert len(found) == 100
    assert abs(np.mean(found)) < 0.15


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
    def thrown(self, request):
        """Opacity of a large sky, the shadow that it throws on its middle, and the asked shift."""
        sky = layer(0.35, 4, 256 + 2 * self.MARGIN, shadows=False).alpha
        return sky / 255, clouds.shadow_opacity(sky, request.param, self.MARGIN), request.param

    def test_is_as_large_as_the_thick_clouds_that_throw_it(self, thrown):
        opacity, shadow, (down, right) = thrown
        assert shadow.shape == (256, 256)
        rows, columns = (slice(self.MARGIN - by, self.MARGIN - by + 256) for by in (down, right))
        thick = (opacity[rows, columns] >= 0.5).mean()
        assert thick > 0.1
        assert (shadow >= 0.5).mean() == pytest.approx(thick, rel=0.15)

    def test_lies_where_it_is_asked_to(self, thrown):
        opacity, shadow, wanted = thrown
        core = opacity[self.MARGIN : -self.MARGIN, self.MARGIN : -self.MARGIN]
        product = np.fft.fft2(shadow - shadow.mean()) * np.conj(np.fft.fft2(core - core.mean()))
        correlation = np.fft.fftshift(np.fft.ifft2(product).real)
        peak = np.unravel_index(correlation.argmax(), correlation.shape)
        assert np.abs(np.array(peak) - 128 - wanted).max() <= 1

    def test_is_soft(self, thrown):
        opacity, shadow, _ = thrown
        assert np.abs(np.diff(shadow, axis=0)).max() < np.abs(np.diff(opacity, axis=0)).max()


def test_shadows_fall_away_from_the_morning_sun():
    """In the north-west of their clouds, 8 to 20 pixels of 10 m away."""
    for index in range(20):
        down, right = clouds.shadow_shift(stream(7, "clouds", 0, index), DATE, 48.0, 10.0, 40)
        assert down < 0
        assert right < 0
        assert 7 <= math.hypot(down, right) <= 21
        # The sun's azimuth is 148 degrees: the shadow's 328.
        assert math.degrees(math.atan2(-right, -down)) == pytest.approx(32, abs=6)


def test_shadows_are_shorter_in_pixels_where_pixels_are_larger():
    shift = clouds.shadow_shift(stream(7, "clouds"), DATE, 48.0, 30.0, 40)
    assert 2 <= math.hypot(*shift) <= 7.5


def test_no_shadow_lies_under_a_cloud(sky):
    for date in sky[:10]:
        assert (date.shadow[clouds.is_cloud(date.alpha)] == 0).all()


def test_without_shadows_there_are_none():
    assert not layer(0.5, 0, shadows=False).shadow.any()
    assert not layer(0.0, 0).shadow.any()


def test_clouds_are_white_and_not_all_alike():
    bright = np.array([layer(0.5, number).brightness.mean() for number in range(40)])
    assert bright.min() > 0.6
    assert bright.max() < 1.05
    assert bright.std() > 0.05


def test_many_small_clouds_and_few_large_ones(sky):
    counts = [ndimage.label(clouds.is_cloud(date.alpha))[1] for date in sky]
    assert min(counts) <= 8
    assert max(counts) >= 25
