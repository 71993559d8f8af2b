"""Messages of commands and of the dataset API: locks, byte order marks, wrong fields, another batch size."""

import errno
import fcntl

import keras
import numpy as np
import pytest

import dataset
import train
from pix2earth.records import format
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.settings.errors import UserError, reports_errors
from tests.test_train import journal, plugin

SETTINGS = {"metrics": ["PSNR"], "steps": 2, "ckpt_freq": 1, "sample_freq": 2}


@pytest.fixture
def command(tiny_root, capfd):
    """``command(module, *arguments)``: status, output and errors of a command."""

    def run(module, *arguments):
        with pytest.raises(SystemExit) as end:
            module.main(list(map(str, arguments)))
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run


@pytest.mark.slow
def test_training_goes_on_where_the_file_system_has_no_locks(tiny_root, write_experiment, command, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    write_experiment(tiny_root, "x", **SETTINGS)
    arguments = ["--env", tiny_root / "environment.json", "--exp", "x", "--timestamp", "a"]
    status, out, err = command(train, *arguments)
    marker = tiny_root / "experiments/x/logs/x_a/.lock-held"
    assert status == 0, err
    assert f"{marker}: the file system has no locks (No locks available)" in out and not marker.exists()


def test_a_byte_order_mark_in_the_index_is_no_damage(tiny_root, command):
    index = tiny_root / "data/tiny/64/records.csv"
    index.write_bytes(b"\xef\xbb\xbf" + index.read_bytes())
    status, out, err = command(dataset, "verify", tiny_root / "data/tiny")
    assert status == 0, err
    assert "18 records checked, 0 damaged" in out


@pytest.mark.slow
def test_another_batch_size_goes_on_with_the_next_sample(tiny_root, write_experiment, command, tiny_arrays):
    """12 training samples: two steps of 4, then four of 1: an epoch, in which each sample is read once."""
    seen = "return {**losses, 'seen': tf.reduce_sum(tf.reduce_mean(target, (1, 2, 3)))}"
    settings = {**SETTINGS, **plugin(tiny_root, "seen", body=seen), "random_resize": 1.0}
    arguments = ["--env", tiny_root / "environment.json", "--exp", "x"]
    write_experiment(tiny_root, "x", **settings, batch_size=4)
    assert command(train, *arguments, "--timestamp", "a")[0] == 0
    write_experiment(tiny_root, "x", **{**settings, "steps": 4}, batch_size=1)
    assert command(train, *arguments, "--restore", "a", "--force")[0] == 0
    write_experiment(tiny_root, "x", **{**settings, "steps": 6}, batch_size=1)
    assert command(train, *arguments, "--restore", "a")[0] == 0
    entries = [entry for entry in journal(tiny_root, "x", "a") if "losses" in entry]
    assert [entry["epoch"] for entry in entries] == [round(samples / 12, 4) for samples in (4, 8, 9, 10, 11, 12)]
    means = [2e-4 * tile["target"].mean() - 1 for tile in tiny_arrays["train"].values()]
    read = [entry["losses"]["seen"] for entry in entries]
    assert sum(read) == pytest.approx(sum(means), rel=1e-5)
    nearest = [int(np.abs(np.subtract(means, mean)).argmin()) for mean in read[2:]]
    assert len(set(nearest)) == 4 and read[2:] == pytest.approx([means[tile] for tile in nearest], rel=1e-5)


LONG = "a_layer_with_a_name_that_is_longer_than_a_table_of_80_columns_has_room_for"


@pytest.mark.slow
def test_the_summary_of_a_network_names_layers_in_full(tiny_root, write_experiment, command, monkeypatch):
    def without_graphviz(*_, **__):
        raise ImportError

    monkeypatch.setattr(keras.utils, "plot_model", without_graphviz)
    settings = {**SETTINGS, **plugin(tiny_root, "long")}
    path = tiny_root / "plugins" / "long.py"
    path.write_text(path.read_text().replace('padding="same"', f'padding="same", name="{LONG}"'))
    write_experiment(tiny_root, "x", **settings)
    status, _, err = command(train, "--env", tiny_root / "environment.json", "--exp", "x", "--timestamp", "a")
    assert status == 0, err
    summary = (tiny_root / "experiments/x/model/generator.txt").read_text()
    assert LONG in summary and "…" not in summary


def test_every_sample_of_an_epoch_is_read_once_after_another_batch_size(tiny_root, open_tiny):
    from pix2earth.batches.dataset import Dataset

    before, after = (Dataset(open_tiny(tiny_root, f"b{size}", batch_size=size)) for size in (4, 2))
    names = before.step_names(0) + before.step_names(1)
    after.offset = before.samples_after(2) - 2 * 2
    names += after.step_names(2) + after.step_names(3)
    assert sorted(names) == after.names("train")
    batch = next(iter(after.training_batches(2, 4)))
    recorded = [format.read(after.listing.path("train", name), after.manifest)[0] for name in after.step_names(2)]
    np.testing.assert_array_equal(batch["target"], np.stack([fields["target"] for fields in recorded]))


FIELD = {"dtype": "float32", "shape": [4, 4, 1], "bands": ["B1"]}


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"bands": None}, "Field: bands: must be a list in brackets [], not null"),
        ({"nodata": float("nan")}, "Field: nodata: NaN always means that nothing was measured; leave nodata out"),
        ({"bands": ["B1", "B2"]}, "Field: names 2 bands, but the shape has 1"),
        ({"dtype": "complex64"}, "Field: dtype: must be one of uint8, int8,"),
        ({"unit": "K"}, "Field: unit: is no key of it"),
    ],
)
def test_a_wrong_field_is_one_line(values, line, capsys):
    @reports_errors
    def program(_):
        Field(**{**FIELD, **values})

    with pytest.raises(SystemExit) as end:
        program([])
    errors = capsys.readouterr().err
    assert end.value.code == 2 and errors.count("\n") == 1 and errors.startswith(line)


