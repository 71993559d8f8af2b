"""The input pipeline: order of samples, batches, devices, damaged records, datasets of the original ARISGAN code."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.batches.dataset import Dataset
from pix2earth.batches.sampling import permuted
from pix2earth.records.format import framed
from pix2earth.settings.errors import UserError
from tests.pix2earth.record_files import flip_bit, position_of, write_arisgan_record

BATCH = 4


@pytest.fixture
def opened(tiny_root, open_tiny):
    """``opened(**settings)``: the tiny dataset, opened for an experiment with these settings."""

    def dataset(**settings) -> Dataset:
        return Dataset(open_tiny(tiny_root, "some", **settings or {"batch_size": BATCH}))

    return dataset


@pytest.fixture
def folder(tiny_root):
    return tiny_root / "data" / "tiny" / "64"


def arrays_of(batches) -> list[dict[str, np.ndarray]]:
    return [{name: value.numpy() for name, value in batch.items()} for batch in batches]


def identical(batches: list[dict[str, np.ndarray]], others: list[dict[str, np.ndarray]]) -> bool:
    """Return whether two series of batches are equal bit for bit."""
    contents, other_contents = (
        [{name: (a.dtype, a.shape, a.tobytes()) for name, a in batch.items()} for batch in series]
        for series in (batches, others)
    )
    return contents == other_contents


class TestOrder:
    def order(self, dataset: Dataset, epoch: int, count: int) -> list[int]:
        settings = dataset.experiment
        stream = permuted("", range(count), ["target"], settings.SEED, 0, shuffle=settings.SHUFFLE)
        counters = range(epoch * count, (epoch + 1) * count)
        return [int(stream.order(tf.constant(counter, tf.int64))["index"]) for counter in counters]

    @pytest.mark.parametrize("count", [1, 2, 3, 12, 97])
    def test_of_every_epoch_is_a_permutation(self, opened, count):
        dataset = opened()
        for epoch in range(3):
            assert sorted(self.order(dataset, epoch, count)) == list(range(count))

    def test_differs_between_epochs(self, opened):
        dataset = opened()
        assert len({tuple(self.order(dataset, epoch, 12)) for epoch in range(6)}) == 6

    def test_differs_between_seeds(self, opened):
        orders = {tuple(self.order(opened(seed=seed), 0, 12)) for seed in (0, 1, 2, 2**31 - 1)}
        assert len(orders) == 4

    def test_of_a_seed_is_not_that_of_the_seed_before_in_a_later_epoch(self, opened):
        # A key such as seed + epoch would give seed 1 the orders of seed 0, an epoch later.
        orders = {
            (seed, epoch): tuple(self.order(opened(seed=seed), epoch, 97)) for seed in range(3) for epoch in range(4)
        }
        assert len(set(orders.values())) == len(orders)

    def test_is_the_same_for_the_same_seed(self, opened):
        assert self.order(opened(seed=5), 2, 12) == self.order(opened(seed=5), 2, 12)

    def test_brings_every_sample_to_every_position(self, opened):
        dataset = opened(seed=3)
        counts = np.zeros((5, 5), int)
        for epoch in range(200):
            for position, sample in enumerate(self.order(dataset, epoch, 5)):
                counts[position, sample] += 1
        # 40 expected in each of the 25 cells; four deviations of a binomial count.
        assert np.abs(counts - 40).max() < 4 * np.sqrt(200 * 0.2 * 0.8)

    def test_without_shuffling_is_that_of_the_names(self, opened):
        assert self.order(opened(shuffle=False), 0, 12) == self.order(opened(shuffle=False), 3, 12) == list(range(12))


class TestTraining:
    def test_fields_are_as_they_were_written(self, opened, tiny_arrays):
        dataset = opened(shuffle=False)
        batches = arrays_of(dataset.training_batches(0, 3))
        names = sorted(tiny_arrays["train"])
        for step, batch in enumerate(batches):
            assert set(batch) == {"input_image", "target", "cloud_mask", "draws"}
            for position, name in enumerate(names[step * BATCH : (step + 1) * BATCH]):
                for field, array in tiny_arrays["train"][name].items():
                    assert batch[field].dtype == array.dtype
                    np.testing.assert_array_equal(batch[field][position], array)

    def test_every_epoch_reads_every_sample_once(self, opened, tiny_arrays):
        expected = sorted(array["target"].tobytes() for array in tiny_arrays["train"].values())
        batches = arrays_of(opened().training_batches(0, 6))
        for epoch in (batches[:3], batches[3:]):
            assert sorted(target.tobytes() for batch in epoch for target in batch["target"]) == expected

    def test_an_epoch_may_end_within_a_batch(self, opened, tiny_arrays):
        batches = arrays_of(opened(batch_size=5).training_batches(0, 12))
        assert {batch["target"].shape[0] for batch in batches} == {5}
        read = [target.tobytes() for batch in batches for target in batch["target"]]
        for epoch in range(5):
            assert len(set(read[epoch * 12 : (epoch + 1) * 12])) == 12

    def test_a_batch_may_be_larger_than_the_dataset(self, opened):
        (batch,) = arrays_of(opened(batch_size=30).training_batches(0, 1))
        counts = np.unique([target.tobytes() for target in batch["target"]], return_counts=True)[1]
        assert sorted(counts) == [2] * 6 + [3] * 6

    def test_a_single_sample_is_enough(self, opened):
        batches = arrays_of(opened(batch_size=2, sample_train=1).training_batches(0, 2))
        assert len({target.tobytes() for batch in batches for target in batch["target"]}) == 1

    def test_names_of_a_step_are_those_of_its_samples(self, opened, tiny_arrays):
        dataset = opened(seed=4, batch_size=5)
        for step, batch in enumerate(arrays_of(dataset.training_batches(0, 5))):
            names = dataset.step_names(step)
            assert len(names) == 5
            for name, target in zip(names, batch["target"], strict=True):
                np.testing.assert_array_equal(target, tiny_arrays["train"][name]["target"])

    @pytest.mark.parametrize("first", [1, 3, 7])
    def test_a_late_start_is_the_end_of_an_early_one(self, opened, first):
        straight = arrays_of(opened(seed=2).training_batches(0, 8))
        late = arrays_of(opened(seed=2).training_batches(first, 8))
        assert len(late) == 8 - first
        assert identical(late, straight[first:])

    def test_a_start_after_a_billion_steps_works(self, opened):
        dataset = opened()
        (batch,) = arrays_of(dataset.training_batches(10**9, 10**9 + 1))
        assert batch["target"].shape == (BATCH, 64, 64, 3)

    def test_there_are_no_batches_after_the_last_step(self, opened):
        assert arrays_of(opened().training_batches(8, 8)) == []

    def test_the_same_seed_gives_equal_batches_and_another_seed_does_not(self, opened):
        first = arrays_of(opened(seed=1).training_batches(0, 4))
        assert identical(first, arrays_of(opened(seed=1).training_batches(0, 4)))
        assert not identical(first, arrays_of(opened(seed=2).training_batches(0, 4)))

    def test_draws_differ_for_every_sample_and_every_epoch(self, opened):
        draws = np.concatenate([batch["draws"] for batch in arrays_of(opened().training_batches(0, 9))])
        assert draws.shape == (36, 4)
        assert len(np.unique(draws)) == draws.size

    def test_draws_do_not_depend_on_the_order_of_reading(self, opened):
        shuffled, straight = opened(), opened(shuffle=False)
        for a, b in zip(
            arrays_of(shuffled.training_batches(0, 2)), arrays_of(straight.training_batches(0, 2)), strict=True
        ):
            np.testing.assert_array_equal(a["draws"], b["draws"])

    def test_length_is_the_number_of_training_samples(self, opened):
        assert len(opened()) == 12
        assert len(opened(exclude_suffix="notinmask")) == 8


class TestReplicas:
    @pytest.mark.parametrize("local", [1, 2, 4])
    def test_together_read_what_one_device_reads(self, opened, local):
        dataset = opened(batch_size=8)
        whole = arrays_of(dataset.training_batches(0, 3))
        machines = [
            arrays_of(
                dataset.training_batches(0, 3, replicas=4, first_replica=first, local_replicas=local)
            )
            for first in range(0, 4, local)
        ]  # fmt: skip
        assert {len(batches) for batches in machines} == {3 * local}
        for step in range(3):
            parts = [batch for batches in machines for batch in batches[step * local : (step + 1) * local]]
            joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            assert identical([joined], [whole[step]])

    def test_each_get_their_share_of_the_batch(self, opened):
        batches = arrays_of(opened(batch_size=8).training_batches(0, 1, replicas=4, first_replica=2, local_replicas=2))
        assert [batch["target"].shape[0] for batch in batches] == [2, 2]

    def test_may_start_late(self, opened):
        dataset = opened(batch_size=4)
        devices = {"replicas": 2, "first_replica": 0, "local_replicas": 2}
        straight = arrays_of(dataset.training_batches(0, 5, **devices))
        assert identical(arrays_of(dataset.training_batches(2, 5, **devices)), straight[4:])


class TestEvaluation:
    def test_every_sample_comes_once_in_the_order_of_names(self, opened, tiny_arrays):
        batches = arrays_of(opened().batches("val", batch=4))
        assert [batch["target"].shape[0] for batch in batches] == [4, 2]
        targets = np.concatenate([batch["target"] for batch in batches])
        expected = [tiny_arrays["val"][name]["target"] for name in sorted(tiny_arrays["val"])]
        np.testing.assert_array_equal(targets, expected)
        assert set(batches[0]) == {"input_image", "target", "cloud_mask"}

    def test_named_samples_come_in_the_order_of_the_argument(self, opened, tiny_arrays):
        names = ["val04", "val01", "val04"]
        (batch,) = arrays_of(opened().batches("val", names))
        np.testing.assert_array_equal(batch["target"], [tiny_arrays["val"][name]["target"] for name in names])

    def test_nothing_is_augmented(self, opened, tiny_arrays):
        dataset = opened(normalize="none")
        (batch,) = dataset.batches("val")
        targets = dataset.prepare(batch)["target"].numpy()
        expected = [tiny_arrays["val"][name]["target"] * 1e-4 for name in sorted(tiny_arrays["val"])]
        np.testing.assert_allclose(targets, expected, rtol=1e-6)

    def test_filters_and_samples_apply(self, opened):
        dataset = opened(enforce_suffix="_notinmask", sample_val=1)
        assert len(dataset.names("val")) == 1
        (batch,) = arrays_of(dataset.batches("val"))
        assert batch["target"].shape[0] == 1

    def test_a_dataset_has_the_splits_with_samples(self, opened):
        dataset = opened()
        assert [dataset.has(split) for split in ("train", "val", "test")] == [True, True, False]


class TestDamage:
    def test_of_a_field_ends_training_with_an_error(self, opened, folder, tiny_arrays):
        dataset = opened(shuffle=False)
        path = folder / "train" / "train05.tfrecord"
        flip_bit(path, position_of(path, tiny_arrays["train"]["train05"]["target"]) + 1000)
        batches = iter(dataset.training_batches(0, 3))
        next(batches)
        with pytest.raises(tf.errors.OpError):
            next(batches)

    def test_of_a_field_is_named_by_diagnosis(self, opened, folder, tiny_arrays):
        path = folder / "train" / "train05.tfrecord"
        flip_bit(path, position_of(path, tiny_arrays["train"]["train05"]["target"]) + 1000)
        dataset = opened(shuffle=False)
        (line,) = dataset.diagnose("train", dataset.step_names(1))
        assert line.startswith(f"{path}: field 'target' does not match its hash")

    def test_without_damage_the_diagnosis_is_empty(self, opened):
        dataset = opened()
        assert dataset.diagnose("train", dataset.names("train")) == []

    def test_of_several_records_is_diagnosed_once_each(self, opened, folder):
        for name in ("val01", "val02"):
            path = folder / "val" / f"{name}.tfrecord"
            path.write_bytes(path.read_bytes()[:-100])
        dataset = opened()
        lines = dataset.diagnose("val", ["val01", "val02", "val01", "val04"])
        assert [line.split(": ")[0] for line in lines] == [
            f"{folder}/val/val01.tfrecord",
            f"{folder}/val/val02.tfrecord",
        ]
        assert all("truncated" in line for line in lines)

    def test_of_a_record_that_is_removed_during_training_is_an_error_and_diagnosed(self, opened, folder):
        dataset = opened(shuffle=False)
        dataset.names("train")
        path = folder / "train" / "train01.tfrecord"
        path.unlink()
        with pytest.raises(tf.errors.NotFoundError):
            next(iter(dataset.training_batches(0, 1)))
        (line,) = dataset.diagnose("train", dataset.step_names(0))
        assert line.startswith(f"{path}: the record is missing")

    def test_of_a_missing_record_is_an_error_at_the_start(self, opened, folder):
        path = folder / "train" / "train01.tfrecord"
        path.unlink()
        with pytest.raises(UserError, match=r"train01\.tfrecord: the record is missing"):
            opened().training_batches(0, 1)

    def test_of_a_record_that_is_not_in_the_index_is_an_error_at_the_start(self, opened, folder):
        shutil.copy(folder / "train" / "train01.tfrecord", folder / "train" / "more.tfrecord")
        with pytest.raises(UserError, match=r"more\.tfrecord: is not in records\.csv"):
            opened().training_batches(0, 1)


class TestArisganLayout:
    """Datasets that the original ARISGAN code wrote."""

    SIDE, COUNT = 16, 21

    @pytest.fixture
    def written(self, tiny_root):
        """Datasets of both kinds on disk; their arrays by name."""
        random = np.random.default_rng(6)
        written = {}
        for number in range(self.COUNT):
            name = f"{number:05d}_{number}x7{'_notinmask' if number % 2 else ''}"
            s2, alt = random.random((2, self.SIDE, self.SIDE, 3)).astype(np.float32)
            s3 = random.uniform(0, 650, (self.SIDE, self.SIDE, 21)).astype(np.float32)
            written[name] = {"raw_s2": s2, "raw_s2_alt": alt, "raw_s3": s3}
            for split in ("train", "val"):
                for kind, field in (("alt12_x", "raw_s2_alt"), ("curated", "raw_s3")):
                    path = tiny_root / "data" / kind / str(self.SIDE) / split / f"{name}.tfrecord"
                    write_arisgan_record(path, **{"raw_s2": s2, field: written[name][field]})
        return written

    @pytest.fixture
    def open_kind(self, written, opened):
        """``open_kind(kind, **settings)``: one of the datasets, opened for an experiment with these settings."""

        def dataset(kind: str, **settings) -> Dataset:
            return opened(dataset=kind, tilesize=self.SIDE, batch_size=7, **settings)

        return dataset

    @pytest.mark.parametrize(("kind", "field"), [("alt12_x", "raw_s2_alt"), ("curated", "raw_s3")])
    def test_is_read_in_the_order_of_names(self, open_kind, written, kind, field):
        dataset = open_kind(kind, shuffle=False)
        assert dataset.names("train") == sorted(written)
        for batches in (dataset.batches("val", batch=7), dataset.training_batches(0, 3)):
            read = arrays_of(batches)
            for name in (field, "raw_s2"):
                values = np.concatenate([batch[name] for batch in read])
                np.testing.assert_array_equal(values, [written[tile][name] for tile in sorted(written)])

    def test_is_shuffled_in_the_order_of_step_names(self, open_kind, written):
        dataset = open_kind("alt12_x", seed=8)
        batches = arrays_of(dataset.training_batches(0, 4))
        orders = [tuple(dataset.step_names(step)) for step in range(4)]
        assert len(set(orders)) == 4
        for names, batch in zip(orders, batches, strict=True):
            np.testing.assert_array_equal(batch["raw_s2"], [written[name]["raw_s2"] for name in names])
        assert identical(arrays_of(dataset.training_batches(2, 4)), batches[2:])

    def test_is_prepared_for_the_network(self, open_kind, written):
        dataset = open_kind("curated", normalize="unit")
        (batch, *_) = dataset.batches("val", batch=3)
        prepared = {name: value.numpy() for name, value in dataset.prepare(batch).items()}
        first = written[min(written)]
        np.testing.assert_allclose(prepared["input_image"][0], first["raw_s3"] / 650, atol=1e-6)
        np.testing.assert_allclose(prepared["target"][0], first["raw_s2"], atol=1e-6)

    def test_is_prepared_as_by_the_original_code_with_l2(self, open_kind, written):
        dataset = open_kind("alt12_x", normalize="l2")
        (batch, *_) = dataset.batches("val", batch=3)
        prepared, first = dataset.prepare(batch), written[min(written)]
        for role, name in (("input_image", "raw_s2_alt"), ("target", "raw_s2")):
            np.testing.assert_allclose(prepared[role].numpy()[0], first[name] / np.linalg.norm(first[name]), rtol=1e-5)

    def test_is_filtered_by_suffix(self, open_kind):
        assert len(open_kind("alt12_x", enforce_suffix="notinmask").names("train")) == 10
        assert len(open_kind("alt12_x", exclude_suffix="notinmask").names("train")) == 11

    def test_damage_is_found_by_its_checksum(self, open_kind, tiny_root, written):
        dataset = open_kind("curated", shuffle=False)
        name = sorted(written)[8]
        path = tiny_root / "data" / "curated" / str(self.SIDE) / "train" / f"{name}.tfrecord"
        flip_bit(path, path.stat().st_size // 2)
        batches = iter(dataset.training_batches(0, 3))
        next(batches)
        with pytest.raises(tf.errors.DataLossError):
            next(batches)
        (line,) = dataset.diagnose("train", dataset.step_names(1))
        assert line.startswith(f"{path}: ")

    def test_a_field_of_another_size_is_named(self, open_kind, tiny_root, written):
        name = min(written)
        path = tiny_root / "data" / "curated" / str(self.SIDE) / "train" / f"{name}.tfrecord"
        write_arisgan_record(path, raw_s2=written[name]["raw_s2"], raw_s3=written[name]["raw_s3"][:8])
        dataset = open_kind("curated", shuffle=False)
        (line,) = dataset.diagnose("train", [name])
        assert line.startswith(f"{path}: field 'raw_s3' has 2688 numbers, not 5376")

    @pytest.mark.parametrize("records", [0, 2])
    def test_a_file_without_exactly_one_record_is_an_error(self, open_kind, tiny_root, written, records):
        # Otherwise it would shift the names of all samples that follow.
        name = min(written)
        path = tiny_root / "data" / "curated" / str(self.SIDE) / "train" / f"{name}.tfrecord"
        path.write_bytes(path.read_bytes() * records)
        dataset = open_kind("curated", shuffle=False)
        assert dataset.diagnose("train", [name])
        with pytest.raises(tf.errors.OpError):
            list(dataset.training_batches(0, 3))


def test_a_payload_that_cannot_be_parsed_is_diagnosed_in_an_intact_frame(opened, folder):
    path = folder / "val" / "val01.tfrecord"
    path.write_bytes(framed(b"no example at all"))
    (line,) = opened().diagnose("val", ["val01"])
    assert line.startswith(f"{path}: the record cannot be parsed")
