"""Occlusion of samples: what is hidden is a function of seed and step, in validation of the name, and is known."""

import numpy as np
import pytest
import tensorflow as tf

from experiment import Environment, open_experiment
from pix2earth.batches.dataset import Dataset
from pix2earth.batches.occlusion import fill_value
from pix2earth.batches.preparation import measured_input, prepare_scene
from pix2earth.plugins import standardizing
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.settings.errors import UserError

SIDE, STEPS = 16, 3
STACK = Field(
    dtype="int16", shape=[STEPS, SIDE, SIDE, 2], bands=["B02", "B03"], scale=1e-4, nodata=-9999, valid_range=(0.0, 1.0)
)
MASK = Field(dtype="uint8", shape=[SIDE, SIDE, 1], kind="mask", bands=["hidden"])
MASKS = Field(dtype="uint8", shape=[STEPS, SIDE, SIDE, 1], kind="mask", bands=["hidden"])
COUNTS = {"train": 6, "val": 5}
CLEAR = {"input": "chip", "target": "chip"}


def ground(field, number):
    """Return values that are never nodata, other ones in each sample, time step, row and column."""
    size = int(np.prod(field.shape))
    return (100 + number + np.arange(size, dtype=np.int64) * 7 % 9000).astype(field.dtype).reshape(field.shape)


def stripes(number):
    """Return a mask whose first rows are hidden, one more in each record."""
    return (np.arange(SIDE)[:, None, None] <= number).astype(np.uint8) * np.ones((1, SIDE, 1), np.uint8)


@pytest.fixture
def opened(tmp_path, write_experiment):
    """``opened(fields, make, roles, **settings)``: a dataset, written anew where ``fields`` are given."""
    masks = Manifest(
        name="clouds", tilesize=SIDE, fields={"cloud_mask": MASK}, input="cloud_mask", target="cloud_mask",
        split=Split(method="by hand"),
    )  # fmt: skip
    with DatasetWriter(tmp_path / "data", masks) as writer:
        for split, count in {"train": SIDE, "val": SIDE}.items():
            for number in range(count):
                writer.write(split, f"{split}{number:02d}", {"cloud_mask": stripes(number)})
    (tmp_path / "environment.json").write_text('{"data_root": "data", "experiment_root": "experiments"}')

    def build(fields=None, make=ground, roles=CLEAR, pools=None, **settings):
        if fields:
            manifest = Manifest(
                name="chips", tilesize=SIDE, fields=fields, split=Split(method="by hand"), pools=pools or {}, **roles
            )  # fmt: skip
            with DatasetWriter(tmp_path / "data", manifest, replace=True) as writer:
                for split, count in COUNTS.items():
                    for pool in pools or [""]:
                        for number in range(count):
                            arrays = {key: make(field, number) for key, field in manifest.fields_of(pool).items()}
                            writer.write(split, f"{pool}-{split}{number}" if pool else f"{split}{number}", arrays)
        occlusion = {"positions": [[1], [2], [1, 3]], "masks": "synthetic"} | settings.pop("occlusion", {})
        defaults = {"model_name": "gapfill", "dataset": "chips", "tilesize": SIDE, "batch_size": 2, "normalize": "unit"}
        write_experiment(tmp_path, "x", **defaults | settings, occlusion=occlusion)
        return Dataset(open_experiment("x", Environment(tmp_path / "environment.json"), "a"))

    return build


def stacked(batches, *fields):
    """Return fields of all batches, (sample, ...)."""
    listed = [{name: values.numpy() for name, values in batch.items()} for batch in batches]
    return [np.concatenate([batch[name] for batch in listed]) for name in fields]


def steps_hidden(mask):
    """Return the time steps with hidden pixels of a mask (time step, height, width, 1), counted from 1."""
    return [number + 1 for number in range(len(mask)) if mask[number].any()]


SOURCES = [{"masks": "synthetic"}, {"masks": "clouds", "cloud_range": [0.2, 0.5]}]


