"""Parts of a page of documentation that a command writes anew."""

from __future__ import annotations

import re
from pathlib import Path

from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError


def marks(name: str) -> tuple[str, str]:
    """Return the lines between which a section stands."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def freeze(page: Path, name: str, text: str) -> None:
    """Replace what stands between the marks of a section of a page.

    Raises:
        UserError: the page has no place for it.
    """
    content = page.read_text(encoding="utf-8")
    begin, end = marks(name)
    if not (begin in content and end in content):
        raise UserError(f"{page}: has no lines '{begin}' and '{end}'; restore it from the repository")
    inside = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    atomic.write_text(page, inside.sub(lambda _: f"{begin}\n{text}\n{end}", content))
