"""What the network sees, against NumPy; and the way back to physical units."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.batches.dataset import Dataset
from pix2earth.batches.preparation import valid_pixels
from pix2earth.records.manifest import Field

SIDE = 64
PLAIN = {"random_resize": 1.0, "random_rotate": False, "random_mirror": False}


def made(dtype: str, *shape: int, **about) -> Field:
    return Field(dtype=dtype, shape=list(shape), bands=[f"b{number}" for number in range(shape[-1])], **about)


def numbers(field: Field, batch: int = 2, low: int = 1, high: int = 10000, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).integers(low, high, (batch, *field.shape))
    return values.astype(field.dtype)


def reference(stored: np.ndarray, field: Field, normalize: str) -> np.ndarray:
    """Scale stored numbers in double precision, step by step as the manifest's documentation says."""
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
    "input_image": made("uint16", SIDE, SIDE, 2, scale=1e-4, offset=-0.1, valid_range=([0.0, -0.1], [1.0, 0.5])),
    "target": made("int16", SIDE, SIDE, 3, scale=0.01, offset=5.0, valid_range=(-20.0, 60.0), nodata=-32768),
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
        found = prepare(SCALED, arrays, normalize=normalize)
        for name, field in SCALED.items():
            assert found[name].dtype == np.float32
            wanted = reference(arrays[name], field, normalize)
            np.testing.assert_allclose(found[name], wanted, rtol=1e-6, atol=1e-6 * max(1, np.abs(wanted).max()))

    @pytest.mark.parametrize(("normalize", "ends"), [("symmetric", (-1, 1)), ("unit", (0, 1))])
    def test_takes_the_ends_of_the_valid_range_of_every_band_to_the_ends_of_the_interval(
        self, prepare, arrays, normalize, ends
    ):
        # Stored numbers of (low, high) by (physical - offset) / scale.
        arrays["input_image"][:, 0, 0] = [1000, 0]
        arrays["input_image"][:, 1, 1] = [11000, 6000]
        found = prepare(SCALED, arrays, normalize=normalize)["input_image"]
        np.testing.assert_allclose(found[:, 0, 0], ends[0], atol=1e-6)
        np.testing.assert_allclose(found[:, 1, 1], ends[1], atol=1e-6)

    def test_l2_gives_every_image_unit_norm(self, prepare, arrays):
        found = prepare(SCALED, arrays, normalize="l2")
        for name, field in SCALED.items():
            physical = reference(arrays[name], field, "l2")
            norm = np.sqrt((physical**2).sum(axis=(1, 2, 3), keepdims=True))
            np.testing.assert_allclose(found[name], physical / norm, rtol=1e-5, atol=1e-8)

    @pytest.mark.parametrize("normalize", ["symmetric", "unit", "none"])
    def test_takes_nodata_to_the_low_end(self, prepare, arrays, normalize):
        arrays["target"][0, 3, 4, 1] = -32768
        found = prepare(SCALED, arrays, normalize=normalize)["target"]
        low = {"symmetric": -1, "unit": 0, "none": -20}[normalize]
        assert found[0, 3, 4, 1] == pytest.approx(low, abs=1e-6)
        untouched = np.delete(found[0, 3, 4], 1)
        wanted = np.delete(reference(arrays["target"], SCALED["target"], normalize)[0, 3, 4], 1)
        np.testing.assert_allclose(untouched, wanted, rtol=1e-6, atol=1e-6)

    @pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
    def test_takes_what_is_no_number_to_the_low_end_of_its_band(self, prepare, odd):
        fields = {
            "input_image": made("float32", SIDE, SIDE, 2, valid_range=([1.0, -3.0], [2.0, 5.0])),
            "target": made("uint8", SIDE, SIDE, 1),
        }
        arrays = {"input_image": np.full((1, SIDE, SIDE, 2), 1.5, np.float32), "target": numbers(fields["target"], 1)}
        arrays["input_image"][0, 0, 0] = odd
        found = prepare(fields, arrays, normalize="none")["input_image"]
        np.testing.assert_allclose(found[0, 0, 0], [1, -3], atol=1e-6)
        np.testing.assert_allclose(found[0, 0, 1], [1.5, 1.5], atol=1e-6)

    @pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "float16"])
    def test_works_on_every_type_of_number(self, prepare, dtype):
        field = made(dtype, SIDE, SIDE, 1, valid_range=(0.0, 100.0), nodata=7)
        array = numbers(field, low=1, high=100)
        array[:, 0, 0] = 7
        found = prepare({"input_image": field, "target": field}, {"input_image": array, "target": array})
        np.testing.assert_allclose(found["target"], reference(array, field, "symmetric"), atol=1e-6)

    @pytest.mark.parametrize("normalize", ["symmetric", "unit", "none"])
    def test_is_undone_by_physical(self, experiment_of, arrays, normalize):
        dataset = Dataset(experiment_of(SCALED, normalize=normalize))
        prepared = dataset.prepare({name: tf.constant(array) for name, array in arrays.items()})
        for role, span in (("input", 1.2), ("target", 80.0)):
            name = {"input": "input_image", "target": "target"}[role]
            found = dataset.physical(role, prepared[name]).numpy()
            np.testing.assert_allclose(found, reference(arrays[name], SCALED[name], "none"), atol=1e-6 * span)

    def test_of_folded_dates_is_undone_by_physical(self, experiment_of):
        field = made("uint16", 3, SIDE, SIDE, 2, scale=1e-4, valid_range=([0.0, 0.2], [1.0, 0.9]))
        dataset = Dataset(experiment_of({"input_image": field, "target": field}, fold_dates=True))
        array = numbers(field)
        prepared = dataset.prepare({"input_image": tf.constant(array), "target": tf.constant(array)})
        found = dataset.physical("target", prepared["target"]).numpy()
        wanted = np.concatenate([array[:, date] for date in range(3)], axis=-1) * 1e-4
        np.testing.assert_allclose(found, wanted, atol=1e-6)