class TestTraining:
    @pytest.mark.parametrize("occlusion", SOURCES)
    def test_hides_one_of_the_combinations_and_leaves_the_rest_as_it_is(self, opened, occlusion):
        dataset = opened({"chip": STACK}, occlusion=occlusion)
        inputs, targets, masks = stacked(dataset.training_batches(0, 60), "input_image", "chip", "cloud_mask")
        found = {tuple(steps_hidden(mask)) for mask in masks}
        assert found == {(1,), (2,), (1, 3)}
        hidden = masks.astype(bool).repeat(2, axis=-1)
        assert (inputs[hidden] == -9999).all() and (inputs[~hidden] == targets[~hidden]).all()
        assert (targets >= 100).all()
        shares = masks.mean(axis=(2, 3, 4))
        low, high = occlusion.get("cloud_range", [0.01, 1.0])
        assert (shares[shares > 0] >= low).all() and (shares[shares > 0] <= high).all()
        assert shares.max() - shares[shares > 0].min() > 0.7 * (high - low)

    @pytest.mark.parametrize("occlusion", SOURCES)
    def test_is_a_function_of_seed_and_step(self, opened, occlusion):
        dataset = opened({"chip": STACK}, occlusion=occlusion)
        (straight,) = stacked(dataset.training_batches(0, 12), "cloud_mask")
        (late,) = stacked(dataset.training_batches(7, 12), "cloud_mask")
        np.testing.assert_array_equal(late, straight[14:])
        (again,) = stacked(opened(occlusion=occlusion).training_batches(0, 12), "cloud_mask")
        np.testing.assert_array_equal(again, straight)
        (other,) = stacked(opened(occlusion=occlusion, seed=1).training_batches(0, 12), "cloud_mask")
        assert not (other == straight).all()

    def test_two_devices_hide_what_one_hides(self, opened):
        dataset = opened({"chip": STACK}, batch_size=4)
        (one,) = stacked(dataset.training_batches(0, 5), "cloud_mask")
        (two,) = stacked(dataset.training_batches(0, 5, replicas=2, local_replicas=2), "cloud_mask")
        np.testing.assert_array_equal(two, one)

    def test_a_sample_has_other_masks_in_each_epoch_and_each_time_step_its_own(self, opened):
        dataset = opened({"chip": STACK}, occlusion={"positions": [[1, 2, 3]]})
        masks, chips = stacked(dataset.training_batches(0, 9), "cloud_mask", "chip")
        assert len({mask.tobytes() for mask in masks}) == len(masks) == 18
        assert len({chip.tobytes() for chip in chips}) == COUNTS["train"]
        assert all(len({step.tobytes() for step in mask}) == 3 for mask in masks)

    def test_masks_of_a_dataset_are_drawn_all_and_keep_their_shape(self, opened):
        dataset = opened({"chip": STACK}, occlusion={"positions": [[2]], "masks": "clouds", "cloud_range": [0.25, 0.5]})
        (masks,) = stacked(dataset.training_batches(0, 40), "cloud_mask")
        allowed = {stripes(number).tobytes() for number in range(SIDE) if 4 <= number + 1 <= 8}
        assert {mask[1].tobytes() for mask in masks} == allowed  # both ends of the range are included

    def test_augmentation_turns_image_and_mask_alike(self, opened):
        dataset = opened({"chip": STACK}, random_resize=1.0, occlusion={"positions": [[1, 2, 3]], "masks": "clouds"})
        batch = next(iter(dataset.training_batches(0, 1)))
        prepared = {name: values.numpy() for name, values in dataset.prepare(batch).items()}
        hidden = prepared["cloud_mask"].astype(bool).repeat(2, axis=-1)
        assert (prepared["input_image"][hidden] == 0).all()  # the lower end of the valid range
        np.testing.assert_array_equal(prepared["input_image"][~hidden], prepared["target"][~hidden])
        np.testing.assert_array_equal(prepared["input_mask"], prepared["cloud_mask"])
        columns = prepared["cloud_mask"].all(axis=2) | prepared["cloud_mask"].all(axis=3)
        assert columns.any()  # stripes stay stripes, whichever way they are turned


