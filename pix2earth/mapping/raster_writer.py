"""A raster that grows from north to south and survives being killed; finished, it is a Cloud-Optimized GeoTIFF."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import rasterio.shutil
from affine import Affine
from filelock import FileLock, Timeout
from rasterio._err import CPLE_BaseError  # has no public name, and `copy` lets it through
from rasterio.errors import RasterioError

from pix2earth.settings import atomic
from pix2earth.settings.errors import Stopped, UserError

ROWS, PROGRESS, DESCRIPTION, FINISHED, LOCK = "rows.raw", "progress.npz", "rows.vrt", "finished.tif", "lock"


class Description(NamedTuple):
    """What a raster says of itself."""

    crs: Any
    """rasterio's CRS, or None."""
    transform: Affine | None
    """From (column, row) to the map, or None."""
    bands: Sequence[str]
    """A description of each band."""
    units: str
    """Of the values."""
    tags: dict[str, str]
    """Further facts."""
    overviews: str
    """How they are made: AVERAGE or NEAREST."""


class RasterWriter:
    """Rows of float32, kept in the folder ``<output>.part`` until all are there.

    The rows are plain bytes, so that a full disk is an ordinary error and nothing but the new rows can be torn; how
    many count is said by ``progress.npz``, which is replaced as a whole.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], identity: dict[str, Any]) -> None:
        """Go on with what an earlier process left of the same work, or begin.

        Args:
            path: the GeoTIFF to be.
            shape: (height, width, band).
            identity: what tells this work from another; JSON.

        Raises:
            UserError: another process writes it.
            Stopped: the disk has no room for the rows.
        """
        self.path, self.shape = path, shape
        self.folder = path.with_name(f"{path.name}.part")
        self.identity = json.dumps([*shape, identity])
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(self.folder / LOCK, timeout=0)
        try:
            self.lock.acquire()
        except Timeout:
            raise UserError(f"{path}: another process writes it; wait for it, or use another --output") from None
        self.done, self.strips, self.carried = self._left()
        wanted, free = self._bytes(shape[0] - self.done), shutil.disk_usage(self.folder).free
        if wanted > free:
            raise Stopped(
                f"{self.folder}: needs {wanted / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; free some, or use another"
                " disk for --output"
            )

    def __enter__(self) -> RasterWriter:
        """Return the writer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Let other processes write."""
        self.lock.release()

    def _bytes(self, rows: int) -> int:
        return 4 * rows * self.shape[1] * self.shape[2]

    def _left(self) -> tuple[int, int, np.ndarray]:
        """Return the finished rows and strips, and the rows that the next strip fades out."""
        nothing = np.zeros((0, *self.shape[1:]), np.float32)
        if not (self.folder / PROGRESS).is_file():
            return 0, 0, nothing
        with np.load(self.folder / PROGRESS) as left:
            if str(left["identity"]) != self.identity:
                print(f"{self.folder}: is of other work (another input, run or option); it begins anew")
                return 0, 0, nothing
            return int(left["rows"]), int(left["strips"]), left["carried"]

    def write(self, rows: np.ndarray, carried: np.ndarray) -> None:
        """Append a strip of finished rows; when this returns they are safe.

        Args:
            rows: float32 ``(rows, width, band)``.
            carried: the rows that the next strip fades out.

        Raises:
            OSError: the disk is full; what was safe stays so.
        """
        place = self.folder / ROWS
        try:
            with place.open("r+b" if place.exists() else "w+b") as file:
                file.seek(self._bytes(self.done))
                file.write(np.ascontiguousarray(rows, "<f4").data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(place)) from None
        self.done, self.strips = self.done + len(rows), self.strips + 1
        buffer = io.BytesIO()
        np.savez(buffer, identity=self.identity, rows=self.done, strips=self.strips, carried=carried)
        atomic.write_bytes(self.folder / PROGRESS, buffer.getvalue())

    def finish(self, description: Description) -> None:
        """Write the Cloud-Optimized GeoTIFF with overviews, and remove what was kept.

        Raises:
            OSError: the disk is full; the command can be run again and goes on here.
        """
        source, made = self.folder / DESCRIPTION, self.folder / FINISHED
        source.write_bytes(self._virtual_raster(description))
        try:
            # GDAL says at once when a write fails, except for the last one: hence it is read again.
            # Level 6 takes twice the time for 2 % less.
            rasterio.shutil.copy(
                str(source), str(made), driver="COG", COMPRESS="DEFLATE", LEVEL=1, PREDICTOR="YES", BIGTIFF="IF_SAFER",
                OVERVIEW_RESAMPLING=description.overviews, NUM_THREADS="ALL_CPUS",
            )  # fmt: skip
            with rasterio.open(made) as raster:
                for _, window in raster.block_windows(1):
                    raster.read(window=window)
        except (RasterioError, CPLE_BaseError) as error:
            full = shutil.disk_usage(self.folder).free < self._bytes(self.shape[0])  # at most so much was wanted
            for part in self.folder.glob(f"{FINISHED}*"):
                part.unlink()
            code = errno.ENOSPC if full else errno.EIO
            raise OSError(code, os.strerror(code) if full else f"cannot be written ({error})", str(made)) from error
        atomic.sync(made)
        os.replace(made, self.path)
        shutil.rmtree(self.folder)

    def _virtual_raster(self, about: Description) -> bytes:
        """Describe the rows to GDAL, which has no other way to read plain bytes with names and nodata."""
        height, width, count = self.shape
        root = ElementTree.Element("VRTDataset", rasterXSize=str(width), rasterYSize=str(height))
        if about.crs is not None:
            ElementTree.SubElement(root, "SRS").text = about.crs.to_wkt()
        if about.transform is not None:
            ElementTree.SubElement(root, "GeoTransform").text = ", ".join(map(repr, about.transform.to_gdal()))
        tags = ElementTree.SubElement(root, "Metadata")
        for key, value in about.tags.items():
            ElementTree.SubElement(tags, "MDI", key=key).text = value
        for number, name in enumerate(about.bands):
            band = ElementTree.SubElement(
                root, "VRTRasterBand", dataType="Float32", band=str(number + 1), subClass="VRTRawRasterBand"
            )
            facts = {
                "Description": name, "NoDataValue": "nan", "UnitType": about.units, "ImageOffset": 4 * number,
                "PixelOffset": 4 * count, "LineOffset": 4 * count * width, "ByteOrder": "LSB",
            }  # fmt: skip
            for key, fact in facts.items():
                ElementTree.SubElement(band, key).text = str(fact)
            ElementTree.SubElement(band, "SourceFilename", relativeToVRT="1").text = ROWS
        return ElementTree.tostring(root)
