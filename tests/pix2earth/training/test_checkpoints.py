"""Checkpoints: every bit is restored, damage is found, and each one is complete or absent."""

import json
import os
import shutil
import subprocess

import keras
import numpy as np
import pytest
import tensorflow as tf

from pix2earth.plugins import state
from pix2earth.runs.folders import checkpoint_steps
from pix2earth.settings.errors import UserError
from pix2earth.training import checkpoints

DATA = "data-00000-of-00001"


def values(gan):
    """Every variable as an array of its own."""
    return {key: np.array(tf.convert_to_tensor(variable)) for key, variable in state.variables(gan).items()}


def assert_equal(one, other):
    """Bit for bit, dtype included."""
    assert list(one) == list(other)
    for key, value in one.items():
        assert value.dtype == other[key].dtype, key
        assert value.tobytes() == other[key].tobytes(), key


def file_names(folder):
    return sorted(path.name for path in folder.iterdir())


def files_of(*steps):
    return sorted(f"ckpt-{step}.{ending}" for step in steps for ending in ("json", "index", DATA))


def flip(path, position):
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0x10
    path.write_bytes(content)


@pytest.fixture
def tiny(namespace):
    """``tiny(value)``: a plug-in of one variable, which is saved quickly."""
    return lambda value=1.0: namespace(weight=keras.Variable(np.full((2, 3), value, np.float32), name="weight"))


@pytest.fixture
def saved(tmp_path, tiny):
    """``saved(*steps)``: a folder with the checkpoints of these steps; the weight of each is its step."""

    def save(*steps):
        for step in steps:
            checkpoints.save(tiny(step), tmp_path, step, None)
        return tmp_path

    return save


# ---- save and restore ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [keras.optimizers.Adam, keras.optimizers.RMSprop, keras.optimizers.Lion])
def test_a_restored_plugin_equals_the_saved_one_bit_for_bit(tmp_path, small_gan, optimizer):
    gan = small_gan(optimizer=optimizer)
    gan.learn()
    checkpoints.save(gan, tmp_path, 1, None)
    before = values(gan)
    fresh = small_gan(optimizer=optimizer)
    assert any(value.tobytes() != values(fresh)[key].tobytes() for key, value in before.items())
    checkpoints.restore(fresh, tmp_path, 1)
    assert_equal(before, values(fresh))


def test_a_restored_plugin_continues_exactly_like_the_first(tmp_path, small_gan):
    gan = small_gan()
    gan.learn()
    checkpoints.save(gan, tmp_path, 1, None)
    gan.learn()
    fresh = small_gan()
    checkpoints.restore(fresh, tmp_path, 1)
    fresh.learn()
    assert_equal(values(gan), values(fresh))


def test_the_next_dropout_mask_is_the_same(tmp_path, namespace):
    def network():
        image = keras.Input((64,))
        return namespace(generator=keras.Model(image, keras.layers.Dropout(0.5)(image)))

    ones = tf.ones((1, 64))
    gan, fresh = network(), network()
    first = gan.generator(ones, training=True).numpy()
    checkpoints.save(gan, tmp_path, 1, None)
    second = gan.generator(ones, training=True).numpy()
    checkpoints.restore(fresh, tmp_path, 1)
    np.testing.assert_array_equal(fresh.generator(ones, training=True), second)
    assert (first != second).any()


def test_random_numbers_without_a_generator_continue(tmp_path, tiny):
    checkpoints.save(tiny(), tmp_path, 1, None)
    before = keras.random.normal((4,)).numpy()
    keras.random.normal((4,))
    checkpoints.restore(tiny(), tmp_path, 1)
    np.testing.assert_array_equal(keras.random.normal((4,)), before)


def test_the_scale_of_a_loss_scaling_optimiser_is_restored(tmp_path, small_gan):
    def scaling(rate):
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(rate))

    gan, fresh = small_gan(optimizer=scaling), small_gan(optimizer=scaling)
    gan.generator_optimizer.dynamic_scale.assign(512.0)
    checkpoints.save(gan, tmp_path, 1, None)
    checkpoints.restore(fresh, tmp_path, 1)
    assert float(fresh.generator_optimizer.dynamic_scale) == 512.0


