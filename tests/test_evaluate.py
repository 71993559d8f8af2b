"""The evaluation command: which run, which step, which split, and what the CSV holds."""

import json
import os
import time

import numpy as np
import pandas as pd
import pytest

import evaluate
import train

pytestmark = pytest.mark.slow


@pytest.fixture
def command(tiny_root, capfd):
    """Run a command on the tiny folder; return (status, output, errors)."""

    def run(main, *arguments: str):
        with pytest.raises(SystemExit) as end:
            main(["--env", str(tiny_root / "environment.json"), *arguments])
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run


@pytest.fixture
def run_a(finished_run):
    """A run of four steps with checkpoints at 2 and 4."""
    return finished_run("e", "a", steps=4, ckpt_freq=2, validate_freq=2, metrics=["PSNR", "RMSE"])


def test_csv_has_a_row_for_each_tile_and_metrics_that_numpy_confirms(run_a, tiny_arrays):
    table = pd.read_csv(run_a / "_evaluation" / "e_a.csv", index_col="index")
    assert list(table.columns) == [
        "tile", "split", "step", "PSNR", "RMSE", "PSNR_bicubic", "RMSE_bicubic", "PSNR_linear-fit", "RMSE_linear-fit"
    ]  # fmt: skip
    assert list(table["tile"]) == sorted(tiny_arrays["val"]) and set(table["split"]) == {"val"}
    # The range is 1, so that PSNR and RMSE tell the same (masked pixels counted in neither).
    np.testing.assert_allclose(table["PSNR"], -20 * np.log10(table["RMSE"]), rtol=1e-4)


def test_the_baseline_is_bicubic_on_the_pixels_that_count(run_a, tiny_arrays):
    import tensorflow as tf

    table = pd.read_csv(run_a / "_evaluation" / "e_a.csv", index_col="tile")
    for name, fields in tiny_arrays["val"].items():
        coarse = fields["input_image"][..., [2, 1, 0]].astype(np.float32) * 1e-4
        bicubic = tf.image.resize(coarse, (64, 64), method="bicubic").numpy()
        error = (bicubic - fields["target"] * 1e-4)[fields["cloud_mask"][..., 0] > 0]
        assert table["RMSE_bicubic"][name] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-4)


def test_step_best_last_number_and_wrong(run_a, command):
    best = json.loads((run_a / "e/logs/e_a/run.json").read_text())["best"]["step"]
    for requested, step in (("best", best), ("last", 4), ("2", 2)):
        assert command(evaluate.main, "--exp", "e", "--step", requested)[0] == 0
        assert set(pd.read_csv(run_a / "_evaluation/e_a.csv")["step"]) == {step}
    status, _, err = command(evaluate.main, "--exp", "e", "--step", "3")
    assert status == 2 and err == "--step 3: there are best, last, 2, 4\n"


def test_steps_differ_and_the_same_step_repeats(run_a, command):
    csv = run_a / "_evaluation/e_a.csv"
    last = csv.read_text()
    command(evaluate.main, "--exp", "e", "--step", "2")
    assert not pd.read_csv(csv)["PSNR"].equals(pd.read_csv(pd.io.common.StringIO(last))["PSNR"])
    command(evaluate.main, "--exp", "e", "--step", "last")
    assert csv.read_text() == last


def test_another_split_keeps_the_rows_of_the_first(run_a, command, tiny_root):
    status, _, err = command(evaluate.main, "--exp", "e", "--split", "test")
    assert status == 2 and "has no samples in test/" in err
    csv = run_a / "_evaluation/e_a.csv"
    table = pd.read_csv(csv, index_col="index").assign(split="test")
    table.to_csv(csv, index_label="index")
    assert command(evaluate.main, "--exp", "e", "--split", "val")[0] == 0
    assert list(pd.read_csv(csv)["split"]) == ["test"] * 6 + ["val"] * 6


def test_what_shaped_the_run_comes_from_its_record(run_a, command, tiny_root, write_experiment):
    before = pd.read_csv(run_a / "_evaluation/e_a.csv")
    write_experiment(tiny_root, "e", params={"filters": 12, "blocks": 2}, normalize="unit", metrics=["RMSE"])
    assert command(evaluate.main, "--exp", "e")[0] == 0
    after = pd.read_csv(run_a / "_evaluation/e_a.csv")
    assert "PSNR" not in after
    np.testing.assert_allclose(after["RMSE"], before["RMSE"], rtol=1e-6)


