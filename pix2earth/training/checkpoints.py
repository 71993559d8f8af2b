"""Checkpoints of a run, written such that each one is either complete or absent.

``ckpt/<timestamp>/`` holds for each saved step the TensorFlow bundle ``ckpt-N.index`` and ``ckpt-N.data-...`` and,
written last, ``ckpt-N.json`` with the SHA-256 of these files: a checkpoint exists when its JSON does. The text file
``checkpoint`` names the newest one, as TensorFlow's own tools expect.

TensorFlow is imported where variables are written or read: commands choose and compare checkpoints before that.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pix2earth.runs.folders import checkpoint_steps
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError

PART = ".part-"
BUNDLE = re.compile(r"(ckpt-\d+)\.(index|data-\d+-of-\d+)")


def save(
    gan: Any,
    folder: Path,
    step: int,
    best: dict[str, Any] | None,
    *,
    write: bool = True,
    recorded: Mapping[str, Any] | None = None,
) -> None:
    """Save all variables of a plug-in after ``step`` finished steps.

    Args:
        gan: the plug-in.
        folder: ``ckpt/<timestamp>``.
        step: number of finished steps.
        best: the best step so far, its metric and value.
        write: False on machines that must take part in reading variables distributed over several machines, but do
            not write.
        recorded: further keys of ``ckpt-N.json``: "identity" of the run, "started" and "losses".

    Raises:
        OSError: the disk is full; earlier checkpoints are unchanged.
    """
    import tensorflow as tf

    from pix2earth.plugins import state

    variables = state.variables(gan)
    tensors = [tf.convert_to_tensor(variable) for variable in variables.values()]
    if not write:
        return
    part = folder / f"{PART}{step}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        try:
            tf.raw_ops.SaveV2(
                prefix=str(part / f"ckpt-{step}"),
                tensor_names=list(variables),
                shape_and_slices=[""] * len(tensors),
                tensors=tensors,
            )
        except tf.errors.OpError as error:
            raise OSError(f"{folder}: the checkpoint of step {step} cannot be written; is the disk full?") from error
        metadata: dict[str, Any] = {
            "step": step,
            "best": best,
            **(recorded or {}),
            "files": {path.name: _sha256(path) for path in sorted(part.iterdir())},
            "variables": {
                key: {"path": state.path(variable), "shape": list(tensor.shape), "dtype": tensor.dtype.name}
                for (key, variable), tensor in zip(variables.items(), tensors, strict=True)
            },
        }
        metadata["sha256"] = _digest(metadata)
        _publish(part, folder, metadata)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _publish(part: Path, folder: Path, metadata: dict[str, Any]) -> None:
    """Move the files of a bundle from ``part`` into the run's folder, and write their JSON after them."""
    name = f"ckpt-{metadata['step']}"
    # Without its JSON, a checkpoint of the same step is absent while its files are replaced.
    (folder / f"{name}.json").unlink(missing_ok=True)
    for path in sorted(part.iterdir()):
        atomic.sync(path)
        os.replace(path, folder / path.name)
    atomic.write_json(folder / f"{name}.json", metadata)
    atomic.write_text(folder / "checkpoint", f'model_checkpoint_path: "{name}"\nall_model_checkpoint_paths: "{name}"\n')
    atomic.sync(folder)


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    status = path.stat()
    return _sha256_of(path, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=1024)  # a command checks the files when it chooses a checkpoint and when it restores it
def _sha256_of(path: Path, _size: int, _modified: int, _inode: int) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _digest(metadata: dict[str, Any]) -> str:
    """Return the SHA-256 of the content of a checkpoint's JSON, which detects every change of it."""
    return hashlib.sha256(json.dumps(metadata, sort_keys=True).encode()).hexdigest()


def read_metadata(folder: Path, step: int) -> dict[str, Any]:
    """Return the content of ``ckpt-N.json``.

    Raises:
        ValueError: the file is damaged.
    """
    return json.loads((folder / f"ckpt-{step}.json").read_text())


def damage(folder: Path, step: int) -> str | None:
    """Check the files of a checkpoint; return the first defect with the name of its file, or None."""
    sidecar = folder / f"ckpt-{step}.json"
    try:
        content = read_metadata(folder, step)
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


def remove_leftovers(folder: Path) -> list[str]:
    """Remove the incomplete files of an interrupted save; return their names."""
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


def newest_intact(folder: Path, report: Callable[[str], None]) -> int | None:
    """Return the newest step whose files match their SHA-256, or None; report a line for each newer one."""
    for step in reversed(checkpoint_steps(folder)):
        defect = damage(folder, step)
        if defect is None:
            return step
        report(f"{defect}; falling back to an older checkpoint")
    return None


def restore(gan: Any, folder: Path, step: int) -> dict[str, Any]:
    """Set every variable of a plug-in to its saved value; return the content of the checkpoint's JSON.

    Raises:
        UserError: a file is damaged, or the checkpoint does not hold exactly the plug-in's variables; each difference
            is named.
    """
    defect = damage(folder, step)
    if defect:
        raise UserError(f"{defect}; choose another checkpoint with --step, or train again")
    import tensorflow as tf

    from pix2earth.plugins import state

    saved = read_metadata(folder, step)
    variables = state.variables(gan)
    differences = _differences(variables, saved["variables"])
    if differences:
        more = [f"and {len(differences) - 10} more"] if len(differences) > 10 else []
        raise UserError(*(f"{folder}/ckpt-{step}: {difference}" for difference in [*differences[:10], *more]))
    names = list(variables)
    tensors = tf.raw_ops.RestoreV2(
        prefix=str(folder / f"ckpt-{step}"), tensor_names=names, shape_and_slices=[""] * len(names),
        dtypes=[tf.as_dtype(saved["variables"][name]["dtype"]) for name in names],
    )  # fmt: skip
    for name, tensor in zip(names, tensors, strict=True):
        variables[name].assign(tensor)
    return saved


def _differences(variables: dict[str, Any], saved: dict[str, Any]) -> list[str]:
    """Return a line for each variable that a plug-in and a checkpoint do not have in common."""
    import numpy as np
    import tensorflow as tf

    from pix2earth.plugins import state

    lines = []
    for key, variable in variables.items():
        label = f"{state.path(variable)} ({key})"
        shape, dtype = list(variable.shape), np.dtype(tf.as_dtype(variable.dtype).as_numpy_dtype).name
        if key not in saved:
            lines.append(f"does not hold {label}: the network is another one")
        elif saved[key]["shape"] != shape or saved[key]["dtype"] != dtype:
            lines.append(
                f"{label} is {saved[key]['dtype']} {saved[key]['shape']} in the checkpoint"
                f" and {dtype} {shape} in the network"
            )
    lines += [f"holds {saved[key]['path']} ({key}), which the network lacks" for key in saved if key not in variables]
    return lines


def drop_old(folder: Path, keep: int, protected: set[int]) -> None:
    """Remove all but the ``keep`` newest checkpoints and the protected ones."""
    for step in checkpoint_steps(folder)[:-keep]:
        if step not in protected:
            remove(folder, step)


def remove(folder: Path, step: int) -> None:
    """Remove one checkpoint, its JSON first, so that an interruption leaves no incomplete one."""
    (folder / f"ckpt-{step}.json").unlink(missing_ok=True)
    for path in folder.glob(f"ckpt-{step}.*"):
        path.unlink()
