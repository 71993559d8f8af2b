"""The notebooks run from beginning to end on a tiny experiment root, and are committed without outputs."""

import matplotlib.image
import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

import train
from experiment import PROJECT

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
METRICS = ["SAM", "SSIM", "PSNR"]
PUBLISHED = "s5lw_inmask_tiny_psgan_0101-0000"


def cells(book, kind="code"):
    return [cell for cell in book.cells if cell.cell_type == kind]


@pytest.fixture
def execute(monkeypatch, tmp_path):
    """``execute(name, folder, parameters, *lines)``: the outputs of a notebook, started in a folder, by cell id."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))

    def executed(name, folder, parameters, *lines):
        book = nbformat.read(PROJECT / "notebooks" / f"{name}.ipynb", as_version=4)
        (cell,) = [cell for cell in cells(book) if "parameters" in cell.metadata.get("tags", [])]
        unknown = [key for key in parameters if f"{key} = " not in cell.source]
        assert not unknown
        cell.source += "".join(f"\n{key} = {value!r}" for key, value in parameters.items())
        book.cells.append(nbformat.v4.new_code_cell("\n".join(lines)))
        NotebookClient(book, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
        return {cell.id: cell.outputs for cell in cells(book)}

    return executed


@pytest.fixture
def root(tiny_root, write_experiment):
    """Two short runs, with the tiles of the mask and without, and a CSV of the published program."""
    masks = {"sea": {"exclude_suffix": "notinmask", "batch_size": 3}, "land": {"enforce_suffix": "notinmask"}}
    for name, settings in masks.items():
        write_experiment(tiny_root, name, metrics=METRICS, **settings)
        with pytest.raises(SystemExit) as end:
            train.main(["--env", str(tiny_root / "environment.json"), "--exp", name, "--timestamp", "a"])
        assert end.value.code == 0
    table = {"SAM": [0.0, 0.0], "SSIM": [np.nan, np.nan], "PSNR": [10.0, 20.0]}
    path = tiny_root / "experiments" / "_evaluation" / f"{PUBLISHED}.csv"
    pd.DataFrame(table).to_csv(path, index_label="index")
    return tiny_root / "experiments"


def shown(outputs, kind):
    """Return what a cell shows of a kind."""
    return [output.data[kind] for output in outputs if kind in output.get("data", {})]


@pytest.mark.slow
def test_both_notebooks_on_a_tiny_root(root, execute, tmp_path):
    summary(root, execute, tmp_path)
    pictures(root, execute)


def summary(root, execute, tmp_path):
    """Run summary_eval in notebooks/ and check every table, figure and file."""
    found = execute(
        "summary_eval", PROJECT / "notebooks", {"environment": str(root.parent / "environment.json")},
        f"means.to_pickle({str(tmp_path / 'means')!r})", f"quintiles.to_pickle({str(tmp_path / 'quintiles')!r})",
    )  # fmt: skip
    evaluation = root / "_evaluation"
    assert [len(shown(found[name], "text/html")) for name in ("runs", "means", "quintiles", "publication")] == [
        1,
        1,
        1,
        2,
    ]
    assert "compare.py takes those that all have" in shown(found["runs"], "text/markdown")[0]
    assert len(shown(found["boxplots"], "image/png")) == len(METRICS)
    for metric in METRICS:
        image = matplotlib.image.imread(evaluation / "figures" / f"box_tiny_{metric}.png")
        assert image.shape[:2] == (700, 1500)

    means = pd.read_pickle(tmp_path / "means").droplevel(["loss", "dataset", "batch", "run"])
    for mask, run in (("inmask", "sea_a"), ("notinmask", "land_a")):
        table = pd.read_csv(evaluation / f"{run}.csv")
        for metric in METRICS:
            for model, column in (("template", metric), ("bicubic", f"{metric}_bicubic")):
                row = means.loc[mask, model]
                assert row[metric, "mean"] == pytest.approx(table[column].mean())
                assert row[metric, "std"] == pytest.approx(table[column].std())
    assert means.loc[("inmask", "psgan"), ("PSNR", "mean")] == 15 and means["SSIM", "undefined"].max() == 2

    quintiles = pd.read_pickle(tmp_path / "quintiles").sort_index()
    assert set(quintiles.loc["tiny", "inmask"]["SAM"]) == {1, 5}
    assert quintiles.loc[("tiny", "inmask", "psgan"), "SAM"] == 1
    assert list(quintiles.loc["tiny", "notinmask"].index) == ["template"]

    assert sorted(path.name for path in (evaluation / "tables").iterdir()) == [
        "eval_tiny_inmask.csv", "eval_tiny_notinmask.csv",
    ]  # fmt: skip
    table = pd.read_csv(evaluation / "tables" / "eval_tiny_inmask.csv", index_col="model")
    assert list(table.index) == ["bicubic", "psgan", "template"] and list(table.columns) == METRICS
    assert table.loc["psgan", "PSNR"] == "15.00\n(± 7.071)" and table.loc["psgan", "SSIM"] == "undefined\n(2 of 2)"


def pictures(root, execute):
    """Run create_sample_images in the project's folder and check the pictures."""
    parameters = {
        "environment": str(root.parent / "environment.json"), "experiment": "sea", "step": 2, "split": "val",
        "input_rgb": ["B08", "B04", "B03"],
    }  # fmt: skip
    found = execute("create_sample_images", PROJECT, parameters)
    paths = sorted((root / "sea" / "test" / "a").iterdir())
    assert [path.name for path in paths] == ["0.png", "1.png"]
    # Four tiles in batches of three; 2.6 inches a tile and half an inch of title, three columns.
    sizes = [matplotlib.image.imread(path).shape[:2] for path in paths]
    assert sizes == [(round((rows * 2.6 + 0.5) * 110), 858) for rows in (3, 1)]
    assert len(shown(found["show"], "image/png")) == 2
    assert "sea_a, step 2: 4 tiles of val, batches of 3" in found["load"][-1].text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs_and_explain_every_cell(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert [cell.execution_count for cell in cells(book)] == [None] * len(cells(book))
    assert [cell.outputs for cell in cells(book)] == [[]] * len(cells(book))
    assert [cell.cell_type for cell in book.cells] == ["markdown", "code"] * len(cells(book))
    assert cells(book)[0].metadata.tags == ["parameters"]


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["create_sample_images", "summary_eval"]
