"""A product on disk: ``frames/``, ``annotations/``, ``masks/`` and ``index.json``."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError, inside
from synthetic.observing.steps import SyntheticFrame
from synthetic.tables.land_cover import land_covers
from synthetic.tables.sensors import Sensor, sensor

INDEX = "index.json"
UNFINISHED = "index.json.unfinished"
VERSION = 1
SCALE, OFFSET = 1e-4, -0.1
"""Reflectance = stored * SCALE + OFFSET, as in Sentinel-2 products since 2022: noise around 0 keeps its sign."""
NODATA = 0
KEYS = {
    "features",
    "files",
    "bands",
    "sensor",
    "gsd",
    "dtype",
    "dates",
    "scene",
    "latitude",
    "scale",
    "offset",
    "digest",
}
"""Keys that every index has."""
ANNOTATION = "annotations/annotation_0.h5"
"""One annotation for all frames, as the ground does not change."""


def encode_reflectance(reflectance: np.ndarray) -> np.ndarray:
    """Return reflectance as uint16 in steps of ``SCALE``, 1 to 65535; 0 is nodata."""
    return np.clip(np.rint((reflectance - OFFSET) / SCALE), 1, 65535).astype(np.uint16)


def write_h5(path: Path, arrays: dict[str, np.ndarray], attributes: dict[str, Any] | None = None) -> None:
    """Write arrays (height, width[, band]) to an HDF5 file; equal arrays and library versions give equal bytes.

    Raises:
        OSError: the disk is full; then there is no file.
    """
    # In memory first, as HDF5 crashes on a full disk; with these versions, as newer formats store the time of writing.
    content = io.BytesIO()
    with h5py.File(content, "w", libver=("earliest", "v110")) as file:
        for name, array in arrays.items():
            chunk = (*array.shape[:2], 1)[: array.ndim]
            data = file.create_dataset(
                name, data=array, chunks=chunk, compression="gzip", compression_opts=1, shuffle=True, track_times=False
            )
            data.attrs.update(attributes or {})
    atomic.write_bytes(path, content.getvalue())


def write_frame(folder: Path, number: int, frame: SyntheticFrame, *, dtype: str, astype: str = "h5") -> None:
    """Write one frame, its clouds if there are any, and the annotation if it does not exist.

    Args:
        folder: folder of the product.
        number: number of the frame.
        frame: image, labels and clouds.
        dtype: stored type, "uint16" (scaled reflectance) or "float32".
        astype: file format, "h5", or "jpg" for three bands.
    """
    if not (folder / ANNOTATION).exists():
        fraction = {} if frame.class_fraction is None else {"class_fraction": frame.class_fraction}
        write_h5(folder / ANNOTATION, {"data": frame.labels, **fraction})
    if frame.alpha is not None and frame.cloud_class is not None:
        write_h5(folder / f"masks/mask_{number}.h5", {"alpha": frame.alpha, "class": frame.cloud_class})
    path = folder / _frame_file(number, astype)
    if astype == "jpg":
        from PIL import Image

        pixels = np.rint(np.clip(frame.image, 0, 1) * 255).astype(np.uint8)
        with atomic.replacing(path) as temporary:
            Image.fromarray(pixels).save(temporary, format="JPEG", quality=95)
    elif dtype == "uint16":
        write_h5(
            path,
            {"data": encode_reflectance(frame.image)},
            {"scale_factor": SCALE, "add_offset": OFFSET, "nodata": NODATA},
        )
    else:
        write_h5(path, {"data": frame.image.astype(np.float32)})


def _frame_file(number: int, astype: str) -> str:
    return f"frames/frame_{number}.{astype}"


def has_frame(folder: Path, number: int, astype: str = "h5") -> bool:
    """Return whether a frame is written: files are complete or absent, and the frame is the last of its files."""
    return (folder / _frame_file(number, astype)).is_file()


# ---- start and end ---------------------------------------------------------------------------------------------


def digest_of(content: Any) -> str:
    """Return the SHA-256 of a configuration's canonical JSON and of the layout's version."""
    canonical = json.dumps([VERSION, content], sort_keys=True, separators=(",", ":"), default=str)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def needs_writing(folder: Path, digest: str, *, overwrite: bool) -> bool:
    """Return whether a product is missing or incomplete; changes nothing.

    Raises:
        UserError: the folder holds something else.
    """
    marker = folder / UNFINISHED
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; choose another --o")
    if marker.is_file():
        if not overwrite and marker.read_text() != digest:
            raise UserError(f"{folder}: holds an unfinished product of another configuration; --overwrite replaces it")
    elif (folder / INDEX).is_file():
        if not overwrite and load_index(folder)["digest"] == digest:
            return False
        if not overwrite:
            raise UserError(
                f"{folder}: holds a product of another configuration; choose another --o, or --overwrite it"
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder}: is not empty and holds no product; choose another --o")
    return True


def start(folder: Path, digest: str, *, overwrite: bool) -> bool:
    """Prepare a folder to write a product or to resume writing it; return whether frames are missing.

    Raises:
        UserError: the folder holds something else.
    """
    if not needs_writing(folder, digest, overwrite=overwrite):
        return False
    marker = folder / UNFINISHED
    if overwrite and ((folder / INDEX).is_file() or marker.is_file()):
        remove(folder)
    for path in folder.rglob(f".*{atomic.TEMPORARY_SUFFIX}"):  # left by a process that was killed
        path.unlink()
    atomic.write_text(marker, digest)
    return True


def remove(folder: Path) -> None:
    """Remove the files of a product and nothing else; if interrupted, an unfinished product is left."""
    atomic.write_text(folder / UNFINISHED, "being removed")
    (folder / INDEX).unlink(missing_ok=True)
    for pattern in ("frames/frame_*", "annotations/annotation_*.h5", "masks/mask_*.h5"):
        for path in folder.glob(pattern):
            path.unlink()


def finish(folder: Path, numbers: Iterable[int | None], properties: dict[str, Any], origin: dict[str, Any]) -> None:
    """Write the index of a complete product.

    Args:
        folder: folder of the product.
        numbers: one for each frame of the latent product: its number, or None where it is left out.
        properties: bands, sensor, gsd, dtype, astype, dates (ISO 8601 by frame number), scene, seed, latitude.
        origin: configuration, digest, and digest of the product it was derived from.
    """
    files: dict[str, dict[str, str] | None] = {}
    for position, number in enumerate(numbers):
        files[str(position)] = None if number is None else _files(folder, number, properties["astype"])
    kept = [int(number) for number, entry in files.items() if entry]
    labels = read_labels(folder, {"files": files})
    features = {
        "width": labels.shape[1], "height": labels.shape[0], "nbands": len(properties["bands"]), "horizon": len(files),
        "ndigit": len(np.unique(labels[..., 0])), "nframes": len(kept),
    }  # fmt: skip
    covers = {str(number): round(cloud_cover(folder, number), 6) for number in kept if _mask(folder, number).is_file()}
    reflectance = properties["dtype"] == "uint16"
    index = {
        "format": "pix2earth product", "version": VERSION, "features": features, "files": files, **properties,
        "scale": SCALE if reflectance else 1.0, "offset": OFFSET if reflectance else 0.0,
        "nodata": NODATA if reflectance else None, "cloud_cover": covers,
        "classes": {str(cover.number): cover.name for cover in land_covers()} if properties["sensor"] else {}, **origin,
    }  # fmt: skip
    atomic.write_json(folder / INDEX, index)
    (folder / UNFINISHED).unlink()


def _mask(folder: Path, number: int) -> Path:
    return folder / f"masks/mask_{number}.h5"


def _files(folder: Path, number: int, astype: str) -> dict[str, str]:
    names = {"frame": _frame_file(number, astype), "annotation": ANNOTATION}
    if _mask(folder, number).is_file():
        names["mask"] = f"masks/mask_{number}.h5"
    return names


def cloud_cover(folder: Path, number: int) -> float:
    """Return the share of a frame's pixels under thin or thick cloud."""
    with h5py.File(_mask(folder, number)) as file:
        return float(np.isin(file["class"][:], (1, 2)).mean())


