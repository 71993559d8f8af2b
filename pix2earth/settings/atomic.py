"""Atomic file writing: a file is written under a temporary name, synced to the disk, and renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TEMPORARY_SUFFIX = ".part"


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the same folder that becomes ``path`` when the block ends without an error.

    Raises:
        OSError: the disk is full or the folder cannot be written; ``path`` is then as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and str(error.filename or temporary) == str(temporary):
            # The system names no file (a full disk) or the temporary file; users know only the final path.
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        raise


def sync(path: str | os.PathLike[str]) -> None:
    """Force a file's bytes, or a folder's entries, to the disk (``fsync``)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path, names: str = "*") -> None:
    """Remove the temporary files that killed processes left; no process may be writing such files now.

    Args:
        folder: the folder to clean; folders below it are not searched.
        names: a pattern of the final names of the files.
    """
    for path in folder.glob(f".{names}.*{TEMPORARY_SUFFIX}"):
        path.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a whole file atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | os.PathLike[str], content: str) -> None:
    """Write a whole UTF-8 text file atomically."""
    write_bytes(path, content.encode())


def copy(source: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Copy a whole file atomically."""
    write_bytes(path, Path(source).read_bytes())


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write a JSON file atomically, indented, keys in the given order."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
