"""What copying and unpacking leave around a product and beside its files."""

from __future__ import annotations

from pathlib import Path

from pix2earth.settings.errors import UserError

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


def product_folder(path: Path, names: list[str]) -> str:
    """Return the path of the product's folder in a .zip, with a trailing ``/``; '' where files lie at the top.

    Raises:
        UserError: it holds several products.
    """
    folders = set()
    for name in names:
        parts = name.split("/")[:-1]
        # The innermost: programs that unpack put a folder around a folder of the same name.
        at = next((i for i in reversed(range(len(parts))) if parts[i].upper().endswith(PRODUCT_SUFFIXES)), None)
        if at is not None:
            folders.add("/".join(parts[: at + 1]) + "/")
    if len(folders) > 1:
        raise UserError(f"{path}: holds {len(folders)} products; give each a .zip of its own")
    if folders:
        return folders.pop()
    tops = {name.split("/")[0] + "/" for name in names if "/" in name}
    return tops.pop() if len(tops) == 1 and all("/" in name for name in names) else ""
