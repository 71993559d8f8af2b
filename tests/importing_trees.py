"""Small trees of files in the layouts of users, and the importer started on them in this process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from pix2earth.records import format
from pix2earth.records.loading import load_manifest
from preprocessing.importing.__main__ import main


def run_importer(tmp_path: Path, *argv: object) -> int:
    """Import into ``<tmp_path>/data`` and return the exit status."""
    environment = tmp_path / "environment.json"
    environment.write_text(json.dumps({"data_root": str(tmp_path / "data"), "experiment_root": str(tmp_path / "exp")}))
    try:
        main([*map(str, argv), "--env", str(environment)])
    except SystemExit as end:
        return int(end.code or 0)
    raise AssertionError("the command always ends with a status")


def samples_of(tmp_path: Path, name: str, tilesize: int):
    """Return the manifest of a dataset, and (fields, metadata) of its samples by (split, name)."""
    folder = tmp_path / "data" / name / str(tilesize)
    manifest = load_manifest(folder, name)
    found = {}
    for path in sorted(folder.glob("*/*.tfrecord")):
        found[path.parent.name, path.stem] = format.read(path, manifest)
    return manifest, found


def numbers(*shape: int, dtype: str = "uint8", seed: int = 0, high: int = 250) -> np.ndarray:
    """Return random whole numbers from 1 on."""
    return np.random.default_rng(seed).integers(1, high, shape).astype(dtype)


def geotiff(
    path: Path, array: np.ndarray, *, pixel: float = 10.0, corner=(400000.0, 5000000.0), crs="EPSG:32618", down=1,
    nodata=None, tags=None,
) -> np.ndarray:  # fmt: skip
    """Write (height, width, band) as a GeoTIFF and return it; ``down`` -1: the first row is in the south."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width, count = array.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=count, dtype=array.dtype, nodata=nodata, crs=crs,
        transform=from_origin(*corner, pixel, down * pixel),
    ) as file:  # fmt: skip
        file.write(np.moveaxis(array, -1, 0))
        if tags:
            file.update_tags(**tags)
    return array


def picture(path: Path, array: np.ndarray) -> np.ndarray:
    """Write (height, width, band) of uint8 as PNG or JPEG and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(path)
    return array


def pairs_of_pictures(root: Path, count: int = 10, side: int = 16) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Write folders ``a`` and ``b`` of PNG with equal names; return their pixels by name."""
    return {
        f"im{i:02d}": (
            picture(root / "a" / f"im{i:02d}.png", numbers(side, side, 3, seed=i)),
            picture(root / "b" / f"im{i:02d}.png", numbers(side, side, 3, seed=100 + i)),
        )
        for i in range(count)
    }


def hidden_progress(text: str) -> list[str]:
    """Return the lines of stderr without those of progress."""
    return [line for line in text.splitlines() if " s left" not in line]
