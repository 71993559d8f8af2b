"""Documents in files, read by the module under test."""

import pytest

from pix2earth.settings.errors import UserError


@pytest.fixture
def parse(tmp_path, request):
    """Write a text (or bytes) into the module's ``FILE`` and read it as the module does."""
    module = request.module

    def parsed(content):
        path = tmp_path / module.FILE
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return module.read(path)

    return parsed


@pytest.fixture
def refuse(parse, request):
    """Return the one line of the mistake that a text is, without the folder."""

    def refused(content) -> str:
        with pytest.raises(UserError) as caught:
            parse(content)
        (line,) = caught.value.lines
        return line[line.index(request.module.FILE) :]

    return refused
