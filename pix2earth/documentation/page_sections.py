"""Generated sections of documentation pages, between two marks in the page."""

from __future__ import annotations

import re
from pathlib import Path

from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError


def marks(name: str) -> tuple[str, str]:
    """Return the lines that mark start and end of a section."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def with_section(page: Path, name: str, text: str, content: str | None = None) -> str:
    """Return the content of a page with the text of a section replaced.

    Args:
        page: the page.
        name: of the section.
        text: of the section.
        content: of the page; None: as it is on the disk.

    Raises:
        UserError: the page has no such section.
    """
    content = page.read_text(encoding="utf-8") if content is None else content
    begin, end = marks(name)
    if not (begin in content and end in content):
        raise UserError(f"{page}: has no lines '{begin}' and '{end}'; restore it from the repository")
    section = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    return section.sub(lambda _: f"{begin}\n{text}\n{end}", content)


def write_section(page: Path, name: str, text: str) -> None:
    """Replace the text of a section of a page on the disk.

    Raises:
        UserError: the page has no such section.
    """
    atomic.write_text(page, with_section(page, name, text))
