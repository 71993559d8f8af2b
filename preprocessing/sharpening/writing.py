"""Write the tiles of a dataset for sharpening."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pix2earth.records.degradation import degraded, degraded_stored
from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.manifest import Manifest
from pix2earth.records.splitting.leaks import check_for_leaks
from pix2earth.records.writer import DatasetWriter
from preprocessing.sharpening.recipe import SharpeningTile
from preprocessing.sharpening.two_resolutions import TwoResolutions

CACHE = 512 * 2**20
"""Size of GDAL's cache of decoded blocks in bytes: tiles of one row share blocks of the image."""


def write(writer: DatasetWriter, tiles: Sequence[SharpeningTile], valid: float) -> Manifest:
    """Write the tiles that are missing or damaged, check the dataset for leaks, and write the manifest.

    Args:
        writer: of the dataset.
        tiles: all that are planned.
        valid: share of the target's pixels that must be measured, or a tile is left out.

    Returns:
        The manifest with counts and fingerprint.
    """
    import rasterio

    from pix2earth.console.progress import tracked

    left_out = 0
    with writer, rasterio.Env(GDAL_CACHEMAX=CACHE):
        for tile in tracked(tiles, writer.manifest.name, len(tiles), "tiles"):
            if writer.valid(tile.split, tile.name):
                continue
            fields, share = sample(tile, writer.manifest)
            if share < valid:
                left_out += 1
                continue
            transform = tile.scene.coarse.transform
            corner = transform @ type(transform).translation(tile.column, tile.row)
            writer.write(
                tile.split, tile.name, fields, crs=tile.scene.crs,
                transform=corner[:6], acquired=[tile.scene.acquired] if tile.scene.acquired else [],
            )  # fmt: skip
        if all(tile.scene.crs for tile in tiles):
            print(check_for_leaks(writer.folder, writer.manifest))
        else:
            print("not all scenes have coordinates, so that overlaps of scenes in different splits are not known")
    if left_out:
        print(f"{left_out} tiles are left out: less than {valid:.0%} of their pixels are measured (--valid)")
    return writer.manifest


def sample(tile: SharpeningTile, manifest: Manifest) -> tuple[dict[str, np.ndarray], float]:
    """Return the fields of a tile as stored, and the share of its target's pixels that are measured.

    Pixels where the target or the guide is nodata or saturated are nodata in the target.
    """
    scene, side, ratio = tile.scene, manifest.tilesize, tile.scene.ratio
    assert manifest.degradation is not None
    fine = scene.fine.read(tile.row * ratio, tile.column * ratio, side * ratio, side * ratio)
    coarse = scene.coarse.read(tile.row, tile.column, side, side)
    guide = reduced(converted(fine, scene, manifest, "guide"), manifest.degradation, _nodata(manifest, "guide"))
    target = converted(coarse, scene, manifest, "target")
    nodata = _nodata(manifest, "target")
    missing = scene.numbers.invalid(fine).reshape(side, ratio, side, ratio).any((1, 3)) | scene.numbers.invalid(coarse)
    fields = {"input_image": reduced(target, manifest.degradation, nodata), "guide": guide}
    return fields | {"target": np.where(missing[..., None], nodata, target).astype(target.dtype)}, 1 - missing.mean()


def _nodata(manifest: Manifest, field: str) -> float:
    stated = manifest.fields[field].nodata
    return np.nan if stated is None else stated


def converted(stored: np.ndarray, scene: TwoResolutions, manifest: Manifest, field: str) -> np.ndarray:
    """Return numbers of a scene as the dataset stores them, nodata where they are no measurement.

    Args:
        stored: (height, width, band) of the scene.
        scene: states what its numbers mean.
        manifest: states the dataset's scale and offset.
        field: to which the numbers belong.
    """
    numbers, stated = scene.numbers, manifest.fields[field]
    invalid = ~np.isfinite(stored)
    for number in (numbers.nodata, numbers.saturated):
        if number is not None:
            invalid |= stored == number
    # Offsets are a whole number of steps apart, so that integers stay exact.
    shift = (numbers.offset - stated.offset) / numbers.scale
    shift = round(shift) if "int" in stated.dtype else shift
    return np.where(invalid, _nodata(manifest, field), stored + shift).astype(stated.dtype)


def reduced(stored: np.ndarray, degradation: Degradation, nodata: float) -> np.ndarray:
    """Return numbers averaged over squares of pixels, of the same type."""
    if np.isfinite(nodata):
        return degraded_stored(stored, degradation, int(nodata))
    return degraded(stored, degradation).astype(stored.dtype)


def folder_of(data_root: Path, manifest: Manifest) -> Path:
    """Return the folder of a dataset."""
    return data_root / manifest.name / str(manifest.tilesize)
