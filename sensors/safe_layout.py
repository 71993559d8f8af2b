"""Where things are inside a Sentinel-2 SAFE: its metadata, its granules, the images of a granule.

Names from the XML only choose among the members that are really there, so they cannot lead outside the product.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from pix2earth.settings.errors import UserError, nearest
from sensors.archives import Members
from sensors.image_grids import LONGEST_SIDE, Grid
from sensors.product_xml import XmlDocument

RADIOMETRIC_IDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""The bands in the order of ``band_id`` in the metadata: 8 is B8A, 9 is B09."""
METRES = {**dict.fromkeys(RADIOMETRIC_IDS, 20), **dict.fromkeys(("B02", "B03", "B04", "B08"), 10)}
METRES |= dict.fromkeys(("B01", "B09", "B10"), 60)
ORDER = (*RADIOMETRIC_IDS, "AOT", "WVP", "SCL")
_METADATA = re.compile(r"MTD_MSI(L1C|L2A)\.xml|S2\w_OPER_MTD_SAF(L1C|L2A)_.*\.xml")
_IMAGE = re.compile(r"(?:.*_)?(B\d\d|B8A|AOT|WVP|SCL)(?:_(10|20|60)m)?\.(?:jp2|tiff?)", re.IGNORECASE)
_TILE = re.compile(r"_(T\d\d[A-Z]{3})(?:_|$)")


class Image(NamedTuple):
    """One image of a granule: its member name and its nominal ground sampling distance in metres."""

    member: str
    metres: int


class Granule(NamedTuple):
    """One tile of a product: folder name, tile ("T17XNA"), metadata member, and the images of each band."""

    name: str
    tile: str
    metadata: str | None
    images: dict[str, Image]


def find_metadata(members: Members) -> tuple[str, str]:
    """Return the member with the product's metadata and the level, "L1C" or "L2A".

    Raises:
        UserError: this is no such product.
    """
    for member in members:
        match = _METADATA.fullmatch(member)
        if match:
            return member, match[1] or match[2]
    raise UserError(
        f"{members.path}: is no Sentinel-2 L1C or L2A product: neither MTD_MSIL1C.xml nor MTD_MSIL2A.xml is in it;"
        " download it again or name another"
    )


def read_grid(tile: XmlDocument) -> Grid:
    """Return the 10 m grid that a granule's metadata state; it is the first of those they state.

    Raises:
        UserError: an element is missing or makes no sense.
    """
    from affine import Affine
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    rows, columns = (tile.count(name, LONGEST_SIDE) for name in ("NROWS", "NCOLS"))
    left, top, width, height = (tile.number(name) for name in ("ULX", "ULY", "XDIM", "YDIM"))
    code = tile.text("HORIZONTAL_CS_CODE")
    try:
        crs = CRS.from_string(code)
    except CRSError:
        raise UserError(
            f"{tile.label}: HORIZONTAL_CS_CODE '{code}' is no known CRS; download the product again"
        ) from None
    return Grid(crs, (rows, columns), Affine(width, 0, left, 0, height, top))


def band_name(band: str) -> str:
    """Return a band's name as files have it: B2, b02 and B02 are the same."""
    match = re.fullmatch(r"[Bb](\d{1,2})", band)
    return f"B{int(match[1]):02d}" if match else band.upper()


def choose_granule(members: Members, product: XmlDocument, tile: str | None) -> Granule:
    """Return the granule of a tile, or the only one.

    The granules that the metadata name count; others (a stray one ends with ``_null``) only where it names none.

    Raises:
        UserError: there is none, or there are several and ``tile`` does not say which.
    """
    found = [granule for granule in _granules(members) if granule.metadata or granule.images]
    stated = _stated(product)
    named = [granule for granule in found if _is_named(granule, stated)]
    granules = {granule.tile: granule for granule in named or found}
    if not granules:
        raise UserError(f"{members.path}: has no granule with metadata or images; download the product again")
    if tile is None and len(granules) > 1:
        raise UserError(f"{members.path}: holds the tiles {', '.join(sorted(granules))}; say which one is wanted")
    wanted = next(iter(granules)) if tile is None else f"T{tile.upper().removeprefix('T')}"
    if wanted not in granules:
        raise UserError(f"{members.path}: has no tile {wanted}{nearest(wanted, granules)}")
    return granules[wanted]


def _granules(members: Members) -> list[Granule]:
    """Return every folder below GRANULE."""
    files: dict[str, list[PurePosixPath]] = {}
    for member in members:
        path = PurePosixPath(member)
        if path.parts[0] == "GRANULE" and len(path.parts) > 2:
            files.setdefault(path.parts[1], []).append(path)
    return [_granule(name, paths) for name, paths in files.items()]


def _granule(name: str, paths: list[PurePosixPath]) -> Granule:
    images: dict[str, Image] = {}
    for path in paths:
        match = _IMAGE.fullmatch(path.name) if path.parts[2] == "IMG_DATA" else None
        band = match[1].upper() if match else ""
        if match and (match[2] or band in METRES):
            image = Image(str(path), int(match[2] or METRES[band]))
            images[band] = min(image, images.get(band, image), key=lambda one: one.metres)
    metadata = [str(path) for path in paths if len(path.parts) == 3 and re.fullmatch(r".*MTD_.*\.xml", path.name)]
    tile = _TILE.search(name)
    ordered = {band: images[band] for band in ORDER if band in images}
    return Granule(name, tile[1] if tile else "", metadata[0] if metadata else None, ordered)


def _stated(product: XmlDocument) -> set[str]:
    """Return every folder and file name (without suffix) that the metadata give for images."""
    texts = [(element.text or "").strip() for element in product.all("IMAGE_FILE(_2A)?|IMAGE_ID(_2A)?")]
    return {part for text in texts for part in text.split("/")}


def _is_named(granule: Granule, stated: set[str]) -> bool:
    return granule.name in stated or any(
        PurePosixPath(image.member).stem in stated for image in granule.images.values()
    )
