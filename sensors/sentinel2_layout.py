"""Sentinel-2 Level-1C and Level-2A products as data: bands, calibration, names of files and metadata, and granules.

The tables follow the Sentinel-2 Products Specification Document. The functions find the metadata and the images of one
granule in a SAFE. Names from the XML only choose among the members that exist, so they cannot lead outside the product.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import NamedTuple

from pix2earth.settings.errors import UserError, nearest
from sensors.archives import Members
from sensors.image_grids import Grid
from sensors.locating.finding import Kind
from sensors.product_xml import XmlDocument

# ---- bands and images --------------------------------------------------------------------------------------

METRES = {
    "B01": 60, "B02": 10, "B03": 10, "B04": 10, "B05": 20, "B06": 20, "B07": 20, "B08": 10, "B8A": 20, "B09": 60,
    "B10": 60, "B11": 20, "B12": 20,
}  # fmt: skip
"""Native ground sampling distance of every band, in the order of ``band_id`` in the metadata: 8 is B8A, 9 is B09."""
BANDS = tuple(METRES)
LEVEL_2A_IMAGES = ("AOT", "WVP", "SCL")
"""Aerosol optical thickness (1), water vapour (cm), and scene classification (class numbers)."""
IMAGES = (*BANDS, *LEVEL_2A_IMAGES)
NATIVE = {**METRES, **dict.fromkeys(LEVEL_2A_IMAGES, 20)}
"""Ground sampling distance at which an image is made; copies at others are resampled from it."""
FINEST = 10
"""Ground sampling distance in metres of the grid that a tile is read on."""
LONGEST_SIDE = 10_980
"""Pixels along a side of a tile at 10 m."""
NODATA, SATURATED = 0, 65535
"""Digital numbers of all bands that are no measurement."""

# ---- calibration -------------------------------------------------------------------------------------------


class Calibration(NamedTuple):
    """The metadata elements of an image's calibration: physical value = (digital number + offset) / quantification.

    None: the quantification is 1, or the offset is 0.
    """

    quantification: str | None
    offset: str | None


CALIBRATION = {
    "L1C": Calibration("QUANTIFICATION_VALUE", "RADIO_ADD_OFFSET"),
    "L2A": Calibration("BOA_QUANTIFICATION_VALUE|L2A_BOA_QUANTIFICATION_VALUE", "BOA_ADD_OFFSET"),
    "AOT": Calibration("AOT_QUANTIFICATION_VALUE|L2A_AOT_QUANTIFICATION_VALUE", None),
    "WVP": Calibration("WVP_QUANTIFICATION_VALUE|L2A_WVP_QUANTIFICATION_VALUE", None),
    "SCL": Calibration(None, None),
}
"""By the product's level for reflectance, by the image's name for the others."""
LAST_KNOWN_BASELINE = "05.99"

# ---- names of products, files and metadata -----------------------------------------------------------------

PRODUCT_NAME = re.compile(
    r"S2[A-Z]_(MSIL(1C|2A)_|(OPER|USER)_PRD_MSIL(1C|2A)_).*|L1C_T\d{2}[A-Z]{3}_A\d{6}_\d{8}T\d{6}.*", re.I | re.S
)
"""Since December 2016; the longer naming before, whose products hold several tiles; and archives of the USGS."""
TILE_CODE = re.compile(r"T\d{2}[C-HJ-NP-X][A-HJ-NP-Z]{2}")
BASELINE_IN_NAME = re.compile(r"_N(\d\d)(\d\d)_")
BASELINE = re.compile(r"\d\d\.\d\d")
OLD_METADATA = re.compile(r"S2\w_[A-Z]{4}_MTD_SAF.*")
"""Of products in the longer naming, whose footprint is that of all their tiles."""
PRODUCT_METADATA = re.compile(r"MTD_MSI(L1C|L2A)\.xml|S2\w_(?:OPER|USER)_MTD_SAF(L1C|L2A)_.*\.xml")
GRANULE_METADATA = re.compile(r".*MTD_.*\.xml")
GRANULE_TILE = re.compile(r"(?:^|_)(T\d\d[A-Z]{3})(?:_|$)")
IMAGE = re.compile(r"(?:.*_)?(B\d\d|B8A|AOT|WVP|SCL)(?:_L2A_.*?)?(?:_(10|20|60)m)?\.(?:jp2|tiff?)", re.IGNORECASE)
"""The last but one part is of the old naming: S2A_USER_SCL_L2A_TL_..._20m.jp2."""
BAND_NUMBER = re.compile(r"[Bb](\d{1,2})")
ELEMENTS = {
    "satellite": "SPACECRAFT_NAME",
    "sensing_time": "DATATAKE_SENSING_START|PRODUCT_START_TIME",
    "baseline": "PROCESSING_BASELINE",
    "processed": "GENERATION_TIME",
    "footprint": "EXT_POS_LIST",
    "cloud_cover": "Cloud_Coverage_Assessment",
    "images": "IMAGE_FILE(_2A)?|IMAGE_ID(_2A)?",
    "tile": "TILE_ID",
    "rows": "NROWS",
    "columns": "NCOLS",
    "left": "ULX",
    "top": "ULY",
    "pixel_width": "XDIM",
    "pixel_height": "YDIM",
    "crs": "HORIZONTAL_CS_CODE",
}
"""Local names of the metadata elements that are read; of a granule's grids the first is that of 10 m."""


