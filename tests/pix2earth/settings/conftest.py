"""Fixtures that read a text as a file with the module under test."""

import pytest

from pix2earth.settings.errors import UserError


@pytest.fixture
def parse(tmp_path, request):
    """``parse(content)``: the document of a text or of bytes in the file ``FILE`` of the test module."""
    module = request.module

    def parsed(content):
        path = tmp_path / module.FILE
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return module.read(path)

    return parsed


@pytest.fixture
def refuse(parse, request):
    """``refuse(content)``: the one line of the error that a text causes, without the folder."""

    def refused(content) -> str:
        with pytest.raises(UserError) as caught:
            parse(content)
        (line,) = caught.value.lines
        return line[line.index(request.module.FILE) :]

    return refused
