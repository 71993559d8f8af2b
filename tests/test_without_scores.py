"""Runs whose samples have no scores: no metric is named, or input and target are no pairs."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import rasterio
import tensorflow as tf
from rasterio.windows import Window

import compare
import evaluate
import train
from experiment import PROJECT
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter

pytestmark = pytest.mark.slow

SIDE = 32
FIELD = Field(kind="image", dtype="uint16", shape=[SIDE, SIDE, 3], bands=["B02", "B03", "B04"], scale=1e-4, gsd=10.0)
COARSE = FIELD.model_copy(update={"shape": [SIDE // 2, SIDE // 2, 3], "gsd": 20.0})


@pytest.fixture
def command(capfd):
    """``command(main, root, ...)``: run a command; return (status, output, errors)."""

    def run(main, root, *arguments: str):
        with pytest.raises(SystemExit) as end:
            main(["--env", str(root / "environment.json"), *arguments])
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run


# ---- "metrics": [] -------------------------------------------------------------------------------------------------


def test_a_run_without_metrics_trains_evaluates_and_is_compared(finished_run, tiny_root, command):
    root = finished_run("e", "a", steps=2, metrics=[])
    finished_run("f", "b", steps=2, metrics=["PSNR"])
    log = (root / "e/logs/e_a/train.jsonl").read_text()
    assert '"validation"' not in log and log.count('"losses"') == 2
    run = json.loads((root / "e/logs/e_a/run.json").read_text())
    assert run["best"] is None and run["settings"]["best_metric"] is None
    status, out, err = command(evaluate.main, tiny_root, "--exp", "e", "--timestamp", "a")
    assert status == 0 and "no metric of single samples is named (metrics in experiment.json)" in out, err
    table = pd.read_csv(root / "_evaluation/e_a.csv")
    assert list(table.columns) == ["index", "tile", "split", "step"] and len(table) == 6
    content = json.loads(command(evaluate.main, tiny_root, "--exp", "e", "--timestamp", "a", "--json")[1])
    assert content["scores"] == [] and content["paired"] is True and content["samples"] == 6
    status, _, err = command(evaluate.main, tiny_root, "--exp", "e", "--timestamp", "a", "--step", "best")
    assert status == 2 and "use --step last" in err
    status, out, _ = command(compare.main, tiny_root, "--page", str(tiny_root / "page.html"))
    assert status == 0 and "e_a: no scores: no metric was named" in out and re.search(r"e_a +-", out)
    for option in (["--json"], ["--table", "md"], ["--table", "csv"]):
        assert command(compare.main, tiny_root, *option)[0] == 0


def test_runs_without_metrics_alone_are_compared(finished_run, tiny_root, command):
    finished_run("e", "a", steps=2, metrics=[])
    for option in ([], ["--json"], ["--table", "tex"], ["--page", str(tiny_root / "page.html")]):
        status, out, err = command(compare.main, tiny_root, *option)
        assert status == 0 and "e_a" in (out + err).replace("\\", "")


def test_one_line_says_that_nothing_is_validated(tiny_root, write_experiment, command):
    write_experiment(tiny_root, "e", steps=1, metrics=[])
    status, out, err = command(train.main, tiny_root, "--exp", "e", "--timestamp", "a")
    assert status == 0 and (out + err).count("validations score nothing, and no step can be the best") == 1


def test_a_best_metric_that_is_stated_still_decides(finished_run):
    root = finished_run("e", "a", steps=2, metrics=[], best_metric="RMSE")
    assert json.loads((root / "e/logs/e_a/run.json").read_text())["best"]["metric"] == "RMSE"
    assert list(pd.read_csv(root / "_evaluation/e_a.csv").columns) == ["index", "tile", "split", "step"]


# ---- inputs and targets that are no pairs --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiles():
    """Tiles of real Sentinel-2 reflectance, uint16 (height, width, band)."""
    bands = []
    for band in ("B02", "B03", "B04"):
        with rasterio.open(PROJECT / "samples" / "s2_18svg" / f"T18SVG_20160112_{band}.jp2") as source:
            bands.append(source.read(1, window=Window(0, 0, 30 * SIDE, SIDE)))
    scene = np.stack(bands, axis=-1)
    return [np.maximum(scene[:, SIDE * number : SIDE * (number + 1)], 1) for number in range(30)]


@pytest.fixture
def write_unpaired(tmp_path, tiles, write_experiment):
    """``write_unpaired(targets)``: a folder with a dataset without pairs, 5 inputs in val, and the experiment "x"."""

    def written(targets):
        manifest = Manifest(
            name="apart", tilesize=SIDE, split=Split(method="by hand"), fields={"input_image": COARSE, "target": FIELD},
            pools={"dim": ["input_image"], "bright": ["target"]},
        )  # fmt: skip
        with DatasetWriter(tmp_path / "data", manifest) as writer:
            for number, tile in enumerate(tiles[: 22 + targets]):
                split = "train" if number < 17 else "val"
                dim = number < 8 or 17 <= number < 22
                fields = {"input_image": tile[::2, ::2] // 2 + 1} if dim else {"target": tile}
                name = f"{'dim' if dim else 'bright'}-{number:02d}"
                writer.write(split, name, fields)
        (tmp_path / "environment.json").write_text(json.dumps({"experiment_root": "experiments"}))
        write_experiment(
            tmp_path, "x", model_name="cyclegan_unpaired", dataset="apart", tilesize=SIDE, batch_size=2, steps=2,
            gen_loss={"gen_gan": None, "gen_lsgan": 1, "gen_cycle": 10}, metrics="all",
            disc_loss={"disc_bce": None, "disc_lsgan": 1},
            params={"filters": [4, 8, 8], "discriminator_filters": [4, 8, 8]},
        )  # fmt: skip
        return tmp_path

    return written


def test_a_set_without_pairs_is_judged_by_distributions_and_says_so(write_unpaired, tiles, command):
    unpaired = write_unpaired(4)
    says = "no sample holds both input and target, so that distances of distributions alone are computed"
    status, out, err = command(train.main, unpaired, "--exp", "x", "--timestamp", "a")
    assert status == 0 and f"{unpaired}/data/apart/32/val: {says}; no step can be the best" in out + err
    lines = [json.loads(line) for line in (unpaired / "experiments/x/logs/x_a/train.jsonl").read_text().splitlines()]
    assert [set(line["validation"]) for line in lines if "validation" in line] == [{"KID", "W1"}]
    status, out, err = command(evaluate.main, unpaired, "--exp", "x")
    assert status == 0 and says in out and "PSNR" not in out and "KID of 4 samples together: " in out, err
    table = pd.read_csv(unpaired / "experiments/_evaluation/x_a.csv")
    assert list(table.columns) == ["index", "tile", "split", "step", "judged_by"]
    assert set(table["judged_by"]) == {"distributions"} and len(table) == 4  # there are 4 targets for 5 inputs
    assert all(name.startswith("dim-") for name in table["tile"])
    content = json.loads(command(evaluate.main, unpaired, "--exp", "x", "--json")[1])
    assert content["paired"] is False and content["scores"] == []
    # The bicubic baseline is the input, which can be computed by hand: the targets are all four, each once.
    w1 = next(row for row in content["of_set"] if row["metric"] == "W1")
    coarse = [tiles[int(name.removeprefix("dim-"))][::2, ::2] // 2 + 1 for name in table["tile"]]
    inputs = tf.image.resize(np.stack(coarse).astype(np.float32), (SIDE, SIDE), method="bicubic").numpy()
    every = [np.sort(np.stack(part)[:, 1::2, 1::2].reshape(-1, 3), axis=0) * 1e-4 for part in (inputs, tiles[22:26])]
    assert w1["bicubic"] == pytest.approx(np.abs(every[0] - every[1]).mean(), rel=1e-4)
    recorded = json.loads((unpaired / "experiments/_evaluation/x_a.csv.json").read_text())["splits"]["val"]
    assert recorded["paired"] is False and recorded["metrics"] == {} and recorded["of_set"] == content["of_set"]
    status, _, err = command(evaluate.main, unpaired, "--exp", "x", "--baselines")
    assert status == 2 and says in err.splitlines()[-1]
    assert not list((unpaired / "experiments/_evaluation").rglob("*.webp"))  # a target of another place is no pair
    status, out, err = command(compare.main, unpaired, "--page", str(unpaired / "page.html"))
    assert status == 0 and f"x_a: no scores: {says}: KID " in out, err


def test_a_split_without_any_target_is_still_refused(write_unpaired, command):
    status, _, err = command(train.main, write_unpaired(0), "--exp", "x")
    assert status == 2 and "no sample holds both input_image and target" in err
