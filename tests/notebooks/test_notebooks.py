"""Tests of the notebooks: all run completely on a tiny experiment root, and are committed without outputs."""

import matplotlib.image
import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

import train
from experiment import PROJECT
from tests.product_roots import write_environment

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
METRICS = ["SAM", "SSIM", "PSNR"]
ORIGINAL_CSV = "s5lw_inmask_tiny_psgan_0101-0000"
UNRECORDED = "tiny (origin not recorded)"


def cells(book, kind="code"):
    return [cell for cell in book.cells if cell.cell_type == kind]


@pytest.fixture
def execute(monkeypatch, tmp_path):
    """Return ``execute(name, folder, parameters, *lines)``: run a notebook and return its outputs by cell id.

    It is run in ``folder``; ``parameters`` replace those of the first cell, ``lines`` are run after the last one.
    """
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))

    def run_notebook(name, folder, parameters, *lines):
        book = nbformat.read(PROJECT / "notebooks" / f"{name}.ipynb", as_version=4)
        (cell,) = [cell for cell in cells(book) if "parameters" in cell.metadata.get("tags", [])]
        unknown = [key for key in parameters if f"{key} = " not in cell.source]
        assert not unknown
        cell.source += "".join(f"\n{key} = {value!r}" for key, value in parameters.items())
        book.cells.append(nbformat.v4.new_code_cell("\n".join(lines)))
        NotebookClient(book, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
        return {cell.id: cell.outputs for cell in cells(book)}

    return run_notebook


@pytest.fixture
def root(tiny_root, write_experiment):
    """An experiment root with two short runs, inside and outside of a mask, and a CSV of the original ARISGAN code."""
    masks = {"sea": {"exclude_suffix": "notinmask", "batch_size": 3}, "land": {"enforce_suffix": "notinmask"}}
    for name, settings in masks.items():
        write_experiment(tiny_root, name, metrics=METRICS, **settings)
        with pytest.raises(SystemExit) as end:
            train.main(["--env", str(tiny_root / "environment.json"), "--exp", name, "--timestamp", "a"])
        assert end.value.code == 0
    table = {"SAM": [0.0, 0.0], "SSIM": [np.nan, np.nan], "PSNR": [10.0, 20.0]}
    path = tiny_root / "experiments" / "_evaluation" / f"{ORIGINAL_CSV}.csv"
    pd.DataFrame(table).to_csv(path, index_label="index")
    return tiny_root / "experiments"


def displayed(outputs, mime_type):
    """Return the data of a MIME type that a cell displays."""
    return [output.data[mime_type] for output in outputs if mime_type in output.get("data", {})]


@pytest.mark.slow
def test_the_notebooks_of_runs_run_on_a_tiny_root(root, execute, tmp_path):
    check_summary(root, execute, tmp_path)
    check_sample_images(root, execute)
    check_training_curves(root, execute)
    check_per_image_graphs(root, execute)
    check_band_correlations(root, execute)


def check_summary(root, execute, tmp_path):
    """Run summary_eval in notebooks/ and check every table, figure and file."""
    outputs = execute(
        "summary_eval", PROJECT / "notebooks", {"environment": str(root.parent / "environment.json")},
        f"means.to_pickle({str(tmp_path / 'means')!r})", f"quintiles.to_pickle({str(tmp_path / 'quintiles')!r})",
    )  # fmt: skip
    evaluation = root / "_evaluation"
    tables = {"runs": 1, "means": 1, "quintiles": 1, "publication": 3}
    assert {name: len(displayed(outputs[name], "text/html")) for name in tables} == tables
    remarks = displayed(outputs["runs"], "text/markdown")[0]
    assert f"dataset tiny: not compared with the other runs: {ORIGINAL_CSV}" in remarks
    assert len(displayed(outputs["boxplots"], "image/png")) == 2 * len(METRICS)
    for metric in METRICS:
        image = matplotlib.image.imread(evaluation / "figures" / f"box_tiny_{metric}.png")
        assert image.shape[1] == 1500

    means = pd.read_pickle(tmp_path / "means").droplevel(["loss", "batch", "run"]).swaplevel("mask", "dataset")
    for mask, run in (("inmask", "sea_a"), ("notinmask", "land_a")):
        table = pd.read_csv(evaluation / f"{run}.csv")
        for metric in METRICS:
            for model, column in (("template", metric), ("bicubic", f"{metric}_bicubic")):
                row = means.loc["tiny", mask, model]
                assert row[metric, "mean"] == pytest.approx(table[column].mean())
                assert row[metric, "std"] == pytest.approx(table[column].std())
    original = means.loc[UNRECORDED, "inmask", "psgan"]
    assert original["PSNR", "mean"] == 15 and original["SSIM", "undefined"] == 2

    quintiles = pd.read_pickle(tmp_path / "quintiles").sort_index()
    assert list(quintiles.loc["tiny", "inmask"].index) == ["template"]
    assert list(quintiles.loc["tiny", "notinmask"].index) == ["template"]
    assert quintiles.loc[(UNRECORDED, "inmask", "psgan"), "SAM"] == 1

    assert sorted(path.name for path in (evaluation / "tables").iterdir()) == [
        "eval_tiny__origin_not_recorded__inmask.csv", "eval_tiny_inmask.csv", "eval_tiny_notinmask.csv",
    ]  # fmt: skip
    table = pd.read_csv(evaluation / "tables" / "eval_tiny_inmask.csv", index_col="model")
    assert list(table.index) == ["bicubic", "linear-fit", "template"] and list(table.columns) == METRICS
    table = pd.read_csv(evaluation / "tables" / "eval_tiny__origin_not_recorded__inmask.csv", index_col="model")
    assert table.loc["psgan", "PSNR"] == "15.00\n(± 7.071)" and table.loc["psgan", "SSIM"] == "undefined\n(2 of 2)"


def check_sample_images(root, execute):
    """Run create_sample_images in the project's folder and check the figures."""
    parameters = {
        "environment": str(root.parent / "environment.json"), "experiment": "sea", "step": 2, "split": "val",
        "input_rgb": ["B08", "B04", "B03"],
    }  # fmt: skip
    outputs = execute("create_sample_images", PROJECT, parameters)
    paths = sorted((root / "sea" / "test" / "a").iterdir())
    assert [path.name for path in paths] == ["0.png", "1.png"]
    # Four tiles in batches of three, with five columns or four.
    widths = [matplotlib.image.imread(path).shape[1] for path in paths]
    assert all(1500 < width <= 1700 for width in widths)
    assert len(displayed(outputs["show"], "image/png")) == 2
    assert "sea_a, step 2: 4 tiles of val, batches of 3" in outputs["load"][-1].text


def figures(root, start):
    """Return the names of the figures that begin so; each is a PDF and a PNG for print."""
    found = sorted((root / "_evaluation" / "figures").glob(f"{start}*"))
    assert {path.suffix for path in found} == {".pdf", ".png"}
    names = sorted({path.stem for path in found})
    assert len(found) == 2 * len(names)
    assert all(matplotlib.image.imread(path).shape[1] > 500 for path in found if path.suffix == ".png")
    return names


def check_training_curves(root, execute):
    """Run training_curves: both runs have a line."""
    outputs = execute("training_curves", PROJECT, {"environment": str(root.parent / "environment.json")})
    assert outputs["find"][-1].text.split() == ["land_a", "sea_a"]
    assert len(displayed(outputs["draw"], "image/png")) == 1
    assert figures(root, "training_curves") == ["training_curves"]


def check_per_image_graphs(root, execute):
    """Run per_image_graphs: figures of each dataset, mask and metric, and the correlations of a run."""
    parameters = {"environment": str(root.parent / "environment.json"), "run": "sea_a", "metrics": ["PSNR"]}
    outputs = execute("per_image_graphs", PROJECT / "notebooks", parameters, "print(*table)")
    assert figures(root, "per_image") == [
        "per_image_correlations_sea_a", "per_image_pairs_sea_a", "per_image_tiny__origin_not_recorded__inmask_PSNR",
        "per_image_tiny_inmask_PSNR", "per_image_tiny_notinmask_PSNR",
    ]  # fmt: skip
    assert len(displayed(outputs["distributions"], "image/png")) == 3
    assert list(outputs.values())[-1][-1].text.split() == [*METRICS, "hidden"]


def check_band_correlations(root, execute):
    """Run band_correlations: all tiles, and those with the least and the most hidden pixels."""
    parameters = {"environment": str(root.parent / "environment.json"), "experiment": "sea", "split": "val"}
    outputs = execute("band_correlations", PROJECT, parameters, "print(shares.idxmin(), shares.idxmax())")
    least, most = list(outputs.values())[-1][-1].text.split()
    assert least != most
    assert figures(root, "band_correlations") == sorted(
        f"band_correlations_sea_a_{name}" for name in ("all", least, most)
    )
    assert len(displayed(outputs["single"], "image/png")) == 2
    assert "sea_a, step 2: 4 tiles of val" in outputs["load"][-1].text


@pytest.mark.slow
def test_the_notebook_of_tile_codes_counts_products(execute, tmp_path):
    environment = write_environment(tmp_path)
    names = (
        "S2A_MSIL1C_20170314T172251_N0204_R012_T17XNA_20170314T172245",
        "S2B_MSIL2A_20220413T150759_N0400_R025_T33XWJ_x", "S2B_MSIL2A_20220513T150759_N0400_R025_T33XWJ_x",
    )  # fmt: skip
    for name in names:
        (tmp_path / "s2" / f"{name}.SAFE").mkdir()
    outputs = execute(
        "identify_unique_tilecodes", PROJECT, {"environment": str(environment)},
        f"table.to_pickle({str(tmp_path / 'table')!r})",
    )  # fmt: skip
    assert f"3 products of 2 tiles in {tmp_path / 's2'}" in outputs["find"][-1].text
    assert pd.read_pickle(tmp_path / "table").loc["T33XWJ"].tolist() == [2, "2022-04-13", "2022-05-13"]
    for cell in ("tiles", "months"):
        (shown,) = displayed(outputs[cell], "text/html")
        assert shown.index("T33XWJ") < shown.index("T17XNA")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs_and_every_cell_is_explained(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert [cell.execution_count for cell in cells(book)] == [None] * len(cells(book))
    assert [cell.outputs for cell in cells(book)] == [[]] * len(cells(book))
    assert [cell.cell_type for cell in book.cells] == ["markdown", "code"] * len(cells(book))
    assert cells(book)[0].metadata.tags == ["parameters"]


def test_names_of_the_notebooks():
    assert [path.stem for path in NOTEBOOKS] == [
        "band_correlations", "create_sample_images", "identify_unique_tilecodes", "per_image_graphs", "summary_eval",
        "training_curves",
    ]  # fmt: skip
