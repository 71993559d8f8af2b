"""Tables of keys and JSON Schemas in ``docs/``, which are generated from the schemas of the settings."""

import json

import pytest

from pix2earth.documentation import keys
from pix2earth.settings.schema import ExperimentFile


@pytest.mark.parametrize("path", keys.generated_files(), ids=lambda path: path.name)
def test_generated_files_are_current(path):
    assert path.read_text() == keys.generated_files()[path], "run `make docs`"


def test_every_key_is_in_the_page_with_a_meaning():
    page = (keys.DOCS / "experiment.md").read_text()
    for key, field in ExperimentFile.model_fields.items():
        assert f"| `{key}` |" in page
        assert field.description


def test_the_schema_knows_the_choices_of_a_key():
    schema = json.loads((keys.DOCS / "experiment.schema.json").read_text())
    assert schema["properties"]["normalize"]["enum"] == ["symmetric", "unit", "l2", "none"]
    assert schema["additionalProperties"] is False


def test_the_example_environment_is_valid():
    from pix2earth.settings.schema import EnvironmentFile
    from pix2earth.settings.validation import load

    assert load(keys.DOCS.parent / "environment.json.example", EnvironmentFile).keep_checkpoints == 5