class TestEvaluation:
    @pytest.mark.parametrize("occlusion", [*SOURCES, {"masks": "clouds", "positions": [[1, 2, 3]]}])
    def test_is_a_function_of_the_name_alone(self, opened, occlusion):
        dataset = opened({"chip": STACK}, occlusion=occlusion)
        names = dataset.names("val")
        (fixed,) = stacked(dataset.batches("val"), "cloud_mask")
        (again,) = stacked(opened(occlusion=occlusion, seed=9, batch_size=4).batches("val", batch=2), "cloud_mask")
        np.testing.assert_array_equal(again, fixed)
        order = [4, 1, 3]
        (some,) = stacked(dataset.batches("val", [names[index] for index in order]), "cloud_mask")
        np.testing.assert_array_equal(some, fixed[order])
        assert fixed.any(axis=(1, 2, 3, 4)).all() and len({mask.tobytes() for mask in fixed}) > 2

    def test_the_input_is_missing_where_it_is_hidden(self, opened):
        dataset = opened({"chip": STACK})
        batch = next(iter(dataset.batches("val")))
        shown = measured_input(batch, dataset.experiment).numpy()
        np.testing.assert_array_equal(shown, batch["cloud_mask"].numpy()[..., 0] == 0)

    def test_masks_are_those_of_the_split(self, opened, tmp_path):
        dataset = opened({"chip": STACK}, occlusion={"masks": "clouds"})
        masks = dataset.listing.masks
        for name in masks.names("val"):
            masks.path("val", name).unlink()
        index = masks.folder / "records.csv"
        index.write_text("".join(line for line in index.open() if not line.startswith("val,")))
        next(iter(dataset.training_batches(0, 1)))
        with pytest.raises(UserError, match=r"occlusion\.masks: .*clouds/16 has no masks in val/; write some"):
            opened(occlusion={"masks": "clouds"}).batches("val")


class TestMissingPixels:
    def holes(self, field, number):
        array = ground(field, number)
        if field.kind == "mask":
            array = np.ones(field.shape, field.dtype)
            array[..., 3, 5, :] = 0
        else:
            array[1, 0, :4] = field.nodata
        return array

    def test_are_hidden_from_the_network_too_and_are_no_target(self, opened):
        fields = {"chip": STACK, "cloud_mask": MASKS}
        dataset = opened(fields, self.holes, CLEAR | {"mask": "cloud_mask"}, random_resize=1.0, random_rotate=False,
                         random_mirror=False)  # fmt: skip
        batch = next(iter(dataset.training_batches(0, 1)))
        masks, inputs = batch["cloud_mask"].numpy(), batch["input_image"].numpy()
        assert masks[:, :, 3, 5].all() and masks[:, 1, 0, :4].all() and (inputs[:, :, 3, 5] == -9999).all()
        valid = dataset.prepare(batch)["validity"].numpy()
        assert not valid[:, :, 3, 5].any() and not valid[:, 1, 0, :4].any() and valid.mean() > 0.97


class TestOtherTimeSteps:
    def layered(self, field, number):
        """In time step t, the first 2 * t + 2 rows are hidden: 1/8, 2/8 and 3/8 of the pixels."""
        if field.kind != "mask":
            return ground(field, number)
        return np.stack([stripes(2 * step + 1) for step in range(STEPS)])

    @pytest.mark.parametrize(
        ("role", "positions", "cloud_range", "rows"),
        [
            ("score_by", [[1]], [0.01, 1.0], {4, 6}),
            ("score_by", [[2]], [0.01, 1.0], {2, 6}),
            ("score_by", [[1]], [0.3, 1.0], {6}),
            ("score_by", [[3]], [0.9, 1.0], {4}),  # none hides so much: the one that comes nearest
            ("input_mask", [[1]], [0.01, 1.0], {2, 4, 6}),  # the input's masks are not the target's own
        ],
    )
    def test_are_masks_of_the_same_sample(self, opened, role, positions, cloud_range, rows):
        fields = {"chip": STACK, "cloud_mask": MASKS}
        occlusion = {"masks": "other_time_steps", "positions": positions, "cloud_range": cloud_range}
        dataset = opened(fields, self.layered, CLEAR | {role: "cloud_mask"}, occlusion=occlusion)
        for batches in (dataset.training_batches(0, 20), dataset.batches("val")):
            (masks,) = stacked(batches, "cloud_mask")
            hidden = {int(mask[positions[0][0] - 1, :, 0, 0].sum()) for mask in masks}
            assert hidden <= rows and all(steps_hidden(mask) == positions[0] for mask in masks)
        (masks,) = stacked(dataset.training_batches(0, 20), "cloud_mask")
        assert {int(mask[positions[0][0] - 1, :, 0, 0].sum()) for mask in masks} == rows

    def test_of_the_targets_mask_what_it_does_not_show_hides(self, opened):
        def visible(field, number):
            array = self.layered(field, number)
            return 1 - array if field.kind == "mask" else array

        fields = {"chip": STACK, "clear": MASKS}
        occlusion = {"masks": "other_time_steps", "positions": [[3]]}
        dataset = opened(fields, visible, CLEAR | {"mask": "clear"}, occlusion=occlusion)
        (masks,) = stacked(dataset.training_batches(0, 10), "cloud_mask")
        # Time steps 1 and 2 are as they were; 3 hides at least its own six rows.
        assert (masks[:, :, :, 0, 0].sum(axis=2) == [2, 4, 6]).all()


