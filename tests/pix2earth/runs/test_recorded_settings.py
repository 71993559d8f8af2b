"""Settings of an existing run are those that it recorded; keys of later versions had no effect in it."""

import json

import pytest

from pix2earth.runs.recorded_settings import with_recorded
from pix2earth.settings.schema import ExperimentFile
from pix2earth.settings.validation import load


@pytest.fixture
def settings(tmp_path):
    """``settings(**keys)``: an experiment file with these keys."""

    def read(**keys):
        path = tmp_path / "experiment.json"
        path.write_text(json.dumps({"model_name": "pix2pix", **keys}))
        return load(path, ExperimentFile)

    return read


def test_a_run_from_before_bands_were_standardised_is_used_without(settings):
    recorded = settings(start_from="bicubic").model_dump(mode="json")
    assert recorded.pop("start_standardize") is True
    assert with_recorded(settings(start_from="bicubic"), recorded).start_standardize is False


@pytest.mark.parametrize("standardised", [True, False])
def test_a_run_keeps_whether_bands_are_standardised(settings, standardised):
    recorded = settings(start_from="bicubic", start_standardize=standardised).model_dump(mode="json")
    now = settings(start_from="bicubic", start_standardize=not standardised)
    assert with_recorded(now, recorded).start_standardize is standardised
