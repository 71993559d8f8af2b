"""The pipeline of dvc.yaml: it runs in a copy of the project, with two steps of training, and DVC reads what it writes.

`dvc` is that of the virtual environment; each of its commands starts an interpreter.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from experiment import PROJECT
from pix2earth.settings.commented_json import read

EXPERIMENTS = ("l1", "gan")
COPIED = (
    ".dvc", "layers", "losses", "metrics", "models", "pix2earth", "preprocessing", "sensors", "synthetic",
    "experiments/pipeline",
)  # fmt: skip


class Copy:
    """A Git repository with what the pipeline needs."""

    def __init__(self, folder: Path):
        self.folder = folder
        left_out = shutil.ignore_patterns("__pycache__", "tmp", "cache", "config.local", "ckpt", "logs", "samples",
                                          "model", "nohup")  # fmt: skip
        for name in COPIED:
            shutil.copytree(PROJECT / name, folder / name, ignore=left_out)
        for path in (*PROJECT.glob("*.py"), *(PROJECT / name for name in (".gitignore", ".dvcignore", "dvc.yaml"))):
            shutil.copy(path, folder)
        binaries = str(Path(sys.executable).parent)
        self.dvc = shutil.which("dvc", path=os.pathsep.join([binaries, os.environ["PATH"]]))
        assert self.dvc, "dvc is not installed, although requirements.txt lists it"
        self.variables = os.environ | {
            "PATH": os.pathsep.join([binaries, os.environ["PATH"]]), "TF_CPP_MIN_LOG_LEVEL": "2",
            "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t",
        }  # fmt: skip
        self.variables.pop("PIX2EARTH_ENV", None)

    def run(self, *words):
        process = subprocess.run(words, cwd=self.folder, env=self.variables, capture_output=True, text=True)
        assert process.returncode == 0, process.stdout[-3000:] + process.stderr[-3000:]
        return process.stdout

    def reproduce(self):
        """Run the pipeline; return the stages that ran."""
        return re.findall(r"^Running stage '(.+)':", self.run(self.dvc, "repro"), re.MULTILINE)

    def document(self, *words):
        return json.loads(self.run(self.dvc, *words, "--json"))

    def change(self, name, **settings):
        path = self.folder / "experiments" / "pipeline" / name / "experiment.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.fixture
def copy(tmp_path):
    copy = Copy(tmp_path / "project")
    for name in EXPERIMENTS:
        copy.change(name, steps=2, validate_freq=1, batch_size=2, metrics=["PSNR", "SSIM"])
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "all")):
        copy.run("git", *words)
    return copy


@pytest.mark.slow
def test_the_pipeline_runs_and_again_only_where_something_changed(copy):
    stages = copy.reproduce()
    assert sorted(stages) == ["compare", "data", "evaluate@gan", "evaluate@l1", "train@gan", "train@l1"]
    page = (copy.folder / "experiments/_evaluation/pipeline.html").read_text()
    assert all(f"pipeline--{name}_dvc" in page for name in EXPERIMENTS)
    check_what_dvc_reads(copy)
    assert copy.run("git", "status", "--porcelain").split() == ["??", "dvc.lock"]

    assert copy.reproduce() == []
    copy.change("gan", learning_rate=5e-4)
    assert copy.reproduce() == ["train@gan", "evaluate@gan", "compare"]
    (run,) = (copy.folder / "experiments/pipeline/gan/logs").iterdir()
    record = json.loads((run / "run.json").read_text())
    assert record["settings"]["learning_rate"] == 5e-4 and len(record["sessions"]) == 1


def check_what_dvc_reads(copy):
    """Check metrics, plots and parameters as DVC shows them against the files of the runs."""
    shown = copy.document("metrics", "show")[""]["data"]
    assert len(shown) == len(EXPERIMENTS)
    for name in EXPERIMENTS:
        means = shown[f"experiments/_evaluation/pipeline--{name}_dvc.metrics.json"]["data"]["test"]
        rows = (copy.folder / f"experiments/_evaluation/pipeline--{name}_dvc.csv").read_text().splitlines()
        column = rows[0].split(",").index("PSNR")
        values = [float(row.split(",")[column]) for row in rows[1:]]
        assert means["PSNR"] == pytest.approx(sum(values) / len(values))
        assert {"SSIM", "PSNR_bicubic", "SSIM_bicubic"} <= means.keys()
    (workspace, *_) = copy.document("exp", "show")
    parameters = workspace["data"]["params"]
    assert parameters["experiments/pipeline/gan/experiment.json"]["data"]["gen_loss"] == {
        "gen_gan": 0.001,
        "gen_l1": 100,
    }
    copy.run(copy.dvc, "plots", "show")
    plots = (copy.folder / "dvc_plots/index.html").read_text()
    for title, field in (("Losses", "gen_l1"), ("PSNR of the validation", "PSNR")):
        assert title in plots and f'"{field}"' in plots


def test_the_files_that_dvc_writes_parameters_to_have_no_comments():
    """DVC reads JSON, and would remove comments."""
    for name in EXPERIMENTS:
        path = PROJECT / "experiments" / "pipeline" / name / "experiment.json"
        assert json.loads(path.read_text()) == read(path).data


def test_the_pipeline_names_the_files_of_the_project():
    stages = YAML(typ="safe").load(PROJECT / "dvc.yaml")["stages"]
    folders = {path.parent.name for path in (PROJECT / "experiments/pipeline").glob("*/experiment.json")}
    for name in ("train", "evaluate"):
        assert set(stages[name]["foreach"]) == folders == set(EXPERIMENTS)
    for path in (stages["data"]["deps"][0], stages["train"]["do"]["deps"][1]):
        assert (PROJECT / path).is_file()