def test_special_numbers_are_restored(tmp_path, namespace):
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45], np.float32)
    checkpoints.save(namespace(odd=keras.Variable(odd)), tmp_path, 1, None)
    fresh = namespace(odd=keras.Variable(np.zeros(5, np.float32)))
    checkpoints.restore(fresh, tmp_path, 1)
    assert fresh.odd.numpy().tobytes() == odd.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int64", "uint32", "bool"])
def test_every_dtype_of_a_variable_is_restored(tmp_path, namespace, dtype):
    variable = tf.Variable(tf.cast([1, 0, 1], dtype))
    checkpoints.save(namespace(mine=variable), tmp_path, 1, None)
    fresh = namespace(mine=tf.Variable(tf.cast([0, 0, 0], dtype)))
    checkpoints.restore(fresh, tmp_path, 1)
    assert fresh.mine.numpy().tobytes() == variable.numpy().tobytes()


def test_a_save_writes_three_files_and_tensorflows_pointer(saved):
    assert file_names(saved(7)) == sorted([*files_of(7), "checkpoint"])


def test_the_folder_is_created(tmp_path, tiny):
    checkpoints.save(tiny(), tmp_path / "ckpt" / "0101-0000", 1, None)
    assert checkpoint_steps(tmp_path / "ckpt" / "0101-0000") == [1]


def test_without_write_nothing_is_written(tmp_path, tiny):
    checkpoints.save(tiny(), tmp_path, 1, None, write=False)
    assert file_names(tmp_path) == []


def test_restore_returns_step_and_best(tmp_path, tiny):
    best = {"step": 3, "metric": "PSNR", "value": 21.5}
    checkpoints.save(tiny(), tmp_path, 4, best)
    metadata = checkpoints.restore(tiny(), tmp_path, 4)
    assert (metadata["step"], metadata["best"]) == (4, best)


def test_the_metadata_holds_path_shape_and_dtype_of_every_variable(tmp_path, tiny):
    checkpoints.save(tiny(), tmp_path, 4, None)
    variable = checkpoints.read_metadata(tmp_path, 4)["variables"]["weight/0"]
    assert variable == {"path": "weight", "shape": [2, 3], "dtype": "float32"}


def test_saving_a_step_again_replaces_it(tmp_path, tiny):
    checkpoints.save(tiny(1.0), tmp_path, 5, None)
    checkpoints.save(tiny(2.0), tmp_path, 5, None)
    fresh = tiny(0.0)
    checkpoints.restore(fresh, tmp_path, 5)
    assert file_names(tmp_path) == sorted([*files_of(5), "checkpoint"])
    np.testing.assert_array_equal(fresh.weight, np.full((2, 3), 2.0))


def test_each_checkpoint_holds_its_own_values(saved, tiny):
    folder, fresh = saved(5, 50), tiny(0.0)
    for step in (5, 50):
        checkpoints.restore(fresh, folder, step)
        assert float(fresh.weight[0, 0]) == step


# ---- TensorFlow's own tools ----------------------------------------------------------------------------------------


def test_tensorflow_finds_the_newest(saved):
    folder = saved(9, 10)
    assert tf.train.latest_checkpoint(str(folder)) == str(folder / "ckpt-10")


def test_tensorflow_reads_a_variable(saved):
    reader = tf.train.load_checkpoint(str(saved(6)))
    np.testing.assert_array_equal(reader.get_tensor("weight/0"), np.full((2, 3), 6.0))


# ---- damage --------------------------------------------------------------------------------------------------------


def test_an_intact_checkpoint_has_no_damage(saved):
    assert checkpoints.damage(saved(1), 1) is None


@pytest.mark.parametrize("ending", ["index", DATA])
def test_every_flipped_byte_is_detected_and_its_file_is_named(saved, ending):
    path = saved(1) / f"ckpt-1.{ending}"
    intact = path.read_bytes()
    for position in range(len(intact)):
        flip(path, position)
        assert f"{path}: does not match" in (checkpoints.damage(path.parent, 1) or ""), position
        path.write_bytes(intact)
    assert len(intact) > 20
    assert checkpoints.damage(path.parent, 1) is None