def test_what_is_missing_is_one_line():
    with pytest.raises(UserError, match=r"^Field: bands: is missing; it is required$"):
        Field(dtype="float32", shape=[4, 4, 1])
    with pytest.raises(ValueError, match="bands: is missing"):  # programs may expect either
        Field(dtype="float32", shape=[4, 4, 1])


def test_errors_in_a_file_still_have_their_place(tiny_root):
    path = tiny_root / "data/tiny/64/dataset.json"
    path.write_text(path.read_text().replace('"dtype": "uint8"', '"dtype": "uint9"'))
    with pytest.raises(UserError, match=r"dataset.json:\d+:\d+: fields.cloud_mask.dtype: must be one of"):
        load_manifest(path.parent, "tiny")


@pytest.mark.parametrize("dtype", [">f4", ">i2", ">u2"])
def test_big_endian_arrays_are_stored_little_endian(tmp_path, dtype):
    """FITS files hold such arrays."""
    native = np.dtype(dtype).newbyteorder("=")
    field = Field(dtype=native.name, shape=[4, 4, 1], bands=["B1"])
    manifest = Manifest(
        name="sun", tilesize=4, fields={"input_image": field, "target": field}, split=Split(method="date")
    )
    array = np.arange(16).reshape(4, 4, 1).astype(dtype)
    with DatasetWriter(tmp_path, manifest) as writer:
        writer.write("train", "big", {"input_image": array, "target": array})
        writer.write("train", "little", {"input_image": array.astype(native), "target": array.astype(native)})
    arrays, metadata = format.read(writer.path("train", "big"), manifest)
    np.testing.assert_array_equal(arrays["target"], array)
    assert metadata["fields"]["target"]["dtype"] == native.name
    assert format.defects(writer.path("train", "big"), manifest) == []
    little = format.read(writer.path("train", "little"), manifest)[0]
    assert arrays["target"].tobytes() == little["target"].tobytes()