# ---- reading ----------------------------------------------------------------------------------------------------


def load_index(folder: Path) -> dict[str, Any]:
    """Read a product's index.

    Raises:
        UserError: there is none, it is damaged, or the product is not complete.
    """
    path = folder / INDEX
    if (folder / UNFINISHED).is_file():
        raise UserError(f"{folder}: is not complete; run the command that writes it again")
    if not path.is_file():
        raise UserError(f"{folder}: holds no product ({INDEX} is missing)")
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        if missing := KEYS - set(index):
            raise KeyError(*missing)
        names = [name for number in frame_numbers(index) for name in index["files"][str(number)].values()]
        if not names or not all(map(inside, names)):
            raise ValueError("names")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path}: is damaged; write the product again") from None
    return index


def frame_numbers(index: dict[str, Any]) -> list[int]:
    """Return the numbers of the frames of a product, rising."""
    return sorted(int(number) for number, entry in index["files"].items() if entry)


def read_labels(folder: Path, index: dict[str, Any]) -> np.ndarray:
    """Return instance and class, int16 (height, width, 2)."""
    entry = next(entry for entry in index["files"].values() if entry)
    return _arrays(folder, entry["annotation"], "data")["data"]


def _arrays(folder: Path, name: str, *required: str) -> dict[str, np.ndarray]:
    """Return all arrays of a file by name.

    Raises:
        UserError: the file or a required array is missing or damaged.
    """
    try:
        with h5py.File(folder / name) as file:
            arrays = {key: data[:] for key, data in file.items()}
        if missing := set(required) - set(arrays):
            raise KeyError(*missing)
    except (OSError, KeyError) as error:
        raise UserError(f"{folder / name}: is missing or damaged ({error}); write the product again") from None
    return arrays


def read_frame(folder: Path, index: dict[str, Any], number: int) -> SyntheticFrame:
    """Return a frame in physical units with its labels and clouds.

    Raises:
        UserError: a file is missing or damaged, or the frames are JPEG files.
    """
    entry = index["files"][str(number)]
    if not entry["frame"].endswith(".h5"):
        raise UserError(f"{folder}: its frames are JPEG, which cannot be derived from; generate them with astype h5")
    image = _arrays(folder, entry["frame"], "data")["data"].astype(np.float32)
    image = image * np.float32(index["scale"]) + np.float32(index["offset"])
    annotation = _arrays(folder, entry["annotation"], "data")
    alpha = classes = None
    if "mask" in entry:
        mask = _arrays(folder, entry["mask"], "alpha", "class")
        alpha, classes = mask["alpha"], mask["class"]
    return SyntheticFrame(
        image, annotation["data"], tuple(index["bands"]), sensor_of(index), index["gsd"], alpha, classes,
        annotation.get("class_fraction"),
    )  # fmt: skip


def sensor_of(index: dict[str, Any]) -> Sensor | None:
    """Return the sensor that has the bands of a product, or None for bands without wavelength."""
    return sensor(index["sensor"], tuple(index["bands"])) if index["sensor"] else None


def acquisition_time(index: dict[str, Any], number: int) -> datetime:
    """Return the acquisition time of a frame."""
    return datetime.fromisoformat(index["dates"][str(number)])
