"""Every example below experiments/ trains two steps and is evaluated on two samples, scaled down by this test alone."""

import json
from pathlib import Path

import pytest

import train
from preprocessing import samples
from settings.commented_json import read

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(path for path in (ROOT / "experiments").rglob("experiment.json") if "logs" not in path.parts)


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    """The dataset that the demo makes of the shipped samples."""
    root = tmp_path_factory.mktemp("examples")
    (root / "environment.json").write_text('{"data_root": "data"}')
    with pytest.raises(SystemExit) as end:
        samples.main(["--env", str(root / "environment.json")])
    assert end.value.code == 0
    return root / "data"


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.relative_to(ROOT / "experiments").as_posix())
def test_example_trains_and_is_evaluated(path, data_root, tmp_path):
    import pandas as pd

    name = path.parent.relative_to(ROOT / "experiments").as_posix()
    settings = read(path).data | {"steps": 2, "batch_size": 2, "sample_val": 2, "metrics": ["PSNR"]}
    folder = tmp_path / "experiments" / name
    folder.mkdir(parents=True)
    (folder / "experiment.json").write_text(json.dumps(settings))
    environment = {"data_root": str(data_root), "experiment_root": "experiments"}
    (tmp_path / "environment.json").write_text(json.dumps(environment))
    with pytest.raises(SystemExit) as end:
        train.main(["--env", str(tmp_path / "environment.json"), "--exp", name, "--timestamp", "a"])
    assert end.value.code == 0
    (csv,) = (tmp_path / "experiments" / "_evaluation").glob("*_a.csv")
    table = pd.read_csv(csv)
    assert len(table) == 2 and (table["PSNR"] > 0).all() and (table["step"] == 2).all()