KINDS = {
    "input_image": made("uint16", SIDE, SIDE, 2, scale=1e-4),
    "target": made("uint16", SIDE, SIDE, 1, scale=1e-4),
    "mask": made("uint8", SIDE, SIDE, 1, kind="mask"),
    "cover": made("uint8", SIDE, SIDE, 1, kind="classes"),
}


class TestKinds:
    @pytest.fixture
    def arrays(self):
        arrays = {name: numbers(field, batch=8) for name, field in KINDS.items()}
        arrays["mask"] = numbers(KINDS["mask"], 8, 0, 2)
        arrays["cover"] = numbers(KINDS["cover"], 8, 20, 29)
        return arrays

    def test_classes_are_whole_numbers_as_stored(self, prepare, arrays):
        found = prepare(KINDS, arrays)["cover"]
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, arrays["cover"])

    def test_masks_are_as_stored(self, prepare, arrays):
        found = prepare(KINDS, arrays)["mask"]
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, arrays["mask"])

    def test_masks_and_classes_hold_stored_values_only_when_augmented(self, prepare, arrays):
        draws = np.random.default_rng(3).random((8, 4))
        found = prepare(KINDS, arrays, draws, random_resize=1.37)
        assert set(np.unique(found["mask"])) == {0, 1}
        assert set(np.unique(found["cover"])) == set(range(20, 29))

    def test_normalisation_leaves_masks_and_classes_alone(self, prepare, arrays):
        for normalize in ("l2", "none", "unit"):
            found = prepare(KINDS, arrays, normalize=normalize)
            np.testing.assert_array_equal(found["mask"], arrays["mask"])
            np.testing.assert_array_equal(found["cover"], arrays["cover"])

    def test_the_roles_are_there_by_their_own_names_and_by_the_usual_ones(self, prepare, arrays):
        fields = {"sar": KINDS["input_image"], "optical": KINDS["target"]}
        given = {"sar": arrays["input_image"], "optical": arrays["target"]}
        found = prepare(fields, given, roles={"input": "sar", "target": "optical"})
        assert set(found) == {"sar", "optical", "input_image", "target"}
        np.testing.assert_array_equal(found["input_image"], found["sar"])
        np.testing.assert_array_equal(found["target"], found["optical"])


VIEWS = {
    "input_image": made("uint16", 16, 16, 1),
    "target": made("uint16", SIDE, SIDE, 1),
    "mask": made("uint8", SIDE, SIDE, 1, kind="mask"),
    "cover": made("uint8", 32, 32, 1, kind="classes"),
}


