"""Names of the samples of a dataset and of those that an experiment uses; opening the folder of a dataset."""

import shutil

import pytest

from pix2earth.records.listing import Listing, chosen_names, fewer_than_asked, open_folder, record_of
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import Record
from pix2earth.settings.errors import UserError


@pytest.fixture
def folder(tiny_root):
    return tiny_root / "data" / "tiny" / "64"


@pytest.fixture
def listing(folder) -> Listing:
    return Listing(folder, load_manifest(folder, "tiny"))


class TestNames:
    def test_are_sorted_and_complete(self, listing, tiny_arrays):
        for split in ("train", "val"):
            assert listing.names(split) == sorted(tiny_arrays[split])
        assert listing.names("test") == []

    def test_a_missing_record_is_named(self, listing):
        path = listing.path("train", "train01")
        path.unlink()
        with pytest.raises(UserError) as caught:
            listing.names("train")
        assert caught.value.lines == (f"{path}: the record is missing",)

    def test_a_record_that_is_not_in_the_index_is_named(self, listing):
        extra = listing.path("train", "extra")
        shutil.copy(listing.path("train", "train01"), extra)
        with pytest.raises(UserError) as caught:
            listing.names("train")
        assert caught.value.lines == (f"{extra}: is not in records.csv; remove it",)

    def test_many_defects_are_shortened_to_few_lines(self, folder, listing):
        for number in range(50):
            listing.path("val", f"extra{number}").touch()
        with pytest.raises(UserError) as caught:
            listing.names("val")
        assert len(caught.value.lines) == 21
        assert caught.value.lines[-1] == f"{folder}: and 30 more"

    def test_temporary_files_are_ignored(self, listing):
        (listing.folder / "val" / ".val99.tfrecord.123.part").touch()
        assert len(listing.names("val")) == 6

    def test_a_missing_index_is_an_error(self, folder, listing):
        (folder / "records.csv").unlink()
        with pytest.raises(UserError, match=r"records\.csv: is missing"):
            listing.names("train")

    @pytest.mark.parametrize(
        "damage",
        [
            lambda text: text.replace("split,", "part,", 1),
            lambda text: text + "train,extra\n",
            lambda text: text + "somewhere,extra,1,00000000\n",
            lambda text: text + "train,extra,many,00000000\n",
        ],
        ids=["header", "cut", "split", "size"],
    )
    def test_a_damaged_index_is_an_error(self, folder, listing, damage):
        path = folder / "records.csv"
        path.write_text(damage(path.read_text()))
        with pytest.raises(UserError, match=r"records\.csv"):
            listing.names("train")


def test_the_index_lists_size_and_checksum_of_each_file(listing):
    for split in ("train", "val"):
        for name, record in listing.indexed[split].items():
            content = listing.path(split, name).read_bytes()
            checksum = f"{int.from_bytes(content[-4:], 'little'):08x}"
            assert record == Record(split, name, len(content), checksum)
            assert record_of(listing.path(split, name), split) == record


def test_the_fingerprint_without_an_index_is_that_of_the_files(folder, listing):
    legacy = Listing(folder, listing.manifest.model_copy(update={"legacy": True}))
    with_index = listing.fingerprint
    (folder / "records.csv").unlink()
    assert legacy.fingerprint == with_index == listing.manifest.fingerprint


