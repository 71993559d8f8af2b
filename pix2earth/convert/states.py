"""Read the arrays of a published checkpoint by name; no file can run code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pix2earth.settings.errors import UserError

PICKLES = (".pt", ".pth", ".ckpt", ".bin")
"""Suffixes of PyTorch's own format, of which only arrays are read (``weights_only``)."""
EXTRACT = (
    "    import torch\n"
    "    from safetensors.torch import save_file\n"
    '    state = torch.load("{name}", map_location="cpu", weights_only=False)  # runs code of the file\n'
    "    state = state.state_dict() if hasattr(state, 'state_dict') else state\n"
    '    save_file({{name: array.contiguous() for name, array in state.items()}}, "{stem}.safetensors")'
)
"""Lines that make a file without code of one with it."""


def read_state(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a checkpoint by name, those of nested dictionaries by names with dots.

    Args:
        path: ``.safetensors``, ``.npz``, or PyTorch's own format, for which torch must be installed.

    Returns:
        Arrays by name; numbers of half precision as float32.

    Raises:
        UserError: there is no such file, it has another format, is damaged, or holds more than arrays.
    """
    if not path.is_file():
        raise UserError(f"--from {path}: there is no such file")
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        state = _safetensors(path)
    elif suffix == ".npz":
        state = _npz(path)
    elif suffix in PICKLES:
        state = dict(_flat(_pickle(path)))
    else:
        raise UserError(f"--from {path}: must be .safetensors, .npz, {', '.join(PICKLES)}")
    if not state:
        raise UserError(f"--from {path}: holds no arrays")
    return state


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return {name: _plain(array) for name, array in load_file(path).items()}
    except (SafetensorError, OSError, KeyError) as error:
        raise UserError(f"--from {path}: cannot be read as safetensors: {error}") from None


def _npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: _plain(file[name]) for name in file.files}
    except (OSError, ValueError) as error:
        raise UserError(f"--from {path}: cannot be read as .npz: {error}") from None


def _pickle(path: Path) -> Any:
    """Return what a file in PyTorch's format holds, read without running code of it."""
    try:
        import torch
    except ModuleNotFoundError:
        raise UserError(
            f"--from {path}: needs torch, which is not installed; install it, or convert the file to .safetensors where"
            " it is"
        ) from None
    import pickle

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        lines = EXTRACT.format(name=path, stem=path.with_suffix(""))
        raise UserError(
            f"--from {path}: holds objects with code, which is not run; if you trust it, extract its arrays:\n{lines}"
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise UserError(f"--from {path}: cannot be read: {error}") from None


def _flat(content: Any, prefix: str = "") -> Any:
    """Yield names and arrays of nested dictionaries; whatever else they hold, such as epochs, is left out."""
    for name, value in content.items() if isinstance(content, Mapping) else ():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif hasattr(value, "detach"):
            yield f"{prefix}{name}", _plain(value.detach().float().numpy())


def _plain(array: np.ndarray) -> np.ndarray:
    """Return numbers of other precisions than float32 as float32, integers as they are."""
    return array if array.dtype.kind in "iub" else np.asarray(array, np.float32)