class TestGeometry:
    """One ground seen by three fields: they must still fit together after any augmentation."""

    @pytest.fixture
    def arrays(self):
        coarse = numbers(VIEWS["input_image"], batch=12, low=0, high=200)
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
        found = prepare(VIEWS, arrays, normalize="none")
        np.testing.assert_array_equal(found["input_image"], arrays["target"])
        np.testing.assert_array_equal(found["cover"], arrays["target"])

    def test_rotated_and_mirrored_fields_fit_together(self, prepare, arrays, draws):
        found = prepare(VIEWS, arrays, draws, normalize="none", random_resize=1.0)
        np.testing.assert_array_equal(found["input_image"], found["target"])
        np.testing.assert_array_equal(found["mask"], found["target"] > 100)
        np.testing.assert_array_equal(found["cover"], found["target"])
        assert not np.array_equal(found["target"], arrays["target"])

    def test_fields_of_a_random_crop_fit_together(self, prepare, arrays, draws):
        found = prepare(VIEWS, arrays, draws, normalize="none", random_resize=1.3)
        np.testing.assert_array_equal(found["input_image"], found["target"])
        # Nearest and bilinear agree on which side of the threshold a pixel is, but for borders of coarse pixels.
        assert (found["mask"] == (found["target"] > 100)).mean() > 0.9
        np.testing.assert_array_equal(found["mask"], found["cover"] > 100)

    @pytest.mark.parametrize("quarters", range(4))
    @pytest.mark.parametrize("mirrored", [False, True])
    def test_tiles_are_turned_as_numpy_turns_them(self, prepare, arrays, quarters, mirrored):
        draws = np.tile([0.5, 0.5, (quarters + 0.5) / 4, 0.25 if mirrored else 0.75], (12, 1))
        found = prepare(VIEWS, arrays, draws, normalize="none", random_resize=1.0)
        for name in ("target", "mask"):
            wanted = np.rot90(arrays[name], quarters, axes=(1, 2))
            np.testing.assert_array_equal(found[name], wanted[:, :, ::-1] if mirrored else wanted)

    def test_without_draws_nothing_is_augmented(self, prepare, arrays):
        found = prepare(VIEWS, arrays, normalize="none", random_resize=1.5)
        np.testing.assert_array_equal(found["target"], arrays["target"])

    def test_draws_without_effect_change_nothing(self, prepare, arrays, draws):
        found = prepare(VIEWS, arrays, draws, normalize="none", **PLAIN)
        np.testing.assert_array_equal(found["target"], arrays["target"])

    @pytest.mark.parametrize(("height", "width"), [(32, 32), (128, 128), (48, 64), (100, 40), (256, 21)])
    def test_another_size_takes_the_nearest_pixels(self, prepare, height, width):
        arrays = {name: numbers(field, low=0, high=2 if name == "mask" else 200) for name, field in VIEWS.items()}
        found = prepare(VIEWS, arrays, normalize="none", img_height=height, img_width=width)
        for name in ("input_image", "target", "mask"):
            # The published program resizes with this function.
            wanted = tf.image.resize(arrays[name], (height, width), "nearest").numpy()
            np.testing.assert_array_equal(found[name], wanted)

    def test_a_factor_that_is_no_whole_number_takes_the_nearest_pixels(self, prepare):
        fields = {"input_image": made("uint16", 21, 21, 1), "target": made("uint16", SIDE, SIDE, 1)}
        arrays = {name: numbers(field) for name, field in fields.items()}
        index = np.floor((np.arange(SIDE) + 0.5) * 21 / SIDE).astype(int)
        found = prepare(fields, arrays, normalize="none")["input_image"]
        np.testing.assert_array_equal(found, arrays["input_image"][:, index][:, :, index])

    def test_a_size_that_is_not_square_is_augmented_within_it(self, prepare, arrays, draws):
        found = prepare(VIEWS, arrays, draws, normalize="none", img_height=64, img_width=32, random_resize=1.0)
        assert found["target"].shape == (12, 64, 32, 1)
        np.testing.assert_array_equal(found["input_image"], found["target"])


DATES = made("uint16", 3, SIDE, SIDE, 2, scale=1e-4, valid_range=([0.0, 0.1], [1.0, 0.8]))
DATED = {"input_image": DATES, "target": made("uint16", SIDE, SIDE, 1, scale=1e-4)}


class TestDates:
    @pytest.fixture
    def arrays(self):
        return {name: numbers(field, seed=2) for name, field in DATED.items()}

    def test_are_kept_as_an_axis(self, prepare, arrays):
        found = prepare(DATED, arrays)["input_image"]
        np.testing.assert_allclose(found, reference(arrays["input_image"], DATES, "symmetric"), atol=1e-6)

    def test_are_folded_date_by_date(self, prepare, arrays):
        found = prepare(DATED, arrays, fold_dates=True)["input_image"]
        scaled = reference(arrays["input_image"], DATES, "symmetric")
        assert found.shape == (2, SIDE, SIDE, 6)
        for date in range(3):
            np.testing.assert_allclose(found[..., 2 * date : 2 * date + 2], scaled[:, date], atol=1e-6)

    @pytest.mark.parametrize("fold", [False, True])
    def test_are_all_turned_alike(self, prepare, arrays, fold):
        draws = np.tile([0.0, 0.0, 0.3, 0.25], (2, 1))
        found = prepare(DATED, arrays, draws, fold_dates=fold, random_resize=1.0)
        straight = prepare(DATED, arrays, fold_dates=fold)
        for name in DATED:
            axes = (2, 3) if straight[name].ndim == 5 else (1, 2)
            wanted = np.flip(np.rot90(straight[name], 1, axes=axes), axes[1])
            np.testing.assert_array_equal(found[name], wanted)

    def test_of_a_coarse_field_are_upsampled(self, prepare):
        field = made("uint16", 2, 16, 16, 3)
        fields = {"input_image": field, "target": made("uint8", SIDE, SIDE, 1)}
        arrays = {name: numbers(each) for name, each in fields.items()}
        found = prepare(fields, arrays, normalize="none")["input_image"]
        np.testing.assert_array_equal(found, arrays["input_image"].repeat(4, axis=2).repeat(4, axis=3))

    def test_of_a_target_are_one_image_for_l2(self, prepare, arrays):
        found = prepare(DATED, arrays, normalize="l2")["input_image"]
        physical = arrays["input_image"] * 1e-4
        norm = np.sqrt((physical**2).sum(axis=(1, 2, 3, 4), keepdims=True))
        np.testing.assert_allclose(found, physical / norm, rtol=1e-5)


