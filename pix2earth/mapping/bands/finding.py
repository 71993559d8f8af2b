"""Find the bands of a field in a raster, or in a folder with one raster for each band."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import rasterio
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from pix2earth.mapping.bands.naming import matching, names
from pix2earth.mapping.sources import GdalName, Source
from pix2earth.records.field import Field
from pix2earth.settings.errors import UserError

LISTED = 12
"""Number of subdatasets that a message names."""


def _open(path: Source, option: str) -> Any:
    """Return an open raster.

    Raises:
        UserError: GDAL cannot read it, or it has no bands or no grid.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # reported by open_scene
            raster = rasterio.open(path)
    except RasterioError as error:
        if isinstance(path, GdalName):
            raise UserError(f"{option}{path}: GDAL cannot read it ({' '.join(str(error).split())})") from None
        others = ", a product (.SAFE, .zip) or a dataset" if option.startswith("--input") else ""
        raise UserError(f"{option}{path}: is not a raster that GDAL can read; give a GeoTIFF{others}") from None
    if raster.crs is None and raster.gcps[0]:
        raise UserError(
            f"{option}{path}: has ground control points and no grid; warp it first: gdalwarp -r bilinear {path} OUT.tif"
        )
    if not raster.count:
        names = ", ".join(f"'{name}'" for name in raster.subdatasets[:LISTED])
        more = ", ..." if len(raster.subdatasets) > LISTED else ""
        raise UserError(
            f"{option}{path}: has no bands of its own; name one of its {len(raster.subdatasets)} subdatasets as the"
            f" input: {names}{more}"
        )
    return raster


def numbers_of(text: str | None) -> tuple[int, ...]:
    """Return the numbers of bands in the option ``--bands``, none without it.

    Raises:
        UserError: it is no list of whole numbers from 1 on.
    """
    parts = [part.strip() for part in text.split(",")] if text is not None else []
    if not all(part.isdecimal() and int(part) for part in parts):
        raise UserError(f"--bands {text}: must be numbers of bands from 1 on, with commas, such as 4,5,6")
    return tuple(map(int, parts))


def bands_of_file(path: Source, field: Field, option: str, chosen: tuple[int, ...] = ()) -> list[tuple[Any, int]]:
    """Return the bands of a field in one raster: by their descriptions, or in order where it has none.

    A band of transparency (alpha) is none of them; GDAL takes it for the mask of the others.

    Args:
        path: the raster.
        field: of the dataset.
        option: words that name the path on the command line, for messages.
        chosen: numbers of its bands from 1 on, which replace descriptions and order.

    Raises:
        UserError: a band is missing or there several times, or the order is another one.
    """
    raster = _open(path, option)
    steps = field.time_steps or 1
    expected = field.bands * steps
    if chosen:
        if len(chosen) != len(expected) or max(chosen) > raster.count:
            raise UserError(
                f"--bands {','.join(map(str, chosen))}: must be {len(expected)} of the {raster.count} bands of {path},"
                f" in the order {', '.join(expected)}"
            )
        return [(raster, number) for number in chosen]
    opaque = [number for number in raster.indexes if raster.colorinterp[number - 1] != ColorInterp.alpha]
    descriptions = [raster.descriptions[number - 1] or "" for number in opaque]
    if not any(descriptions) or steps > 1:
        if len(descriptions) != len(expected):
            following = (
                f" of the first of {steps} time steps, then of the next; or name {steps} rasters" if steps > 1 else ""
            )
            order = ", ".join(field.bands) + following
            raise UserError(f"{path}: has {len(descriptions)} bands; the network takes {len(expected)}: {order}")
        for number, (band, text) in enumerate(zip(expected, descriptions, strict=True), start=1):
            if text and not names(band, text):
                raise UserError(
                    f"{path}: band {number} is called '{text}' where {band} is expected (all bands of a time step, then"
                    " those of the next)"
                )
        return [(raster, number) for number in opaque]
    found = {band: matching(band, descriptions) for band in expected}
    called = ", ".join(f"{number} {text}".strip() for number, text in zip(opaque, descriptions, strict=True))
    if missing := [band for band, matches in found.items() if not matches]:
        raise UserError(f"{path}: lacks {', '.join(missing)}; its bands are {called} (--bands chooses by numbers)")
    for band, matches in found.items():
        if len(matches) > 1:
            texts = " and ".join(f"{opaque[number]} '{descriptions[number]}'" for number in matches)
            raise UserError(
                f"{path}: {band} may be band {texts}; choose by numbers: --bands N,N..., in the order"
                f" {', '.join(expected)}; its bands are {called}"
            )
    return [(raster, opaque[found[band][0]]) for band in expected]


def bands_of_folder(folder: Path, field: Field, option: str) -> list[tuple[Any, int]]:
    """Return the bands of a field in a folder with one raster for each band.

    Raises:
        UserError: a band is missing or there twice, or the rasters differ in their grid.
    """
    if field.time_steps:
        raise UserError(
            f"{folder}: holds one raster per band; a network with {field.time_steps} time steps takes a folder for"
            " each, or one raster with all"
        )
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jp2", ".tif", ".tiff"))
    if not files:
        raise UserError(f"{option}{folder}: is neither a dataset nor a product nor a folder with one raster per band")
    stems = [file.stem for file in files]
    files_of = {band: [files[number] for number in matching(band, stems)] for band in field.bands}
    missing = [band for band, matches in files_of.items() if not matches]
    if missing:
        raise UserError(f"{folder}: has no raster that is named for {', '.join(missing)}")
    duplicates = next((matches for matches in files_of.values() if len(matches) > 1), None)
    if duplicates:
        raise UserError(f"{folder}: {duplicates[0].name} and {duplicates[1].name} are named for one band; remove one")
    bands = [(_open(matches[0], option), 1) for matches in files_of.values()]
    grid = bands[0][0]
    for raster, _ in bands[1:]:
        if (raster.shape, raster.transform, raster.crs) != (grid.shape, grid.transform, grid.crs):
            raise UserError(
                f"{raster.name}: has another grid than {Path(grid.name).name}; resample all bands to one grid"
            )
    return bands
