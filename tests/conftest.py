"""A tiny dataset with its environment and an experiment, for every test that needs something to read.

``tiny_root`` is a folder of the test's own::

    environment.json              data_root and experiment_root: the two folders beside it
    data/tiny/64/                 12 train, 6 val: input_image (32 px, 4 bands), target (64 px, 3 bands), cloud_mask
    experiments/tiny/experiment.json

``tiny_arrays[split][name][field]`` are the arrays that were written. ``write_experiment(root, name, **settings)``
writes one more experiment and returns its file; ``open_tiny(root, name, **settings)`` opens one (written again where
settings are given); ``finished_run(name, run, **settings)`` puts a trained one there. Names of every third tile end
with ``_notinmask``.
"""

import gc
import io
import json
import os
import resource
import shutil
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiment import PROJECT, VARIABLE, Environment, open_experiment
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.results.page_picture import CHROMIUM
from tests import golden_files

# Tests of damage would bury pytest's own output under TensorFlow's warnings.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

TILESIZE = 64
COUNTS = {"train": 12, "val": 6}
FIELDS = {
    "input_image": Field(
        dtype="uint16", shape=[32, 32, 4], bands=["B02", "B03", "B04", "B08"], scale=1e-4, nodata=0,
        valid_range=(0.0, 1.0), rgb=["B04", "B03", "B02"], gsd=20.0,
    ),
    "target": Field(
        dtype="uint16", shape=[TILESIZE, TILESIZE, 3], bands=["B04", "B03", "B02"], scale=1e-4, nodata=0,
        valid_range=(0.0, 1.0), rgb=["B04", "B03", "B02"], gsd=10.0,
    ),
    "cloud_mask": Field(dtype="uint8", shape=[TILESIZE, TILESIZE, 1], kind="mask", bands=["clear"]),
}  # fmt: skip
MINIMUM = {
    "model_name": "template", "params": {"filters": 8, "blocks": 1}, "dataset": "tiny", "tilesize": TILESIZE,
    "batch_size": 4, "steps": 2,
}  # fmt: skip


