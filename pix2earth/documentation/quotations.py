"""Source files that pages of ``docs/`` quote, so that they cannot differ from the code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pix2earth.documentation.page_sections import with_section

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "add-a-model.md"
SECTIONS: Mapping[str, str] = {
    "protocol": "pix2earth/plugins/protocol.py",
    "unpaired": "docs/plug-ins/unpaired_cyclegan.py",
    "recurrent": "docs/plug-ins/frame_recurrent.py",
    "gaps": "docs/plug-ins/random_gaps.py",
}
"""Sections of the page -> the file that each one quotes."""


def generated_files() -> dict[Path, str]:
    """Return the expected content of the page by its path."""
    content = PAGE.read_text(encoding="utf-8")
    for section, source in SECTIONS.items():
        text = (PROJECT / source).read_text(encoding="utf-8").rstrip()
        content = with_section(PAGE, section, f"```python\n{text}\n```", content)
    return {PAGE: content}