class TestOtherStacks:
    @pytest.mark.parametrize(
        ("field", "expected"),
        [
            (STACK, -9999),
            (STACK.model_copy(update={"nodata": None}), [0, 0]),
            (STACK.model_copy(update={"nodata": None, "valid_range": ([0.1, 0.2], 1.0)}), [1000, 2000]),
            (STACK.model_copy(update={"nodata": None, "valid_range": (-9.0, 1.0)}), [-32768, -32768]),
            (STACK.model_copy(update={"nodata": None, "dtype": "float32"}), np.nan),
        ],
    )
    def test_hidden_pixels_are_nodata_or_the_lower_end_of_the_range(self, field, expected):
        value = fill_value(field)
        assert value.dtype == field.dtype
        np.testing.assert_array_equal(value, expected)

    def test_an_image_without_time_steps(self, opened):
        image = Field(dtype="uint8", shape=[SIDE, SIDE, 3], bands=["r", "g", "b"], valid_range=(0.0, 255.0))
        dataset = opened({"chip": image}, occlusion={"positions": [[1]], "masks": "clouds", "cloud_range": [0.5, 0.5]})
        batch = next(iter(dataset.batches("val")))
        assert batch["cloud_mask"].shape == (5, SIDE, SIDE, 1) and batch["input_image"].shape == (5, SIDE, SIDE, 3)
        assert (batch["input_image"].numpy()[:, :8] == 0).all()
        np.testing.assert_array_equal(batch["input_image"][:, 8:], batch["chip"][:, 8:])
        # Its type has no number for missing pixels; the mask says which ones are not shown.
        assert not measured_input(batch, dataset.experiment).numpy()[:, :8].any()

    def test_folded_time_steps(self, opened):
        dataset = opened({"chip": STACK}, fold_dates=True)
        prepared = dataset.prepare(next(iter(dataset.batches("val"))))
        assert prepared["input_image"].shape == (5, SIDE, SIDE, 6) and prepared["input_mask"].shape == (
            5,
            SIDE,
            SIDE,
            3,
        )

    def test_pools(self, opened):
        fields = {"chip": STACK, "cloud_mask": MASK}

        def made(field, number):
            return stripes(number) if field.kind == "mask" else ground(field, number)

        pools = {"clear": ["chip"], "hole": ["cloud_mask"]}
        occlusion = {"positions": [[2]], "masks": "chips", "cloud_range": [0.25, 1.0]}
        dataset = opened(fields, made, CLEAR, pools, occlusion=occlusion)
        assert dataset.names("train") == [f"clear-train{number}" for number in range(6)]
        for batches in (dataset.training_batches(0, 10), dataset.batches("val")):
            inputs, masks = stacked(batches, "input_image", "cloud_mask")
            assert {int(mask[1, :, 0, 0].sum()) for mask in masks} <= {4, 5, 6}
            assert (inputs[masks.astype(bool).repeat(2, -1)] == -9999).all()

    def test_unpaired_sides_hide_parts_of_the_input_side(self, opened):
        dataset = opened({"chip": STACK})
        dataset.sampling = "pools"
        inputs, targets, masks = stacked(dataset.training_batches(0, 20), "input_image", "chip", "cloud_mask")
        shown = ~masks.astype(bool).repeat(2, axis=-1)
        numbers = [
            {int(value) for value in (image - ground(STACK, 0))[show]}
            for image, show in zip(inputs.astype(np.int64), shown, strict=True)
        ]
        assert all(len(each) == 1 for each in numbers)  # of one sample
        sides = {(min(each), int(target[0, 0, 0, 0]) - 100) for each, target in zip(numbers, targets, strict=True)}
        assert any(one != other for one, other in sides)

    def test_sequences(self, opened):
        image = STACK.model_copy(update={"shape": [SIDE, SIDE, 2]})
        roles = CLEAR | {"sequence": r"(?P<sequence>[a-z]+)(?P<position>\d+)"}
        dataset = opened({"chip": image}, roles=roles, occlusion={"positions": [[1]]})
        dataset.sampling = "sequences"
        masks, starts = stacked(dataset.training_batches(0, 12), "cloud_mask", "sequence_start")
        (late,) = stacked(dataset.training_batches(5, 12), "cloud_mask")
        np.testing.assert_array_equal(late, masks[10:])
        assert len({mask.tobytes() for mask in masks}) == 24 and starts.sum() == 4