@pytest.mark.parametrize("ending", ["index", DATA])
def test_a_truncated_file_is_detected(saved, ending):
    path = saved(1) / f"ckpt-1.{ending}"
    os.truncate(path, path.stat().st_size - 1)
    assert f"{path}: does not match" in checkpoints.damage(path.parent, 1)


@pytest.mark.parametrize("ending", ["index", DATA])
def test_a_missing_file_is_named(saved, ending):
    path = saved(1) / f"ckpt-1.{ending}"
    path.unlink()
    assert checkpoints.damage(path.parent, 1) == f"{path}: is missing"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe\x00", b'{"files": []}', b'{"files": null}', b'{"files": {}}'],
)
def test_a_json_with_other_content_is_damaged(saved, content):
    path = saved(1) / "ckpt-1.json"
    path.write_bytes(content)
    assert f"{path}: is damaged" in (checkpoints.damage(path.parent, 1) or "")


def test_a_truncated_json_is_damaged(saved):
    path = saved(1) / "ckpt-1.json"
    os.truncate(path, path.stat().st_size // 2)
    assert checkpoints.damage(path.parent, 1) == f"{path}: is damaged"


@pytest.mark.parametrize("key", ["best", "files", "variables"])
def test_a_json_that_lacks_a_part_is_damaged(saved, key):
    path = saved(1) / "ckpt-1.json"
    metadata = json.loads(path.read_text())
    del metadata[key]
    path.write_text(json.dumps(metadata))
    assert f"{path}: is damaged" in (checkpoints.damage(path.parent, 1) or "")


def test_a_flipped_byte_of_the_json_raises_no_other_exception(saved, tiny):
    path, fresh = saved(1) / "ckpt-1.json", tiny()
    intact = path.read_bytes()
    raised = {}
    for position in range(len(intact)):
        flip(path, position)
        try:
            checkpoints.restore(fresh, path.parent, 1)
        except UserError:
            pass
        except Exception as error:
            raised[position] = repr(error)
        path.write_bytes(intact)
    assert raised == {}


def test_restoring_a_damaged_checkpoint_changes_nothing(saved, tiny):
    folder, fresh = saved(1), tiny(0.0)
    flip(folder / f"ckpt-1.{DATA}", 3)
    with pytest.raises(UserError, match=f"ckpt-1.{DATA}: does not match its SHA-256"):
        checkpoints.restore(fresh, folder, 1)
    np.testing.assert_array_equal(fresh.weight, np.zeros((2, 3)))


def test_restoring_a_checkpoint_without_its_json_is_an_error_that_names_it(saved, tiny):
    folder = saved(1)
    (folder / "ckpt-1.json").unlink()
    with pytest.raises((UserError, OSError), match=r"ckpt-1\.json"):
        checkpoints.restore(tiny(), folder, 1)


# ---- falling back --------------------------------------------------------------------------------------------------


def test_the_newest_intact_one_is_returned_without_a_message(saved):
    lines = []
    assert checkpoints.newest_intact(saved(2, 10), lines.append) == 10
    assert lines == []


def test_damaged_checkpoints_are_named_and_an_older_one_is_returned(saved):
    folder, lines = saved(1, 2, 3), []
    flip(folder / f"ckpt-3.{DATA}", 0)
    (folder / "ckpt-2.json").write_text("{")
    assert checkpoints.newest_intact(folder, lines.append) == 1
    assert [line.split(":")[0] for line in lines] == [str(folder / f"ckpt-3.{DATA}"), str(folder / "ckpt-2.json")]
    assert all("falling back" in line for line in lines)


def test_without_an_intact_checkpoint_none_is_returned(saved):
    folder, lines = saved(1), []
    flip(folder / "ckpt-1.index", 0)
    assert checkpoints.newest_intact(folder, lines.append) is None
    assert len(lines) == 1


# ---- leftovers -----------------------------------------------------------------------------------------------------


def test_only_files_of_an_interrupted_save_are_removed(saved):
    folder = saved(5)
    other_files = ["notes.txt", "ckpt-9.txt", "my-ckpt-3.index", ".hidden"]
    leftovers = ["ckpt-6.index", f"ckpt-6.{DATA}", ".ckpt-6.json.123.part", ".checkpoint.77.part"]
    for name in [*other_files, *leftovers]:
        (folder / name).touch()
    (folder / ".part-7").mkdir()
    (folder / ".part-7" / "ckpt-7.index").touch()
    assert sorted(checkpoints.remove_leftovers(folder)) == sorted([*leftovers, ".part-7"])
    assert file_names(folder) == sorted([*files_of(5), "checkpoint", *other_files])


def test_an_intact_checkpoint_is_kept(saved, tiny):
    folder, fresh = saved(5), tiny(0.0)
    assert checkpoints.remove_leftovers(folder) == []
    checkpoints.restore(fresh, folder, 5)
    assert float(fresh.weight[0, 0]) == 5


def test_a_checkpoint_whose_number_starts_with_that_of_a_removed_one_is_kept(saved):
    folder = saved(5, 50)
    (folder / "ckpt-5.json").unlink()
    assert sorted(checkpoints.remove_leftovers(folder)) == ["ckpt-5.data-00000-of-00001", "ckpt-5.index"]
    assert file_names(folder) == sorted([*files_of(50), "checkpoint"])


# ---- another network -----------------------------------------------------------------------------------------------


def error_lines(gan, folder):
    with pytest.raises(UserError) as caught:
        checkpoints.restore(gan, folder, 1)
    return caught.value.lines


def test_a_variable_that_the_checkpoint_lacks_is_named(tmp_path, namespace):
    checkpoints.save(namespace(a=keras.Variable(1.0)), tmp_path, 1, None)
    (line,) = error_lines(namespace(a=keras.Variable(1.0), b=keras.Variable(1.0, name="extra")), tmp_path)
    assert line == f"{tmp_path}/ckpt-1: does not hold extra (b/0): the network is another one"


def test_a_variable_that_the_network_lacks_is_named(tmp_path, namespace):
    checkpoints.save(namespace(a=keras.Variable(1.0), b=keras.Variable(1.0, name="gone")), tmp_path, 1, None)
    (line,) = error_lines(namespace(a=keras.Variable(1.0)), tmp_path)
    assert line == f"{tmp_path}/ckpt-1: holds gone (b/0), which the network lacks"


def test_another_shape_is_named_with_both(tmp_path, namespace):
    checkpoints.save(namespace(a=keras.Variable(np.zeros((2, 3), np.float32))), tmp_path, 1, None)
    (line,) = error_lines(namespace(a=keras.Variable(np.zeros((2, 4), np.float32), name="kernel")), tmp_path)
    assert (
        line == f"{tmp_path}/ckpt-1: kernel (a/0) is float32 [2, 3] in the checkpoint and float32 [2, 4] in the network"
    )


def test_another_type_is_named_with_both(tmp_path, namespace):
    checkpoints.save(namespace(a=tf.Variable([1, 2], dtype=tf.int64)), tmp_path, 1, None)
    (line,) = error_lines(namespace(a=keras.Variable(np.zeros(2, np.float32), name="count")), tmp_path)
    assert line == f"{tmp_path}/ckpt-1: count (a/0) is int64 [2] in the checkpoint and float32 [2] in the network"


def test_a_difference_changes_nothing(tmp_path, namespace):
    checkpoints.save(namespace(a=keras.Variable(1.0)), tmp_path, 1, None)
    gan = namespace(a=keras.Variable(7.0), b=keras.Variable(7.0))
    error_lines(gan, tmp_path)
    assert (float(gan.a), float(gan.b)) == (7.0, 7.0)


def test_at_most_ten_differences_are_listed(tmp_path, namespace):
    checkpoints.save(namespace(), tmp_path, 1, None)
    lines = error_lines(namespace(many=[keras.Variable(0.0) for _ in range(14)]), tmp_path)
    assert len(lines) == 11
    assert lines[-1] == f"{tmp_path}/ckpt-1: and 4 more"


def test_for_a_wider_network_the_layers_are_named(tmp_path, small_gan):
    checkpoints.save(small_gan(filters=3), tmp_path, 1, None)
    gan = small_gan(filters=4)
    kernel = gan.generator.layers[1].kernel
    lines = [line for line in error_lines(gan, tmp_path) if f"{kernel.path} (generator/" in line]
    assert lines[0].endswith("is float32 [3, 3, 2, 3] in the checkpoint and float32 [3, 3, 2, 4] in the network")


# ---- which are kept ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keep", "protected", "kept"),
    [
        (1, set(), [40]),
        (2, set(), [30, 40]),
        (2, {10}, [10, 30, 40]),
        (2, {40}, [30, 40]),
        (9, set(), [10, 20, 30, 40]),
    ],
)
def test_the_newest_and_the_protected_ones_are_kept(saved, keep, protected, kept):
    folder = saved(10, 20, 30, 40)
    checkpoints.drop_old(folder, keep, protected)
    assert file_names(folder) == sorted([*files_of(*kept), "checkpoint"])


