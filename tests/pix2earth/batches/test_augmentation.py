"""Augmentation of tiles: the source of every pixel, against NumPy and SciPy, for chosen random numbers."""

from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from pix2earth.batches import augmentation
from pix2earth.batches.dataset import Dataset
from pix2earth.records.manifest import Field

ROTATIONS_AND_MIRRORS = [(quarters, mirrored) for quarters in range(4) for mirrored in (False, True)]
ONLY_REORIENTED = {"random_resize": 1.0, "random_rotate": True, "random_mirror": True}
ONLY_RESIZED = {"random_rotate": False, "random_mirror": False}


def draws(crop_row=0.0, crop_column=0.0, quarters=0, mirrored=False, *, of=4) -> list[float]:
    """Return the random numbers for an augmentation; ``of`` is the number of possible rotations."""
    return [crop_row, crop_column, (quarters + 0.5) / of, 0.25 if mirrored else 0.75]


def reoriented(tile: np.ndarray, quarters: int, mirrored: bool) -> np.ndarray:
    """Return a tile (row, column, ...) rotated counterclockwise, then mirrored left-right."""
    tile = np.rot90(tile, quarters)
    return np.fliplr(tile) if mirrored else tile


def many_draws(count: int) -> np.ndarray:
    counters = tf.data.Dataset.range(count).map(lambda counter: augmentation.draw(5, counter)).batch(count)
    return next(iter(counters)).numpy()


@pytest.fixture
def coordinates(prepare):
    """``coordinates(size, each, **settings)``: source rows and columns (batch, height, width) of augmented tiles.

    ``each`` are the random numbers of every sample.
    """

    def coordinates_of(size, each, **settings) -> tuple[np.ndarray, np.ndarray]:
        height, width = size
        # Interpolated row numbers are the rows at which images are interpolated.
        ramps = np.stack(np.mgrid[0:height, 0:width], axis=-1).astype(np.float32)
        fields = {
            "input_image": Field(dtype="float32", shape=[height, width, 2], bands=["row", "column"]),
            "target": Field(dtype="uint8", shape=[height, width, 1], bands=["none"]),
        }
        arrays = {
            "input_image": np.tile(ramps, (len(each), 1, 1, 1)),
            "target": np.zeros((len(each), height, width, 1), np.uint8),
        }
        prepared = prepare(fields, arrays, each, img_height=height, img_width=width, normalize="none", **settings)
        return prepared["input_image"][..., 0], prepared["input_image"][..., 1]

    return coordinates_of


class TestDraw:
    def test_is_a_pure_function_of_seed_and_counter(self):
        first = augmentation.draw(3, tf.constant(17, tf.int64)).numpy()
        augmentation.draw(3, tf.constant(18, tf.int64))
        tf.random.set_seed(99)
        compiled = tf.function(lambda counter: augmentation.draw(3, counter))
        assert first.tobytes() == augmentation.draw(3, tf.constant(17, tf.int64)).numpy().tobytes()
        assert first.tobytes() == compiled(tf.constant(17, tf.int64)).numpy().tobytes()

    def test_differs_between_counters_and_between_seeds(self):
        different = {
            augmentation.draw(seed, tf.constant(counter, tf.int64)).numpy().tobytes()
            for seed in (0, 1, 2**31 - 1)
            for counter in (0, 1, 2, 2**31, 2**40)
        }
        assert len(different) == 15

    def test_is_uniform_from_0_to_below_1(self):
        numbers = many_draws(4000)
        assert numbers.shape == (4000, 4)
        assert numbers.min() >= 0
        assert numbers.max() < 1
        # Standard deviations: 1/sqrt(12 n) of the mean of n uniform numbers, 1/sqrt(n) of a correlation.
        assert np.abs(numbers.mean(axis=0) - 0.5).max() < 5 / np.sqrt(12 * 4000)
        assert np.abs(np.corrcoef(numbers.T) - np.eye(4)).max() < 5 / np.sqrt(4000)


