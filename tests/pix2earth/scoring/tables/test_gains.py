"""Gains over the baseline and differences of methods: blocks from the recorded places, seeds, regions, documents."""

import csv
import io
import json

import numpy as np
import pytest

import compare
from pix2earth.scoring.tables.comparison import groups, load
from pix2earth.scoring.tables.documents import as_json, as_table, scores_of
from pix2earth.scoring.tables.gains import statistics_of
from tests.pix2earth.scoring.evaluated_runs import write_places, write_run

DIFFICULTY = np.repeat(np.random.default_rng(0).normal(0, 5, 10), 4) + np.random.default_rng(1).normal(0, 1, 40)
HOSTILE = 'x<script>|_&%$#{}~^\\*"`\n[1]'


def scores(gain, number, **more) -> dict[str, list[float]]:
    """Return PSNR, SAM and those of a baseline: difficult tiles are so for all."""
    noise = np.random.default_rng(100 + number).normal(0, 0.1, 40)
    psnr = 30 + DIFFICULTY + gain + noise
    return {
        "PSNR": psnr.tolist(), "SAM": (60 - psnr).tolist(), "PSNR_bicubic": (30 + DIFFICULTY).tolist(),
        "SAM_bicubic": (30 - DIFFICULTY).tolist(), **more,
    }  # fmt: skip


@pytest.fixture
def root(tmp_path):
    """Two methods, the better one with three seeds; ten blocks of four tiles."""
    (tmp_path / "environment.json").write_text("{}")
    folder = tmp_path / "experiments"
    for seed in range(3):
        path = write_run(folder, f"good-seed{seed}_000{seed}", scores(1 + seed / 20, seed), seed=seed)
    write_run(folder, "poor_0001", scores(-1, 7), settings={"gen_loss": {"gen_l1": 1}})
    write_places(path)
    return folder


def of_first_group(root):
    (group, *_) = groups(load(root, [""]))
    return group, statistics_of(root, group, scores_of(group), "PSNR")


def test_gains_are_over_the_baseline_that_is_hardest_by_the_measure(tmp_path):
    psnr = np.array(scores(1, 0)["PSNR_bicubic"])
    harder = {"PSNR_back-projection": (psnr + 0.5).tolist(), "SAM_back-projection": (60 - psnr - 0.5).tolist()}
    write_places(write_run(tmp_path / "experiments", "good_0001", scores(1, 0, **harder)))
    _, found = of_first_group(tmp_path / "experiments")
    assert found.baseline == "(back-projection)"
    assert found.gains["good_0001"]["PSNR"].mean == pytest.approx(0.5, abs=0.03)
    (group, *_) = groups(load(tmp_path / "experiments", [""]))
    assert statistics_of(tmp_path / "experiments", group, ["PSNR", "SAM"], "SAM").baseline == "(back-projection)"
    assert statistics_of(tmp_path / "experiments", group, ["PSNR", "SAM"], None).baseline == "(bicubic)"


def test_gains_are_paired_and_seeds_are_one_method(root):
    _, found = of_first_group(root)
    assert [method.name for method in found.methods] == ["(bicubic)", "good (3 seeds)", "poor_0001"]
    assert found.methods[1].seeds == "0, 1, 2" and found.methods[2].loss == "1 l1"
    gain = found.gains["good (3 seeds)"]
    assert gain["PSNR"].mean == pytest.approx(1.05, abs=0.03) and gain["PSNR"].blocks == 10
    assert 0.9 < gain["PSNR"].low < gain["PSNR"].mean < gain["PSNR"].high < 1.2
    assert gain["PSNR"].decision == gain["SAM"].decision == "better" and gain["SAM"].mean < 0
    assert found.gains["poor_0001"]["SAM"].decision == "worse" and found.baseline == "(bicubic)"
    mean, low, high = found.means["poor_0001"]["PSNR"]
    assert low < mean - 1 and high > mean + 1, "the mean itself varies with the difficulty of blocks"
    # Holm: two gains and one pair, of two metrics.
    assert found.tested == 6 and gain["PSNR"].corrected == pytest.approx(6 * gain["PSNR"].p)


def test_a_repetition_of_a_seed_is_another_method(root):
    write_run(root, "again_0005", scores(0, 3), settings={"gen_loss": {"gen_l1": 1}})
    _, found = of_first_group(root)
    assert {method.name for method in found.methods[1:]} == {"good (3 seeds)", "again_0005", "poor_0001"}


def test_without_places_there_are_values_and_no_intervals(tmp_path):
    write_run(tmp_path, "a_1", scores(1, 0))
    _, found = of_first_group(tmp_path)
    gain = found.gains["a_1"]["PSNR"]
    assert gain.mean == pytest.approx(1, abs=0.1) and np.isnan([gain.low, gain.p, gain.corrected]).all()
    assert "not known" in found.blocks.unit and found.tested == 0


def test_below_eight_blocks_there_is_no_p(tmp_path):
    write_places(write_run(tmp_path, "a_1", scores(1, 0)), per_block=7)
    gain = of_first_group(tmp_path)[1].gains["a_1"]["PSNR"]
    assert gain.blocks == 6 and np.isnan(gain.p) and gain.low > 0.5 and gain.decision == "open"