KIND = Kind(
    "Sentinel-2 L1C or L2A",
    PRODUCT_NAME,
    lambda files: any(map(PRODUCT_METADATA.fullmatch, files)),
    re.compile(r"S2[A-Z]_|L(1C|2A)_T\d{2}[A-Z]{3}_", re.IGNORECASE),
)


def tile_code(name: str) -> str | None:
    """Return the tile in a product's name, such as T17XNA; None where the name has none."""
    parts = name.upper().replace(".", "_").split("_")
    return next((part for part in parts if TILE_CODE.fullmatch(part)), None)


def band_name(band: str) -> str:
    """Return a band's name as files have it: B2, b02 and B02 give "B02"."""
    match = BAND_NUMBER.fullmatch(band)
    return f"B{int(match[1]):02d}" if match else band.upper()


# ---- metadata and granules of a product --------------------------------------------------------------------


class Image(NamedTuple):
    """One image of a granule: its member name and its nominal ground sampling distance in metres."""

    member: str
    metres: int


class Granule(NamedTuple):
    """One tile of a product: folder name, tile ("T17XNA"), metadata member, and the image of each band."""

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
        match = PRODUCT_METADATA.fullmatch(member)
        if match:
            return member, match[1] or match[2]
    raise UserError(
        f"{members.path}: is no Sentinel-2 L1C or L2A product: neither MTD_MSIL1C.xml nor MTD_MSIL2A.xml is in it;"
        " download it again or name another"
    )


def read_baseline(metadata: XmlDocument, name: str) -> str | None:
    """Return the processing baseline ("05.10") in a product's metadata, or else in its name; None: in neither.

    Raises:
        UserError: the metadata have another string in its place.
    """
    in_name = BASELINE_IN_NAME.search(name)
    baseline = metadata.optional(ELEMENTS["baseline"]) or (f"{in_name[1]}.{in_name[2]}" if in_name else None)
    if baseline is not None and not BASELINE.fullmatch(baseline):
        raise UserError(f"{metadata.label}: {ELEMENTS['baseline']} '{baseline}' is not known; expected one like 05.10")
    return baseline


def read_scale(metadata: XmlDocument, level: str, band: str) -> tuple[float, float]:
    """Return (quantification, offset) of a band from a product's metadata; the offset is 0 where they list none.

    Raises:
        UserError: they lack the quantification, or the band in a list of offsets.
    """
    elements = CALIBRATION.get(band) or CALIBRATION[level]
    quantification = 1.0 if elements.quantification is None else metadata.number(elements.quantification)
    offsets: dict[str | None, str] = {}
    if elements.offset is not None:
        offsets = {entry.get("band_id"): entry.text or "" for entry in metadata.all(elements.offset)}
    if not offsets or elements.offset is None:
        return quantification, 0.0
    number = str(BANDS.index(band))
    if number not in offsets:
        raise UserError(
            f"{metadata.label}: {elements.offset} has no band_id {number} ({band}); download the product again"
        )
    return quantification, metadata.as_number(offsets[number], elements.offset)


def read_grid(metadata: XmlDocument) -> Grid:
    """Return the 10 m grid in the metadata of a granule.

    Raises:
        UserError: an element is missing or invalid.
    """
    from affine import Affine
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    rows, columns = (metadata.count(ELEMENTS[key], LONGEST_SIDE) for key in ("rows", "columns"))
    left, top, width, height = (
        metadata.number(ELEMENTS[key]) for key in ("left", "top", "pixel_width", "pixel_height")
    )
    code = metadata.text(ELEMENTS["crs"])
    try:
        crs = CRS.from_string(code)
    except CRSError:
        raise UserError(
            f"{metadata.label}: {ELEMENTS['crs']} '{code}' is no known CRS; download the product again"
        ) from None
    return Grid(crs, (rows, columns), Affine(width, 0, left, 0, height, top))


