"""Which tiles the figures of tables show, which rows are left out, and the scores in them."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import train
from experiment import Environment
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import Manifest
from pix2earth.records.writer import DatasetWriter
from pix2earth.results import adversarial, architectures, compared_tiles, prediction_rows
from pix2earth.results.compared_tiles import GivenBaseline, caption, chosen_tiles, hardest, psnr, sorted_out
from pix2earth.runs.folders import RunFolders
from pix2earth.scoring.tables import csv_files
from pix2earth.settings.errors import UserError


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "environment.json").write_text(json.dumps({"experiment_root": "experiments", "data_root": "data"}))
    return Environment(tmp_path / "environment.json")


def leave_run(environment, experiment, outcome, scores=None):
    """Leave behind what a run does, with an evaluation of nine test tiles and one of val."""
    folders = RunFolders(environment.path.parent / "experiments", experiment, "results")
    folders.create()
    session = {"first_step": 0, "last_step": 7, "outcome": outcome}
    run = {"experiment": "x", "timestamp": "x", "settings": {}, "dataset": {}, "sessions": [session]}
    folders.run_file.write_text(json.dumps(run))
    if scores:
        rows = pd.DataFrame({"tile": [f"t{number}" for number in range(9)] + ["v"], **scores})
        rows.assign(split=["test"] * 9 + ["val"]).to_csv(folders.evaluation, index_label="index")


def test_tiles_at_the_quantiles_from_the_worst_to_the_best():
    scores = {f"t{number}": 30.0 + (7 * number) % 9 for number in range(9)}
    assert [scores[name] for name in chosen_tiles(scores)] == [30, 32, 34, 36, 38]
    assert chosen_tiles(scores | {"x": float("nan"), "y": float("inf")}) == chosen_tiles(scores)
    assert chosen_tiles({"b": 1.0, "a": 1.0}) == ["a", "a", "a", "b", "b"]
    with pytest.raises(UserError, match="no PSNR of a held-out tile is finite"):
        chosen_tiles({"x": float("inf")})


def test_the_hardest_baseline_has_the_highest_mean_of_the_held_out_tiles(environment):
    leave_run(
        environment, "a/x", "completed",
        {
            "PSNR": range(10), "PSNR_bicubic": [30] * 9 + [99], "PSNR_copy": [20, 45, *[30] * 7, 0], "PSNR_median": 50,
            "PSNR_exact": [np.inf, *[10] * 9], "PSNR_none": np.nan,
        },
    )  # fmt: skip
    assert hardest(environment, "a/x", ["bicubic", "copy"]) == "copy"  # 285 / 9 = 31.7; the tile of val does not count
    assert hardest(environment, "a/x", ["bicubic"]) == "bicubic"
    assert hardest(environment, "a/x", ["exact", "none", "bicubic"]) == "bicubic"
    assert hardest(environment, "a/x", ["linear", "none"]) is None


def test_rows_that_are_not_trained_are_named_in_the_caption(environment):
    leave_run(environment, "a/x", "completed", {"PSNR": [30.0] * 10})
    leave_run(environment, "a/y", "stopped: step 8: total_gen_loss is nan")
    trained, left_out = sorted_out(environment, [(name, f"a/{name}") for name in ("x", "y", "z", "w")])
    assert trained == {"x": "a/x"} and left_out == {"stopped after step 7": ["y"], "not trained": ["z", "w"]}
    assert caption("bicubic", left_out).split("\n") == [
        "Held-out tiles: the worst, the quartiles, the median and the best by PSNR of bicubic. PSNR of each tile.",
        "Left out (stopped after step 7): y.",
        "Left out (not trained): z, w.",
    ]


def test_without_a_trained_row_nothing_is_drawn(environment, tmp_path):
    with pytest.raises(UserError, match=r"architectures\.png: no row is trained"):
        architectures.figures(environment, tmp_path)
    leave_run(environment, "adversarial/gan_0.3", "completed", {"PSNR": [30.0] * 10})
    with pytest.raises(UserError, match=r"adversarial\.png: 'L1 alone', by whose PSNR .* is not trained"):
        adversarial.figures(environment, tmp_path)
    assert not list(tmp_path.glob("*.png"))


def test_psnr_is_over_all_time_steps_and_valid_pixels():
    target = np.zeros((2, 3, 2, 2, 1))
    prediction = target + np.array([0.1, 0.0, 0.2])[None, :, None, None, None]
    target[1, 2] = np.nan
    wanted = -10 * np.log10([(0.01 + 0.04) / 3, 0.01 / 2])
    assert psnr(target, prediction, 1.0) == pytest.approx(wanted)
    folded = np.moveaxis(prediction[..., 0], 1, -1)
    assert psnr(target, folded, 2.0) == pytest.approx(wanted + 20 * np.log10(2))
    assert psnr(target[:, 0], target[:, 0], 1.0).tolist() == [np.inf, np.inf]


# ---- figures of two trained runs of one dataset -----------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(_tiny_template, tiny_arrays, write_experiment, tmp_path_factory):
    """The environment of the runs "a/one" and "a/two" on a dataset with 5 test samples."""
    root = shutil.copytree(_tiny_template, tmp_path_factory.mktemp("compared") / "root")
    template = load_manifest(root / "data/tiny/64", "tiny").model_dump(exclude={"records", "fingerprint"})
    arrays = iter([*tiny_arrays["train"].values(), *tiny_arrays["val"].values()])
    with DatasetWriter(root / "data", Manifest.model_validate({**template, "name": "tested"})) as writer:
        for split, count in (("train", 8), ("val", 2), ("test", 6)):
            for number in range(count):
                writer.write(split, f"{split}{number}", next(arrays))
    for name in ("one", "two"):
        write_experiment(root, f"a/{name}", dataset="tested", metrics=["PSNR"], seed=len(name) + ord(name[0]))
        with pytest.raises(SystemExit) as end:
            train.main(["--env", str(root / "environment.json"), "--exp", f"a/{name}", "--timestamp", "results"])
        assert end.value.code == 0
    return Environment(root / "environment.json")


@pytest.fixture
def drawn(trained, monkeypatch, tmp_path):
    """``drawn(...)``: what ``compared_tiles.draw`` gives to the figure, and the evaluations of both runs by tile."""
    found, rows = {}, [("One", "a/one"), ("Two", "a/two"), ("Three", "a/three")]

    def keep(manifest, titles, images, rows, path, words, **further):
        found.update(titles=titles, images=images, rows=rows, caption=words, **further)

    monkeypatch.setattr(prediction_rows, "draw", keep)
    folders = [RunFolders(trained.path.parent / "experiments", experiment, "results") for _, experiment in rows[:2]]
    tables = [csv_files.read(each.evaluation).query("split == 'test'").set_index("tile") for each in folders]

    def of(**further):
        compared_tiles.draw(trained, rows, tmp_path / "x.png", **further)
        return found, *tables

    return of


def names_in(found):
    return [title.split("\n")[1] for title in found["titles"]]


@pytest.mark.slow
def test_the_scores_in_a_figure_are_those_of_the_evaluations(drawn):
    found, one, two = drawn()
    best = max(("bicubic", "linear-fit"), key=lambda name: one[f"PSNR_{name}"].mean())
    assert [row.title for row in found["rows"]] == [best, "One", "Two"]
    names, ranked = names_in(found), one.sort_values(f"PSNR_{best}").index
    assert names == [ranked[0], ranked[1], ranked[2], ranked[4], ranked[5]]  # of 6: places 0, 1.25, 2.5, 3.75, 5
    for row, column in zip(found["rows"], (one[f"PSNR_{best}"], one["PSNR"], two["PSNR"]), strict=True):
        assert row.scores == pytest.approx(column[names].to_numpy(), abs=2e-3)
    assert not np.allclose(found["rows"][1].images, found["rows"][2].images)
    assert f"by PSNR of {best}." in found["caption"] and "Left out (not trained): Three." in found["caption"]
    assert found["text"] == {"experiments": "a/one, a/two"}


@pytest.mark.slow
def test_tiles_by_a_row_and_a_baseline_that_is_given(drawn):
    grey = GivenBaseline("grey", lambda names: np.full((len(names), 64, 64, 3), 0.3))
    found, _, two = drawn(chosen_by="Two", baseline=grey)
    ranked = two.sort_values("PSNR").index
    assert names_in(found)[::4] == [ranked[0], ranked[-1]] and "by PSNR of Two." in found["caption"]
    assert [row.title for row in found["rows"]] == ["grey", "One", "Two"] and (found["rows"][0].images == 0.3).all()
    assert found["rows"][0].scores == pytest.approx(psnr(found["images"].targets, found["rows"][0].images, 1.0))
    found, *_ = drawn(baseline=grey)
    scores = found["rows"][0].scores.tolist()
    assert scores == sorted(scores) and scores[0] < scores[-1] and "by PSNR of grey." in found["caption"]
