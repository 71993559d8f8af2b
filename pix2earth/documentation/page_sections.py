"""Sections of a page of documentation that a command writes."""

from __future__ import annotations

import re
from pathlib import Path

from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError


def marks(name: str) -> tuple[str, str]:
    """Return the lines between which a section stands."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def replaced(page: Path, name: str, text: str) -> str:
    """Return the content of a page with a section replaced.

    Raises:
        UserError: the page has no place for it.
    """
    content = page.read_text(encoding="utf-8")
    begin, end = marks(name)
    if not (begin in content and end in content):
        raise UserError(f"{page}: has no lines '{begin}' and '{end}'; restore it from the repository")
    inside = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    return inside.sub(lambda _: f"{begin}\n{text}\n{end}", content)


def write_section(page: Path, name: str, text: str) -> None:
    """Replace a section of a page on the disk; raises as ``replaced``."""
    atomic.write_text(page, replaced(page, name, text))
