"""Pairs, pools and sequences: what a step gets is a function of seed and step, and says which sample it is."""

import numpy as np
import pytest
import tensorflow as tf

from experiment import Environment, open_experiment
from pix2earth.batches.dataset import Dataset
from pix2earth.batches.sampling import of_groups, of_sequences
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.settings.errors import UserError

SIDE = 8
IMAGE = Field(dtype="uint16", shape=[SIDE, SIDE, 2], bands=["B02", "B03"], scale=1e-4, valid_range=(0.0, 1.0))
MASK = Field(dtype="uint8", shape=[SIDE, SIDE, 1], kind="mask", bands=["hidden"])
FIELDS = {"input_image": IMAGE, "target": IMAGE, "cloud_mask": MASK}
SAMPLES = {
    "pairs": {"input_image": 7, "target": 7, "cloud_mask": 7},
    "two sides": {"cloudy": 5, "clear": 8},
    "sides and pairs": {"cloudy": 5, "clear": 8, "both": 2},
    "masks": {"image": 7, "hole": 4},
}
POOLS = {
    "pairs": {},
    "two sides": {
        "cloudy": ["input_image", "cloud_mask"], "clear": ["target"], "both": ["input_image", "target", "cloud_mask"],
    },
    "masks": {"image": ["input_image", "target"], "hole": ["cloud_mask"]},
}  # fmt: skip
POOLS["sides and pairs"] = POOLS["two sides"]


def numbered(field, number):
    """Return an array in which every pixel is the number of its sample."""
    return np.full(field.shape, number, field.dtype)


@pytest.fixture
def opened(tmp_path, write_experiment):
    """``opened(kind, sampling, **settings)``: a dataset with one of ``POOLS``, of pixels that number their sample."""

    def build(kind, sampling="pairs", *, val=True, **settings):
        pools = POOLS[kind]
        manifest = Manifest(name=kind, tilesize=SIDE, fields=FIELDS, split=Split(method="by hand"), pools=pools)
        train = SAMPLES[kind] if pools else {"": 7}
        held_out = {"both": 2} if "both" in pools else dict.fromkeys(train, 3)
        with DatasetWriter(tmp_path / "data", manifest, replace=True) as writer:
            for split, counts in (("train", train), ("val", held_out if val else {"clear": 1})):
                for pool, count in counts.items():
                    for number in range(count):
                        name = f"{pool}-{number}" if pool else str(number)
                        fields = {key: numbered(field, number) for key, field in manifest.fields_of(pool).items()}
                        writer.write(split, name, fields)
        (tmp_path / "environment.json").write_text('{"data_root": "data", "experiment_root": "experiments"}')
        defaults = {"dataset": kind, "tilesize": SIDE, "batch_size": 2, "steps": 30}
        write_experiment(tmp_path, "x", **defaults | settings)
        dataset = Dataset(open_experiment("x", Environment(tmp_path / "environment.json"), "a"))
        dataset.sampling = sampling
        return dataset

    return build


def drawn(dataset, steps, first=0):
    """Return the numbers of the samples of each field, {field: (step, batch)}."""
    batches = list(dataset.training_batches(first, steps))
    return {name: np.array([batch[name].numpy()[:, 0, 0, 0] for batch in batches]) for name in FIELDS}


def test_pairs_stay_together(opened):
    numbers = drawn(opened("pairs"), 14)
    np.testing.assert_array_equal(numbers["input_image"], numbers["target"])
    assert all(sorted(numbers["target"].ravel()[epoch : epoch + 7]) == list(range(7)) for epoch in range(0, 28, 7))


@pytest.mark.parametrize("kind", ["pairs", "two sides"])
def test_two_sides_are_drawn_independently(opened, kind):
    dataset = opened(kind, "pools")
    numbers = {name: values.ravel() for name, values in drawn(dataset, 20).items()}
    inputs, targets = (5, 8) if kind == "two sides" else (7, 7)
    assert len(dataset) == inputs
    for name, count in (("input_image", inputs), ("target", targets)):
        epochs = [numbers[name][first : first + count] for first in range(0, 40 - count, count)]
        assert all(sorted(epoch) == list(range(count)) for epoch in epochs)
        assert len({tuple(epoch) for epoch in epochs}) > 1
    np.testing.assert_array_equal(numbers["cloud_mask"], numbers["input_image"])  # held by the same records
    assert (numbers["target"] != numbers["input_image"]).any()