class TestOrientation:
    @pytest.mark.parametrize(("quarters", "mirrored"), ROTATIONS_AND_MIRRORS)
    def test_is_that_of_numpy(self, coordinates, quarters, mirrored):
        rows, columns = coordinates((5, 5), [draws(0.7, 0.2, quarters, mirrored)], **ONLY_REORIENTED)
        index = np.stack(np.mgrid[0:5, 0:5], axis=-1)
        np.testing.assert_array_equal(np.stack([rows[0], columns[0]], axis=-1), reoriented(index, quarters, mirrored))

    @pytest.mark.parametrize("size", [(4, 6), (6, 4)])
    @pytest.mark.parametrize(("half_turn", "mirrored"), [(0, False), (0, True), (1, False), (1, True)])
    def test_of_a_tile_that_is_not_square_changes_by_180_degrees_only(self, coordinates, size, half_turn, mirrored):
        rows, columns = coordinates(size, [draws(0, 0, half_turn, mirrored, of=2)], **ONLY_REORIENTED)
        index = np.stack(np.mgrid[0 : size[0], 0 : size[1]], axis=-1)
        np.testing.assert_array_equal(
            np.stack([rows[0], columns[0]], axis=-1), reoriented(index, 2 * half_turn, mirrored)
        )

    @pytest.mark.parametrize(
        ("rotate", "mirror", "kept"),
        [
            (False, False, {(0, False)}),
            (True, False, {(quarters, False) for quarters in range(4)}),
            (False, True, {(0, False), (0, True)}),
        ],
    )
    def test_does_not_change_where_it_is_switched_off(self, coordinates, rotate, mirror, kept):
        tile = np.arange(9).reshape(3, 3)
        expected = {key: reoriented(tile, *key).tobytes() for key in ROTATIONS_AND_MIRRORS}
        each = [draws(0.9, 0.9, *key) for key in ROTATIONS_AND_MIRRORS]
        rows, columns = coordinates((3, 3), each, random_resize=1.0, random_rotate=rotate, random_mirror=mirror)
        tiles = {(row * 3 + column).astype(np.int64).tobytes() for row, column in zip(rows, columns, strict=True)}
        assert tiles == {expected[key] for key in kept}

    def test_takes_all_eight_values_equally_often(self, coordinates):
        rows, columns = coordinates((3, 3), many_draws(4000), **ONLY_REORIENTED)
        _, counts = np.unique((rows * 3 + columns).reshape(4000, 9), axis=0, return_counts=True)
        assert len(counts) == 8
        # Chi-square with 7 degrees of freedom: 24.3 is exceeded once in a thousand.
        assert ((counts - 500) ** 2 / 500).sum() < 24.3


def positions(side: int, resize: float) -> int:
    """Return the number of possible positions of a crop along one axis."""
    return int(side * resize) - side + 1


def crop(side: int, resize: float, first: int) -> np.ndarray:
    """Return the positions of the pixel centres of a crop, in pixels of the tile along one axis.

    The crop spans from its first to its last pixel centre, both limited to the centres of the stored pixels.
    """
    upsampled = int(side * resize)
    ends = [(Fraction(2 * (first + pixel) + 1, 2) * side / upsampled) - Fraction(1, 2) for pixel in (0, side - 1)]
    low, high = (float(min(max(end, 0), side - 1)) for end in ends)
    return np.linspace(low, high, side)


class TestCrop:
    @pytest.mark.parametrize(("side", "resize"), [(64, 1.11), (64, 1.5), (64, 2.0), (96, 1.3), (7, 4.0)])
    @pytest.mark.parametrize("chance", [0.0, 0.37, 0.999999])
    def test_is_an_upsampled_part_of_the_tile(self, coordinates, side, resize, chance):
        other = 1 - chance - 1e-6
        rows, columns = coordinates((side, side), [draws(chance, other)], random_resize=resize, **ONLY_RESIZED)
        first_row, first_column = (int(each * positions(side, resize)) for each in (chance, other))
        expected_rows, expected_columns = crop(side, resize, first_row), crop(side, resize, first_column)
        np.testing.assert_allclose(rows[0], expected_rows[:, None] * np.ones(side), atol=side * 2e-6)
        np.testing.assert_allclose(columns[0], expected_columns * np.ones((side, 1)), atol=side * 2e-6)

    @pytest.mark.parametrize(("side", "resize"), [(64, 1.11), (64, 2.0), (96, 1.3)])
    def test_differs_from_a_crop_of_the_upsampled_tile_by_less_than_a_pixel(self, coordinates, side, resize):
        # Upsampling first and cropping afterwards would keep the pixel spacing at the border too.
        for chance in (0.0, 0.5, 0.999999):
            rows, _ = coordinates((side, side), [draws(chance)], random_resize=resize, **ONLY_RESIZED)
            first, scale = int(chance * positions(side, resize)), side / int(side * resize)
            exact = np.clip((first + np.arange(side) + 0.5) * scale - 0.5, 0, side - 1)
            assert np.abs(rows[0, :, 0] - exact).max() <= 0.5 * (1 - scale) + 1e-4

    def test_has_all_positions_equally_often(self, coordinates):
        rows, columns = coordinates((16, 16), many_draws(4000), random_resize=1.5, **ONLY_RESIZED)
        for starts in (rows[:, 8, 0], columns[:, 0, 8]):
            _, counts = np.unique(starts.round(3), return_counts=True)
            assert len(counts) == positions(16, 1.5) == 9
            # Chi-square with 8 degrees of freedom: 26.1 is exceeded once in a thousand.
            assert ((counts - 4000 / 9) ** 2 / (4000 / 9)).sum() < 26.1

    def test_never_leaves_the_tile(self, coordinates):
        rows, columns = coordinates((10, 14), many_draws(300), random_resize=1.37)
        assert (rows.min(), rows.max()) == (0, pytest.approx(9, abs=1e-5))
        assert (columns.min(), columns.max()) == (0, pytest.approx(13, abs=1e-5))

    @pytest.mark.parametrize(("quarters", "mirrored"), ROTATIONS_AND_MIRRORS)
    def test_and_orientation_are_independent(self, coordinates, quarters, mirrored):
        rows, columns = coordinates((8, 8), [draws(0.3, 0.8, quarters, mirrored)], random_resize=1.5)
        # In either order: the rows and columns are those of a crop, reoriented.
        result = np.stack([rows[0], columns[0]], axis=-1)
        straight = reoriented(result, 0, mirrored) if mirrored else result
        straight = np.rot90(straight, -quarters)
        assert np.ptp(straight[..., 0], axis=1).max() < 1e-5
        assert np.ptp(straight[..., 1], axis=0).max() < 1e-5
        assert (np.diff(straight[:, 0, 0]) > 0).all()
        assert (np.diff(straight[0, :, 1]) > 0).all()