def test_removing_one_keeps_those_whose_number_starts_likewise(saved):
    folder = saved(5, 50, 500)
    checkpoints.remove(folder, 5)
    assert file_names(folder) == sorted([*files_of(50, 500), "checkpoint"])


def test_removing_a_missing_checkpoint_is_no_error(saved):
    folder = saved(5)
    checkpoints.remove(folder, 6)
    assert checkpoint_steps(folder) == [5]


# ---- the disk is full ----------------------------------------------------------------------------------------------


def large(namespace, value, size=50_000):
    return namespace(weight=keras.Variable(np.full(size, value, np.float32)))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 512 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_an_error_that_names_folder_and_step(small_disk, namespace):
    checkpoints.save(large(namespace, 1.0), small_disk, 1, None)
    with pytest.raises(OSError, match=f"{small_disk}: the checkpoint of step 3"):
        checkpoints.save(large(namespace, 3.0, size=200_000), small_disk, 3, None)


def test_on_a_full_disk_the_earlier_checkpoint_is_kept_and_no_part_remains(small_disk, namespace):
    checkpoints.save(large(namespace, 1.0), small_disk, 1, None)
    content = {path.name: path.read_bytes() for path in small_disk.iterdir()}
    with pytest.raises(OSError):
        checkpoints.save(large(namespace, 2.0, size=200_000), small_disk, 2, None)
    assert {path.name: path.read_bytes() for path in small_disk.iterdir()} == content


