"""What is in a folder."""

from pathlib import Path


def everything(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder by its path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