def test_masks_of_a_pool_of_their_own(opened):
    """Whatever the plug-in's sampling is; each has its own augmentation."""
    dataset = opened("masks")
    numbers = {name: values.ravel() for name, values in drawn(dataset, 28).items()}
    np.testing.assert_array_equal(numbers["input_image"], numbers["target"])
    assert len(dataset) == 7 and len(set(zip(numbers["target"], numbers["cloud_mask"], strict=True))) > 15
    assert sorted(numbers["cloud_mask"][:4]) == [0, 1, 2, 3]
    batch = next(iter(dataset.training_batches(0, 1)))
    assert not np.array_equal(batch["draws"], batch["draws:cloud_mask"])
    assert "draws:target" not in batch


@pytest.mark.parametrize(("kind", "sampling"), [("two sides", "pools"), ("masks", "pairs"), ("pairs", "pools")])
def test_a_late_start_is_the_end_of_an_early_one(opened, kind, sampling):
    dataset = opened(kind, sampling)
    early, late = drawn(dataset, 9), drawn(dataset, 9, first=5)
    for name in FIELDS:
        np.testing.assert_array_equal(late[name], early[name][5:])
    numbers = [int(name.split("-")[-1]) for name in dataset.step_names(6)]
    other = "cloud_mask" if kind == "masks" else "target"
    assert numbers == [*early["input_image"][6], *early[other][6]]


def test_evaluation_combines_pools_always_in_the_same_way(opened):
    dataset = opened("masks")
    found = [
        [batch["cloud_mask"].numpy()[:, 0, 0, 0].tolist() for batch in dataset.batches("val", names, 1)]
        for names in (None, ["image-2", "image-0", "image-1"])
    ]
    assert sorted(number for batch in found[0] for number in batch) == [0, 1, 2]  # each mask once
    assert [found[0][2], found[0][0], found[0][1]] == found[1]
    assert dataset.names("val") == ["image-0", "image-1", "image-2"]


def test_inputs_beside_pairs_are_completed_by_targets_of_their_pool(opened):
    """The moments of bands are measured on the samples that such a model is trained on."""
    dataset = opened("sides and pairs", "pools")
    assert dataset.names("train") == [f"cloudy-{number}" for number in range(5)]
    (batch,) = dataset.batches("train")
    assert batch["input_image"].numpy()[:, 0, 0, 0].tolist() == [*range(5)]
    assert len({*batch["target"].numpy()[:, 0, 0, 0].tolist()}) == 5


def test_samples_with_both_sides_are_scored(opened):
    dataset = opened("two sides", "pools")
    assert dataset.names("val") == ["both-0", "both-1"]
    with pytest.raises(UserError, match="val: no sample holds both input_image and target, which are needed to score"):
        opened("two sides", "pools", val=False).names("val")


def test_pairs_of_separate_sides_are_refused(opened):
    with pytest.raises(UserError, match=r'train: no sample holds both .* or train a model with sampling = "pools"'):
        opened("two sides").names("train")


# ---- sequences -----------------------------------------------------------------------------------------------------

LENGTHS = {"a": 3, "b": 1, "c": 5, "d": 2}
SEQUENCES = {name: [f"{name}_t{step}" for step in range(length)] for name, length in LENGTHS.items()}
TOTAL = sum(LENGTHS.values())


def lanes_of(lanes, steps, *, seed=0, shuffle=True, first=0):
    """Return for each lane [(name, start, draws)] of some steps."""
    stream = of_sequences(SEQUENCES, ["target"], seed, lanes, shuffle=shuffle)
    result = [[] for _ in range(lanes)]
    for counter in range(first * lanes, steps * lanes):
        located = stream.order(tf.constant(counter, tf.int64))
        draws = tuple(located["draws"].numpy())
        result[counter % lanes].append((stream.names[int(located["index"])], float(located["sequence_start"]), draws))
    return result


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("lanes", [1, 3])
def test_a_lane_reads_whole_sequences_and_says_where_they_start(lanes, shuffle):
    for lane in lanes_of(lanes, 3 * TOTAL, shuffle=shuffle):
        for epoch in range(3):
            part = lane[epoch * TOTAL : (epoch + 1) * TOTAL]
            starts = [place for place, (_, start, _) in enumerate(part) if start]
            read = [part[begin:end] for begin, end in zip(starts, [*starts[1:], TOTAL], strict=True)]
            assert sorted([name for name, _, _ in members] for members in read) == list(SEQUENCES.values())
            assert all(len({draws for _, _, draws in members}) == 1 for members in read)  # one augmentation
            assert len({members[0][2] for members in read}) == len(read)


