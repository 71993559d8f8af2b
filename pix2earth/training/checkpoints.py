"""Checkpoints that are complete or absent.

``ckpt/<timestamp>/`` holds for each saved step the TensorFlow bundle ``ckpt-N.index`` and ``ckpt-N.data-...`` and,
written last, ``ckpt-N.json`` with the SHA-256 of these files: a checkpoint exists when its JSON does. The text file
``checkpoint`` names the newest one, as TensorFlow's own tools expect.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pix2earth.runs.folders import checkpoint_steps
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError
from pix2earth.training import state

PART = ".part-"
BUNDLE = re.compile(r"(ckpt-\d+)\.(index|data-\d+-of-\d+)")


def save(gan: Any, folder: Path, step: int, best: dict[str, Any] | None, *, write: bool = True) -> None:
    """Save all variables of a plug-in after ``step`` finished steps.

    Args:
        gan: the plug-in.
        folder: ``ckpt/<timestamp>``.
        step: number of finished steps.
        best: the best step so far, its metric and value.
        write: False on machines that only take part in reading variables that are spread over several.

    Raises:
        OSError: the disk is full; earlier checkpoints are as they were.
    """
    variables = state.variables(gan)
    tensors = [tf.convert_to_tensor(variable) for variable in variables.values()]
    if not write:
        return
    part = folder / f"{PART}{step}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    name = f"ckpt-{step}"
    try:
        try:
            tf.raw_ops.SaveV2(
                prefix=str(part / name),
                tensor_names=list(variables),
                shape_and_slices=[""] * len(tensors),
                tensors=tensors,
            )
        except tf.errors.OpError as error:
            raise OSError(f"{folder}: the checkpoint of step {step} cannot be written; is the disk full?") from error
        files = sorted(part.iterdir())
        described: dict[str, Any] = {
            "step": step,
            "best": best,
            "files": {path.name: _sha256(path) for path in files},
            "variables": {
                key: {"path": state.path(variable), "shape": list(tensor.shape), "dtype": tensor.dtype.name}
                for (key, variable), tensor in zip(variables.items(), tensors, strict=True)
            },
        }
        described["sha256"] = _digest(described)
        (folder / f"{name}.json").unlink(missing_ok=True)
        for path in files:
            atomic.sync(path)
            os.replace(path, folder / path.name)
        atomic.write_json(folder / f"{name}.json", described)
        atomic.write_text(
            folder / "checkpoint", f'model_checkpoint_path: "{name}"\nall_model_checkpoint_paths: "{name}"\n'
        )
        atomic.sync(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _digest(content: dict[str, Any]) -> str:
    """Return the SHA-256 of what a checkpoint's JSON says, so that no bit of it can change unseen."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def about(folder: Path, step: int) -> dict[str, Any]:
    """Return what ``ckpt-N.json`` says.

    Raises:
        ValueError: the file is damaged.
    """
    return json.loads((folder / f"ckpt-{step}.json").read_text())


def damage(folder: Path, step: int) -> str | None:
    """Return what is wrong with a checkpoint's files, naming the file, or None."""
    sidecar = folder / f"ckpt-{step}.json"
    try:
        content = about(folder, step)
        if content.pop("sha256") != _digest(content):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{sidecar}: is damaged"
    for name, digest in content["files"].items():
        path = folder / Path(name).name
        if not path.is_file():
            return f"{path}: is missing"
        if _sha256(path) != digest:
            return f"{path}: does not match its SHA-256: bits were flipped"
    return None


def sweep(folder: Path) -> list[str]:
    """Remove what an interrupted save left behind; return the names of what was removed."""
    removed = []
    for path in sorted(folder.iterdir()):
        bundle = BUNDLE.fullmatch(path.name)
        if path.name.startswith(PART) and path.is_dir():
            shutil.rmtree(path)
        elif (bundle and not (folder / f"{bundle[1]}.json").exists()) or path.name.endswith(atomic.TEMPORARY_SUFFIX):
            path.unlink()
        else:
            continue
        removed.append(path.name)
    return removed


def newest_intact(folder: Path, say: Callable[[str], None]) -> int | None:
    """Return the newest step whose files match their SHA-256; say so of each newer one that does not."""
    for step in reversed(checkpoint_steps(folder)):
        wrong = damage(folder, step)
        if wrong is None:
            return step
        say(f"{wrong}; falling back to an older checkpoint")
    return None


def restore(gan: Any, folder: Path, step: int) -> dict[str, Any]:
    """Set every variable of a plug-in to its saved value and return the checkpoint's own description.

    Raises:
        UserError: a file is damaged, or the checkpoint does not hold exactly the plug-in's variables; each misfit is
            named.
    """
    wrong = damage(folder, step)
    if wrong:
        raise UserError(f"{wrong}; choose another checkpoint with --step, or train again")
    saved = about(folder, step)
    variables = state.variables(gan)
    misfits = _misfits(variables, saved["variables"])
    if misfits:
        more = [f"and {len(misfits) - 10} more"] if len(misfits) > 10 else []
        raise UserError(*(f"{folder}/ckpt-{step}: {misfit}" for misfit in [*misfits[:10], *more]))
    names = list(variables)
    tensors = tf.raw_ops.RestoreV2(
        prefix=str(folder / f"ckpt-{step}"), tensor_names=names, shape_and_slices=[""] * len(names),
        dtypes=[tf.as_dtype(saved["variables"][name]["dtype"]) for name in names],
    )  # fmt: skip
    for name, tensor in zip(names, tensors, strict=True):
        variables[name].assign(tensor)
    return saved


def _misfits(variables: dict[str, Any], saved: dict[str, Any]) -> list[str]:
    """Compare what a plug-in has with what a checkpoint holds."""
    found = []
    for key, variable in variables.items():
        shown = f"{state.path(variable)} ({key})"
        shape, dtype = list(variable.shape), np.dtype(tf.as_dtype(variable.dtype).as_numpy_dtype).name
        if key not in saved:
            found.append(f"does not hold {shown}: the network is another one")
        elif saved[key]["shape"] != shape or saved[key]["dtype"] != dtype:
            found.append(f"{shown} is {saved[key]['dtype']} {saved[key]['shape']} there and {dtype} {shape} here")
    found += [f"holds {saved[key]['path']} ({key}), which the network lacks" for key in saved if key not in variables]
    return found


def drop_old(folder: Path, keep: int, protected: set[int]) -> None:
    """Remove all but the ``keep`` newest checkpoints and the protected ones."""
    for step in checkpoint_steps(folder)[:-keep]:
        if step not in protected:
            remove(folder, step)


def remove(folder: Path, step: int) -> None:
    """Remove one checkpoint, its JSON first, so that it is never half there."""
    (folder / f"ckpt-{step}.json").unlink(missing_ok=True)
    for path in folder.glob(f"ckpt-{step}.*"):
        path.unlink()
