"""Generated sections of documentation pages."""

import pytest

from pix2earth.documentation.page_sections import marks, with_section, write_section
from pix2earth.settings.errors import UserError


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    begin, end = marks("numbers")
    path.write_text(f"# Title\n\n{begin}\n1 \\1\n{end}\n\nThe end.\n")
    return path


def test_only_the_section_is_replaced(page):
    begin, end = marks("numbers")
    assert with_section(page, "numbers", r"2 \g<0>") == f"# Title\n\n{begin}\n2 \\g<0>\n{end}\n\nThe end.\n"
    assert "1" in page.read_text()


def test_a_section_is_written_to_the_page(page):
    expected = with_section(page, "numbers", "3")
    write_section(page, "numbers", "3")
    assert page.read_text() == expected


@pytest.mark.parametrize("write", [with_section, write_section])
def test_a_page_without_the_section_is_an_error(page, write):
    with pytest.raises(UserError, match=r"page\.md: has no lines '<!-- letters: begin -->' and"):
        write(page, "letters", "a")