def test_in_a_scene_the_pixels_of_the_mask_are_hidden_as_in_training(opened):
    dataset = opened({"chip": STACK})
    batch = {name: values for name, values in next(iter(dataset.batches("val"))).items() if name != "chip"}
    cloudy = tf.where(batch["cloud_mask"] != 0, 9000.0, tf.cast(batch["input_image"], tf.float32))
    expected = dataset.prepare(next(iter(dataset.batches("val"))))
    prepared = prepare_scene({"input_image": cloudy, "cloud_mask": batch["cloud_mask"]}, dataset.experiment)
    for name in ("input_image", "input_mask", "cloud_mask"):
        np.testing.assert_array_equal(prepared[name], expected[name])


@pytest.mark.parametrize("folded", [False, True])
def test_what_is_hidden_does_not_count_in_the_moments_of_bands(opened, folded):
    dataset = opened({"chip": STACK}, fold_dates=folded)
    (batch,) = dataset.batches("train")
    axes = (0, 2, 3) if folded else (0, 1, 2, 3)
    values = np.where(batch["cloud_mask"] == 0, batch["chip"].numpy() * 1e-4, np.nan)
    assert np.isnan(values).any()
    found = standardizing.measure(dataset, dataset.names("train")).input
    np.testing.assert_allclose(found.mean, np.nanmean(values, axis=axes).ravel(), rtol=1e-5)
    np.testing.assert_allclose(found.deviation, np.nanstd(values, axis=axes).ravel(), rtol=1e-4)


class TestErrors:
    def test_a_range_without_a_mask(self, opened):
        occlusion = {"masks": "clouds", "cloud_range": [0.51, 0.56]}
        with pytest.raises(UserError, match=r"occlusion\.cloud_range: no mask of .*clouds/16/train hides a share"):
            opened({"chip": STACK}, occlusion=occlusion).training_batches(0, 1)

    def test_a_damaged_mask_is_named(self, opened):
        dataset = opened({"chip": STACK}, occlusion={"masks": "clouds"})
        path = dataset.listing.masks.path("train", "train03")
        content = bytearray(path.read_bytes())
        content[100] ^= 1
        path.write_bytes(content)
        with pytest.raises(UserError) as caught:
            dataset.training_batches(0, 1)
        assert len(caught.value.lines) == 1 and caught.value.lines[0].startswith(f"{path}: ")


def test_without_occlusion_the_pipeline_has_no_further_fields(tiny_root, open_tiny):
    dataset = Dataset(open_tiny(tiny_root))
    batch = next(iter(dataset.training_batches(0, 1)))
    assert set(batch) == {"input_image", "target", "cloud_mask", "draws"}
    assert isinstance(batch["draws"], tf.Tensor)
