"""Which tiles the picture of the adversarial loss shows."""

import json

import pandas as pd
import pytest

from experiment import Environment
from pix2earth.results import adversarial_picture
from pix2earth.runs.folders import RunFolders
from pix2earth.settings.errors import UserError


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "environment.json").write_text(json.dumps({"experiment_root": "experiments"}))
    return Environment(tmp_path / "environment.json")


def test_tiles_are_chosen_by_quantiles_of_the_first_row(environment, tmp_path):
    path = RunFolders(tmp_path / "experiments", "adversarial/l1", "results").evaluation
    path.parent.mkdir(parents=True)
    rows = [{"split": "test", "tile": f"t{number}", "PSNR": 30 + (7 * number) % 9} for number in range(9)]
    pd.DataFrame([*rows, {"split": "val", "tile": "v", "PSNR": 1.0}]).to_csv(path, index=False)
    scores = {row["tile"]: row["PSNR"] for row in rows}
    assert [scores[name] for name in adversarial_picture.chosen_tiles(environment)] == [30, 32, 34, 36, 38]


def test_without_an_evaluation(environment):
    with pytest.raises(UserError, match=r"adversarial--l1_results\.csv: is not there"):
        adversarial_picture.chosen_tiles(environment)
