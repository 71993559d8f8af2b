"""Tangential scale distortion: the closed form, its slope and ends, and its effect on images and labels."""

import numpy as np
import pytest

from synthetic.observing import distortion

LENGTHS = [337, 256, 255, 2048, 100]


@pytest.mark.parametrize("length", LENGTHS)
class TestMap:
    def test_backward_is_the_inverse_of_forward(self, length):
        x = np.linspace(0.01, length - 0.01, 1001)
        rate = 4 / length
        assert np.abs(distortion.backward(distortion.forward(x, length, rate), length, rate) - x).max() < 1e-6

    def test_the_centre_does_not_move(self, length):
        assert distortion.forward(length / 2, length, 4 / length) == pytest.approx(length / 2, abs=1e-6)
        assert distortion.backward(length / 2, length, 4 / length) == pytest.approx(length / 2, abs=1e-6)

    def test_the_slope_falls_from_1_at_the_centre_to_the_edges(self, length):
        x = np.linspace(0, length, 100_001)
        slope = np.gradient(distortion.forward(x, length, 4 / length), x)
        assert slope.min() > 0
        assert slope.max() <= 1 + 1e-9
        assert slope[50_000] == pytest.approx(1, abs=1e-3)
        assert slope[[0, -1]] == pytest.approx([0.420, 0.420], abs=0.002)

    def test_positions_rise_from_near_the_first_edge_to_near_the_last(self, length):
        positions = distortion.source_positions(length)
        assert len(positions) == int(length * np.tanh(1))
        assert (np.diff(positions) > 0).all()
        # No pixel lies beyond the edge, where there is no ground.
        assert 0.5 <= positions[0] < max(3, length / 256)
        assert length - positions[-1] == pytest.approx(positions[0])


def test_the_published_width_of_337_becomes_256():
    assert len(distortion.source_positions(337)) == 256
    assert distortion.source_positions(337)[0] < 3


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("axis", [0, 1])
def test_a_ramp_has_the_ground_position_of_each_pixel(length, axis):
    ramp = np.broadcast_to(np.arange(length, dtype=np.float32)[:, None, None] + 0.5, (length, 5, 2))
    image = ramp if axis == 0 else ramp.transpose(1, 0, 2)
    image_rows = np.moveaxis(distortion.distorted(image, axis, None), axis, 0)
    count = len(image_rows)
    back = distortion.forward(image_rows.astype(np.float64), length, 4 / length)
    expected = length / 2 - count / 2 + np.arange(count) + 0.5
    assert np.abs(back - expected[:, None, None]).max() < 0.01


def test_the_other_axis_is_not_distorted():
    image = np.random.default_rng(7).random((6, 337, 3)).astype(np.float32)
    whole = distortion.distorted(image, 1, None)
    for row in range(6):
        np.testing.assert_array_equal(whole[row], distortion.distorted(image[row : row + 1], 1, None)[0])


def test_every_pixel_has_ground():
    assert distortion.distorted(np.full((4, 337, 1), 0.3, np.float32), 1, None).min() == pytest.approx(0.3)


def test_labels_are_not_interpolated():
    labels = np.random.default_rng(7).choice(np.array([3, 8, 200], np.int16), (337, 20, 2))
    image = distortion.distorted(labels, 0, None, labels=True)
    assert image.shape == (256, 20, 2)
    assert image.dtype == labels.dtype
    assert set(np.unique(image)) <= {3, 8, 200}
    positions = distortion.source_positions(337)
    np.testing.assert_array_equal(image, labels[positions.astype(int)])


def test_a_lower_rate_also_compresses_the_centre():
    positions = distortion.source_positions(337, 2 / 337)
    assert len(positions) == int(337 * np.tanh(0.5))
    middle = np.diff(positions)[len(positions) // 2]
    assert middle == pytest.approx(2, abs=0.01)


def test_too_large_and_too_small_rates_are_errors():
    with pytest.raises(ValueError, match=r"growth_rate 0.02 expands the centre of 337 pixels; use at most 0.0118"):
        distortion.source_positions(337, 0.02)
    with pytest.raises(ValueError, match="growth_rate 1e-06 leaves nothing of 337 pixels"):
        distortion.source_positions(337, 1e-6)
