"""Fixtures for the tests of configuration files."""

import pytest

from pix2earth.settings.errors import UserError
from pix2earth.settings.validation import load


@pytest.fixture
def error_of(tmp_path):
    """``error_of(text, schema, name="x.yaml")``: the only line of the error of a file, without the file's path."""

    def load_and_fail(text: str, schema, name: str = "x.yaml") -> str:
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(UserError) as caught:
            load(path, schema)
        (line,) = caught.value.lines
        assert line.startswith(f"{path}:")
        return line.removeprefix(f"{path}:")

    return load_and_fail
