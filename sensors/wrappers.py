"""What copying and unpacking leave around a product and beside its files."""

from __future__ import annotations

from pathlib import Path

PRODUCT_SUFFIXES = (".SAFE", ".SEN3")
"""Ends of the names of product folders, in upper case."""


def is_leftover(member: str) -> bool:
    """Return whether a member is what macOS leaves in archives and folders beside the real files."""
    parts = member.split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] == ".DS_Store"


def inside_its_wrapper(path: Path) -> Path:
    """Return a product's folder in a folder that holds nothing else, as programs leave it that unpack archives."""
    entries = [entry for entry in path.iterdir() if not is_leftover(entry.name)]
    if len(entries) == 1 and entries[0].is_dir() and entries[0].name.upper().endswith(PRODUCT_SUFFIXES):
        return inside_its_wrapper(entries[0])
    return path