def test_lanes_and_epochs_and_seeds_differ():
    def order(lane):
        return tuple(name for name, start, _ in lane if start)

    orders = {order(lane[:TOTAL]) for lane in lanes_of(8, TOTAL)}
    assert len(orders) > 3
    one = lanes_of(1, 6 * TOTAL)[0]
    assert len({order(one[epoch * TOTAL : (epoch + 1) * TOTAL]) for epoch in range(6)}) > 2
    assert [order(lane) for lane in lanes_of(8, TOTAL, seed=1)] != [order(lane) for lane in lanes_of(8, TOTAL)]
    unshuffled = [order(lane[:1]) for lane in lanes_of(4, 1, shuffle=False)]
    assert unshuffled == [("a_t0",), ("b_t0",), ("c_t0",), ("d_t0",)]


def test_a_late_start_of_sequences_is_the_end_of_an_early_one():
    early, late = lanes_of(2, 20), lanes_of(2, 20, first=13)
    assert [lane[13:] for lane in early] == late


# ---- sequences in groups -------------------------------------------------------------------------------------------

EQUAL = {name: [f"{name}_t{step}" for step in range(5)] for name in "abcde"}


def test_groups_read_sequences_side_by_side_and_leave_out_those_that_fill_no_group():
    stream = of_groups(EQUAL, ["target"], seed=0, lanes=2, every=2)
    located = [stream.order(tf.constant(counter, tf.int64)) for counter in range(14)]
    found = [stream.names[int(each["index"])] for each in located]
    first, second = ["a_t0", "b_t0", "a_t2", "b_t2", "a_t4", "b_t4"], ["c_t0", "d_t0", "c_t2", "d_t2", "c_t4", "d_t4"]
    assert found == [*first, *second, *first[:2]]
    assert [float(each["sequence_start"]) for each in located] == [1, 1, 0, 0, 0, 0] * 2 + [1, 1]
    draws = [tuple(each["draws"].numpy()) for each in located]
    assert draws[0] == draws[2] == draws[4] and len({draws[0], draws[1], draws[6], draws[12]}) == 4


def test_groups_that_cannot_be_read():
    with pytest.raises(ValueError, match="needs at least as many sequences as batch_size, 6, not 5; lower batch_size"):
        of_groups(EQUAL, ["target"], seed=0, lanes=6, every=1)
    with pytest.raises(ValueError, match="needs sequences of equal length; a has 3 time steps, and b 1; leave the key"):
        of_groups(SEQUENCES, ["target"], seed=0, lanes=2, every=1)


def test_groups_of_a_dataset(tmp_path, open_tiny):
    """An epoch has the samples that are read; an error names file and key."""
    manifest = Manifest(
        name="series",
        tilesize=SIDE,
        fields=FIELDS,
        split=Split(method="by hand"),
        sequence=r"(?P<sequence>.)_t(?P<position>.)",
    )
    with DatasetWriter(tmp_path / "data", manifest) as writer:
        for name in (name for members in EQUAL.values() for name in members):
            writer.write("train", name, {key: numbered(field, 1) for key, field in FIELDS.items()})
    (tmp_path / "environment.json").write_text('{"data_root": "data", "experiment_root": "experiments"}')
    settings = {"dataset": "series", "tilesize": SIDE, "sequence_groups": 2}

    def streams(**further):
        dataset = Dataset(open_tiny(tmp_path, "x", **settings | further))
        dataset.sampling = "sequences"
        return dataset.streams()

    (stream,) = streams(batch_size=2)
    assert len(stream.names) == 2 * 2 * 3  # of 25: two groups of two sequences, three time steps each
    with pytest.raises(UserError, match=r"x/experiment\.json: sequence_groups: needs at least as many sequences"):
        streams(batch_size=6)
