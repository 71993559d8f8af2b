"""Published checkpoints become runs: same weights, same predictions, resumed training; what does not fit is listed."""

import json
import pickle

import numpy as np
import pytest
from safetensors.numpy import save_file

import evaluate
import train
from experiment import Environment
from pix2earth.convert import __main__ as convert
from pix2earth.convert.matching import find, left_over, prefixes
from pix2earth.convert.states import read_state
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.settings.errors import UserError
from pix2earth.training.trained import open_run

SIDE, STEPS, BANDS = 64, 2, 3
PARAMS = {
    "filters": 4, "aspp_filters": 4, "fusion_filters": 8, "heads": 2, "head_features": 8, "expansion": 1,
    "discriminator_filters": 4,
}  # fmt: skip


@pytest.fixture
def root(tmp_path, write_experiment, monkeypatch):
    """The experiment "clouds" of a small CTGAN, and its dataset."""
    (tmp_path / "environment.json").write_text(json.dumps({"data_root": "data", "experiment_root": "experiments"}))
    monkeypatch.setenv("PIX2EARTH_ENV", str(tmp_path / "environment.json"))
    about = {"dtype": "uint16", "bands": ["B04", "B03", "B02"], "scale": 1e-4, "nodata": 0}
    fields = {
        "input_image": Field(shape=[STEPS, SIDE, SIDE, BANDS], **about),
        "target": Field(shape=[SIDE, SIDE, BANDS], **about),
    }
    random = np.random.default_rng(0)
    manifest = Manifest(name="made", tilesize=SIDE, fields=fields, split=Split(method="synthetic"))
    with DatasetWriter(tmp_path / "data", manifest) as writer:
        for split, count in (("train", 2), ("val", 1)):
            for number in range(count):
                arrays = {name: random.integers(1, 9000, field.shape, np.uint16) for name, field in fields.items()}
                writer.write(split, f"tile{number}", arrays)
    write_experiment(
        tmp_path, "clouds", model_name="ctgan", params=PARAMS, dataset="made", tilesize=SIDE, batch_size=2, steps=1,
        gen_loss={"gen_lsgan": 1, "gen_l1": 100, "gen_gan": None}, disc_loss={"disc_lsgan": 1, "disc_bce": None},
        random_resize=1.0, metrics=["PSNR"],
    )  # fmt: skip
    return tmp_path


def published(names, seed, prefix=""):
    """Random weights in the layout of PyTorch, by published names."""
    random = np.random.default_rng(seed)
    state = {}
    for name, variable in names.items():
        array = random.normal(0, 0.2, variable.shape).astype(np.float32)
        array = np.abs(array) + 0.5 if name.endswith("running_var") else array
        spatial = array.ndim - 2
        state[prefix + name] = (
            array.transpose(array.ndim - 1, array.ndim - 2, *range(spatial)) if spatial >= 0 else array
        )
        if name.endswith("running_var"):
            state[prefix + name.replace("running_var", "num_batches_tracked")] = np.array(7)
    return {name: np.ascontiguousarray(array) for name, array in state.items()}


@pytest.fixture
def names(root):
    """The published names of each network."""
    from pix2earth.plugins import contract, finding

    experiment = open_run(Environment(), "clouds", "x")
    return contract.build(experiment, finding.find(experiment)).published_names()


@pytest.fixture
def command(root, capfd):
    """``command(main, *arguments)``: status, output and errors of a command."""

    def run(main, *arguments):
        with pytest.raises(SystemExit) as end:
            main([*map(str, arguments)])
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run


