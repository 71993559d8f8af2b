"""Steps of a derivation: the effect of each on image, labels, clouds and class fractions."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from synthetic.observing import steps
from synthetic.products import product
from synthetic.schema import derivation as configuration
from synthetic.tables.sensors import sensor

CONTEXT = steps.FrameContext(seed=7, scene=0, index=3, count=10, date=datetime(2021, 6, 1, 10, 30), latitude=48.0)
STEP_TYPES = {
    model.model_fields["type"].annotation.__args__[0]: model for model in steps.STEPS
}  # fmt: skip


def step(kind: str, **settings):
    return STEP_TYPES[kind](type=kind, **settings)


def frame(side: int = 48, bands: int = 12) -> steps.SyntheticFrame:
    """A frame of square fields of 8 pixels: instances 1, 2, ... and four classes."""
    random = np.random.default_rng(7)
    fields = side // 8
    instance = np.kron(np.arange(1, fields**2 + 1).reshape(fields, fields), np.ones((8, 8), int))
    classes = random.choice([1, 3, 5, 8], fields**2 + 1)[instance]
    frame_sensor = sensor("sentinel2", sensor("sentinel2").bands[:bands])
    image = random.random((side, side, bands)).astype(np.float32) * 0.5
    return steps.SyntheticFrame(
        image, np.stack([instance, classes], axis=-1).astype(np.int16), frame_sensor.bands, frame_sensor, 10.0
    )


def test_every_type_of_step_has_a_function():
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


def test_a_frame_is_unchanged_without_steps():
    before = frame()
    assert steps.apply_steps(before, [], CONTEXT) is before


def test_steps_are_applied_in_their_order():
    twice, brighter = step("gain", mul=(2.0, 2.0)), step("gain", add=(0.1, 0.1))
    twice_first = steps.apply_steps(frame(), [twice, brighter], CONTEXT).image
    brighter_first = steps.apply_steps(frame(), [brighter, twice], CONTEXT).image
    np.testing.assert_allclose(twice_first, 2 * frame().image + 0.1, atol=1e-6)
    np.testing.assert_allclose(brighter_first, 2 * (frame().image + 0.1), atol=1e-6)


@pytest.mark.parametrize("kind", ["noise", "speckle", "misregistration", "cloud"])
def test_random_numbers_differ_between_frames_seeds_and_scenes(kind):
    chosen = [step(kind)]
    first = steps.apply_steps(frame(), chosen, CONTEXT).image
    np.testing.assert_array_equal(first, steps.apply_steps(frame(), chosen, CONTEXT).image)
    for change in ({"index": 4}, {"seed": 8}, {"scene": 1}):
        other = steps.apply_steps(frame(), chosen, replace(CONTEXT, **change)).image
        assert (other == first).mean() < 0.5


def test_two_noise_steps_are_independent():
    zero = replace(frame(), image=np.zeros((48, 48, 12), np.float32))
    once = steps.apply_steps(zero, [step("noise", sigma0=1.0, kappa=0.0)], CONTEXT).image
    twice = steps.apply_steps(zero, [step("noise", sigma0=1.0, kappa=0.0)] * 2, CONTEXT).image
    assert once.std() == pytest.approx(1, rel=0.03)
    assert twice.std() == pytest.approx(2**0.5, rel=0.03)


class TestGain:
    def test_of_a_product_is_equal_for_all_frames_and_bands(self):
        chosen = [step("gain", mul=(0.8, 1.2), add=(-0.1, 0.1))]
        frames = [steps.apply_steps(frame(), chosen, replace(CONTEXT, index=index)).image for index in range(3)]
        np.testing.assert_array_equal(frames[0], frames[1])
        slope, offset = np.polyfit(frame().image.ravel(), frames[0].ravel(), 1)
        assert 0.8 <= slope <= 1.2
        assert -0.1 <= offset <= 0.1
        np.testing.assert_allclose(frames[0], slope * frame().image + offset, atol=1e-5)

    def test_of_frames_differs_between_frames_and_bands(self):
        ones = replace(frame(), image=np.ones((48, 48, 12), np.float32))
        chosen = [step("gain", mul=(0.8, 1.2), each="frame")]
        drawn = [steps.apply_steps(ones, chosen, replace(CONTEXT, index=index)).image[0, 0] for index in range(3)]
        assert len(np.unique(np.stack(drawn))) == 36

    def test_differs_between_products(self):
        chosen = [step("gain", mul=(0.8, 1.2))]
        assert (
            steps.apply_steps(frame(), chosen, CONTEXT).image
            != steps.apply_steps(frame(), chosen, replace(CONTEXT, scene=1)).image
        ).all()


class TestResample:
    def test_labels_are_the_most_frequent_class_and_one_of_its_instances(self):
        before = frame()
        coarse = steps.apply_steps(before, [step("resample", factor=3)], CONTEXT)
        assert coarse.labels.shape == (16, 16, 2)
        assert coarse.gsd == 30
        assert set(np.unique(coarse.labels[..., 1])) <= set(np.unique(before.labels[..., 1]))
        blocks = before.labels.reshape(16, 3, 16, 3, 2).transpose(0, 2, 1, 3, 4).reshape(16, 16, 9, 2)
        for row, column in np.ndindex(16, 16):
            counts = np.bincount(blocks[row, column, :, 1], minlength=9)
            instance, cover = coarse.labels[row, column]
            assert counts[cover] == counts.max()
            assert (instance, cover) in {tuple(pair) for pair in blocks[row, column]}

    def test_class_fractions_sum_to_1_and_decide_the_label(self):
        coarse = steps.apply_steps(frame(), [step("resample", factor=3)], CONTEXT)
        np.testing.assert_allclose(coarse.class_fraction.sum(axis=-1), 1, atol=1e-6)
        np.testing.assert_array_equal(coarse.class_fraction.argmax(axis=-1) + 1, coarse.labels[..., 1])

    def test_twice_by_2_has_the_class_fractions_of_once_by_4(self):
        once = steps.apply_steps(frame(), [step("resample", factor=4)], CONTEXT)
        twice = steps.apply_steps(frame(), [step("resample", factor=2)] * 2, CONTEXT)
        np.testing.assert_allclose(twice.class_fraction, once.class_fraction, atol=1e-6)
        assert twice.gsd == once.gsd == 40

    def test_labels_of_coarse_pixels_are_pairs_of_the_fine_ones(self):
        """Twice by 2: class 1 is the most frequent of a block, but not of any quarter of it."""
        classes = np.array([[1, 2, 1, 3], [2, 2, 3, 3], [1, 4, 1, 5], [4, 4, 5, 5]], np.int16)
        labels = np.stack([classes * 10, classes], axis=-1)
        ground = replace(frame(48, 1), image=np.zeros((4, 4, 1), np.float32), labels=labels)
        coarse = steps.apply_steps(ground, [step("resample", factor=2)] * 2, CONTEXT)
        assert coarse.class_fraction[0, 0].argmax() + 1 == 1
        assert coarse.labels[0, 0].tolist() == [20, 2]  # the lowest of the next most frequent classes

    def test_clouds_are_resampled_and_their_classes_follow(self):
        clouded = [step("cloud", mean=0.5), step("resample", factor=4, psf_fwhm_px=None)]
        fine, coarse = steps.apply_steps(frame(), clouded[:1], CONTEXT), steps.apply_steps(frame(), clouded, CONTEXT)
        blocks = fine.alpha.reshape(12, 4, 12, 4).mean(axis=(1, 3))
        np.testing.assert_allclose(coarse.alpha, blocks, atol=0.51)
        np.testing.assert_array_equal(np.isin(coarse.cloud_class, (1, 2)), coarse.alpha / 255 > 0.1)
        np.testing.assert_array_equal(coarse.cloud_class == 2, coarse.alpha / 255 >= 0.5)

    def test_a_factor_that_does_not_divide_is_an_error(self):
        with pytest.raises(ValueError, match="factor 5 does not divide the height of 48 pixels"):
            steps.apply_steps(frame(), [step("resample", factor=5)], CONTEXT)


class TestBands:
    def test_of_the_same_sensor_are_selected(self):
        result = steps.apply_steps(frame(), [step("bands", sensor="sentinel2", names=["B8", "B4"])], CONTEXT)
        assert result.bands == ("B8", "B4")
        np.testing.assert_array_equal(result.image, frame().image[..., [7, 3]])

    def test_of_another_sensor_are_interpolated(self):
        result = steps.apply_steps(frame(), [step("bands", sensor="olci")], CONTEXT)
        assert result.sensor.name == "olci"
        centres = sensor("sentinel2").centres
        expected = [np.interp(sensor("olci").centres, centres, pixel) for pixel in frame().image[0, :5]]
        np.testing.assert_allclose(result.image[0, :5], expected, atol=1e-6)

    @pytest.mark.parametrize(
        ("change", "name", "expected"),
        [
            ({"sensor": None}, "olci", "no wavelengths"),
            ({"sensor": sensor("sentinel1")}, "olci", "a product of sentinel1 has no bands of olci"),
            ({"bands": ("B4", "B3", "B2")}, "olci", "need all twelve of Sentinel-2, the product has 3"),
        ],
    )
    def test_that_the_product_cannot_have_are_errors(self, change, name, expected):
        with pytest.raises(ValueError, match=expected):
            steps.apply_steps(replace(frame(), **change), [step("bands", sensor=name)], CONTEXT)


class TestCloud:
    def test_covers_are_those_of_the_whole_product(self):
        chosen = [step("cloud", mean=0.4)]
        frames = [steps.apply_steps(frame(), chosen, replace(CONTEXT, index=index, count=30)) for index in range(30)]
        covers = [np.isin(clouded.cloud_class, (1, 2)).mean() for clouded in frames]
        assert np.mean(covers) == pytest.approx(0.4, abs=0.02)
        assert min(covers) < 0.05
        assert max(covers) > 0.8

    def test_twice_is_an_error(self):
        with pytest.raises(ValueError, match="a product can be clouded once"):
            steps.apply_steps(frame(), [step("cloud"), step("cloud")], CONTEXT)

    def test_over_a_radar_is_an_error(self):
        with pytest.raises(ValueError, match="clouds do not hide the ground from a radar"):
            steps.apply_steps(replace(frame(), sensor=sensor("sentinel1")), [step("cloud")], CONTEXT)

    def test_over_bands_without_wavelength_is_white(self):
        without_sensor = replace(frame(), sensor=None, image=np.zeros((48, 48, 12), np.float32))
        result = steps.apply_steps(without_sensor, [step("cloud", mean=1.0, shadows=False)], CONTEXT)
        opaque = result.alpha == 255
        assert opaque.any()
        assert (result.image[opaque] > 0.45).all()
        np.testing.assert_allclose(result.image[opaque].std(axis=-1), 0, atol=1e-6)


def test_distortion_applies_to_labels_and_clouds():
    chosen = [step("cloud", mean=0.5), step("resample", factor=1, psf_fwhm_px=None), step("distortion", axis=0)]
    result = steps.apply_steps(frame(), chosen, CONTEXT)
    assert result.image.shape == (36, 48, 12)
    assert result.labels.shape == (36, 48, 2)
    assert result.alpha.shape == result.cloud_class.shape == (36, 48)
    assert result.class_fraction.shape == (36, 48, 8)
    pairs = {tuple(pair) for pair in frame().labels.reshape(-1, 2)}
    assert {tuple(pair) for pair in result.labels.reshape(-1, 2)} <= pairs


class TestMisregistration:
    def test_has_the_requested_deviation(self):
        ramp = np.stack(np.mgrid[:48, :48].astype(np.float32), axis=-1)
        ground, chosen = replace(frame(), image=ramp), [step("misregistration", sd_px=0.3)]
        frames = [steps.apply_steps(ground, chosen, replace(CONTEXT, index=index)) for index in range(200)]
        shifts = np.array([(shifted.image - ramp)[24, 24] for shifted in frames])
        np.testing.assert_allclose(shifts.std(axis=0), 0.3, rtol=0.15)
        assert abs(np.corrcoef(shifts.T)[0, 1]) < 0.2

    def test_does_not_move_labels(self):
        np.testing.assert_array_equal(
            steps.apply_steps(frame(), [step("misregistration")], CONTEXT).labels, frame().labels
        )


def test_speckle_and_impulses_change_the_image():
    flat = replace(frame(), image=np.full((48, 48, 12), 0.2, np.float32))
    speckled = steps.apply_steps(flat, [step("speckle", looks=4.4)], CONTEXT).image
    assert speckled.mean() ** 2 / speckled.var() == pytest.approx(4.4, rel=0.1)
    hit = steps.apply_steps(flat, [step("impulses", proportion=(0.3, 0.3))], CONTEXT).image
    assert (hit[..., 0] != np.float32(0.2)).mean() == pytest.approx(0.3, abs=0.04)


def test_blur_keeps_the_size():
    blurred = steps.apply_steps(frame(), [step("blur", fwhm_px=2.0)], CONTEXT)
    assert blurred.image.shape == (48, 48, 12)
    assert blurred.image.std() < 0.5 * frame().image.std()


def test_defaults_are_those_of_the_schema():
    assert configuration.Speckle(type="speckle").looks == 4.4
    assert product.SCALE == 1e-4
