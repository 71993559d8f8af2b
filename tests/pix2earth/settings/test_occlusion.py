"""The key occlusion of experiment.json: what it accepts, and one line for each mistake, with the nearest name."""

import json

import pytest

from pix2earth.runs.recorded_settings import with_recorded
from pix2earth.settings.errors import UserError
from pix2earth.settings.occlusion import Occlusion, OcclusionInUse
from pix2earth.settings.schema import ExperimentFile
from pix2earth.settings.validation import load

RIGHT = {"positions": [[1], [2], [1, 3]], "cloud_range": [0.1, 0.6], "masks": "clouds"}


@pytest.fixture
def settings(tmp_path):
    """``settings(**keys)``: those of an experiment with these keys."""

    def loaded(**keys) -> ExperimentFile:
        path = tmp_path / "experiment.json"
        path.write_text(json.dumps({"model_name": "gapfill", **keys}))
        return load(path, ExperimentFile)

    return loaded


def test_what_is_stated_and_what_is_left_out(settings):
    stated = settings(occlusion=RIGHT).occlusion
    assert (stated.positions, stated.cloud_range, stated.masks) == ([[1], [2], [1, 3]], [0.1, 0.6], "clouds")
    assert stated.names_dataset
    short = settings(occlusion={"positions": [[2]], "masks": "synthetic"}).occlusion
    assert short.cloud_range == [0.01, 1.0] and not short.names_dataset
    assert not settings(occlusion=RIGHT | {"masks": "other_time_steps"}).occlusion.names_dataset
    assert settings().occlusion is None and settings().training_length is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"position": [[1]]}, "unknown key 'occlusion.position'; did you mean 'positions'?"),
        ({"positions": [1]}, "occlusion.positions.0: must be a list in brackets [], not 1"),
        ({"positions": []}, "occlusion.positions: must name at least one time step in each combination"),
        ({"positions": [[1], []]}, "occlusion.positions: must name at least one time step in each combination"),
        ({"positions": [[0]]}, "occlusion.positions.0.0: must be greater than 0, not 0"),
        ({"positions": [[1, 2, 1]]}, "occlusion.positions: [1, 2, 1] names a time step twice"),
        ({"cloud_range": [0.6, 0.1]}, "occlusion.cloud_range: must be [smallest, largest] share"),
        ({"cloud_range": [0.1, 60]}, "occlusion.cloud_range: must be [smallest, largest] share"),
        ({"cloud_range": [0, 0]}, "occlusion.cloud_range: must be [smallest, largest] share"),
        ({"cloud_range": [0.5]}, "occlusion.cloud_range: must be [smallest, largest] share"),
        ({"cloud_range": 0.5}, "occlusion.cloud_range: must be a list in brackets [], not 0.5"),
        ({"masks": "../clouds"}, "occlusion.masks: must be the name of a dataset below the data root"),
        ({"masks": 3}, "occlusion.masks: must be a string in double quotes, not 3"),
    ],
)
def test_a_mistake_is_one_line(settings, tmp_path, changes, message):
    content = RIGHT | changes
    if "position" in changes:
        del content["positions"]
    with pytest.raises(UserError) as caught:
        settings(occlusion=content)
    assert any(message in line for line in caught.value.lines), caught.value.lines
    assert len(caught.value.lines) == (2 if "position" in changes else 1)
    assert all(line.startswith(f"{tmp_path / 'experiment.json'}:1:") for line in caught.value.lines)


def test_a_number_of_training_samples_is_stated_once(settings):
    assert settings(training_length=400).training_length == 400
    with pytest.raises(UserError, match="training_length: and sample_train choose the same samples"):
        settings(training_length=400, sample_train=400)
    with pytest.raises(UserError, match="training_length: must be greater than 0"):
        settings(training_length=0)


def test_a_recorded_run_keeps_its_occlusion_and_one_of_a_former_version_had_none(settings):
    recorded = settings(occlusion=RIGHT, training_length=5).model_dump(mode="json")
    kept = with_recorded(settings(), recorded)
    assert kept.occlusion == Occlusion(**RIGHT) and kept.training_length == 5
    former = {key: value for key, value in recorded.items() if key not in ("occlusion", "training_length")}
    kept = with_recorded(settings(occlusion=RIGHT, training_length=5), former)
    assert kept.occlusion is None and kept.training_length is None


def test_stored_fields_are_kept_by_their_new_names_and_made_ones_are_replaced(tmp_path):
    in_use = OcclusionInUse(Occlusion(**RIGHT), tmp_path, tmp_path, 64, {"cloud_mask": "stored_cloud_mask"}, None)
    assert in_use.seen({"input_image": 1, "target": 2, "cloud_mask": 3}) == {"target": 2, "stored_cloud_mask": 3}