def variables_of(root, timestamp):
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(root / f"experiments/clouds/ckpt/{timestamp}/ckpt-0/ckpt-0"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


@pytest.mark.slow
def test_a_checkpoint_of_both_networks_is_evaluated_and_resumed(root, names, command):
    generator, discriminator = published(names["generator"], 1, "G."), published(names["discriminator"], 2, "D.net.")
    save_file(generator | discriminator, root / "both.safetensors")
    status, printed, errors = command(
        convert.main, "--from", root / "both.safetensors", "--exp", "clouds", "--timestamp", "a"
    )
    assert status == 0, errors
    assert "generator: " in printed and "(G.)" in printed and "(D.net.)" in printed
    run = json.loads((root / "experiments/clouds/logs/clouds_a/run.json").read_text())
    assert run["sessions"][-1]["outcome"].startswith("converted from ")
    status, _, errors = command(evaluate.main, "--exp", "clouds", "--timestamp", "a")
    assert status == 0, errors
    status, _, errors = command(train.main, "--exp", "clouds", "--restore", "a")
    assert status == 0, errors
    assert (root / "experiments/clouds/ckpt/a/ckpt-1.json").is_file()


def test_weights_are_those_of_the_file(root, names, command):
    from layers.published_weights import converted

    state = published(names["generator"], 3)
    np.savez(root / "generator.npz", **state)
    status, printed, errors = command(
        convert.main, "--from", root / "generator.npz", "--exp", "clouds", "--timestamp", "b"
    )
    assert status == 0, errors
    assert "discriminator: in no file; it keeps its initial weights" in printed
    from pix2earth.training.trained import restored_plugin

    gan, *_ = restored_plugin(open_run(Environment(), "clouds", "b"), "last")
    for name, variable in gan.published_names()["generator"].items():
        np.testing.assert_array_equal(variable, converted(state[name]), err_msg=name)


@pytest.mark.slow
def test_all_that_does_not_fit_is_listed_and_no_run_is_left(root, names, command):
    state = published(names["generator"], 4)
    wider = {name: np.concatenate([array, array]) if name.startswith("aux") else array for name, array in state.items()}
    less = {name: array for name, array in state.items() if not name.startswith("feature_extractor.bottle3")}
    bottle = [name for name in names["generator"] if name.startswith("feature_extractor.bottle3")]
    cases = {
        "wider": ({name: np.repeat(array, 2, 0) if "aux_conv" in name else array for name, array in wider.items()},
                  "feature_extractor.aux_conv.weight: is [3, 3, 4, 6], the network has [3, 3, 4, 3]"),
        "less": (less, f"{len(bottle)} of its {len(names['generator'])} names are missing"),
        "more": (state | {"bottle7.weight": np.zeros(3, np.float32)}, "1 names belong to no network"),
        "twice": ({f"{place}.{name}": array for place in ("a", "b") for name, array in state.items()},
                  "generator: its names are in several places ('a.', 'b.')"),
    }  # fmt: skip
    for name, (arrays, message) in cases.items():
        save_file(arrays, root / f"{name}.safetensors")
        status, _, errors = command(convert.main, "--from", root / f"{name}.safetensors", "--exp", "clouds")
        assert status == 2 and message in errors, (name, errors)
    assert not list((root / "experiments/clouds").rglob("ckpt-*"))
    assert not list((root / "experiments/clouds/logs").glob("*/run.json"))
    status, _, errors = command(
        convert.main, "--from", root / "more.safetensors", "--ignore", "bottle7", "--exp", "clouds", "--timestamp", "c"
    )
    assert status == 0, errors
    status, _, errors = command(convert.main, "--from", f"teacher={root / 'more.safetensors'}", "--exp", "clouds")
    assert status == 2 and "there is no network 'teacher'" in errors


def test_a_model_that_rebuilds_none_is_refused(tiny_root, command, monkeypatch, tmp_path):
    monkeypatch.setenv("PIX2EARTH_ENV", str(tiny_root / "environment.json"))
    np.savez(tmp_path / "x.npz", a=np.zeros(3))
    status, _, errors = command(convert.main, "--from", tmp_path / "x.npz", "--exp", "tiny")
    assert status == 2 and "rebuilds no published network" in errors


def test_an_experiment_with_a_start_is_refused(tiny_root, write_experiment, command, monkeypatch, tmp_path):
    """The converted network would have the gain 0."""
    monkeypatch.setenv("PIX2EARTH_ENV", str(tiny_root / "environment.json"))
    write_experiment(tiny_root, "tiny", start_from="bicubic")
    np.savez(tmp_path / "x.npz", a=np.zeros(3))
    status, _, errors = command(convert.main, "--from", tmp_path / "x.npz", "--exp", "tiny")
    assert status == 2 and "start_from: published networks have no start" in errors


class TestStates:
    def test_formats(self, tmp_path):
        arrays = {"a.b": np.arange(3, dtype=np.float32), "n": np.array(2)}
        save_file(arrays, tmp_path / "x.safetensors")
        np.savez(tmp_path / "x.npz", **arrays)
        for name in ("x.safetensors", "x.npz"):
            state = read_state(tmp_path / name)
            assert {key: array.tolist() for key, array in state.items()} == {"a.b": [0, 1, 2], "n": 2}
        save_file({"half": np.ones(2, np.float16)}, tmp_path / "h.safetensors")
        assert read_state(tmp_path / "h.safetensors")["half"].dtype == np.float32

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("x.safetensors", b"broken", "cannot be read as safetensors"),
            ("x.npz", b"broken", "cannot be read as .npz"),
            ("x.h5", b"", "must be .safetensors, .npz, .pt"),
        ],
    )
    def test_errors(self, tmp_path, name, content, message):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=message):
            read_state(tmp_path / name)
        with pytest.raises(UserError, match="there is no such file"):
            read_state(tmp_path / "none.npz")

    def test_pickled_arrays_run_no_code(self, tmp_path):
        class Dangerous:
            def __reduce__(self):
                return (pytest.fail, ("the code of the file ran",))

        np.savez(tmp_path / "x.npz", a=np.array([Dangerous()], dtype=object))
        with pytest.raises(UserError):
            read_state(tmp_path / "x.npz")
        (tmp_path / "x.pt").write_bytes(pickle.dumps({"a": Dangerous()}))
        with pytest.raises(UserError, match="torch"):
            read_state(tmp_path / "x.pt")

    def test_checkpoints_of_pytorch_and_lightning(self, tmp_path):
        torch = pytest.importorskip("torch")
        state = {"conv.weight": torch.ones(2, 2, dtype=torch.bfloat16)}
        torch.save(state, tmp_path / "x.pth")
        torch.save(
            {"state_dict": {f"model.{name}": array for name, array in state.items()}, "epoch": 3}, tmp_path / "x.ckpt"
        )
        assert read_state(tmp_path / "x.pth")["conv.weight"].tolist() == [[1, 1], [1, 1]]
        assert list(read_state(tmp_path / "x.ckpt")) == ["state_dict.model.conv.weight"]
        torch.save({"model": torch.nn.Linear(1, 1)}, tmp_path / "x.pt")
        with pytest.raises(UserError, match=r"holds objects with code.*\n    import torch"):
            read_state(tmp_path / "x.pt")


def test_networks_are_found_by_names_alone():
    state = dict.fromkeys(["a.x.w", "a.x.b", "a.y.w", "b"])
    assert prefixes(state) == {"", "a.", "a.x.", "a.y."}
    assert find("n", ["w", "b"], state).prefix == "a.x."
    assert find("n", ["w", "c"], state) is None
    with pytest.raises(ValueError, match="several places"):
        find("n", ["w"], state)
    assert left_over(state, [find("n", ["w", "b"], state)], {"n": ["w", "b"]}) == ["a.y.w", "b"]
