"""PNG and JPEG by GDAL: 8 and 16 bits, grey, colour, palettes; alpha says where pixels are measured."""

from __future__ import annotations

import functools
import struct
import zlib
from pathlib import Path
from typing import Any

from pix2earth.image_files.image_file import Box, ImageFile, Pixels, supported
from pix2earth.image_files.read_raster import alpha_of, opened
from pix2earth.settings.errors import UserError

NAMES = {1: ("grey",), 3: ("red", "green", "blue")}
"""Names of the bands by their number."""


def read_picture(path: Path, kind: str) -> ImageFile:
    """Return a PNG or JPEG file; colours of a palette become red, green and blue.

    Raises:
        UserError: it is damaged.
    """
    import numpy as np

    with opened(path, path, kind) as source:
        palette = _palette(source)
        count = 3 if palette is not None else source.count - (alpha_of(source) is not None)
        dtype = supported(np.dtype(source.dtypes[0]), path)
        size, tags = (source.height, source.width), source.tags()
        nodata = None if palette is not None or source.nodata is None else float(source.nodata)
        crs = source.crs.to_string() if source.crs else None  # of a world file or side-car file
        transform = None if source.transform.is_identity else tuple(source.transform)[:6]
    return ImageFile(
        path, kind, "HWC", (*size, count), dtype, functools.partial(_load, path, kind), NAMES.get(count),
        nodata=nodata, crs=crs, transform=transform, keywords=tags,
    )  # fmt: skip


def _palette(source: Any) -> Any:
    """Return the colours of a palette as uint8 (256, 4), or None where the picture has none."""
    import numpy as np
    from rasterio.enums import ColorInterp

    if source.count != 1 or source.colorinterp[0] != ColorInterp.palette:
        return None
    table = np.zeros((256, 4), np.uint8)
    for index, colour in source.colormap(1).items():
        table[index] = colour
    return table


def _load(path: Path, kind: str, sample: int | None, box: Box | None) -> Pixels:
    import numpy as np
    from rasterio.windows import Window

    if kind == "PNG":
        check_chunks(path)
    window = Window(box.column, box.row, box.width, box.height) if box else None
    with opened(path, path, kind) as source:
        palette, alpha = _palette(source), alpha_of(source)
        stored = source.read(window=window)
    if palette is not None:
        colours = palette[stored[0]]
        opaque = bool((colours[..., 3] == 255).all())
        return Pixels(np.ascontiguousarray(colours[..., :3]), None if opaque else colours[..., 3] > 0)
    mask = None
    if alpha:
        mask, stored = stored[alpha - 1] > 0, np.delete(stored, alpha - 1, axis=0)
    return Pixels(np.ascontiguousarray(np.moveaxis(stored, 0, -1)), mask)


def check_chunks(path: Path) -> None:
    """Verify the checksum of every chunk of a PNG file; GDAL returns random pixels for a truncated one.

    Raises:
        UserError: it is damaged.
    """
    content, place, kind = memoryview(path.read_bytes()), 8, b""
    while kind != b"IEND":
        if place + 12 > len(content):
            raise UserError(f"{path}: is a damaged PNG file (truncated); copy it again")
        (length,) = struct.unpack(">I", content[place : place + 4])
        kind = bytes(content[place + 4 : place + 8])
        end = place + 8 + length
        if end + 4 > len(content):
            raise UserError(f"{path}: is a damaged PNG file (truncated); copy it again")
        if zlib.crc32(content[place + 4 : end]) != struct.unpack(">I", content[end : end + 4])[0]:
            raise UserError(f"{path}: is a damaged PNG file (its bytes were changed); copy it again")
        place = end + 4