def test_on_a_full_disk_the_checkpoint_to_be_replaced_is_kept(tmp_path, namespace, files_no_larger_than):
    checkpoints.save(large(namespace, 1.0), tmp_path, 1, None)
    with files_no_larger_than(20_000), pytest.raises(OSError):
        checkpoints.save(large(namespace, 2.0), tmp_path, 1, None)
    gan = large(namespace, 0.0)
    checkpoints.restore(gan, tmp_path, 1)
    assert float(gan.weight[0]) == 1.0


def test_files_without_their_json_after_a_full_disk_are_removed(tmp_path, namespace, files_no_larger_than):
    def many(value):  # the JSON of many small variables is larger than their values
        return namespace(many=[keras.Variable(value) for _ in range(100)])

    checkpoints.save(many(1.0), tmp_path, 1, None)
    sizes = {ending: (tmp_path / f"ckpt-1.{ending}").stat().st_size for ending in ("json", "index", DATA)}
    limit = max(sizes["index"], sizes[DATA]) + 100
    assert limit < sizes["json"]
    with files_no_larger_than(limit), pytest.raises(OSError):
        checkpoints.save(many(2.0), tmp_path, 2, None)
    assert checkpoint_steps(tmp_path) == [1]
    checkpoints.remove_leftovers(tmp_path)
    assert file_names(tmp_path) == sorted([*files_of(1), "checkpoint"])
    assert checkpoints.newest_intact(tmp_path, print) == 1
