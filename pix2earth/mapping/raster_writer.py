"""Writer of a Cloud-Optimized GeoTIFF from north to south, which can be resumed after an interruption."""

from __future__ import annotations

import errno
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
from rasterio._err import CPLE_BaseError  # has no public name, and `copy` lets it through
from rasterio.errors import RasterioError

from pix2earth.mapping.strips.overviews import Overview, write_overviews
from pix2earth.settings import atomic, locking
from pix2earth.settings.errors import Stopped

ROWS, PROGRESS, DESCRIPTION, FINISHED, LOCK = "rows.raw", "progress.raw", "rows.vrt", "finished.tif", "lock"

FORMER_PROGRESS = "progress.npz"
"""Of versions whose unfinished work cannot be continued."""
PLACE = ("OFFSET", "SIZE")
"""What GDAL calls the place of a block in a file, in bytes."""


class Description(NamedTuple):
    """Metadata of a raster.

    Attributes:
        crs: rasterio's CRS, or None.
        transform: from (column, row) to coordinates, or None.
        bands: the description of each band.
        units: of the values.
        tags: GeoTIFF tags.
        overviews: resampling of the overviews, AVERAGE or NEAREST.
        tags_of_bands: tags of each band.
        path: of the GeoTIFF, where it is not that of the writer.
    """

    crs: Any
    transform: Affine | None
    bands: Sequence[str]
    units: str
    tags: dict[str, str]
    overviews: str
    tags_of_bands: Sequence[dict[str, str]] = ()
    path: Path | None = None


