"""The experiment to begin with: it starts at a trivial answer where there is one, and every metric is defined."""

import json

import numpy as np
import pytest

from pix2earth.records.manifest import Field, Manifest, Split
from preprocessing.importing.experiment_file import METRICS, advice, experiment_for

BANDS = ["B02", "B03", "B04"]


def image(side, *, bands=BANDS, steps=None, gsd=None, kind="image"):
    shape = [side, side, len(bands)] if steps is None else [steps, side, side, len(bands)]
    about = {} if kind == "mask" else {"valid_range": (0.0, 1.0), "dtype": "float32"}
    return Field(**{"dtype": "uint8", "shape": shape, "kind": kind, "bands": bands, "gsd": gsd} | about)


def begun(fields, training=8, **more):
    manifest = Manifest(
        name="m", tilesize=fields["target"].size[0], fields=fields, split=Split(method="sample"), **more
    )
    text = experiment_for(manifest, training)
    return (None if text is None else json.loads(text)), advice(manifest)


def test_images_of_one_size_start_at_a_fit():
    content, lines = begun({"input_image": image(64), "target": image(64)})
    assert content["model_name"] == "pix2pixcc" and content["start_from"] == "linear_fit"
    # The adversarial losses must not pull away from the answer.
    assert content["gen_loss"]["gen_lsgan"] <= 0.01 and content["gen_loss"]["gen_l1"] == 100
    assert lines == []


def test_other_bands_are_fitted_too():
    fields = {"input_image": image(64, bands=["VV", "VH"]), "target": image(64)}
    assert begun(fields)[0]["start_from"] == "linear_fit"


def test_coarse_images_of_unknown_pixel_size_start_at_bicubic_and_say_what_to_state():
    content, lines = begun({"input_image": image(32), "target": image(64)})
    assert (content["model_name"], content["start_from"]) == ("pix2pixcc", "bicubic")
    assert len(lines) == 1 and lines[0].endswith("--set input_image.gsd=2 target.gsd=1")


def test_coarse_images_of_known_pixel_size_get_a_network_of_super_resolution():
    content, lines = begun({"input_image": image(32, gsd=20), "target": image(64, gsd=10)})
    assert content["model_name"] == "residual_upsampler" and "start_from" not in content and lines == []
    assert "metrics" not in content  # all of the default ones are defined


@pytest.mark.parametrize(
    ("fields", "without"),
    [
        ({"input_image": image(64), "target": image(64)}, {"ERGAS"}),
        ({"input_image": image(64, bands=["171"]), "target": image(64, bands=["171"])}, {"ERGAS", "SAM"}),
        (
            {"input_image": image(64, bands=["171"], gsd=1), "target": image(64, bands=["171"], gsd=1)},
            {"SAM"},
        ),
    ],
)  # fmt: skip
def test_metrics_that_no_sample_can_have_are_left_out(fields, without):
    assert set(METRICS) - set(begun(fields)[0]["metrics"]) == without


@pytest.mark.parametrize("steps", [None, 3])
def test_images_without_an_input_are_occluded(steps):
    content, _ = begun({"target": image(64, steps=steps)}, input="target")
    assert content["model_name"] == "masked_unet" and content["occlusion"]["masks"] == "synthetic"
    assert content["occlusion"]["positions"] == [[number] for number in range(1, (steps or 1) + 1)]
    assert "start_from" not in content  # it would change clear pixels, which the network keeps


def test_masks_alone_have_no_experiment():
    content, lines = begun({"target": image(64, bands=["cloud"], kind="mask")}, input="target")
    assert content is None and '"masks": "m"' in lines[0]


def test_the_batch_is_no_larger_than_the_training():
    fields = {"input_image": image(64), "target": image(64)}
    assert [begun(fields, training)[0]["batch_size"] for training in (1, 3, 50)] == [1, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["same", "coarse", "alone", "stack"])
def test_a_few_steps_are_no_worse_than_the_trivial_answer(tmp_path, monkeypatch, layout):
    """The command that is proposed trains, and its first steps keep what the trivial answer knows."""
    import pandas as pd
    from scipy.ndimage import gaussian_filter

    from tests import started_commands
    from tests.importing_trees import run_importer

    random = np.random.default_rng(0)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for number in range(12):
        target = gaussian_filter(random.normal(0.4, 1, (32, 32, 1)), (1.5, 1.5, 0)).astype(np.float32)
        noisy = (target * 0.5 + random.normal(0.2, 0.05, target.shape)).astype(np.float32)
        source = noisy if layout == "same" else target.reshape(16, 2, 16, 2, 1).mean((1, 3))
        np.save(tmp_path / f"a/s{number:02d}.npy", source)
        if layout == "stack":
            target = target * np.array([0.8, 1, 1.2], np.float32)[:, None, None, None]
        np.save(tmp_path / f"b/s{number:02d}.npy", target)
    arguments = ["pairs", "--input", tmp_path / "a", "--target", tmp_path / "b"]
    if layout in ("alone", "stack"):
        source = tmp_path / "mine.yaml"
        source.write_text('title: m\nfields: {target: {files: "b/{name}.npy"}}\ninput: target\nsample: "{name}"\n')
        arguments = [source, "--input", tmp_path]
    assert run_importer(tmp_path, *arguments, "--dataset", "m", "--write-experiment", "x") == 0
    path = tmp_path / "exp/x/experiment.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"steps": 3, "ckpt_freq": 3, "sample_freq": 3}))
    variables = {"PIX2EARTH_ENV": str(tmp_path / "environment.json")}
    started_commands.start("train.py", "--exp", "x", "--timestamp", "t", **variables).finish()
    scores = pd.read_csv(tmp_path / "exp/_evaluation/x_t.csv")
    assert np.isfinite(scores["PSNR"]).all()
    if layout in ("alone", "stack"):
        assert (scores["RMSE.outside"] == 0).all() and np.isfinite(scores["PSNR.inside"]).all()
    else:
        hardest = {"same": "PSNR_linear-fit", "coarse": "PSNR_bicubic"}[layout]
        assert (scores["PSNR"] > scores[hardest] - 0.3).all()
