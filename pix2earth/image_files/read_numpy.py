"""NPY and NPZ, never with pickles."""

from __future__ import annotations

import functools
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pix2earth.image_files.image_file import (
    Box,
    ImageFile,
    Pixels,
    arranged_shape,
    checked_axes,
    part_of,
    supported,
)
from pix2earth.settings.errors import UserError, nearest

AXES = {2: "HW", 3: "HWC", 4: "THWC"}
"""Axes of arrays by their number of dimensions, where nothing else is stated."""


def read_numpy(path: Path, kind: str, names: Sequence[str], axes: str | None) -> ImageFile:
    """Return an NPY or NPZ file; see ``read_image_file``.

    Raises:
        UserError: it is damaged, holds Python objects, or has not the variable.
    """
    chosen = _chosen(path, names) if kind == "NPZ" else None
    if kind == "NPY" and names:
        raise UserError(f"{path}: is an NPY file, which has no variable '{names[0]}'; leave it out")
    array = _array(path, chosen)
    letters = checked_axes(axes, AXES.get(array.ndim, ""), array.ndim, path)
    arranged, shape = arranged_shape(array.shape, letters)
    load = functools.partial(_load, path, chosen, letters)
    return ImageFile(path, kind, arranged, shape, supported(array.dtype, path), load)


def _chosen(path: Path, names: Sequence[str]) -> str:
    """Return the name of an array in an NPZ file.

    Raises:
        UserError: it is none, or has not exactly one such array.
    """
    if len(names) > 1:
        raise UserError(f"{path}: one variable of an NPZ file can be read, not {len(names)}")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
    except zipfile.BadZipFile:
        raise UserError(f"{path}: is a damaged NPZ file; copy it again") from None
    arrays = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
    if any(name.endswith("data.pkl") for name in members):
        raise UserError(f"{path}: is a file of PyTorch, which holds a pickle; save the array as NPY")
    if not arrays:
        raise UserError(f"{path}: is a ZIP archive without arrays of NumPy; unpack it")
    if names and names[0] not in arrays:
        raise UserError(f"{path}: has no variable '{names[0]}'{nearest(names[0], arrays)}")
    if not names and len(arrays) > 1:
        raise UserError(f"{path}: has several variables: {', '.join(arrays)}; name one (variable)")
    return names[0] if names else arrays[0]


def _array(path: Path, name: str | None) -> Any:
    """Return an array; that of an NPY file stays on the disk.

    Raises:
        UserError: it is damaged or holds Python objects.
    """
    import numpy as np

    try:
        if name is None:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        with np.load(path, allow_pickle=False) as archive:
            return archive[name]
    except (ValueError, EOFError, OSError, KeyError, zipfile.BadZipFile, zlib.error, SyntaxError) as error:
        if "Object arrays" in str(error) or "Python objects" in str(error):
            raise UserError(f"{path}: holds Python objects, which could run any code; save numbers") from None
        raise UserError(f"{path}: is a damaged {'NPZ' if name else 'NPY'} file; copy it again") from None


def _load(path: Path, name: str | None, letters: str, sample: int | None, box: Box | None) -> Pixels:
    return Pixels(part_of(_array(path, name), letters, sample, box), None)
