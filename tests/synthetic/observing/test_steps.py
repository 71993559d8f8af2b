"""Steps of a derivation: what each does to image, labels, clouds and shares of classes."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from synthetic.observing import steps
from synthetic.products import product
from synthetic.schema import derivation as configuration
from synthetic.tables.sensors import sensor

FRAME = steps.FrameContext(seed=7, scene=0, index=3, count=10, date=datetime(2021, 6, 1, 10, 30), latitude=48.0)
STEP_TYPES = {
    model.model_fields["type"].annotation.__args__[0]: model for model in steps.STEPS
}  # fmt: skip


def step(kind: str, **settings):
    return STEP_TYPES[kind](type=kind, **settings)


def view(side: int = 48, bands: int = 12) -> steps.SyntheticFrame:
    """A view of square fields of 8 pixels: instances 1, 2, ... and four classes."""
    random = np.random.default_rng(7)
    fields = side // 8
    instance = np.kron(np.arange(1, fields**2 + 1).reshape(fields, fields), np.ones((8, 8), int))
    classes = random.choice([1, 3, 5, 8], fields**2 + 1)[instance]
    seen_by = sensor("sentinel2", sensor("sentinel2").bands[:bands])
    image = random.random((side, side, bands)).astype(np.float32) * 0.5
    return steps.SyntheticFrame(
        image, np.stack([instance, classes], axis=-1).astype(np.int16), seen_by.bands, seen_by, 10.0
    )


def test_every_step_of_a_file_is_carried_out():
    kinds = {
        "gain",
        "cloud",
        "distortion",
        "resample",
        "bands",
        "misregistration",
        "blur",
        "noise",
        "speckle",
        "impulses",
    }
    assert set(STEP_TYPES) == kinds


def test_no_step_changes_nothing():
    before = view()
    assert steps.apply_steps(before, [], FRAME) is before


def test_steps_follow_one_another_in_their_order():
    doubled, brighter = step("gain", mul=(2.0, 2.0)), step("gain", add=(0.1, 0.1))
    one = steps.apply_steps(view(), [doubled, brighter], FRAME).image
    other = steps.apply_steps(view(), [brighter, doubled], FRAME).image
    np.testing.assert_allclose(one, 2 * view().image + 0.1, atol=1e-6)
    np.testing.assert_allclose(other, 2 * (view().image + 0.1), atol=1e-6)


@pytest.mark.parametrize("kind", ["noise", "speckle", "misregistration", "cloud"])
def test_frames_and_seeds_have_random_numbers_of_their_own(kind):
    chosen = [step(kind)]
    first = steps.apply_steps(view(), chosen, FRAME).image
    np.testing.assert_array_equal(first, steps.apply_steps(view(), chosen, FRAME).image)
    for change in ({"index": 4}, {"seed": 8}, {"scene": 1}):
        other = steps.apply_steps(view(), chosen, replace(FRAME, **change)).image
        assert (other == first).mean() < 0.5


def test_two_noises_are_two():
    zero = replace(view(), image=np.zeros((48, 48, 12), np.float32))
    once = steps.apply_steps(zero, [step("noise", sigma0=1.0, kappa=0.0)], FRAME).image
    twice = steps.apply_steps(zero, [step("noise", sigma0=1.0, kappa=0.0)] * 2, FRAME).image
    assert once.std() == pytest.approx(1, rel=0.03)
    assert twice.std() == pytest.approx(2**0.5, rel=0.03)


class TestGain:
    def test_of_a_product_is_the_same_for_all_frames_and_bands(self):
        chosen = [step("gain", mul=(0.8, 1.2), add=(-0.1, 0.1))]
        frames = [steps.apply_steps(view(), chosen, replace(FRAME, index=index)).image for index in range(3)]
        np.testing.assert_array_equal(frames[0], frames[1])
        slope, offset = np.polyfit(view().image.ravel(), frames[0].ravel(), 1)
        assert 0.8 <= slope <= 1.2
        assert -0.1 <= offset <= 0.1
        np.testing.assert_allclose(frames[0], slope * view().image + offset, atol=1e-5)

    def test_of_frames_differs_between_frames_and_bands(self):
        ones = replace(view(), image=np.ones((48, 48, 12), np.float32))
        chosen = [step("gain", mul=(0.8, 1.2), each="frame")]
        drawn = [steps.apply_steps(ones, chosen, replace(FRAME, index=index)).image[0, 0] for index in range(3)]
        assert len(np.unique(np.stack(drawn))) == 36

    def test_differs_between_products(self):
        chosen = [step("gain", mul=(0.8, 1.2))]
        assert (
            steps.apply_steps(view(), chosen, FRAME).image
            != steps.apply_steps(view(), chosen, replace(FRAME, scene=1)).image
        ).all()


class TestResample:
    def test_labels_are_the_most_frequent_class_and_an_instance_of_it(self):
        before = view()
        coarse = steps.apply_steps(before, [step("resample", factor=3)], FRAME)
        assert coarse.labels.shape == (16, 16, 2)
        assert coarse.gsd == 30
        assert set(np.unique(coarse.labels[..., 1])) <= set(np.unique(before.labels[..., 1]))
        blocks = before.labels.reshape(16, 3, 16, 3, 2).transpose(0, 2, 1, 3, 4).reshape(16, 16, 9, 2)
        for row, column in np.ndindex(16, 16):
            counts = np.bincount(blocks[row, column, :, 1], minlength=9)
            instance, found = coarse.labels[row, column]
            assert counts[found] == counts.max()
            assert (instance, found) in {tuple(pair) for pair in blocks[row, column]}

    def test_shares_of_classes_sum_to_1_and_decide_the_label(self):
        coarse = steps.apply_steps(view(), [step("resample", factor=3)], FRAME)
        np.testing.assert_allclose(coarse.class_fraction.sum(axis=-1), 1, atol=1e-6)
        np.testing.assert_array_equal(coarse.class_fraction.argmax(axis=-1) + 1, coarse.labels[..., 1])

    def test_twice_by_two_has_the_shares_of_once_by_four(self):
        once = steps.apply_steps(view(), [step("resample", factor=4)], FRAME)
        twice = steps.apply_steps(view(), [step("resample", factor=2)] * 2, FRAME)
        np.testing.assert_allclose(twice.class_fraction, once.class_fraction, atol=1e-6)
        assert twice.gsd == once.gsd == 40

    def test_labels_of_coarse_pixels_stay_pairs_that_are_there(self):
        """Twice by two: class 1 is the most frequent of a block, but not of any quarter of it."""
        classes = np.array([[1, 2, 1, 3], [2, 2, 3, 3], [1, 4, 1, 5], [4, 4, 5, 5]], np.int16)
        labels = np.stack([classes * 10, classes], axis=-1)
        ground = replace(view(48, 1), image=np.zeros((4, 4, 1), np.float32), labels=labels)
        found = steps.apply_steps(ground, [step("resample", factor=2)] * 2, FRAME)
        assert found.class_fraction[0, 0].argmax() + 1 == 1
        assert found.labels[0, 0].tolist() == [20, 2]  # of the next most frequent ones the lowest

    def test_clouds_become_coarse_too_and_their_classes_follow(self):
        clouded = [step("cloud", mean=0.5), step("resample", factor=4, psf_fwhm_px=None)]
        fine, coarse = steps.apply_steps(view(), clouded[:1], FRAME), steps.apply_steps(view(), clouded, FRAME)
        blocks = fine.alpha.reshape(12, 4, 12, 4).mean(axis=(1, 3))
        np.testing.assert_allclose(coarse.alpha, blocks, atol=0.51)
        np.testing.assert_array_equal(np.isin(coarse.cloud_class, (1, 2)), coarse.alpha / 255 > 0.1)
        np.testing.assert_array_equal(coarse.cloud_class == 2, coarse.alpha / 255 >= 0.5)

    def test_a_factor_that_does_not_divide_is_refused(self):
        with pytest.raises(ValueError, match="factor 5 does not divide the height of 48 pixels"):
            steps.apply_steps(view(), [step("resample", factor=5)], FRAME)


class TestBands:
    def test_of_the_same_sensor_are_picked(self):
        found = steps.apply_steps(view(), [step("bands", sensor="sentinel2", names=["B8", "B4"])], FRAME)
        assert found.bands == ("B8", "B4")
        np.testing.assert_array_equal(found.image, view().image[..., [7, 3]])

    def test_of_another_sensor_are_interpolated(self):
        found = steps.apply_steps(view(), [step("bands", sensor="olci")], FRAME)
        assert found.sensor.name == "olci"
        nodes = sensor("sentinel2").centres
        wanted = [np.interp(sensor("olci").centres, nodes, pixel) for pixel in view().image[0, :5]]
        np.testing.assert_allclose(found.image[0, :5], wanted, atol=1e-6)

    @pytest.mark.parametrize(
        ("change", "name", "wanted"),
        [
            ({"sensor": None}, "olci", "no wavelengths"),
            ({"sensor": sensor("sentinel1")}, "olci", "a product of sentinel1 has no bands of olci"),
            ({"bands": ("B4", "B3", "B2")}, "olci", "need all twelve of Sentinel-2, the product has 3"),
        ],
    )
    def test_that_cannot_be_seen_are_refused(self, change, name, wanted):
        with pytest.raises(ValueError, match=wanted):
            steps.apply_steps(replace(view(), **change), [step("bands", sensor=name)], FRAME)


class TestCloud:
    def test_covers_are_those_of_the_whole_product(self):
        chosen = [step("cloud", mean=0.4)]
        frames = [steps.apply_steps(view(), chosen, replace(FRAME, index=index, count=30)) for index in range(30)]
        covers = [np.isin(frame.cloud_class, (1, 2)).mean() for frame in frames]
        assert np.mean(covers) == pytest.approx(0.4, abs=0.02)
        assert min(covers) < 0.05
        assert max(covers) > 0.8

    def test_twice_is_refused(self):
        with pytest.raises(ValueError, match="a product can be clouded once"):
            steps.apply_steps(view(), [step("cloud"), step("cloud")], FRAME)

    def test_over_a_radar_is_refused(self):
        with pytest.raises(ValueError, match="clouds do not hide the ground from a radar"):
            steps.apply_steps(replace(view(), sensor=sensor("sentinel1")), [step("cloud")], FRAME)

    def test_over_bands_without_wavelength_is_white(self):
        made_up = replace(view(), sensor=None, image=np.zeros((48, 48, 12), np.float32))
        found = steps.apply_steps(made_up, [step("cloud", mean=1.0, shadows=False)], FRAME)
        opaque = found.alpha == 255
        assert opaque.any()
        assert (found.image[opaque] > 0.45).all()
        np.testing.assert_allclose(found.image[opaque].std(axis=-1), 0, atol=1e-6)


def test_distortion_takes_labels_and_clouds_along():
    chosen = [step("cloud", mean=0.5), step("resample", factor=1, psf_fwhm_px=None), step("distortion", axis=0)]
    found = steps.apply_steps(view(), chosen, FRAME)
    assert found.image.shape == (36, 48, 12)
    assert found.labels.shape == (36, 48, 2)
    assert found.alpha.shape == found.cloud_class.shape == (36, 48)
    assert found.class_fraction.shape == (36, 48, 8)
    pairs = {tuple(pair) for pair in view().labels.reshape(-1, 2)}
    assert {tuple(pair) for pair in found.labels.reshape(-1, 2)} <= pairs


class TestMisregistration:
    def test_is_as_large_as_asked(self):
        ramp = np.stack(np.mgrid[:48, :48].astype(np.float32), axis=-1)
        ground, chosen = replace(view(), image=ramp), [step("misregistration", sd_px=0.3)]
        seen = [steps.apply_steps(ground, chosen, replace(FRAME, index=index)) for index in range(200)]
        shifts = np.array([(frame.image - ramp)[24, 24] for frame in seen])
        np.testing.assert_allclose(shifts.std(axis=0), 0.3, rtol=0.15)
        assert abs(np.corrcoef(shifts.T)[0, 1]) < 0.2

    def test_leaves_labels_where_they_are(self):
        np.testing.assert_array_equal(steps.apply_steps(view(), [step("misregistration")], FRAME).labels, view().labels)


def test_speckle_and_impulses_reach_the_image():
    flat = replace(view(), image=np.full((48, 48, 12), 0.2, np.float32))
    speckled = steps.apply_steps(flat, [step("speckle", looks=4.4)], FRAME).image
    assert speckled.mean() ** 2 / speckled.var() == pytest.approx(4.4, rel=0.1)
    hit = steps.apply_steps(flat, [step("impulses", proportion=(0.3, 0.3))], FRAME).image
    assert (hit[..., 0] != np.float32(0.2)).mean() == pytest.approx(0.3, abs=0.04)


def test_blur_keeps_the_size():
    blurred = steps.apply_steps(view(), [step("blur", fwhm_px=2.0)], FRAME)
    assert blurred.image.shape == (48, 48, 12)
    assert blurred.image.std() < 0.5 * view().image.std()


def test_settings_are_those_of_the_file():
    assert configuration.Speckle(type="speckle").looks == 4.4
    assert product.SCALE == 1e-4
