"""Gap filling with gaps drawn afresh: killed and restored bit for bit, scored in the gaps, refused when changed."""

import json
import time

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pix2earth.figures.images import MISSING
from pix2earth.runs.folders import checkpoint_steps
from synthetic import __main__ as synthetic
from tests import started_commands

pytestmark = pytest.mark.slow

OCCLUSION = {"positions": [[1], [2], [1, 3]], "cloud_range": [0.1, 0.6], "masks": "synthetic"}
EXPERIMENT = {
    "model_name": "gapfill", "dataset": "synthetic/gap_filling", "tilesize": 64, "fold_dates": True,
    "params": {"filters": 4, "samplings": 2, "blocks": 1, "discriminator_filters": 4}, "occlusion": OCCLUSION,
    "gen_loss": {"gen_hinge_hidden": 1, "gen_l2_hidden": 5, "gen_gan": None}, "normalize": "unit",
    "disc_loss": {"disc_hinge_hidden": 1, "disc_bce": None}, "batch_size": 2, "steps": 24, "ckpt_freq": 9,
    "sample_freq": 100, "metrics": ["PSNR", "RMSE"], "deterministic": True, "training_length": 6,
}  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with clear stacks, and a finished run "straight"."""
    root = tmp_path_factory.mktemp("occlusion")
    place = str(root / "data" / "synthetic" / "gap_filling")
    with pytest.raises(SystemExit, match="0"):
        synthetic.main(["make", "--preset", "gap_filling", "--profile", "tiny", "--workers", "1", "--o", place])
    (root / "environment.json").write_text('{"data_root": "data", "experiment_root": "experiments"}')
    write(root)
    command(root, "train.py", "--timestamp", "straight", new=True).finish()
    return root


def write(root, **changes):
    path = root / "experiments" / "x" / "experiment.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(EXPERIMENT | changes))


def command(root, program, *arguments, **options):
    options["PIX2EARTH_ENV"] = str(root / "environment.json")
    return started_commands.start(program, "--exp", "x", *arguments, **options)


def variables(root, run):
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(root / f"experiments/x/ckpt/{run}/ckpt-24"))
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}


def scores(root, run):
    return pd.read_csv(root / f"experiments/_evaluation/x_{run}.csv", index_col="tile")


def test_killed_and_restored_equals_straight(root):
    process = command(root, "train.py", "--timestamp", "killed")
    folder = root / "experiments/x/ckpt/killed"
    process.wait_until(lambda: 9 in checkpoint_steps(folder))
    time.sleep(0.05)  # some steps beyond the checkpoint, which have to be done again
    process.kill()
    assert 24 not in checkpoint_steps(folder)
    command(root, "train.py", "--restore", "killed").finish()
    journals = [(root / f"experiments/x/logs/x_{run}/train.jsonl").read_text() for run in ("straight", "killed")]
    assert journals[0] == journals[1] and '"gen_l2_hidden"' in journals[0]
    first, second = variables(root, "straight"), variables(root, "killed")
    assert first.keys() == second.keys() and len(first) > 30
    for key, value in first.items():
        assert value.tobytes() == second[key].tobytes(), key
    columns = ["PSNR", "RMSE", "RMSE.inside"]
    pd.testing.assert_frame_equal(scores(root, "straight")[columns], scores(root, "killed")[columns], check_exact=True)


def test_scores_are_those_of_the_gaps(root):
    table = scores(root, "straight")
    assert len(table) == 2 and (table["RMSE.inside"] > 0).all()
    assert (table["RMSE.outside"] == 0).all()  # clear pixels are copied
    assert (table["RMSE"] < table["RMSE.inside"]).all()
    before = table["RMSE.inside"].copy()
    command(root, "evaluate.py", "--timestamp", "straight").finish()
    np.testing.assert_array_equal(scores(root, "straight")["RMSE.inside"], before)


def test_the_sample_image_shows_gaps_as_missing_in_the_input_alone(root):
    pixels = np.asarray(Image.open(root / "experiments/x/samples/x_straight_00024.png").convert("RGB"))
    grey = (np.abs(pixels.astype(int) - round(MISSING * 255)) <= 1).all(axis=-1)
    width = pixels.shape[1]  # seven panels: three time steps of the input, and others
    inputs, others = grey[:, : 3 * width // 7], grey[:, 3 * width // 7 :]
    assert inputs.mean() > 0.05 and others.mean() < 0.001


@pytest.mark.parametrize(
    "changes",
    [
        {"occlusion": OCCLUSION | {"positions": [[1], [2]]}}, {"occlusion": OCCLUSION | {"cloud_range": [0.1, 0.5]}},
        {"occlusion": None}, {"training_length": 7},
    ],
)  # fmt: skip
def test_a_run_does_not_resume_with_another_occlusion_or_length(root, changes):
    (key,) = changes
    write(root, steps=30, **changes)
    errors = command(root, "train.py", "--restore", "straight").finish(status=2)
    assert f"experiment.json: {key}: was " in errors and "(shapes the data)" in errors and "--force" in errors
    assert "Traceback" not in errors
    write(root)


def test_a_name_of_masks_that_does_not_exist_is_one_line_and_a_long_length_a_warning(root):
    write(root, occlusion=OCCLUSION | {"masks": "synthetic/gapfilling"})
    errors = command(root, "train.py", "--dry-run").finish(status=2)
    assert errors.count("\n") == 1
    assert "occlusion.masks: there is no dataset 'synthetic/gapfilling'" in errors
    assert "did you mean 'synthetic/gap_filling'?" in errors
    write(root, training_length=6231)
    shown = command(root, "train.py", "--dry-run").finish()
    assert "training_length: is 6231, and there are 8 training samples; all are used" in shown
    assert "cloud_mask (score_by, input_mask): uint8 3x64x64x1" in shown
    write(root)


def test_predictions_of_a_dataset_are_filled(root):
    import rasterio

    place = root / "maps"
    command(root, "predict.py", "--input", str(root / "data/synthetic/gap_filling"), "--output", str(place)).finish()
    paths = sorted(place.rglob("*.tif"))
    assert len(paths) == 2
    with rasterio.open(paths[0]) as raster:
        assert raster.count == 18 and np.isfinite(raster.read()).all()