class RasterWriter:
    """Writes rows of float32 to the folder ``<output>.part`` until the raster is complete.

    The rows are plain bytes, so that a full disk is an ordinary error, and a killed process can damage nothing but the
    rows that it was writing. ``progress.raw``, which is replaced atomically, has the number of finished rows in a line
    of JSON, and the unfinished rows after them.

    Attributes:
        done: number of finished rows.
        strips: number of strips of which they consist.
        carried: the unfinished rows after them, for ``Plan.strips``.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], identity: dict[str, Any]) -> None:
        """Resume the unfinished raster of an earlier process where its identity is the same, or start a new one.

        Args:
            path: of the GeoTIFF.
            shape: (height, width, band).
            identity: input, run and options that determine the raster; JSON.

        Raises:
            UserError: another process writes it.
            Stopped: the disk has no room for the rows.
        """
        self.path, self.shape = path, shape
        self.folder = path.with_name(f"{path.name}.part")
        self.identity = json.dumps([*shape, identity])
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = locking.acquire(
            self.folder / LOCK, f"{path}: another process writes it; wait for it, or use another --output"
        )
        self.done, self.strips, self.carried = self._progress()
        needed, free = self._bytes(shape[0] - self.done), shutil.disk_usage(self.folder).free
        if needed > free:
            raise Stopped(
                f"{self.folder}: needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; free some, or use another"
                " disk for --output"
            )

    def __enter__(self) -> RasterWriter:
        """Return the writer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Release the lock."""
        self.lock.release()

    def _bytes(self, rows: int) -> int:
        """Return the size of a number of rows in bytes."""
        return 4 * rows * self.shape[1] * self.shape[2]

    def _progress(self) -> tuple[int, int, np.ndarray]:
        """Return the numbers of finished rows and strips, and the unfinished rows after them."""
        path, no_rows = self.folder / PROGRESS, np.zeros((0, *self.shape[1:]), np.float32)
        if not path.is_file():
            if (self.folder / FORMER_PROGRESS).is_file():
                print(f"{self.folder}: is of a former version; the work starts again")
            return 0, 0, no_rows
        head, _, rows = path.read_bytes().partition(b"\n")
        progress = json.loads(head)
        if progress["identity"] != self.identity:
            print(f"{self.folder}: is of another input, run or option; the work starts again")
            return 0, 0, no_rows
        return progress["rows"], progress["strips"], np.frombuffer(rows, "<f4").reshape(-1, *self.shape[1:])

    def write(self, rows: np.ndarray, carried: np.ndarray) -> None:
        """Append a strip of finished rows and write it to the disk.

        Args:
            rows: float32 ``(rows, width, band)``.
            carried: the unfinished rows after them.

        Raises:
            OSError: the disk is full; the rows of earlier strips are unchanged.
        """
        path = self.folder / ROWS
        try:
            with path.open("r+b" if path.exists() else "w+b") as file:
                file.seek(self._bytes(self.done))
                file.write(np.ascontiguousarray(rows, "<f4").data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None
        self.done, self.strips = self.done + len(rows), self.strips + 1
        progress = {"identity": self.identity, "rows": self.done, "strips": self.strips}
        with atomic.replacing(self.folder / PROGRESS) as temporary, temporary.open("wb") as file:
            file.write(json.dumps(progress).encode() + b"\n")
            file.write(np.ascontiguousarray(carried, "<f4").data)

    def finish(self, *parts: Description) -> None:
        """Write the Cloud-Optimized GeoTIFF with overviews, or several, and remove the folder with the rows.

        Args:
            *parts: one for each GeoTIFF; the first has the first bands of the rows, and so on.

        Raises:
            OSError: the disk is full; the rows are kept, so that the command can be run again.
        """
        first, finished = 0, []
        overviews = {
            kind: write_overviews(self.folder / ROWS, self.shape, averaged=kind == "AVERAGE")
            for kind in dict.fromkeys(part.overviews for part in parts)
        }
        for number, part in enumerate(parts):
            path = self.folder / (FINISHED if not number else f"{number}_{FINISHED}")
            self._describe(part, first, overviews[part.overviews])
            self._compress(path)
            atomic.sync(path)
            finished.append((path, part.path or self.path))
            first += len(part.bands)
        for path, place in finished:
            os.replace(path, place)
        shutil.rmtree(self.folder)

    def _compress(self, path: Path) -> None:
        """Write the GeoTIFF of the virtual raster.

        Raises:
            OSError: the disk is full.
        """
        try:
            # Level 6 takes twice the time for 2 % less.
            rasterio.shutil.copy(
                str(self.folder / DESCRIPTION), str(path), driver="COG", COMPRESS="DEFLATE", LEVEL=1, PREDICTOR="YES",
                BIGTIFF="IF_SAFER", NUM_THREADS="ALL_CPUS",
            )  # fmt: skip
            _check_blocks(path)
        except (RasterioError, CPLE_BaseError) as error:
            full = shutil.disk_usage(self.folder).free < self._bytes(self.shape[0])  # the most that it may need
            for part in self.folder.glob(f"*{FINISHED}*"):
                part.unlink()
            code = errno.ENOSPC if full else errno.EIO
            raise OSError(code, os.strerror(code) if full else f"cannot be written ({error})", str(path)) from error

    def _describe(self, part: Description, first: int, overviews: Sequence[Overview]) -> None:
        """Write virtual rasters (VRT) of bands from ``first`` on: GDAL reads so plain bytes with names and nodata."""
        root = _virtual_raster(Overview(self.folder / ROWS, self.shape[:2]), part, first, self.shape[2])
        for overview in overviews:
            coarse = _virtual_raster(overview, part, first, self.shape[2])
            path = overview.path.with_suffix(".vrt")
            path.write_bytes(ElementTree.tostring(coarse))
            for number, band in enumerate(root.iter("VRTRasterBand"), start=1):
                element = ElementTree.SubElement(band, "Overview")
                ElementTree.SubElement(element, "SourceFilename", relativeToVRT="1").text = path.name
                ElementTree.SubElement(element, "SourceBand").text = str(number)
        if part.crs is not None:
            ElementTree.SubElement(root, "SRS").text = part.crs.to_wkt()
        if part.transform is not None:
            ElementTree.SubElement(root, "GeoTransform").text = ", ".join(map(repr, part.transform.to_gdal()))
        _add_tags(root, part.tags)
        (self.folder / DESCRIPTION).write_bytes(ElementTree.tostring(root))


def _virtual_raster(pixels: Overview, part: Description, first: int, count: int) -> ElementTree.Element:
    """Return the virtual raster of some of the ``count`` bands of plain bytes, without its place on the ground."""
    height, width = pixels.size
    root = ElementTree.Element("VRTDataset", rasterXSize=str(width), rasterYSize=str(height))
    for number, name in enumerate(part.bands):
        band = ElementTree.SubElement(
            root, "VRTRasterBand", dataType="Float32", band=str(number + 1), subClass="VRTRawRasterBand"
        )
        elements = {
            "Description": name, "NoDataValue": "nan", "UnitType": part.units, "ImageOffset": 4 * (first + number),
            "PixelOffset": 4 * count, "LineOffset": 4 * count * width, "ByteOrder": "LSB",
        }  # fmt: skip
        for key, content in elements.items():
            ElementTree.SubElement(band, key).text = str(content)
        _add_tags(band, part.tags_of_bands[number] if part.tags_of_bands else {})
        ElementTree.SubElement(band, "SourceFilename", relativeToVRT="1").text = pixels.path.name
    return root


def _check_blocks(path: Path) -> None:
    """Check that a file holds all blocks of its raster: GDAL raises where a write fails, except for the last one.

    Raises:
        RasterioError: a block lies beyond the end of the file, or the last one cannot be read.
    """
    size = path.stat().st_size
    with rasterio.open(path) as raster:
        for overview in (None, *range(len(raster.overviews(1)))):
            with rasterio.open(path, **({} if overview is None else {"OVERVIEW_LEVEL": overview})) as level:
                for (row, column), _ in level.block_windows(1):
                    place = [raster.get_tag_item(f"BLOCK_{key}_{column}_{row}", "TIFF", 1, overview) for key in PLACE]
                    if None in place or sum(map(int, place)) > size:
                        raise RasterioError(f"block {row}, {column} is not in the file")
        rows, columns = raster.shape
        raster.read(window=((rows - 1, rows), (columns - 1, columns)))


def _add_tags(element: ElementTree.Element, tags: dict[str, str]) -> None:
    """Add tags to the description of a raster or band."""
    metadata = ElementTree.SubElement(element, "Metadata")
    for key, value in tags.items():
        ElementTree.SubElement(metadata, "MDI", key=key).text = value
