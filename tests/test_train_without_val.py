"""Training on datasets without a val split: which samples select the best checkpoint, and that this is stated."""

import io
import json
import shutil
from contextlib import redirect_stdout

import pytest

import evaluate
import train
from pix2earth.batches.selection import choose
from pix2earth.records.listing import open_folder
from pix2earth.records.loading import load_manifest
from pix2earth.records.metadata import read_metadata
from pix2earth.records.splitting.leaks import GroundExtent, refuse_leaks
from pix2earth.records.writer import DatasetWriter
from pix2earth.runs.folders import RunFolders
from pix2earth.settings.errors import UserError

SETTINGS = {"metrics": ["PSNR"], "steps": 2, "ckpt_freq": 1, "sample_freq": 1, "batch_size": 2}


def write_dataset(root, tiny_arrays, name, place=None, date=None):
    """Write a dataset of train and test.

    Args:
        root: the folder.
        tiny_arrays: the samples.
        name: of the dataset.
        place: of a sample by its number, in tiles, as (column, row); or None.
        date: of a sample by its number, or of its fields by their name; or None.
    """
    tiny = load_manifest(root / "data/tiny/64", "tiny")
    with DatasetWriter(root / "data", tiny.model_copy(update={"name": name})) as writer:
        arrays = [*tiny_arrays["train"].items(), *tiny_arrays["val"].items()]
        for number, (sample, fields) in enumerate(arrays):
            column, row = place(number) if place else (0, 0)
            writer.write(
                "train" if number < 12 else "test", sample, fields,
                crs="EPSG:32618" if place else None,
                transform=(10, 0, 640 * column, 0, -10, -640 * row) if place else None,
                acquired=acquired(date(number) if date else None),
            )  # fmt: skip


def acquired(date):
    """Return times of a record from one for all of it, or from one for each field."""
    if isinstance(date, dict):
        return {field: [each] for field, each in date.items()}
    return [date] if date else []


@pytest.fixture
def root(tiny_root, tiny_arrays, write_experiment):
    """``root(name, place, date, **settings)``: the tiny folder with a dataset and an experiment of that name."""

    def written(name, place=None, date=None, **settings):
        write_dataset(tiny_root, tiny_arrays, name, place, date)
        write_experiment(tiny_root, name, dataset=name, **{**SETTINGS, **settings})
        return tiny_root

    return written


@pytest.fixture(scope="module")
def _blocks(_tiny_template, tiny_arrays, tmp_path_factory, write_experiment):
    """The tiny folder with a dataset "blocks", on which a run "a" was trained; and what the command printed."""
    root = shutil.copytree(_tiny_template, tmp_path_factory.mktemp("blocks") / "root")
    write_dataset(root, tiny_arrays, "blocks", line)
    write_experiment(root, "blocks", dataset="blocks", **SETTINGS)
    words = ["--env", str(root / "environment.json"), "--exp", "blocks", "--timestamp", "a"]
    with redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit) as end:
        train.main(words)
    assert end.value.code == 0
    return root, out.getvalue()


@pytest.fixture
def blocks(_blocks, tiny_root):
    """The same as ``tiny_root``, and what the command printed."""
    root, out = _blocks
    return shutil.copytree(root, tiny_root, dirs_exist_ok=True), out


@pytest.fixture
def command(tiny_root, capfd):
    """``command(module, *arguments)``: status, output and errors of a command."""

    def run(module, *arguments):
        with pytest.raises(SystemExit) as end:
            module.main(["--env", str(tiny_root / "environment.json"), *arguments])
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run


def record(root, name):
    return json.loads(RunFolders(root / "experiments", name, "a").run_file.read_text())


def line(number):
    return number, 0


# ---- commands --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_part_of_train_is_held_out_stated_and_kept(blocks, command):
    folder, out = blocks
    assert "no val split" in out and "training samples, which are held out: blocks of 4 x 4 tiles" in out
    assert "train part PSNR" in out and "test PSNR" not in out
    selection = record(folder, "blocks")["selection"]
    assert selection["split"] == "train part" and 0 < len(selection["samples"]) <= 4
    assert record(folder, "blocks")["dataset"]["samples"] == {"train": 12 - len(selection["samples"]), "test": 6}
    checkpoint = json.loads((folder / "experiments/blocks/ckpt/a/ckpt-2.json").read_text())
    assert checkpoint["selection"] == selection and checkpoint["best"]["split"] == "train part"
    # The part belongs to the run: the same samples are held out when it resumes.
    write = json.loads((folder / "experiments/blocks/experiment.json").read_text())
    (folder / "experiments/blocks/experiment.json").write_text(json.dumps(write | {"steps": 3}))
    assert command(train, "--exp", "blocks", "--restore", "a")[0] == 0
    assert record(folder, "blocks")["selection"] == selection


@pytest.mark.slow
def test_selected_on_test_is_stated_where_neither_places_nor_dates_are_known(root, command):
    folder = root("unknown")
    status, out, err = command(train, "--exp", "unknown", "--timestamp", "a")
    assert status == 0, err
    assert "the best checkpoint is selected on test" in out and "too good" in out
    assert record(folder, "unknown")["selection"]["split"] == "test"
    assert record(folder, "unknown")["dataset"]["samples"]["train"] == 12