def test_without_timestamp_the_run_that_was_started_last(run_a, command):
    """Neither its name nor the times of its files decide: a copy of a folder has new times."""
    time.sleep(1.1)  # starts are recorded to the second
    assert command(train.main, "--exp", "e", "--timestamp", "0")[0] == 0
    future = time.time() + 60
    for path in (run_a / "e/ckpt/a").iterdir():
        os.utime(path, (future, future))
    assert "e_0, step" in command(evaluate.main, "--exp", "e")[1]


def test_a_run_without_checkpoint(command):
    status, _, err = command(evaluate.main, "--exp", "tiny")
    assert status == 2 and err.count("\n") == 1 and "train it first" in err


def test_a_damaged_record_is_named(run_a, command, tiny_root):
    record = sorted((tiny_root / "data/tiny/64/val").iterdir())[1]
    content = bytearray(record.read_bytes())
    content[len(content) // 2] ^= 1
    record.write_bytes(content)
    before = (run_a / "_evaluation/e_a.csv").read_bytes()
    status, _, err = command(evaluate.main, "--exp", "e")
    assert status == 2 and str(record) in err and "field 'target'" in err
    assert (run_a / "_evaluation/e_a.csv").read_bytes() == before


def test_json_is_all_there_is_on_the_output(run_a, command):
    status, out, _ = command(evaluate.main, "--exp", "e", "--json")
    content = json.loads(out)
    assert status == 0 and content["run"] == "e_a" and content["split"] == "val" and content["samples"] == 6
    table = pd.read_csv(content["csv"])
    psnr, _ = content["scores"]
    assert psnr["mean"] == pytest.approx(table["PSNR"].mean()) and psnr["undefined"] == 0
    assert psnr["bicubic"] == pytest.approx(table["PSNR_bicubic"].mean()) and content["baseline"] == "bicubic"
    assert command(evaluate.main, "--exp", "e", "--json", "--baselines")[0] == 2


def test_figures_of_a_set_are_printed_and_recorded(finished_run, command):
    """They are in the console, in JSON and beside the CSV, and no column; tiles with masked pixels are not counted."""
    root = finished_run("e", "s", steps=2, metrics=["superresolution"], best_metric="hallucination")
    status, out, err = command(evaluate.main, "--exp", "e", "--timestamp", "s")
    assert status == 0 and "effective_gsd of " in out and "samples together" in out, err
    columns = pd.read_csv(root / "_evaluation/e_s.csv").columns
    assert "hallucination_bicubic" in columns and not any("effective_gsd" in column for column in columns)
    recorded = json.loads((root / "_evaluation/e_s.csv.json").read_text())["splits"]["val"]
    (row,) = recorded["of_set"]
    assert {"metric", "value", "bicubic", "linear-fit", "samples", "unit", "version"} == set(row) - {"reason"}
    assert ("reason" in row) == (row["value"] is None) == (row["samples"] == 0)
    assert recorded["metrics"]["hallucination"] == 1
    status, out, _ = command(evaluate.main, "--exp", "e", "--timestamp", "s", "--json")
    assert json.loads(out)["of_set"] == [row]


def test_columns_of_bands_are_shown_and_compared(finished_run, command, tiny_root, tiny_arrays):
    """Of the prediction and the baseline, in the summary, in tables of comparisons and in the page."""
    import compare

    root = finished_run("e", "p", steps=2, metrics=["RMSE", "RMSE_by_band"])
    table = pd.read_csv(root / "_evaluation/e_p.csv")
    bands = [name for name in table.columns if name.startswith("RMSE.band[") and name.endswith("]")]
    assert len(bands) == next(iter(tiny_arrays["val"].values()))["target"].shape[-1]
    of_bicubic = table[[f"{name}_bicubic" for name in bands]]
    np.testing.assert_allclose(np.sqrt((of_bicubic**2).mean(axis=1)), table["RMSE_bicubic"], rtol=1e-5)
    np.testing.assert_allclose(np.sqrt((table[bands] ** 2).mean(axis=1)), table["RMSE"], rtol=1e-5)
    status, out, err = command(evaluate.main, "--exp", "e", "--timestamp", "p")
    assert status == 0 and all(name in out for name in bands), err
    page = tiny_root / "page.html"
    status, out, err = command(compare.main, "--by", bands[0], "--page", str(page))
    assert status == 0 and f"by {bands[0]}" in out and bands[0] in page.read_text(), err
    assert command(compare.main, "--by", "RMSE.band[", "--json")[0] == 2