def test_a_failing_run_has_no_difference_and_does_not_decide(root):
    broken = scores(5, 9)
    broken["PSNR"][3] = float("nan")
    write_run(root, "broken_0001", broken, failures={"non-finite predictions": 1})
    _, found = of_first_group(root)
    assert "PSNR" not in found.gains["broken_0001"] and found.gains["poor_0001"]["PSNR"].tiles == 40


def test_regions_are_scores_too(root):
    inside = (20 + DIFFICULTY).tolist()
    more = {"PSNR.inside": inside, "PSNR.inside_bicubic": [value - 2 for value in inside]}
    write_run(root, "masked_0001", scores(0, 4, **more))
    group, found = of_first_group(root)
    assert scores_of(group) == ["SAM", "PSNR", "PSNR.inside"]
    assert found.gains["masked_0001"]["PSNR.inside"].mean == pytest.approx(2)


# ---- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def command(root, tmp_path, capsys):
    def run(*arguments, status=0):
        with pytest.raises(SystemExit) as end:
            compare.main(["--env", str(tmp_path / "environment.json"), *arguments])
        captured = capsys.readouterr()
        assert end.value.code == status, captured.err
        return captured.err if status else captured.out

    return run


def test_the_terminal_has_gains_best_first_and_the_worst_tiles(command):
    out = command()
    lines = out[out.index("by PSNR") :].splitlines()
    assert "gain over (bicubic)" in lines[0] and "losses" in lines[0] and "seeds" in lines[0]
    assert "good (3 seeds) (best)" in lines[2] and "better" in lines[2] and "0, 1, 2" in lines[2]
    assert "poor_0001" in lines[3] and "1 l1" in lines[3] and "worse" in lines[3]
    worst = f"t{int(np.argmin(DIFFICULTY)):02d}"
    assert f"worst tiles of good (3 seeds): {worst} " in out
    assert "blocks: 10 (blocks of 4 x 4 tiles)" in out and "corrected for 3 comparisons" in out


def test_another_measure_sorts_and_a_wrong_one_is_one_line(command):
    out = command("--by", "SAM")
    assert out.index("by SAM") < out.index("good (3 seeds) (best)")
    assert command("--by", "PSMR", status=2) == "--by PSMR: is no metric; did you mean 'PSNR'?\n"


def test_json_is_all_there_is_on_the_output(command):
    content = json.loads(command("--json"))
    (group,) = content["groups"]
    assert group["measure"] == "PSNR" and group["samples"] == 40 and group["blocks"] == 10
    baseline, best, poor = group["methods"]
    assert baseline["baseline"] and [best["name"], poor["name"]] == ["good (3 seeds)", "poor_0001"]
    assert best["gains"]["PSNR"]["decision"] == "better" and best["gains"]["PSNR"]["seeds"] is not None
    assert len(best["worst_tiles"]) == 5 and best["runs"][0] == "good-seed0_0000"
    assert group["pairs"][0]["scores"]["SAM"]["decision"] == "better"


def test_json_has_null_and_never_nan(tmp_path):
    write_run(tmp_path, "a_1", scores(1, 0))
    (group,) = groups(load(tmp_path, [""]))
    found = statistics_of(tmp_path, group, ["PSNR"], None)
    content = json.loads(json.dumps(as_json([group], [found], None), allow_nan=False))
    assert content["groups"][0]["methods"][1]["gains"]["PSNR"]["low"] is None


def test_tables_for_papers_have_the_best_in_bold_and_intervals(command):
    tex, md = command("--table", "tex"), command("--table", "md")
    assert r"\begin{tabular}{lrr}" in tex and tex.count(r"\\") == 4 and tex.count(r"\textbf{") == 2
    assert next(line for line in tex.splitlines() if "good" in line).count(r"\textbf{") == 2
    assert "poor\\_0001 & " in tex and " [" in tex
    rows = [line for line in md.splitlines() if line.startswith("|")]
    assert len(rows) == 5 and all(row.count("|") == 4 for row in rows) and md.count("**") == 4
    table = list(csv.DictReader(io.StringIO(command("--table", "csv"))))
    assert [row["method"] for row in table] == ["(bicubic)", "good (3 seeds)", "poor_0001"]
    assert float(table[1]["PSNR.low"]) < float(table[1]["PSNR"]) < float(table[1]["PSNR.high"])


def test_names_are_text_in_all_tables(tmp_path):
    write_run(tmp_path, "plain_1", {"PSNR": [1.0, 2.0]}, experiment=HOSTILE)
    (group,) = groups(load(tmp_path, [""]))
    group = group._replace(runs=[group.runs[0]._replace(name=HOSTILE)])
    found = statistics_of(tmp_path, group, ["PSNR"], None)
    for kind in ("tex", "md", "csv"):
        text = as_table(group, found, kind, None)
        lines = [line for line in text.splitlines() if "script" in line]
        assert len(lines) == 1, "no line breaks in cells"
        (line,) = lines
        if kind == "md":
            assert r"x\<script\>\|\_" in line and line.replace(r"\|", "").count("|") == 3
        if kind == "tex":
            assert r"x\textless{}script\textgreater{}|\_\&\%\$\#\{\}" in line
