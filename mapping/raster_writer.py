"""A raster that grows from north to south and survives being killed; finished, it is a Cloud-Optimized GeoTIFF."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.windows import Window

from settings import atomic

ROWS_AT_ONCE = 512


class RasterWriter:
    """Rows of float32 (width, band), kept beside the output in ``<output>.part`` until all are there."""

    def __init__(self, path: Path, shape: tuple[int, int, int], identity: dict[str, Any]) -> None:
        """Go on with what an earlier process left of the same work, or begin.

        Args:
            path: the GeoTIFF to be.
            shape: (height, width, band).
            identity: what tells this work from another; JSON.

        """
        self.path, self.shape = path, shape
        self.identity = {**identity, "shape": list(shape)}
        self._rows, self._note = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.done = self._done_before()
        mode: Any = "r+" if self.done else "w+"
        self._values = np.memmap(self._rows, np.float32, mode, shape=shape)

    def _done_before(self) -> int:
        if not (self._rows.is_file() and self._note.is_file()):
            return 0
        try:
            note = json.loads(self._note.read_text())
        except ValueError:
            return 0
        whole = self._rows.stat().st_size == 4 * int(np.prod(self.shape))
        return note["rows"] if whole and note["identity"] == self.identity else 0

    def write(self, rows: np.ndarray) -> None:
        """Append rows, and note that they are safe."""
        self._values[self.done : self.done + len(rows)] = rows
        self._values.flush()
        self.done += len(rows)
        atomic.write_json(self._note, {"identity": self.identity, "rows": self.done})

    def finish(self, crs: Any, transform: Any, bands: Sequence[str], tags: dict[str, str], units: str) -> None:
        """Write the Cloud-Optimized GeoTIFF with overviews, and remove what was kept.

        Args:
            crs: of the raster, or None.
            transform: from pixels to the map.
            bands: descriptions.
            tags: further facts, as GeoTIFF tags.
            units: of the values.

        """
        height, width, count = self.shape
        plain = self.path.with_name(f"{self.path.name}.plain.part")
        profile = {
            "driver": "GTiff", "height": height, "width": width, "count": count, "dtype": "float32", "crs": crs,
            "transform": transform, "nodata": np.nan, "tiled": True, "interleave": "pixel", "BIGTIFF": "IF_SAFER",
        }  # fmt: skip
        with rasterio.open(plain, "w", **profile) as raster:
            for top in range(0, height, ROWS_AT_ONCE):
                rows = np.moveaxis(np.asarray(self._values[top : top + ROWS_AT_ONCE]), -1, 0)
                raster.write(rows, window=Window(0, top, width, rows.shape[1]))
            raster.descriptions = tuple(bands)
            raster.units = (units,) * count
            raster.update_tags(**tags)
        with atomic.replacing(self.path) as temporary:
            rasterio.shutil.copy(
                str(plain), str(temporary), driver="COG", COMPRESS="DEFLATE", PREDICTOR="YES", BIGTIFF="IF_SAFER",
                OVERVIEW_RESAMPLING="AVERAGE", NUM_THREADS="ALL_CPUS",
            )  # fmt: skip
        for leftover in (plain, self._rows, self._note):
            leftover.unlink()