@pytest.mark.slow
def test_a_run_of_a_former_version_keeps_its_split(blocks, command):
    folder, _ = blocks
    checkpoints = folder / "experiments/blocks/ckpt/a"
    from pix2earth.training.checkpoints import _digest

    for path in checkpoints.glob("ckpt-*.json"):
        content = json.loads(path.read_text())
        del content["selection"], content["sha256"]
        path.write_text(json.dumps(content | {"sha256": _digest(content)}))
    (folder / "experiments/blocks/experiment.json").write_text(
        json.dumps(json.loads((folder / "experiments/blocks/experiment.json").read_text()) | {"steps": 3})
    )
    status, out, err = command(train, "--exp", "blocks", "--restore", "a")
    assert status == 0, err
    assert "on 12 training samples" in out and "selected on test (as when the run was started)" in out
    assert record(folder, "blocks")["selection"]["split"] == "test"


@pytest.mark.slow
def test_a_dry_run_states_it(root, command):
    root("blocks", line)
    status, out, _ = command(train, "--exp", "blocks", "--dry-run")
    assert status == 0 and "best checkpoint: selected on" in out


def test_too_many_training_samples_are_asked_for(root, command):
    root("few", line, sample_train=12)
    status, _, err = command(train, "--exp", "few", "--dry-run")
    assert status == 2 and err.count("\n") == 1
    assert "sample_train: asks for 12 of" in err and "not held out for validation; lower it" in err


@pytest.mark.slow
def test_evaluation_of_test_is_not_changed(blocks, command):
    status, out, err = command(evaluate, "--exp", "blocks", "--timestamp", "a", "--step", "best")
    assert status == 0, err
    assert "6 samples of test" in out


# ---- the choice ------------------------------------------------------------------------------------------------------


@pytest.fixture
def chosen(root, open_tiny):
    """``chosen(place, date, **settings)``: the selection and its dataset."""
    from pix2earth.batches.dataset import Dataset

    def choice(place=None, date=None, **settings):
        dataset = Dataset(open_tiny(root("made", place, date, **settings), "made"))
        dataset.selection = choose(dataset)
        return dataset.selection, dataset

    return choice


def test_the_held_out_part_is_a_function_of_the_seed(chosen):
    selection, dataset = chosen(line)
    assert choose(dataset) == selection
    parts = set()
    for seed in range(8):
        dataset.experiment.SEED = seed
        parts.add(tuple(choose(dataset).samples))
    assert len(parts) > 1


def test_no_training_sample_shows_ground_of_the_part(chosen):
    """Tiles overlap by half, so that neighbours of the part are left out."""
    selection, dataset = chosen(lambda number: (number / 2, 0))
    training = set(dataset.names("train"))
    assert selection.left_out and not training & {*selection.samples, *selection.left_out}
    assert len(training) + len(selection.samples) + len(selection.left_out) == 12
    extents = []
    for split, names in (("train", training), ("val", selection.samples)):
        for name in names:
            metadata = read_metadata(dataset.listing.path("train", name))
            extents.append(GroundExtent(split, name, "", metadata["crs"], metadata["transform"]))
    assert "no leak" in refuse_leaks(extents, 64, any_date=True)


def test_one_place_is_held_out_by_dates(chosen):
    selection, _ = chosen(lambda number: (0, 0), lambda number: f"2023-07-{number // 3 + 1:02d}T10:00:00Z")
    assert selection.split == "train part" and selection.detail == "whole dates, drawn with seed 0"
    assert len({int(name[5:7]) // 3 for name in selection.samples}) == 1 and len(selection.samples) == 3


def test_dates_are_those_of_the_target(chosen):
    """All inputs are of one day, by which nothing could be held out."""
    selection, dataset = chosen(
        None, lambda number: {"input_image": "2023-08-01", "target": f"2023-07-{number % 4 + 1:02d}"}
    )
    assert selection.detail == "whole dates, drawn with seed 0"
    held, others = ({int(name[5:7]) % 4 for name in names} for names in (selection.samples, dataset.names("train")))
    assert held and others and not held & others


def test_samples_without_places_are_held_out_by_dates(chosen):
    selection, _ = chosen(date=lambda number: f"2023-07-{number + 1:02d}T10:00:00Z")
    assert selection.split == "train part" and len(selection.samples) == 1


@pytest.mark.parametrize(
    ("place", "date"), [(None, None), (None, lambda number: "2023-07-01"), (lambda number: (0, 0), None)]
)
def test_where_nothing_tells_samples_apart_test_selects(chosen, place, date):
    selection, dataset = chosen(place, date)
    assert selection.split == selection.folder == "test" and len(dataset.names("train")) == 12


def test_a_recorded_part_keeps_its_samples(chosen):
    selection, dataset = chosen(line)
    entry = json.loads(json.dumps(selection.record()))
    kept = choose(dataset, {**entry, "samples": ["train00_notinmask", "gone"]})
    assert kept.samples == ["train00_notinmask"] and kept.folder == "train"
    with pytest.raises(UserError, match="has none of the samples of train part"):
        choose(dataset, {**entry, "samples": ["gone"]})


def test_val_selects_where_there_is_one(tiny_root, open_tiny):
    from pix2earth.batches.dataset import Dataset

    dataset = Dataset(open_tiny(tiny_root))
    assert choose(dataset).split == "val" and choose(dataset, {}).split == "val"


def test_metadata_of_a_record_is_read_without_its_fields(tiny_root):
    from pix2earth.records import format

    listing = open_folder(str(tiny_root / "data/tiny"))
    path = listing.path("val", listing.names("val")[0])
    assert read_metadata(path) == format.read(path, listing.manifest)[1]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="is damaged"):
        read_metadata(path)