def _tile(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Return smooth ground with some texture, the coarse view of it, and a mask with a hole."""
    rows, columns = np.mgrid[0:TILESIZE, 0:TILESIZE] / TILESIZE
    waves = [np.sin(2 * np.pi * (a * rows + b * columns + c)) for a, b, c in random.uniform(0.3, 2.0, (4, 3))]
    ground = 3000 + 1500 * np.stack(waves, axis=-1) + random.normal(0, 100, (TILESIZE, TILESIZE, 4))
    fine = np.clip(ground, 1, 10000)
    coarse = fine.reshape(32, 2, 32, 2, 4).mean(axis=(1, 3))
    mask = np.ones((TILESIZE, TILESIZE, 1), np.uint8)
    first, last = sorted(random.integers(0, TILESIZE, 2))
    mask[first:last, first:last] = 0
    return {
        "input_image": coarse.round().astype(np.uint16),
        "target": fine[..., [2, 1, 0]].round().astype(np.uint16),
        "cloud_mask": mask,
    }


@pytest.fixture(scope="session")
def tiny_arrays() -> dict[str, dict[str, dict[str, np.ndarray]]]:
    """Every array of the tiny dataset by split, name and field."""
    random = np.random.default_rng(2024)
    return {
        split: {f"{split}{index:02d}{'' if index % 3 else '_notinmask'}": _tile(random) for index in range(count)}
        for split, count in COUNTS.items()
    }


@pytest.fixture(scope="session")
def _tiny_template(tiny_arrays, tmp_path_factory) -> Path:
    from pix2earth.records.writer import DatasetWriter

    root = tmp_path_factory.mktemp("tiny")
    manifest = Manifest(
        name="tiny", tilesize=TILESIZE, description="Synthetic, for tests.", fields=FIELDS, mask="cloud_mask",
        split=Split(method="synthetic", seed=2024),
    )  # fmt: skip
    with DatasetWriter(root / "data", manifest) as writer:
        for split, tiles in tiny_arrays.items():
            for number, (name, fields) in enumerate(tiles.items()):
                writer.write(
                    split, name, fields, crs="EPSG:32618", transform=(10, 0, 500000 + 640 * number, 0, -10, 4500000),
                    acquired=["2023-07-01T15:00:00Z"],
                )  # fmt: skip
    (root / "environment.json").write_text(
        json.dumps({"environment": "test", "data_root": "data", "experiment_root": "experiments"})
    )
    _write_experiment(root, "tiny")
    return root


@pytest.fixture
def tiny_root(_tiny_template, tmp_path, monkeypatch) -> Path:
    """A copy of the tiny folder; the test may change what it likes."""
    monkeypatch.delenv(VARIABLE, raising=False)
    return shutil.copytree(_tiny_template, tmp_path / "tiny_root")


def _write_experiment(root: Path, name: str, **settings) -> Path:
    path = Path(root) / "experiments" / name / "experiment.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**MINIMUM, **settings}, indent=2))
    return path


@pytest.fixture(scope="session")
def write_experiment():
    """``write_experiment(root, name, **settings)``: the smallest experiment on the tiny dataset, with changes."""
    return _write_experiment


@pytest.fixture(scope="session")
def open_tiny():
    """``open_tiny(root, name="tiny", **settings)``: an Experiment; with settings its file is written first."""

    def opened(root: Path, name: str = "tiny", **settings):
        if settings:
            _write_experiment(root, name, **settings)
        return open_experiment(name, Environment(root / "environment.json"), "0101-0000")

    return opened


@pytest.fixture(scope="session")
def _train_once(_tiny_template, tmp_path_factory):
    """``_train_once(name, run, settings)``: the folder of all experiments after a training, which is kept."""
    folders: dict[str, Path] = {}

    def trained(name: str, run: str, settings: dict[str, Any]) -> Path:
        key = json.dumps([name, run, settings], sort_keys=True)
        if key not in folders:
            import train

            root = shutil.copytree(_tiny_template, tmp_path_factory.mktemp("trained") / "tiny_root")
            _write_experiment(root, name, **settings)
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), pytest.raises(SystemExit) as end:
                train.main(["--env", str(root / "environment.json"), "--exp", name, "--timestamp", run])
            assert end.value.code == 0
            folders[key] = root / "experiments"
        return folders[key]

    return trained


@pytest.fixture
def finished_run(tiny_root, _train_once):
    """``finished_run(name, run, **settings)``: put a trained experiment into the tiny folder; return its experiments.

    It is trained once for all tests that ask for the same.
    """

    def copied(name: str, run: str, **settings) -> Path:
        place = tiny_root / "experiments"
        return shutil.copytree(_train_once(name, run, settings), place, dirs_exist_ok=True)

    return copied


@pytest.fixture
def experiment_of(tmp_path, open_tiny):
    """``experiment_of(fields, **settings)``: an Experiment on a dataset that has a manifest of these fields only."""

    def opened(fields: dict[str, Field], *, roles: dict[str, Any] | None = None, **settings):
        tilesize = settings.get("tilesize", TILESIZE)
        folder = tmp_path / "data" / "made" / str(tilesize)
        folder.mkdir(parents=True, exist_ok=True)
        Manifest(
            name="made", tilesize=tilesize, fields=fields, split=Split(method="synthetic"), **(roles or {})
        ).save(folder)  # fmt: skip
        (tmp_path / "environment.json").write_text("{}")
        return open_tiny(tmp_path, "made", dataset="made", **settings)

    return opened


@pytest.fixture
def files_no_larger_than():
    """``with files_no_larger_than(size):`` every write beyond it fails, as on a full disk."""

    @contextmanager
    def limited(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium; tests that need one are skipped where there is none."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        pytest.skip("there is no Chromium to try the page in")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
                "--disable-sync", "--disable-component-update",
            ],
        )  # fmt: skip
        yield running
        running.close()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """Let a test fail that does not read what it is said to compare of a golden file."""
    golden_files.READ.clear()
    result = yield
    if golden_files.READ:
        file = pyfuncitem.path.relative_to(PROJECT).as_posix()
        golden_files.assert_all_read(f"{file}::{pyfuncitem.originalname}")
    return result


def pytest_collection_modifyitems(items):
    """Run files with slow tests first, so that the processes that share the tests finish at the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish():
    """Let garbage collections skip what was imported: they take a tenth of the time of tests that build networks."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
