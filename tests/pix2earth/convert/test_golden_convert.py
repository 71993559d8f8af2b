"""Golden weights of each family as a checkpoint: the run predicts what the file states, and is scored and resumed."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import evaluate
import predict
import train
from experiment import Environment
from pix2earth.convert import __main__ as convert
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.training.trained import open_run, restored_plugin
from tests.golden_files import FOLDER, assert_golden, image, load
from tests.models.test_golden_ctgan import TOLERANCES, heads_of, rule_weights
from tests.models.test_golden_gapfill import widths
from tests.models.test_golden_pix2pixcc import NORMS, SETTINGS, SMALL, cases
from tests.models.test_golden_rsgan import plugin_params

pytestmark = pytest.mark.slow  # published networks take seconds to build

BCE = {"gen_loss": {"gen_gan": 1, "gen_smooth_l1": 100}, "disc_loss": {"disc_bce": 1}}
LSGAN = {"gen_loss": {"gen_lsgan": 1, "gen_gan": None}, "disc_loss": {"disc_lsgan": 1, "disc_bce": None}}


def ctgan():
    arrays, meta = load(FOLDER / "ctgan_generator.npz")
    x = np.stack([image(arrays[f"in/x{step}"]) for step in range(3)], axis=1)
    params = {"attention": "batch", "dropout": 0.0, "discriminator_filters": 2} | heads_of(meta)
    settings = {"model_name": "ctgan", "params": params} | LSGAN
    return settings, {"G": rule_weights(meta)}, x, image(arrays["out/fake"]), TOLERANCES["fake"]


def gapfill():
    arrays, meta = load(FOLDER / "gapfill_generator.npz")
    losses = {
        "gen_loss": {"gen_gan": None, "gen_hinge_hidden": 1, "gen_l2_hidden": 5},
        "disc_loss": {"disc_bce": None, "disc_hinge_hidden": 1},
    }
    settings = {"model_name": "gapfill", "params": widths(meta["config"]), "fold_dates": True} | losses
    return settings, {"generator": arrays.below("w/")}, image(arrays["in/x"]), image(arrays["out/eval"]), 1e-4


def pix2pixcc():
    case = cases(FOLDER / "pix2pixcc_losses.npz")["v/pearson_nD1/"]
    params = SMALL | {name: case.config[key] for name, key in SETTINGS.items() if key in case.config}
    params |= {"norm": NORMS[case.config["norm_type"]]} if "norm_type" in case.config else {}
    states = {"G": case.below("w/G/"), "D": case.below("w/D/")}
    losses = LSGAN | {"gen_loss": {"gen_lsgan": 1, "gen_gan": None, "gen_cc": 5, "gen_fm": 10}}
    settings = {"model_name": "pix2pixcc", "params": params} | losses
    return settings, states, image(case["in/input"]), image(case["out/fake"]), 1e-4


def cgan():
    arrays, meta = load(FOLDER / "rsgan_losses.npz")
    params = plugin_params(meta["config"]["generator"], meta["config"]["discriminator"])
    return (
        {"model_name": "cgan", "params": params} | BCE,
        {"all": arrays.below("w/")},
        image(arrays["in/source"]),
        None,
        0,
    )


def cyclegan():
    arrays, meta = load(FOLDER / "rsgan_cyclegan.npz")
    params = plugin_params(meta["config"]["generator_AB"], meta["config"]["discriminators"])
    losses = BCE | {"gen_loss": {"gen_gan": 1, "gen_smooth_l1": 100, "gen_cycle": 100}}
    settings = {"model_name": "cyclegan", "params": params} | losses
    return settings, {"all": arrays.below("w/")}, image(arrays["in/sar"]), image(arrays["out/eval_fake_optical"]), 1e-4


def write_dataset(root, model, x, outputs):
    """Write random records whose fields have the shapes of a golden file; return the side of their tiles."""
    side = x.shape[-2]
    time_steps = {"ctgan": [3], "gapfill": [1]}.get(model, [])

    def field(bands, steps):
        names = [f"b{number}" for number in range(bands)]
        return Field(shape=[*steps, side, side, bands], dtype="uint16", bands=names, scale=1e-4, gsd=10.0)

    fields = {
        "input_image": field(x.shape[-1], time_steps),
        "target": field(outputs, time_steps if model == "gapfill" else []),
    }
    if model == "gapfill":
        fields["cloud_mask"] = Field(dtype="uint8", shape=[1, side, side, 1], kind="mask", bands=["gap"])
    random = np.random.default_rng(0)
    manifest = Manifest(name="made", tilesize=side, fields=fields, split=Split(method="synthetic"))
    with DatasetWriter(root / "data", manifest) as writer:
        for split in ("train", "val"):
            for number in range(2):
                writer.write(split, f"tile{number}", {
                    name: random.integers(0, 2 if field.kind == "mask" else 9000, field.shape).astype(field.dtype)
                    for name, field in fields.items()
                })  # fmt: skip
    return side


WHOLE = (pix2pixcc, cgan)
"""Families whose run is also scored, used for maps and resumed: it is one of the toolkit like any other, as
test_convert.py shows for the largest."""


@pytest.mark.parametrize("family", [ctgan, gapfill, pix2pixcc, cgan, cyclegan], ids=lambda family: family.__name__)
def test_golden_weights_become_a_run(family, tmp_path, write_experiment, monkeypatch, capfd):
    settings, states, x, expected, tolerance = family()
    outputs = 3 if expected is None else expected.shape[-1]
    (tmp_path / "environment.json").write_text(json.dumps({"data_root": "data", "experiment_root": "experiments"}))
    monkeypatch.setenv("PIX2EARTH_ENV", str(tmp_path / "environment.json"))
    side = write_dataset(tmp_path, settings["model_name"], x, outputs)
    write_experiment(
        tmp_path, "published", **settings, dataset="made", tilesize=side, batch_size=2, steps=1, random_resize=1.0,
        metrics=["PSNR"],
    )  # fmt: skip
    files = []
    for name, state in states.items():
        files.append(tmp_path / f"{name}.safetensors")
        save_file({key: np.ascontiguousarray(array) for key, array in state.items()}, files[-1])

    def run(main, *arguments):
        with pytest.raises(SystemExit) as end:
            main([*map(str, arguments)])
        printed, errors = capfd.readouterr()
        assert end.value.code == 0, errors
        return printed

    printed = run(convert.main, "--from", *files, "--exp", "published", "--timestamp", "a")
    assert "generator: " in printed and "generator: in no file" not in printed
    gan, *_ = restored_plugin(open_run(Environment(), "published", "a"), "last")
    if expected is not None:
        found = gan.generator(x, training=False)
        assert_golden(found[0] if isinstance(found, list | tuple) else found, expected, "output", tolerance)
    else:  # the file states no output: its weights, by name
        (state,) = states.values()
        for network, prefix in (("generator", "model."), ("discriminator", "discriminator.")):
            for name, variable in gan.published_names()[network].items():
                array = state[prefix + name]
                kernel = np.transpose(array, (2, 3, 1, 0)) if array.ndim == 4 else array
                np.testing.assert_array_equal(variable, kernel, err_msg=name)
    if family not in WHOLE:
        return
    run(evaluate.main, "--exp", "published", "--timestamp", "a")
    run(predict.main, "--exp", "published", "--timestamp", "a", "--input", tmp_path / "data/made", "--output",
        tmp_path / "maps")  # fmt: skip
    assert len(list((tmp_path / "maps").glob("*.tif"))) == 2
    run(train.main, "--exp", "published", "--restore", "a")
    assert (tmp_path / "experiments/published/ckpt/a/ckpt-1.json").is_file()
