"""A run of a former revision (tests/data/former_run) is evaluated, compared, applied and resumed.

The dataset, the run of four steps and its scores were written by the revision before the machinery moved into
``pix2earth/``, on one CPU; other processors may differ in the last digits.
"""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import rasterio

import compare
import evaluate
import predict
import train
from experiment import PROJECT
from pix2earth.batches import augmentation, preparation
from pix2earth.runs.folders import RunFolders
from pix2earth.scoring import origins
from pix2earth.training import checkpoints

RUN = "0101-0000"


@pytest.fixture
def root(tmp_path):
    return shutil.copytree(PROJECT / "tests" / "data" / "former_run", tmp_path / "former")


@pytest.fixture
def command(root, capfd):
    """``command(module, *arguments)``: the output of a command, which succeeds."""

    def run(module, *arguments):
        with pytest.raises(SystemExit) as end:
            module.main(["--env", str(root / "environment.json"), *map(str, arguments)])
        output = capfd.readouterr()
        assert end.value.code == 0, output.err
        return output.out

    return run


def scores(root):
    return pd.read_csv(root / "experiments" / "_evaluation" / f"x_{RUN}.csv", index_col="tile")


def losses(root):
    journal = RunFolders(root / "experiments", "x", RUN).journal
    return [entry["losses"] for line in journal.read_text().splitlines() if "losses" in (entry := json.loads(line))]


def test_scores_are_those_of_the_former_revision(root, command):
    before = scores(root)
    command(evaluate, "--exp", "x")
    columns = ["PSNR", "SSIM", "PSNR_bicubic", "SSIM_bicubic"]
    np.testing.assert_allclose(scores(root).loc[before.index, columns], before[columns], rtol=1e-4)


def test_averaged_weights_that_it_lacks_are_not_asked_for(root, command, capfd):
    """It was trained without ``ema``, whatever the experiment says now; and it cannot be resumed with it."""
    before = scores(root)
    path = root / "experiments" / "x" / "experiment.json"
    path.write_text(path.read_text().replace("{", '{"ema": 0.9, ', 1))
    command(evaluate, "--exp", "x")
    np.testing.assert_allclose(scores(root).loc[before.index, "PSNR"], before["PSNR"], rtol=1e-4)
    with pytest.raises(SystemExit) as end:
        train.main(["--env", str(root / "environment.json"), "--exp", "x", "--restore", RUN])
    assert end.value.code == 2
    assert "ema: was null in the run, is 0.9 (shapes the network)" in capfd.readouterr().err


@pytest.mark.slow
def test_it_resumes_where_it_was(root, command, monkeypatch):
    """From step 2 to 4 again, with the losses that the former revision had.

    Tiles of 32 pixels that are resized by 1.11 had a last row and column of zeros then, by rounding in TensorFlow's
    kernel, which is corrected now; here they have them again. Losses learnt masked pixels then; here they do again.
    """
    monkeypatch.setattr(augmentation, "_within", lambda first, last, side: last)
    monkeypatch.setattr(preparation, "validity", lambda batch, experiment: None)
    before, folders = losses(root), RunFolders(root / "experiments", "x", RUN)
    for path in folders.checkpoints.glob("ckpt-4.*"):
        path.unlink()
    output = command(train, "--exp", "x", "--restore", RUN)
    (line,) = [line for line in output.splitlines() if "augmentation:" in line]
    assert "was version 1, is version 2; before version 2, the last row or column" in line
    assert "missing: was version 1, is version 2; before version 2, losses learnt missing and masked pixels" in output
    assert "random_resize: stays on, as a former version trained this run; new runs of residual_upsampler.py" in output
    assert "exclusion:" not in output and "is switched off" not in output
    after = losses(root)
    assert len(before) == len(after) == 4
    for was, is_now in zip(before, after, strict=True):
        # Losses of weight 0 that the experiment does not name are no longer computed.
        assert was.keys() - is_now.keys() <= {"gen_nll", "gen_l2", "gen_rmse", "gen_wstein", "disc_nll"}
        np.testing.assert_allclose([was[name] for name in is_now], list(is_now.values()), rtol=1e-3)
    sessions = json.loads(folders.run_file.read_text())["sessions"]
    assert [(one["first_step"], one["outcome"]) for one in sessions] == [(0, "completed"), (2, "completed")]
    scored = origins.load(root / "experiments" / "_evaluation" / f"x_{RUN}.csv")["splits"]["val"]
    assert any(line.startswith("step 2: augmentation: was version 1") for line in scored["differences"])
    assert checkpoints.read_metadata(folders.checkpoints, 4)["identity"]["exclusion"] == 1
    again = command(train, "--exp", "x", "--restore", RUN)
    assert "augmentation:" not in again, "it is said once"
    assert "random_resize: stays on" in again, "the resumed run is still that of a former version"


def test_a_dry_run_says_what_stays_on(command):
    line = "  cannot bear random_resize, which {}\n"
    restored = command(train, "--exp", "x", "--restore", RUN, "--dry-run")
    assert line.format("stays on as a former version trained this run") in restored
    assert line.format("is switched off") in command(train, "--exp", "x", "--dry-run")


@pytest.mark.slow
def test_new_runs_of_its_experiment_are_not_resized(root, command):
    output = command(train, "--exp", "x", "--timestamp", "new")
    assert "random_resize: is switched off, because residual_upsampler.py cannot bear it" in output
    folders = RunFolders(root / "experiments", "x", "new")
    assert checkpoints.read_metadata(folders.checkpoints, 4)["identity"]["exclusion"] == 2
    for path in folders.checkpoints.glob("ckpt-4.*"):
        path.unlink()
    restored = command(train, "--exp", "x", "--restore", "new")
    assert "random_resize: is switched off" in restored and "exclusion:" not in restored


def test_it_is_compared_with_its_baseline(root, command):
    output = command(compare)
    assert f"x_{RUN}" in output and "bicubic" in output


def test_it_predicts_its_dataset(root, command):
    command(predict, "--exp", "x", "--input", root / "data" / "former", "--output", root / "maps")
    with rasterio.open(next((root / "maps").glob("*.tif"))) as raster:
        assert raster.shape == (32, 32) and raster.crs.to_epsg() == 32618
