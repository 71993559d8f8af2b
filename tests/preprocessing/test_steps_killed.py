"""Steps 40 and 50 as processes: killed and resumed, on several workers and on a cluster they write the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.product_roots import killed_step, step, write_environment
from tests.products import write_safe, write_sen3

pytestmark = pytest.mark.slow
STEP40, STEP50 = "40_create_tifs.py", "50_create_tfrecords.py"
INVENTORY = "inv_T17XNA_10h"
CUT = ("--selection", "some", "--tilesize", "30", "--quantity", "12", "--seed", "3")
RECORDS = (
    "--inventory", INVENTORY, "--dataset", "x", "--tilesize", "30", "--train_ratio", "0.7", "--seed", "5",
    "--split", "block",  # all scenes have one OLCI frame
)  # fmt: skip
HEADER = "index,year,month,s2,s2date,s3,s3date,timediff,s3filetype,overlap\n"
SENSED = ("20200702T172901", "20200704T172901", "20200706T172901")


@pytest.fixture(scope="module")
def products(tmp_path_factory) -> Path:
    """Three scenes and their frame, and a selection of them, of one that cannot be read, and of one that is missing."""
    root = tmp_path_factory.mktemp("products")
    environment = write_environment(root)
    scenes = [
        write_safe(root / "s2", sensing=sensed, baseline=baseline)
        for sensed, baseline in zip(SENSED, ("02.09", "05.10", "02.09"), strict=True)
    ]
    broken = root / "s2" / scenes[0].name.replace(SENSED[0], "20200708T172901")
    broken.mkdir()
    (broken / "MTD_MSIL1C.xml").write_text("<no")
    frame = write_sen3(root / "s3")
    rows = [
        f"{index},2020,7,{name},2020-07-{2 + 2 * index:02d},{frame.name},2020-07-02,0 days 01:00:00,SEN3,1.0"
        for index, name in enumerate([*(scene.name for scene in scenes), broken.name, "S2A_missing.SAFE"])
    ]
    inventory = root / "data" / "_inventory"
    inventory.mkdir(parents=True)
    (inventory / f"{INVENTORY}.csv").write_text(HEADER + "\n".join(rows) + "\n")
    (inventory / "some.json").write_text(json.dumps({"inventory": INVENTORY, "s2_indices": [0, 4, 1, 2, 3]}))
    return environment


@pytest.fixture
def environment(products, tmp_path) -> Path:
    """The same products with an empty data root."""
    roots = {key: str(products.parent / key[:2]) for key in ("s2_root", "s3_root")}
    path = tmp_path / "environment.json"
    path.write_text(json.dumps({"data_root": "data", **roots}))
    inventory = tmp_path / "data" / "_inventory"
    inventory.mkdir(parents=True)
    for file in (products.parent / "data" / "_inventory").glob("*.*"):
        (inventory / file.name).write_bytes(file.read_bytes())
    return path


@pytest.fixture(scope="module")
def uninterrupted(products) -> dict[str, bytes]:
    """The files that both steps write without interruption."""
    _cut(products)
    assert _count(products, "*.tif") == 3 * 12
    assert step(STEP50, products, *RECORDS).returncode == 0
    return _written(products)


def _cut(environment: Path, *options: str) -> None:
    done = step(STEP40, environment, *CUT, *options)
    assert done.returncode == 1, done.stderr
    assert "MTD_MSIL1C.xml: is not XML" in done.stderr
    assert "S2A_missing.SAFE: is not below" in done.stderr
    assert done.stderr.rstrip().endswith("2 scenes failed and were left out")


def _count(environment: Path, pattern: str) -> int:
    """Return the number of files of the data root whose names match, without temporary ones."""
    return sum(not path.name.startswith(".") for path in (environment.parent / "data").rglob(pattern))


def _written(environment: Path) -> dict[str, bytes]:
    """Return the content of all files: tiles, plots, summaries, records, manifests, and any temporary files."""
    data = environment.parent / "data"
    return {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}


def test_killed_steps_resume_to_the_same_bytes(environment, uninterrupted):
    for number in (2, 14, 30):
        new = number - _count(environment, "*.tif")
        killed_step(STEP40, environment, *CUT, event="os.rename", pattern=r"\.tif", count=new + 1)
        assert _count(environment, "*.tif") == number
    _cut(environment)
    for number in (10, 60):
        new = number - _count(environment, "*.tfrecord")
        killed_step(STEP50, environment, *RECORDS, event="os.rename", pattern=r"\.tfrecord", count=new + 1)
        assert _count(environment, "*.tfrecord") == number
    assert not _count(environment, "dataset.json")
    assert step(STEP50, environment, *RECORDS).returncode == 0
    assert _written(environment) == uninterrupted


def test_several_workers_write_the_same_bytes(environment, uninterrupted):
    _cut(environment, "--workers", "2")
    assert step(STEP50, environment, *RECORDS, "--workers", "2").returncode == 0
    assert _written(environment) == uninterrupted


def test_a_running_cluster_writes_the_same_bytes(environment, uninterrupted, tmp_path):
    file = tmp_path / "scheduler.json"
    call = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-dashboard"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path, "start_new_session": True}
    running = [subprocess.Popen([*call, "--scheduler-file", str(file)], **quiet)]
    try:
        running.append(subprocess.Popen([*worker, "--scheduler-file", str(file)], **quiet))
        started = time.monotonic()
        while not file.is_file() or not file.read_text().strip().endswith("}"):
            assert time.monotonic() - started < 60
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        _cut(environment, "--scheduler", address)
        assert step(STEP50, environment, *RECORDS, "--scheduler", address).returncode == 0
    finally:
        for process in reversed(running):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert _written(environment) == uninterrupted
