"""Conversion of stored numbers to the network's values and back, against NumPy; the valid pixels of a target."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.batches.dataset import Dataset
from pix2earth.batches.preparation import prepare, valid_pixels
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import InvalidData

SIDE = 64
PLAIN = {"random_resize": 1.0, "random_rotate": False, "random_mirror": False}


def field_of(dtype: str, *shape: int, **others) -> Field:
    return Field(dtype=dtype, shape=list(shape), bands=[f"b{number}" for number in range(shape[-1])], **others)


def numbers(field: Field, batch: int = 2, low: int = 1, high: int = 10000, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).integers(low, high, (batch, *field.shape))
    return values.astype(field.dtype)


def reference(stored: np.ndarray, field: Field, normalize: str) -> np.ndarray:
    """Scale stored numbers in double precision, as the manifest is documented."""
    physical = stored.astype(np.float64) * field.scale + field.offset
    low, high = (np.array(bound) for bound in field.bounds)
    missing = ~np.isfinite(physical)
    if field.nodata is not None:
        missing |= stored == field.nodata
    physical = np.where(missing, low, physical)
    if normalize == "unit":
        return (physical - low) / (high - low)
    if normalize == "symmetric":
        return (physical - low) / (high - low) * 2 - 1
    return physical


SCALED = {
    "input_image": field_of("uint16", SIDE, SIDE, 2, scale=1e-4, offset=-0.1, valid_range=([0.0, -0.1], [1.0, 0.5])),
    "target": field_of("int16", SIDE, SIDE, 3, scale=0.01, offset=5.0, valid_range=(-20.0, 60.0), nodata=-32768),
}


class TestScaling:
    @pytest.fixture
    def arrays(self):
        return {
            "input_image": numbers(SCALED["input_image"]),
            "target": numbers(SCALED["target"], low=-3000, high=3000, seed=1),
        }

    @pytest.mark.parametrize("normalize", ["symmetric", "unit", "none"])
    def test_is_that_of_the_manifest(self, prepare, arrays, normalize):
        prepared = prepare(SCALED, arrays, normalize=normalize)
        for name, field in SCALED.items():
            assert prepared[name].dtype == np.float32
            expected = reference(arrays[name], field, normalize)
            np.testing.assert_allclose(prepared[name], expected, rtol=1e-6, atol=1e-6 * max(1, np.abs(expected).max()))

    @pytest.mark.parametrize(("normalize", "ends"), [("symmetric", (-1, 1)), ("unit", (0, 1))])
    def test_maps_the_ends_of_the_valid_range_of_every_band_to_the_ends_of_the_interval(
        self, prepare, arrays, normalize, ends
    ):
        # Stored numbers of (low, high) by (physical - offset) / scale.
        arrays["input_image"][:, 0, 0] = [1000, 0]
        arrays["input_image"][:, 1, 1] = [11000, 6000]
        prepared = prepare(SCALED, arrays, normalize=normalize)["input_image"]
        np.testing.assert_allclose(prepared[:, 0, 0], ends[0], atol=1e-6)
        np.testing.assert_allclose(prepared[:, 1, 1], ends[1], atol=1e-6)

    def test_l2_gives_every_image_unit_norm(self, prepare, arrays):
        prepared = prepare(SCALED, arrays, normalize="l2")
        for name, field in SCALED.items():
            physical = reference(arrays[name], field, "l2")
            norm = np.sqrt((physical**2).sum(axis=(1, 2, 3), keepdims=True))
            np.testing.assert_allclose(prepared[name], physical / norm, rtol=1e-5, atol=1e-8)

    @pytest.mark.parametrize("normalize", ["symmetric", "unit", "none"])
    def test_maps_nodata_to_the_lower_end(self, prepare, arrays, normalize):
        arrays["target"][0, 3, 4, 1] = -32768
        prepared = prepare(SCALED, arrays, normalize=normalize)["target"]
        low = {"symmetric": -1, "unit": 0, "none": -20}[normalize]
        assert prepared[0, 3, 4, 1] == pytest.approx(low, abs=1e-6)
        other_bands = np.delete(prepared[0, 3, 4], 1)
        expected = np.delete(reference(arrays["target"], SCALED["target"], normalize)[0, 3, 4], 1)
        np.testing.assert_allclose(other_bands, expected, rtol=1e-6, atol=1e-6)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_maps_nan_and_infinities_to_the_lower_end_of_their_band(self, prepare, value):
        fields = {
            "input_image": field_of("float32", SIDE, SIDE, 2, valid_range=([1.0, -3.0], [2.0, 5.0])),
            "target": field_of("uint8", SIDE, SIDE, 1),
        }
        arrays = {"input_image": np.full((1, SIDE, SIDE, 2), 1.5, np.float32), "target": numbers(fields["target"], 1)}
        arrays["input_image"][0, 0, 0] = value
        prepared = prepare(fields, arrays, normalize="none")["input_image"]
        np.testing.assert_allclose(prepared[0, 0, 0], [1, -3], atol=1e-6)
        np.testing.assert_allclose(prepared[0, 0, 1], [1.5, 1.5], atol=1e-6)

    @pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "float16"])
    def test_works_on_every_type_of_number(self, prepare, dtype):
        field = field_of(dtype, SIDE, SIDE, 1, valid_range=(0.0, 100.0), nodata=7)
        array = numbers(field, low=1, high=100)
        array[:, 0, 0] = 7
        prepared = prepare({"input_image": field, "target": field}, {"input_image": array, "target": array})
        np.testing.assert_allclose(prepared["target"], reference(array, field, "symmetric"), atol=1e-6)

    @pytest.mark.parametrize("normalize", ["symmetric", "unit", "none"])
    def test_is_undone_by_physical(self, experiment_of, arrays, normalize):
        dataset = Dataset(experiment_of(SCALED, normalize=normalize))
        prepared = dataset.prepare({name: tf.constant(array) for name, array in arrays.items()})
        for role, span in (("input", 1.2), ("target", 80.0)):
            name = {"input": "input_image", "target": "target"}[role]
            values = dataset.physical(role, prepared[name]).numpy()
            np.testing.assert_allclose(values, reference(arrays[name], SCALED[name], "none"), atol=1e-6 * span)

    def test_of_folded_time_steps_is_undone_by_physical(self, experiment_of):
        field = field_of("uint16", 3, SIDE, SIDE, 2, scale=1e-4, valid_range=([0.0, 0.2], [1.0, 0.9]))
        dataset = Dataset(experiment_of({"input_image": field, "target": field}, fold_dates=True))
        array = numbers(field)
        prepared = dataset.prepare({"input_image": tf.constant(array), "target": tf.constant(array)})
        values = dataset.physical("target", prepared["target"]).numpy()
        expected = np.concatenate([array[:, time] for time in range(3)], axis=-1) * 1e-4
        np.testing.assert_allclose(values, expected, atol=1e-6)


KINDS = {
    "input_image": field_of("uint16", SIDE, SIDE, 2, scale=1e-4),
    "target": field_of("uint16", SIDE, SIDE, 1, scale=1e-4),
    "mask": field_of("uint8", SIDE, SIDE, 1, kind="mask"),
    "cover": field_of("uint8", SIDE, SIDE, 1, kind="classes"),
}


class TestKinds:
    @pytest.fixture
    def arrays(self):
        arrays = {name: numbers(field, batch=8) for name, field in KINDS.items()}
        arrays["mask"] = numbers(KINDS["mask"], 8, 0, 2)
        arrays["cover"] = numbers(KINDS["cover"], 8, 20, 29)
        return arrays

    def test_classes_are_integers_as_stored(self, prepare, arrays):
        prepared = prepare(KINDS, arrays)["cover"]
        assert prepared.dtype == np.int32
        np.testing.assert_array_equal(prepared, arrays["cover"])

    def test_masks_are_as_stored(self, prepare, arrays):
        prepared = prepare(KINDS, arrays)["mask"]
        assert prepared.dtype == np.float32
        np.testing.assert_array_equal(prepared, arrays["mask"])

    def test_masks_and_classes_hold_stored_values_only_when_augmented(self, prepare, arrays):
        draws = np.random.default_rng(3).random((8, 4))
        prepared = prepare(KINDS, arrays, draws, random_resize=1.37)
        assert set(np.unique(prepared["mask"])) == {0, 1}
        assert set(np.unique(prepared["cover"])) == set(range(20, 29))

    def test_normalisation_does_not_change_masks_and_classes(self, prepare, arrays):
        for normalize in ("l2", "none", "unit"):
            prepared = prepare(KINDS, arrays, normalize=normalize)
            np.testing.assert_array_equal(prepared["mask"], arrays["mask"])
            np.testing.assert_array_equal(prepared["cover"], arrays["cover"])

    def test_input_and_target_have_their_own_names_and_those_of_their_roles(self, prepare, arrays):
        fields = {"sar": KINDS["input_image"], "optical": KINDS["target"]}
        stored = {"sar": arrays["input_image"], "optical": arrays["target"]}
        prepared = prepare(fields, stored, roles={"input": "sar", "target": "optical"})
        assert set(prepared) == {"sar", "optical", "input_image", "target"}
        np.testing.assert_array_equal(prepared["input_image"], prepared["sar"])
        np.testing.assert_array_equal(prepared["target"], prepared["optical"])


RESOLUTIONS = {
    "input_image": field_of("uint16", 16, 16, 1),
    "target": field_of("uint16", SIDE, SIDE, 1),
    "mask": field_of("uint8", SIDE, SIDE, 1, kind="mask"),
    "cover": field_of("uint8", 32, 32, 1, kind="classes"),
}


class TestGeometry:
    """Fields of the same ground with different pixel sizes stay aligned in any augmentation."""

    @pytest.fixture
    def arrays(self):
        coarse = numbers(RESOLUTIONS["input_image"], batch=12, low=0, high=200)
        fine = coarse.repeat(4, axis=1).repeat(4, axis=2)
        return {
            "input_image": coarse,
            "target": fine,
            "mask": (fine > 100).astype(np.uint8),
            "cover": coarse.repeat(2, axis=1).repeat(2, axis=2).astype(np.uint8),
        }

    @pytest.fixture
    def draws(self):
        return np.random.default_rng(8).random((12, 4))

    def test_coarse_fields_are_upsampled_by_repetition(self, prepare, arrays):
        prepared = prepare(RESOLUTIONS, arrays, normalize="none")
        np.testing.assert_array_equal(prepared["input_image"], arrays["target"])
        np.testing.assert_array_equal(prepared["cover"], arrays["target"])

    def test_rotated_and_mirrored_fields_are_aligned(self, prepare, arrays, draws):
        prepared = prepare(RESOLUTIONS, arrays, draws, normalize="none", random_resize=1.0)
        np.testing.assert_array_equal(prepared["input_image"], prepared["target"])
        np.testing.assert_array_equal(prepared["mask"], prepared["target"] > 100)
        np.testing.assert_array_equal(prepared["cover"], prepared["target"])
        assert not np.array_equal(prepared["target"], arrays["target"])

    def test_fields_of_a_random_crop_are_aligned(self, prepare, arrays, draws):
        prepared = prepare(RESOLUTIONS, arrays, draws, normalize="none", random_resize=1.3)
        np.testing.assert_array_equal(prepared["input_image"], prepared["target"])
        # Nearest neighbour and bilinear are on the same side of the threshold except at borders of coarse pixels.
        assert (prepared["mask"] == (prepared["target"] > 100)).mean() > 0.9
        np.testing.assert_array_equal(prepared["mask"], prepared["cover"] > 100)

    @pytest.mark.parametrize("quarters", range(4))
    @pytest.mark.parametrize("mirrored", [False, True])
    def test_tiles_are_rotated_and_mirrored_as_by_numpy(self, prepare, arrays, quarters, mirrored):
        draws = np.tile([0.5, 0.5, (quarters + 0.5) / 4, 0.25 if mirrored else 0.75], (12, 1))
        prepared = prepare(RESOLUTIONS, arrays, draws, normalize="none", random_resize=1.0)
        for name in ("target", "mask"):
            expected = np.rot90(arrays[name], quarters, axes=(1, 2))
            np.testing.assert_array_equal(prepared[name], expected[:, :, ::-1] if mirrored else expected)

    def test_without_draws_nothing_is_augmented(self, prepare, arrays):
        prepared = prepare(RESOLUTIONS, arrays, normalize="none", random_resize=1.5)
        np.testing.assert_array_equal(prepared["target"], arrays["target"])

    def test_draws_without_effect_change_nothing(self, prepare, arrays, draws):
        prepared = prepare(RESOLUTIONS, arrays, draws, normalize="none", **PLAIN)
        np.testing.assert_array_equal(prepared["target"], arrays["target"])

    @pytest.mark.parametrize(("height", "width"), [(32, 32), (128, 128), (48, 64), (100, 40), (256, 21)])
    def test_another_size_takes_the_nearest_pixels(self, prepare, height, width):
        arrays = {name: numbers(field, low=0, high=2 if name == "mask" else 200) for name, field in RESOLUTIONS.items()}
        prepared = prepare(RESOLUTIONS, arrays, normalize="none", img_height=height, img_width=width)
        for name in ("input_image", "target", "mask"):
            # The original ARISGAN code resizes with this function.
            expected = tf.image.resize(arrays[name], (height, width), "nearest").numpy()
            np.testing.assert_array_equal(prepared[name], expected)

    def test_a_factor_that_is_not_an_integer_takes_the_nearest_pixels(self, prepare):
        fields = {"input_image": field_of("uint16", 21, 21, 1), "target": field_of("uint16", SIDE, SIDE, 1)}
        arrays = {name: numbers(field) for name, field in fields.items()}
        index = np.floor((np.arange(SIDE) + 0.5) * 21 / SIDE).astype(int)
        prepared = prepare(fields, arrays, normalize="none")["input_image"]
        np.testing.assert_array_equal(prepared, arrays["input_image"][:, index][:, :, index])

    def test_a_size_that_is_not_square_is_augmented_within_it(self, prepare, arrays, draws):
        prepared = prepare(RESOLUTIONS, arrays, draws, normalize="none", img_height=64, img_width=32, random_resize=1.0)
        assert prepared["target"].shape == (12, 64, 32, 1)
        np.testing.assert_array_equal(prepared["input_image"], prepared["target"])


SERIES = field_of("uint16", 3, SIDE, SIDE, 2, scale=1e-4, valid_range=([0.0, 0.1], [1.0, 0.8]))
WITH_TIME = {"input_image": SERIES, "target": field_of("uint16", SIDE, SIDE, 1, scale=1e-4)}


class TestTimeSteps:
    @pytest.fixture
    def arrays(self):
        return {name: numbers(field, seed=2) for name, field in WITH_TIME.items()}

    def test_are_kept_as_an_axis(self, prepare, arrays):
        prepared = prepare(WITH_TIME, arrays)["input_image"]
        np.testing.assert_allclose(prepared, reference(arrays["input_image"], SERIES, "symmetric"), atol=1e-6)

    def test_are_folded_one_after_the_other(self, prepare, arrays):
        prepared = prepare(WITH_TIME, arrays, fold_dates=True)["input_image"]
        scaled = reference(arrays["input_image"], SERIES, "symmetric")
        assert prepared.shape == (2, SIDE, SIDE, 6)
        for time in range(3):
            np.testing.assert_allclose(prepared[..., 2 * time : 2 * time + 2], scaled[:, time], atol=1e-6)

    @pytest.mark.parametrize("fold", [False, True])
    def test_have_the_same_orientation(self, prepare, arrays, fold):
        draws = np.tile([0.0, 0.0, 0.3, 0.25], (2, 1))
        prepared = prepare(WITH_TIME, arrays, draws, fold_dates=fold, random_resize=1.0)
        straight = prepare(WITH_TIME, arrays, fold_dates=fold)
        for name in WITH_TIME:
            axes = (2, 3) if straight[name].ndim == 5 else (1, 2)
            expected = np.flip(np.rot90(straight[name], 1, axes=axes), axes[1])
            np.testing.assert_array_equal(prepared[name], expected)

    def test_of_a_coarse_field_are_upsampled(self, prepare):
        field = field_of("uint16", 2, 16, 16, 3)
        fields = {"input_image": field, "target": field_of("uint8", SIDE, SIDE, 1)}
        arrays = {name: numbers(each) for name, each in fields.items()}
        prepared = prepare(fields, arrays, normalize="none")["input_image"]
        np.testing.assert_array_equal(prepared, arrays["input_image"].repeat(4, axis=2).repeat(4, axis=3))

    def test_of_a_target_are_one_image_for_l2(self, prepare, arrays):
        prepared = prepare(WITH_TIME, arrays, normalize="l2")["input_image"]
        physical = arrays["input_image"] * 1e-4
        norm = np.sqrt((physical**2).sum(axis=(1, 2, 3, 4), keepdims=True))
        np.testing.assert_allclose(prepared, physical / norm, rtol=1e-5)


class TestValidPixels:
    INPUT = field_of("uint16", SIDE, SIDE, 1)

    @pytest.fixture
    def valid(self, experiment_of):
        """``valid(target, stored, mask=None, mask_stored=None, **settings)``: the valid pixels as NumPy array."""

        def valid_of(target, stored, mask=None, mask_stored=None, **settings):
            fields = {"input_image": self.INPUT, "target": target} | ({"mask": mask} if mask else {})
            experiment = experiment_of(fields, roles={"mask": "mask"} if mask else None, **settings)
            batch = {"target": tf.constant(stored)} | ({"mask": tf.constant(mask_stored)} if mask else {})
            pixels = valid_pixels(batch, experiment)
            return None if pixels is None else pixels.numpy()

        return valid_of

    def test_are_none_where_no_pixel_can_be_missing(self, valid):
        target = field_of("uint16", SIDE, SIDE, 2)
        assert valid(target, numbers(target)) is None

    def test_have_no_nodata_in_any_band(self, valid):
        target = field_of("uint16", SIDE, SIDE, 2, nodata=0)
        stored = numbers(target)
        stored[0, 1, 2, 0] = stored[1, 3, 4, 1] = 0
        pixels = valid(target, stored)
        assert pixels.dtype == bool
        np.testing.assert_array_equal(pixels, (stored != 0).all(axis=-1))
        assert pixels.sum() == 2 * SIDE * SIDE - 2

    def test_have_no_nan_or_infinity_in_any_band(self, valid):
        target = field_of("float32", SIDE, SIDE, 2)
        stored = numbers(target)
        stored[0, 5, 6, 1], stored[1, 7, 8, 0] = np.nan, np.inf
        np.testing.assert_array_equal(valid(target, stored), np.isfinite(stored).all(axis=-1))

    def test_are_where_the_mask_is_not_0(self, valid):
        target, mask = field_of("uint16", SIDE, SIDE, 1), field_of("uint8", SIDE, SIDE, 1, kind="mask")
        stored = numbers(mask, low=0, high=3)
        np.testing.assert_array_equal(valid(target, numbers(target), mask, stored), stored[..., 0] != 0)

    def test_satisfy_mask_and_nodata_together(self, valid):
        target = field_of("int16", SIDE, SIDE, 1, nodata=-9999)
        mask = field_of("uint8", SIDE, SIDE, 1, kind="mask")
        stored, masked = numbers(target), numbers(mask, low=0, high=2, seed=1)
        stored[:, ::3] = -9999
        expected = (stored[..., 0] != -9999) & (masked[..., 0] == 1)
        np.testing.assert_array_equal(valid(target, stored, mask, masked), expected)
        assert 0 < expected.sum() < expected.size

    @pytest.mark.parametrize("fold", [False, True])
    def test_differ_between_time_steps(self, valid, fold):
        target = field_of("uint16", 2, SIDE, SIDE, 2, nodata=0)
        mask = field_of("uint8", 3, SIDE, SIDE, 1, kind="mask")
        stored, masked = numbers(target), np.ones((2, 3, SIDE, SIDE, 1), np.uint8)
        stored[0, 1, 2, 3, 0] = 0
        masked[1, 2, 4, 5] = 0
        pixels = valid(target, stored, mask, masked, fold_dates=fold)
        # The mask's three time steps are not the target's two: it hides a pixel of both.
        assert [tuple(index) for index in np.argwhere(~pixels)] == [(0, 1, 2, 3), (1, 0, 4, 5), (1, 1, 4, 5)]

    def test_of_a_mask_alone_are_those_of_all_time_steps(self, valid):
        target, mask = field_of("uint16", 2, SIDE, SIDE, 2), field_of("uint8", SIDE, SIDE, 1, kind="mask")
        masked = numbers(mask, low=0, high=2)
        np.testing.assert_array_equal(valid(target, numbers(target), mask, masked), masked[..., 0] == 1)

    def test_of_a_coarse_mask_are_upsampled(self, valid):
        target, mask = field_of("uint16", SIDE, SIDE, 1), field_of("uint8", 16, 16, 1, kind="mask")
        stored = numbers(mask, low=0, high=2)
        expected = stored[..., 0].repeat(4, axis=1).repeat(4, axis=2) == 1
        np.testing.assert_array_equal(valid(target, numbers(target), mask, stored), expected)

    def test_have_the_size_of_the_image(self, valid):
        target = field_of("uint16", SIDE, SIDE, 1, nodata=0)
        stored = numbers(target)
        stored[:, :32] = 0
        pixels = valid(target, stored, img_height=32, img_width=128)
        assert pixels.shape == (2, 32, 128)
        np.testing.assert_array_equal(pixels, np.broadcast_to(np.arange(32)[:, None] >= 16, (2, 32, 128)))


class TestInputMask:
    def test_is_the_field_that_the_manifest_names(self, experiment_of):
        image, mask = field_of("uint16", 3, SIDE, SIDE, 1), field_of("uint8", 3, SIDE, SIDE, 1, kind="mask")
        fields = {"input_image": image, "target": field_of("uint16", SIDE, SIDE, 1), "hidden": mask}
        experiment = experiment_of(fields, roles={"input_mask": "hidden"})
        batch = {name: tf.constant(numbers(field, low=0, high=2)) for name, field in fields.items()}
        np.testing.assert_array_equal(prepare(batch, experiment)["input_mask"], batch["hidden"])

    @pytest.mark.parametrize(
        ("shape", "kind", "is_it"),
        [
            ((3, SIDE, SIDE, 1), "mask", True),  # of the input's time steps
            ((SIDE, SIDE, 1), "mask", True),  # of the target's only one
            ((2, SIDE, SIDE, 1), "mask", False),
            ((SIDE, SIDE, 1), "classes", False),
        ],
    )
    def test_is_a_cloud_mask_where_the_manifest_names_none(self, experiment_of, shape, kind, is_it):
        fields = {"input_image": field_of("uint16", 3, SIDE, SIDE, 1), "target": field_of("uint16", SIDE, SIDE, 1)}
        fields["cloud_mask"] = field_of("uint8", *shape, kind=kind)
        fields["hidden"] = field_of("uint8", 3, SIDE, SIDE, 1, kind="mask")
        assert experiment_of(fields).manifest.hidden_field == ("cloud_mask" if is_it else None)
        batch = {name: tf.constant(numbers(field, low=0, high=2)) for name, field in fields.items()}
        assert ("input_mask" in prepare(batch, experiment_of(fields))) == is_it
        assert experiment_of(fields, roles={"input_mask": "hidden"}).manifest.hidden_field == "hidden"

    @pytest.mark.parametrize("shape", [(2, SIDE, SIDE, 1), (SIDE, SIDE, 1)])
    def test_of_other_time_steps_is_refused(self, experiment_of, shape):
        fields = {"input_image": field_of("uint16", 3, SIDE, SIDE, 1), "target": field_of("uint16", SIDE, SIDE, 1)}
        fields["hidden"] = field_of("uint8", *shape, kind="mask")
        if len(shape) == 3:
            assert experiment_of(fields, roles={"input_mask": "hidden"}).manifest.input_mask == "hidden"
            return
        with pytest.raises(InvalidData, match="input_mask: 'hidden' is no mask with the time steps of the input"):
            experiment_of(fields, roles={"input_mask": "hidden"})