class TestSampling:
    SIDE = 24
    EACH = ((0.2, 0.9, 1, False), (0.6, 0.1, 2, True), (0.0, 0.0, 0, False))

    @pytest.fixture
    def augmented(self, prepare):
        """``augmented(array, kind)``: an augmented field, and its source rows and columns."""

        def augment(array: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            side = self.SIDE
            ramps = np.tile(np.stack(np.mgrid[0:side, 0:side], axis=-1).astype(np.float32), (3, 1, 1, 1))
            bands = [f"b{number}" for number in range(array.shape[-1])]
            fields = {
                "input_image": Field(dtype="float32", shape=[side, side, 2], bands=["row", "column"]),
                "target": Field(dtype=array.dtype.name, shape=list(array.shape[1:]), bands=bands, kind=kind),
            }
            arrays = {"input_image": ramps, "target": array}
            each = [draws(*one) for one in self.EACH]
            prepared = prepare(
                fields, arrays, each, img_height=side, img_width=side, random_resize=1.3, normalize="none"
            )  # fmt: skip
            return prepared["target"], prepared["input_image"][..., 0], prepared["input_image"][..., 1]

        return augment

    def test_of_images_is_bilinear(self, augmented):
        tile = np.random.default_rng(4).normal(size=(3, self.SIDE, self.SIDE, 2)).astype(np.float32)
        result, rows, columns = augmented(tile, "image")
        self.compare(result, tile, rows, columns)

    def test_of_coarse_images_is_bilinear_between_their_upsampled_pixels(self, augmented):
        coarse = np.random.default_rng(5).normal(size=(3, 6, 6, 2)).astype(np.float32)
        result, rows, columns = augmented(coarse, "image")
        self.compare(result, coarse.repeat(4, axis=1).repeat(4, axis=2), rows, columns)

    @staticmethod
    def compare(result, tile, rows, columns):
        for sample in range(3):
            for band in range(2):
                image = tile[sample, ..., band].astype(np.float64)
                expected = ndimage.map_coordinates(image, [rows[sample], columns[sample]], order=1, mode="nearest")
                np.testing.assert_allclose(result[sample, ..., band], expected, atol=2e-5)

    @pytest.mark.parametrize("kind", ["mask", "classes"])
    def test_of_masks_and_classes_is_nearest(self, augmented, kind):
        index = np.arange(3 * self.SIDE**2, dtype=np.int32).reshape(3, self.SIDE, self.SIDE, 1)
        result, rows, columns = augmented(index, kind)
        sample, pixel = np.divmod(result[..., 0].astype(int), self.SIDE**2)
        assert [set(np.unique(each)) for each in sample] == [{0}, {1}, {2}]
        # Half a pixel, and a rounding error where a centre is between two pixels.
        assert np.abs(pixel // self.SIDE - rows).max() <= 0.5 + 1e-4
        assert np.abs(pixel % self.SIDE - columns).max() <= 0.5 + 1e-4


@pytest.mark.slow
class TestOnePass:
    """The compiled computation against one sample at a time: reorient, convert, resize."""

    BATCH = 12

    @pytest.fixture(autouse=True, params=[0, 10**9], ids=["compiled", "one by one"])
    def compiled(self, request, monkeypatch):
        monkeypatch.setattr(augmentation, "COMPILED_FROM", request.param)

    @staticmethod
    def of_one_sample(stored: np.ndarray, one, size, resize, convert, method) -> np.ndarray:
        """Return an augmented tile (row, column, band) by NumPy and the kernel of TensorFlow."""
        height, width = size
        rows = (2 * np.arange(height) + 1) * stored.shape[0] // (2 * height)
        columns = (2 * np.arange(width) + 1) * stored.shape[1] // (2 * width)
        tile = stored[rows][:, columns]
        quarters = int(one[2] * 4) if height == width else 2 * int(one[2] * 2)
        tile = reoriented(tile, quarters, bool(one[3] < 0.5))
        if resize == 1:
            return convert(tile)
        boxes = []
        for side, chance in zip(size, one[:2], strict=True):
            upsampled = int(side * resize)
            start = np.floor(chance * np.float32(upsampled - side + 1))
            ends = (start + np.float32(pixel) + np.float32(0.5) for pixel in (0, side - 1))
            boxes.append([np.clip(end * np.float32(side / upsampled) - np.float32(0.5), 0, side - 1) for end in ends])
        # As XLA and Grappler do, and unlike NumPy: a division by a constant is a multiplication by its reciprocal.
        first, last = ([box[end] * np.float32(1 / (side - 1)) for box, side in zip(boxes, size, strict=True)]
                       for end in (0, 1))  # fmt: skip
        box = np.asarray([[*first, *last]], np.float32)
        return tf.image.crop_and_resize(convert(tile)[None], box, [0], size, method).numpy()[0]

    @pytest.mark.parametrize("resize", [1.0, 1.11, 1.7])
    @pytest.mark.parametrize("size", [(64, 64), (48, 64)])
    @pytest.mark.parametrize(("dtype", "coarse"), [("uint16", 1), ("float32", 1), ("uint16", 4)])
    def test_of_images_is_equal_to_the_bit(self, experiment_of, dtype, coarse, size, resize):
        generator = np.random.default_rng(8)
        shape = [size[0] // coarse, size[1] // coarse, 5]
        values = generator.integers(0, 10000, (self.BATCH, *shape)).astype(dtype)
        values[generator.random(values.shape) < 0.05] = np.nan if dtype == "float32" else 0
        field = Field(dtype=dtype, shape=shape, bands=list("abcde"), scale=1e-4, offset=-0.1, valid_range=(0.0, 0.7))
        field = field.model_copy(update={"nodata": None if dtype == "float32" else 0.0})
        scale, offset = np.float32(1e-4 * 2 / 0.7), np.float32(-0.1 * 2 / 0.7 - 1)

        def convert(tile):
            scaled = tile.astype(np.float32) * scale + offset
            return np.where(np.isnan(tile) if dtype == "float32" else tile == 0, np.float32(-1), scaled)

        self.compare(experiment_of, field, values, size, resize, convert, "bilinear")

    @pytest.mark.parametrize("resize", [1.0, 1.11, 1.7])
    @pytest.mark.parametrize("kind", ["mask", "classes"])
    def test_of_masks_and_classes_is_equal(self, experiment_of, kind, resize):
        values = np.random.default_rng(9).integers(0, 200, (self.BATCH, 64, 64, 1)).astype(np.uint8)
        field = Field(dtype="uint8", shape=[64, 64, 1], bands=["b"], kind=kind)
        self.compare(experiment_of, field, values, (64, 64), resize, lambda tile: tile.astype(np.float32), "nearest")

    def compare(self, experiment_of, field, values, size, resize, convert, method):
        fields = {"input_image": field, "target": field}
        settings = {"img_height": size[0], "img_width": size[1], "random_resize": resize}
        dataset = Dataset(experiment_of(fields, **settings))
        each = many_draws(self.BATCH)
        batch = {"input_image": tf.constant(values), "target": tf.constant(values), "draws": tf.constant(each)}
        result = tf.function(dataset.prepare, autograph=False)(batch)["input_image"].numpy()
        expected = [
            self.of_one_sample(*one, resize=resize, convert=convert, method=method, size=size)
            for one in zip(values, each, strict=True)
        ]
        np.testing.assert_array_equal(result, np.stack(expected).astype(result.dtype))

    def test_repeats_the_last_pixel_where_rounding_leaves_the_tile(self, prepare):
        # The kernel wrote 0 into the last row and column: 30.999998 / 31 * 31 > 31 in float32.
        field = Field(dtype="float32", shape=[32, 32, 1], bands=["b"])
        tile = np.full((4, 32, 32, 1), 5, np.float32)
        each = [draws((start + 0.5) / 4, (start + 0.5) / 4) for start in range(4)]
        settings = {"img_height": 32, "img_width": 32, "random_resize": 1.11, "normalize": "none"}
        prepared = prepare(
            {"input_image": field, "target": field}, {"input_image": tile, "target": tile}, each, **settings
        )
        np.testing.assert_array_equal(prepared["input_image"], tile)