class TestValidPixels:
    INPUT = made("uint16", SIDE, SIDE, 1)

    @pytest.fixture
    def valid(self, experiment_of):
        """Return a function from a target, its numbers, and a mask with its numbers to the valid pixels."""

        def found(target, stored, mask=None, mask_stored=None, **settings):
            fields = {"input_image": self.INPUT, "target": target} | ({"mask": mask} if mask else {})
            experiment = experiment_of(fields, roles={"mask": "mask"} if mask else None, **settings)
            batch = {"target": tf.constant(stored)} | ({"mask": tf.constant(mask_stored)} if mask else {})
            pixels = valid_pixels(batch, experiment)
            return None if pixels is None else pixels.numpy()

        return found

    def test_are_all_where_nothing_can_be_missing(self, valid):
        target = made("uint16", SIDE, SIDE, 2)
        assert valid(target, numbers(target)) is None

    def test_have_no_band_of_nodata(self, valid):
        target = made("uint16", SIDE, SIDE, 2, nodata=0)
        stored = numbers(target)
        stored[0, 1, 2, 0] = stored[1, 3, 4, 1] = 0
        found = valid(target, stored)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, (stored != 0).all(axis=-1))
        assert found.sum() == 2 * SIDE * SIDE - 2

    def test_have_no_band_that_is_no_number(self, valid):
        target = made("float32", SIDE, SIDE, 2)
        stored = numbers(target)
        stored[0, 5, 6, 1], stored[1, 7, 8, 0] = np.nan, np.inf
        np.testing.assert_array_equal(valid(target, stored), np.isfinite(stored).all(axis=-1))

    def test_are_where_the_mask_is_not_0(self, valid):
        target, mask = made("uint16", SIDE, SIDE, 1), made("uint8", SIDE, SIDE, 1, kind="mask")
        stored = numbers(mask, low=0, high=3)
        np.testing.assert_array_equal(valid(target, numbers(target), mask, stored), stored[..., 0] != 0)

    def test_satisfy_mask_and_nodata_together(self, valid):
        target = made("int16", SIDE, SIDE, 1, nodata=-9999)
        mask = made("uint8", SIDE, SIDE, 1, kind="mask")
        stored, masked = numbers(target), numbers(mask, low=0, high=2, seed=1)
        stored[:, ::3] = -9999
        wanted = (stored[..., 0] != -9999) & (masked[..., 0] == 1)
        np.testing.assert_array_equal(valid(target, stored, mask, masked), wanted)
        assert 0 < wanted.sum() < wanted.size

    @pytest.mark.parametrize("fold", [False, True])
    def test_are_valid_at_every_date(self, valid, fold):
        target = made("uint16", 2, SIDE, SIDE, 2, nodata=0)
        mask = made("uint8", 3, SIDE, SIDE, 1, kind="mask")
        stored, masked = numbers(target), np.ones((2, 3, SIDE, SIDE, 1), np.uint8)
        stored[0, 1, 2, 3, 0] = 0
        masked[1, 2, 4, 5] = 0
        found = valid(target, stored, mask, masked, fold_dates=fold)
        assert [tuple(place) for place in np.argwhere(~found)] == [(0, 2, 3), (1, 4, 5)]

    def test_of_a_coarse_mask_are_upsampled(self, valid):
        target, mask = made("uint16", SIDE, SIDE, 1), made("uint8", 16, 16, 1, kind="mask")
        stored = numbers(mask, low=0, high=2)
        wanted = stored[..., 0].repeat(4, axis=1).repeat(4, axis=2) == 1
        np.testing.assert_array_equal(valid(target, numbers(target), mask, stored), wanted)

    def test_have_the_size_of_the_image(self, valid):
        target = made("uint16", SIDE, SIDE, 1, nodata=0)
        stored = numbers(target)
        stored[:, :32] = 0
        found = valid(target, stored, img_height=32, img_width=128)
        assert found.shape == (2, 32, 128)
        np.testing.assert_array_equal(found, np.broadcast_to(np.arange(32)[:, None] >= 16, (2, 32, 128)))