def granules_by_tile(members: Members, metadata: XmlDocument) -> dict[str, list[Granule]]:
    """Return the granules of every tile, in the order of their names.

    A tile has several where ground stations received it in parts. Granules that the product's metadata do not name
    are left out (a stray one ends with ``_null``), unless the metadata name none.

    Raises:
        UserError: there is none.
    """
    existing = [granule for granule in _granules(members) if granule.metadata or granule.images]
    stated = _stated_names(metadata)
    named = [granule for granule in existing if _is_named(granule, stated)]
    granules: dict[str, list[Granule]] = {}
    for granule in sorted(named or existing, key=lambda granule: granule.name):
        granules.setdefault(granule.tile or _stated_tile(members, granule), []).append(granule)
    if not granules:
        raise UserError(f"{members.path}: has no granule with metadata or images; download the product again")
    return granules


def choose_tile(members: Members, granules: Collection[str], tile: str | None) -> str:
    """Return a tile as ``granules`` has it, or the only one where ``tile`` is None.

    Raises:
        UserError: it is not in them, or there are several and ``tile`` is None.
    """
    if tile is None and len(granules) > 1:
        raise UserError(f"{members.path}: holds the tiles {', '.join(sorted(granules))}; name one of them")
    requested = next(iter(granules)) if tile is None else f"T{tile.upper().removeprefix('T')}"
    if requested not in granules:
        raise UserError(f"{members.path}: has no tile {requested}{nearest(requested, granules)}")
    return requested


def tiles_in(members: Members) -> set[str]:
    """Return the tiles of a product by the names of its granules and images."""
    paths = (PurePosixPath(member) for member in members if member.startswith("GRANULE/"))
    return {
        match[1] for path in paths for part in path.parts if (match := GRANULE_TILE.search(PurePosixPath(part).stem))
    }


def _granules(members: Members) -> list[Granule]:
    """Return every folder below GRANULE."""
    files: dict[str, list[PurePosixPath]] = {}
    for member in members:
        path = PurePosixPath(member)
        if path.parts[0] == "GRANULE" and len(path.parts) > 2:
            files.setdefault(path.parts[1], []).append(path)
    return [_granule(name, paths) for name, paths in files.items()]


def _granule(name: str, paths: list[PurePosixPath]) -> Granule:
    """Return a granule from its folder name and the paths below it; of each band its finest image."""
    images: dict[str, Image] = {}
    for path in paths:
        match = IMAGE.fullmatch(path.name) if path.parts[2] == "IMG_DATA" else None
        band = match[1].upper() if match else ""
        if match and (match[2] or band in METRES):
            image = Image(str(path), int(match[2] or METRES[band]))
            images[band] = min(image, images.get(band, image), key=lambda one: one.metres)
    metadata = [str(path) for path in paths if len(path.parts) == 3 and GRANULE_METADATA.fullmatch(path.name)]
    # Folders that a user renamed have it in the names of their images.
    names = (name, *(PurePosixPath(image.member).stem for image in images.values()))
    tile = next((match for match in map(GRANULE_TILE.search, names) if match), None)
    ordered = {band: images[band] for band in IMAGES if band in images}
    return Granule(name, tile[1] if tile else "", metadata[0] if metadata else None, ordered)


def _stated_tile(members: Members, granule: Granule) -> str:
    """Return the tile in a granule's metadata, or in the product's name; "" where neither has one."""
    stated = XmlDocument(members, granule.metadata).optional(ELEMENTS["tile"]) if granule.metadata else None
    match = GRANULE_TILE.search(stated or "")
    return match[1] if match else tile_code(members.name) or ""


def _stated_names(metadata: XmlDocument) -> set[str]:
    """Return every folder and file name (without suffix) in the metadata's list of images."""
    texts = [(element.text or "").strip() for element in metadata.all(ELEMENTS["images"])]
    return {part for text in texts for part in text.split("/")}


def _is_named(granule: Granule, stated: set[str]) -> bool:
    return granule.name in stated or any(
        PurePosixPath(image.member).stem in stated for image in granule.images.values()
    )
