"""``make``: the same bytes whatever the workers, the order and the interruptions; scenes stay in their split."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.format import read
from pix2earth.records.listing import open_folder
from pix2earth.records.manifest import FILE, UNFINISHED
from pix2earth.records.metadata import read_metadata
from pix2earth.records.sequences import sequences
from pix2earth.records.splitting.leaks import Leak, check_for_leaks
from synthetic.presets import datasets
from synthetic.presets.permutation import permutation
from synthetic.products.product import digest_of
from tests.folders import everything

PRESETS = list(datasets.PRESETS)
SMALL = "ground: {{size: {{width: 32, height: 32}}, n_polygons: 8}}\nscenes: {{train: {train}, val: 2, test: 2}}\n"


@pytest.fixture
def make(tmp_path, command):
    """``make(preset, name, *words, train=3, keys="")``: the folder of a small dataset, that of the tile size."""

    def made(preset, name, *words, train=3, keys=""):
        path = tmp_path / f"{preset}.yaml"
        path.write_text(f"preset: {preset}\n{SMALL.format(train=train)}{keys}")
        status, lines = command("make", "--cfg", path, "--o", tmp_path / "data" / name, *words)
        assert (status, lines) == (0, [])
        return tmp_path / "data" / name / "32"

    return made


def all_but_the_name(folder):
    """Return all files by name; the manifest has the dataset's name, which is the folder's."""
    files = everything(folder)
    named = f'"name": "{folder.parent.name}"'.encode()
    return {name: content.replace(named, b"") for name, content in files.items()}


def records(folder):
    return {name: content for name, content in all_but_the_name(folder).items() if name.endswith(".tfrecord")}


EXACT = {"psf_fwhm_px": None, "gain_sd": 0, "offset_sd": 0, "noise": {"sigma0": 0, "kappa": 0}}


def test_inputs_that_are_means_of_their_targets_are_stated():
    usual = datasets.load(datasets.FILES / "super_resolution.yaml", "tiny")
    assert datasets.manifest(usual, "x").degradation is None
    changes = {"apart_days": [0, 0], "coarse_bands": usual.bands, "fine": EXACT, "coarse": EXACT}
    exact = type(usual).model_validate(datasets.merged(usual.model_dump(mode="json"), changes), strict=False)
    exact = exact.model_copy(update={"coarse": exact.coarse.model_copy(update={"misregistration_px": 0.0})})
    stated = datasets.manifest(exact, "x").degradation
    assert stated == Degradation(kind="average", factor=4)
    for sample in datasets.scene_samples((exact.model_dump_json(), 0)):
        target = sample.fields["target"].reshape(16, 4, 16, 4, 4).mean((1, 3))
        assert np.abs(sample.fields["input_image"] - target).max() <= 1  # both are rounded on their own


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_workers_change_no_byte(make, preset):
    one, two = (make(preset, f"by_{count}", "--workers", count) for count in (1, 2))
    assert all_but_the_name(one) == all_but_the_name(two)
    assert len(records(one)) == 7 * len(datasets.names(datasets.load(one.parents[2] / f"{preset}.yaml", "default"), 0))


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_scene_17_alone_is_scene_17_of_the_whole(preset, make):
    folder = make(preset, "whole", "--workers", 2, train=18)
    configuration = datasets.load(folder.parents[2] / f"{preset}.yaml", "default")
    alone = datasets.scene_samples((configuration.model_dump_json(), 17))
    manifest = open_folder(str(folder.parent)).manifest
    for sample in alone:
        stored, _ = read(folder / "train" / f"{sample.name}.tfrecord", manifest)
        assert sorted(stored) == sorted(sample.fields)
        for name, array in sample.fields.items():
            np.testing.assert_array_equal(array, stored[name])


@pytest.mark.parametrize("preset", PRESETS)
def test_seeds_share_less_than_a_hundredth_of_their_values(preset, make):
    folders = [make(preset, f"seed_{seed}", "--workers", 1, "--seed", seed) for seed in (0, 1)]
    manifest = open_folder(str(folders[0].parent)).manifest
    first = datasets.names(datasets.load(folders[0].parents[2] / f"{preset}.yaml", "default"), 0)[0]
    targets = [read(folder / "train" / f"{first}.tfrecord", manifest)[0]["target"] for folder in folders]
    assert (targets[0] == targets[1]).mean() < 0.01


@pytest.mark.parametrize("preset", PRESETS)
def test_splits_are_by_scene_and_no_two_scenes_are_the_same_place(preset, make):
    folder = make(preset, "made", "--workers", 1, train=6)
    listing = open_folder(str(folder.parent))
    scenes, places = {}, {}
    for split in ("train", "val", "test"):
        for name in listing.names(split):
            number = int(name.split("_")[1])
            scenes.setdefault(split, set()).add(number)
            arrays, about = read(listing.path(split, name), listing.manifest)
            seen = hashlib.sha256(arrays.get("instances", arrays["land_cover"]).tobytes()).hexdigest()
            assert places.setdefault(number, (seen, about["transform"])) == (seen, about["transform"])
    assert [len(scenes[split]) for split in ("train", "val", "test")] == [6, 2, 2]
    assert scenes["train"] | scenes["val"] | scenes["test"] == set(range(10)) == set(places)
    assert len({seen for seen, _ in places.values()}) == len({tuple(where) for _, where in places.values()}) == 10


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_killed_goes_on_to_the_same_bytes(tmp_path, make, kill_when, workers):
    """SIGKILL after three of many scenes of a process of its own; what was there is not written again."""
    keys = "dates: 2\nfactor: 4\n"
    whole = make("super_resolution", "whole", "--workers", 2, train=120, keys=keys)
    folder = whole.parents[1] / "killed" / "32"
    words = ["make", "--cfg", str(tmp_path / "super_resolution.yaml"), "--o", str(folder.parent)]
    kill_when([*words, "--workers", str(workers)], lambda: len(list(folder.rglob("*_1.tfrecord"))) >= 3)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.tfrecord")}
    assert 6 <= len(before) < 248 and not (folder / FILE).exists()
    (folder / "train" / ".scene_0100_0.tfrecord.1.part").write_text("half")
    make("super_resolution", "killed", "--workers", workers, train=120, keys=keys)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert all_but_the_name(folder) == all_but_the_name(whole)


def test_what_is_complete_is_left_alone(make, command):
    folder = make("gap_filling", "made", "--workers", 1)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    make("gap_filling", "made", "--workers", 1)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_kill_just_before_the_end_is_healed(make):
    """The manifest is there, and the mark that it is not."""
    folder = make("gap_filling", "made", "--workers", 1)
    before = all_but_the_name(folder)
    (folder / UNFINISHED).touch()
    make("gap_filling", "made", "--workers", 1)
    assert all_but_the_name(folder) == before


def test_a_kill_just_after_the_beginning_is_healed(make):
    folder = make("gap_filling", "made", "--workers", 1)
    before = all_but_the_name(folder)
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / UNFINISHED).touch()
    (folder / f".{datasets.ABOUT}.1.part").write_text("{")
    make("gap_filling", "made", "--workers", 1)
    assert all_but_the_name(folder) == before


@pytest.mark.parametrize("failing", ["pix2earth.records.writer.Path.unlink", "pix2earth.settings.atomic.write_json"])
def test_a_kill_while_replacing_leaves_no_samples_of_two_datasets(make, tmp_path, command, monkeypatch, failing):
    make("gap_filling", "made", "--workers", 1)
    words = ("make", "--cfg", tmp_path / "gap_filling.yaml", "--o", tmp_path / "data" / "made", "--workers", 1)
    with monkeypatch.context() as patch:
        patch.setattr(failing, lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            command(*words, "--seed", 8, "--overwrite")
    status, (line,) = command(*words, "--seed", 8)
    assert status == 2 and "was made with another configuration, seed or version" in line
    wanted = make("gap_filling", "wanted", "--workers", 1, "--seed", 8)
    assert command(*words, "--seed", 8, "--overwrite") == (0, [])
    assert all_but_the_name(tmp_path / "data" / "made" / "32") == all_but_the_name(wanted)


@pytest.mark.parametrize("preset", sorted(datasets.PRESETS))
def test_only_datasets_of_cloud_removal_differ_from_those_of_former_versions(make, tmp_path, command, preset):
    """Their masks do; a dataset that a former version has started is not finished with other masks."""
    folder = make(preset, "made", "--workers", 1)
    about = json.loads((folder / datasets.ABOUT).read_text())
    former = digest_of(about["configuration"])
    assert (about["digest"] != former) is (preset == "cloud_removal")
    (folder / datasets.ABOUT).write_text(json.dumps({**about, "digest": former}))
    words = ("make", "--cfg", tmp_path / f"{preset}.yaml", "--o", tmp_path / "data" / "made", "--workers", 1)
    status, errors = command(*words)
    if preset != "cloud_removal":
        assert (status, errors) == (0, [])
        return
    (line,) = errors
    assert status == 2 and "was made with another configuration, seed or version" in line


def test_the_written_mask_of_cloud_removal_covers_clouds_and_shadows(make):
    """Without noise, no pixel outside of the mask of any record is changed by more than 5 %."""
    keys = "optics: {gain_sd: 0.0, offset_sd: 0.0, noise: {sigma0: 0.0, kappa: 0.0}}\nclouds: {mean: 0.3}\n"
    folder = make("cloud_removal", "made", "--workers", 1, train=6, keys=keys)
    manifest = open_folder(folder).manifest
    target, clouded = manifest.fields["target"], manifest.fields["input_image"]
    shadows = 0
    for path in sorted(folder.rglob("*.tfrecord")):
        fields = read(path, manifest)[0]
        clear = fields["cloud_mask"][..., 0] == 0
        truth = fields["target"] * target.scale + target.offset
        change = np.abs(fields["input_image"][-1] * clouded.scale + clouded.offset - truth)
        assert (change[clear] <= 0.05 * np.abs(truth[clear]) + 2e-4).all(), path  # 2e-4: rounding of both
        darker = (fields["input_image"][-1] < fields["target"]).all(axis=-1)
        shadows += int((~clear & darker).sum())
    assert shadows > 0


def test_the_truth_and_the_recipe_travel_along(make):
    """Coefficients, configuration, limits; land cover is one class an instance."""
    folder = make("cloud_removal", "made", "--workers", 1, keys="clouds: {shadows: false}\n")
    about = json.loads((folder / datasets.ABOUT).read_text())
    assert about["coefficients"]["land_cover"]["classes"]["water"]["peak"][0] == 0.014
    assert about["configuration"]["clouds"]["mean"] == 0.35 and about["limits"] == datasets.LIMITS
    listing = open_folder(str(folder.parent))
    assert listing.manifest.description.startswith(datasets.LIMITS)
    for name in listing.names("train"):
        arrays, _ = read(listing.path("train", name), listing.manifest)
        pairs = np.unique(np.stack([arrays["instances"].ravel(), arrays["land_cover"].ravel()]), axis=1)
        assert pairs.shape[1] == len(np.unique(arrays["instances"]))
        hidden = arrays["cloud_mask"][..., 0] == 1
        assert hidden[arrays["cloud_class"][-1, ..., 0] > 0].all()  # with the edges that the classes call clear
        clear = arrays["cloud_alpha"][-1, ..., 0] == 0
        np.testing.assert_array_equal(arrays["input_image"][-1][clear], arrays["target"][clear])


def test_the_time_steps_of_a_place_are_no_leak_but_two_splits_of_it_are(make):
    """Also where no date is in both splits; tiles of datasets without sequences may share ground on other dates."""
    folder = make("series", "made", "--workers", 1, keys="dates: 4\n")
    manifest = open_folder(str(folder.parent)).manifest
    assert check_for_leaks(folder, manifest).startswith("no leak: 28 tiles")
    shutil.copy(folder / "train" / "scene_0002_0_t03.tfrecord", folder / "test")
    (folder / "train" / "scene_0002_0_t03.tfrecord").unlink()
    with pytest.raises(Leak, match=r"scene_0002_0_t0\d .* share ground"):
        check_for_leaks(folder, manifest)
    without = manifest.model_copy(update={"sequence": None})
    assert check_for_leaks(folder, without).startswith("no leak: 28 tiles")


def test_every_sequence_is_complete_and_in_one_split(make):
    folder = make("series", "made", "--workers", 1, keys="dates: 3\n")
    listing = open_folder(str(folder.parent))
    places = {split: sequences(listing.names(split), listing.manifest.sequence) for split in ("train", "val", "test")}
    assert [list(found) for found in places.values()] == [
        [f"scene_{number:04d}_0" for number in numbers] for numbers in (range(3), range(3, 5), range(5, 7))
    ]
    for found in places.values():
        for place, names in found.items():
            assert names == [f"{place}_t{step:02d}" for step in range(3)]
            times = [read_metadata(next(folder.rglob(f"{name}.tfrecord")))["acquired"] for name in names]
            assert len(times) == 3 and times == sorted(times) and all(len(time) == 1 for time in times)


def test_a_permutation_numbers_the_scenes_and_moves_none_of_them(make):
    """The digest of a dataset without a permutation is that of former versions."""
    keys = "dates: 2\n"
    plain, permuted = (
        make("series", "plain", keys=keys),
        make("series", "permuted", keys=f"{keys}permutation_seed: 73\n"),
    )
    contents = [json.loads((folder / "synthetic.json").read_text())["configuration"] for folder in (plain, permuted)]
    assert "permutation_seed" not in contents[0] and contents[1]["permutation_seed"] == 73
    order = permutation(7, 73)
    assert order != list(range(7))

    def images(folder):
        listing = open_folder(folder)
        return {
            name: read(listing.path(split, name), listing.manifest)[0]["target"]
            for split in ("train", "val", "test") for name in listing.names(split)
        }  # fmt: skip

    before, after = images(plain), images(permuted)
    assert before.keys() == after.keys()
    for position, number in enumerate(order):
        np.testing.assert_array_equal(after[f"scene_{position:04d}_0_t01"], before[f"scene_{number:04d}_0_t01"])