class TestChoice:
    @pytest.fixture
    def choose(self, tiny_root, open_tiny, listing):
        """``choose(split, **settings)``: the names of the samples that an experiment with these settings uses."""

        def chosen(split: str, **settings) -> list[str]:
            return chosen_names(listing, split, open_tiny(tiny_root, "choice", **settings or {"seed": 0}))

        return chosen

    def test_is_all_samples_by_default(self, choose, tiny_arrays):
        assert choose("train") == sorted(tiny_arrays["train"])

    @pytest.mark.parametrize("key", ["enforce_suffix", "enfore_suffix"])
    def test_enforces_a_suffix(self, choose, key):
        names = [f"train{number:02d}_notinmask" for number in (0, 3, 6, 9)]
        assert choose("train", **{key: "_notinmask"}) == names

    def test_excludes_a_suffix(self, choose):
        assert choose("val", exclude_suffix="notinmask") == ["val01", "val02", "val04", "val05"]

    def test_takes_both_filters_together(self, choose):
        assert choose("train", enforce_suffix="1", exclude_suffix="01") == ["train11"]

    def test_a_filter_that_leaves_no_sample_is_an_error_that_names_it(self, choose):
        with pytest.raises(UserError, match=r"experiment\.json: no sample is left in .*/train .*enforce_suffix sea"):
            choose("train", enforce_suffix="sea")

    @pytest.mark.parametrize(("split", "key", "count"), [("train", "sample_train", 5), ("val", "sample_val", 2)])
    def test_draws_a_number_of_samples_with_the_seed(self, choose, listing, split, key, count):
        drawn = {seed: choose(split, seed=seed, **{key: count}) for seed in range(6)}
        for seed, names in drawn.items():
            assert len(names) == len(set(names)) == count
            assert names == sorted(names)
            assert set(names) <= set(listing.names(split))
            assert names == choose(split, seed=seed, **{key: count})
        assert len({tuple(names) for names in drawn.values()}) > 1

    def test_draws_from_the_filtered_samples(self, choose):
        names = choose("train", enforce_suffix="_notinmask", sample_train=3)
        assert len(names) == 3
        assert all(name.endswith("_notinmask") for name in names)

    def test_numbers_of_training_and_validation_samples_are_independent(self, choose):
        assert len(choose("val", sample_train=2)) == 6
        assert len(choose("train", sample_val=2)) == 12

    def test_more_training_samples_than_there_are_is_an_error(self, choose):
        assert len(choose("train", sample_train=12)) == 12
        with pytest.raises(UserError, match=r"sample_train: asks for 13 of 12 samples in train"):
            choose("train", sample_train=13)

    def test_a_training_length_draws_so_many_by_the_seed_and_the_shorter_ones_are_part_of_the_longer(self, choose):
        drawn = {length: choose("train", training_length=length) for length in (2, 5, 11)}
        assert {length: len(set(names)) for length, names in drawn.items()} == {2: 2, 5: 5, 11: 11}
        assert set(drawn[2]) < set(drawn[5]) < set(drawn[11]) and drawn[5] == sorted(drawn[5])
        assert len({tuple(choose("train", training_length=5, seed=seed)) for seed in range(6)}) > 1
        assert len(choose("val", training_length=2)) == 6

    def test_a_training_length_that_is_too_long_is_all_samples_with_a_warning(self, listing, choose, open_tiny):
        assert choose("train", training_length=6231) == listing.names("train")
        experiment = open_tiny(listing.folder.parents[2], training_length=6231)
        assert fewer_than_asked(experiment, listing.names("train")) == [
            f"{experiment.file}: training_length: is 6231, and there are 12 training samples; all are used"
        ]
        assert fewer_than_asked(open_tiny(listing.folder.parents[2], training_length=12), range(12)) == []
        assert fewer_than_asked(open_tiny(listing.folder.parents[2], sample_train=3), range(3)) == []

    def test_more_validation_samples_than_there_are_is_all_of_them(self, choose):
        assert len(choose("val", sample_val=100)) == 6


class TestOpenFolder:
    def test_takes_the_folder_with_and_without_tile_size(self, folder):
        assert open_folder(str(folder)).folder == open_folder(str(folder.parent)).folder == folder

    def test_of_no_dataset_is_an_error(self, tmp_path):
        with pytest.raises(UserError, match=rf"^{tmp_path / 'gone'}: there is no such dataset folder"):
            open_folder(str(tmp_path / "gone"))

    def test_of_several_tile_sizes_is_an_error_that_lists_them(self, folder):
        shutil.copytree(folder, folder.parent / "128")
        with pytest.raises(UserError, match=r"has several tile sizes; name one of .*/128, .*/64$"):
            open_folder(str(folder.parent))
