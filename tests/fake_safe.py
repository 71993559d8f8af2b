"""Write a tiny fake Sentinel-2 product in the true layout; see ``products.py``."""

import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from tests.fake_packing import iso, zip_folder

BAND_IDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
NATIVE = {**dict.fromkeys(BAND_IDS, 20), "B01": 60, "B09": 60, "B10": 60, "B02": 10, "B03": 10, "B04": 10, "B08": 10}
L2A_IMAGES = {
    10: ("B02", "B03", "B04", "B08", "AOT", "WVP"),
    20: ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B11", "B12", "AOT", "WVP", "SCL"),
    60: ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B09", "B11", "B12", "AOT", "WVP", "SCL"),
}
ORIGIN = (520020.0, 8100000.0)
"""Upper left corner of the fake Sentinel-2 products in EPSG:32617."""


def synthetic_reflectance(band: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return smooth reflectance from 0.05 to 0.55, different for every band; classes for SCL, constant AOT and WVP."""
    if band == "SCL":
        return np.where(x % 1200 < 600, 4.0, 8.0)
    if band in ("AOT", "WVP"):
        return np.full(np.shape(x), {"AOT": 0.125, "WVP": 1.5}[band])
    phase = BAND_IDS.index(band)
    return 0.3 + 0.15 * np.sin(x / 500 + phase) + 0.1 * np.cos(y / 700 - phase)


def write_safe(
    folder: Path,
    *,
    satellite: str = "S2A",
    level: str = "L1C",
    tile: str = "T17XNA",
    sensing: str = "20200702T172901",
    baseline: str = "02.09",
    discriminator: str = "20200702T203040",
    size: tuple[int, int] = (240, 240),
    origin: tuple[float, float] = ORIGIN,
    epsg: int = 32617,
    offset: int | None = None,
    reflectance: Callable[[str, np.ndarray, np.ndarray], np.ndarray] = synthetic_reflectance,
    footprint: Sequence[tuple[float, float]] | None = None,
    cloud_cover: float = 3.5,
    bands: Iterable[str] | None = None,
    without: Iterable[str] = (),
    stated_size: tuple[int, int] | None = None,
    baseline_in_name: bool = True,
    long_naming: bool = False,
    other_tiles: Sequence[str] = (),
    halves: bool = False,
    granule_folder: str | None = None,
    null_granule: bool = False,
    driver: str = "JP2OpenJPEG",
    zipped: bool = False,
    compression: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """Write a SAFE folder, or with ``zipped`` a .zip in its place.

    ``size`` is (height, width) at 10 m, multiples of 6. ``offset`` (RADIO_ADD_OFFSET, BOA_ADD_OFFSET) is -1000 from
    baseline 04.00 on and absent (0) before by default. ``footprint``: (latitude, longitude) pairs without the closing
    one; the tile's corners by default. ``bands``: only these have images (``()``: metadata only). ``without``: images
    that are left out, by the end of their path ("B02_10m") or by folder ("R10m"). ``stated_size``: size in MTD_TL.xml.
    ``long_naming``: as before December 2016 (L2A as users made it, with USER for OPER), also with a granule for each of
    ``other_tiles`` (same pixels). ``halves``: the tile is in two granules, of two datastrips, with the upper and the
    lower 60 % of its rows. ``granule_folder``: what a user has renamed the granule's folder to. ``null_granule`` adds
    an empty one. ``driver`` "GTiff" writes GeoTIFFs with the suffix .jp2.
    """
    start = f"{satellite}_MSI{level}_{sensing}"
    middle = f"_N{baseline.replace('.', '')}" if baseline_in_name else ""
    agency = "USER" if level == "L2A" else "OPER"
    name = f"{start}{middle}_R012_{tile}_{discriminator}.SAFE"
    if long_naming:
        name = f"{satellite}_{agency}_PRD_MSI{level}_PDMC_{discriminator}_R012_V{sensing}_{sensing}.SAFE"
    safe = Path(folder) / name
    if offset is None:
        offset = -1000 if baseline >= "04.00" else 0
    ring = list(footprint or _corners(origin, size, epsg))
    ring.append(ring[0])
    positions = " ".join(f"{number:.9g}" for point in ring for number in point) + " "

    granules = []
    parts = [(tile, discriminator, reflectance), *((other, discriminator, reflectance) for other in other_tiles)]
    if halves:
        parts[:1] = _halves(tile, discriminator, reflectance, origin[1], size[0] * 10)
    for granule_tile, created, values in parts:
        granule = f"{level}_{granule_tile}_A026253_{created if halves else sensing}"
        stem = f"{granule_tile}_{sensing}"
        if long_naming:
            granule = f"{satellite}_{agency}_MSI_{level}_TL_EPA__{created}_A026253_{granule_tile}_N{baseline}"
            stem = granule.rsplit("_N", 1)[0]
        images = list(_images(level, stem))
        root = safe / "GRANULE" / (granule_folder or granule)
        for file, band, metres in images:
            left_out = any(file.endswith(end) or file.startswith(f"{end}/") for end in without)
            if (bands is None or band in bands) and not left_out:
                _write_image(
                    root / "IMG_DATA" / f"{file}.jp2", band, metres, size, origin, epsg, offset, values, driver
                )
        (root / "QI_DATA").mkdir(parents=True, exist_ok=True)
        metadata = f"{granule.replace('_MSI_', '_MTD_').rsplit('_N', 1)[0]}.xml" if long_naming else "MTD_TL.xml"
        (root / metadata).write_text(_tile_xml(level, granule_tile, sensing, stated_size or size, origin, epsg))
        granules.append((granule, [file for file, _, _ in images]))
    if null_granule:
        (safe / "GRANULE" / f"{level}_{tile}_A026253_null" / "IMG_DATA").mkdir(parents=True)
    metadata = name.replace("_PRD_MSI", "_MTD_SAF").replace(".SAFE", ".xml") if long_naming else f"MTD_MSI{level}.xml"
    (safe / metadata).write_text(
        _product_xml(
            name,
            level,
            satellite,
            sensing,
            baseline,
            discriminator,
            offset,
            positions,
            cloud_cover,
            granules,
            long_naming,
        )
    )
    (safe / "manifest.safe").write_text(
        '<?xml version="1.0"?><xfdu:XFDU xmlns:gml="http://www.opengis.net/gml" xmlns:xfdu="urn:ccsds:schema:xfdu:1">'
        f"<metadataSection><gml:coordinates>{positions}</gml:coordinates></metadataSection></xfdu:XFDU>"
    )
    return zip_folder(safe, compression) if zipped else safe


def _halves(tile, created, reflectance, top, height) -> list[tuple]:
    """Return (tile, time of creation, values) of the two granules that share a tile."""

    def upper(band, x, y):
        return np.where(y > top - 0.6 * height, reflectance(band, x, y), np.nan)

    def lower(band, x, y):
        return np.where(y < top - 0.4 * height, reflectance(band, x, y), np.nan)

    return [(tile, created, upper), (tile, f"{created[:9]}235959", lower)]


def _corners(origin: tuple[float, float], size: tuple[int, int], epsg: int) -> list[tuple[float, float]]:
    from pyproj import Transformer

    to_geographic = Transformer.from_crs(epsg, 4326)
    (west, north), (height, width) = origin, size
    south, east = north - 10 * height, west + 10 * width
    return [to_geographic.transform(x, y) for x, y in ((west, north), (east, north), (east, south), (west, south))]


def _images(level: str, stem: str) -> Iterable[tuple[str, str, int]]:
    """Yield (path below IMG_DATA without suffix, band, metres a pixel)."""
    if level == "L1C":
        yield from ((f"{stem}_{band}", band, NATIVE[band]) for band in BAND_IDS)
    else:
        for metres, bands in L2A_IMAGES.items():
            for band in bands:
                named = f"{stem}_{band}"
                if "_MSI_" in stem and band in ("AOT", "WVP", "SCL"):
                    named = stem.replace("_MSI_", f"_{band}_")
                yield f"R{metres}m/{named}_{metres}m", band, metres


def _write_image(path, band, metres, size, origin, epsg, offset, reflectance, driver) -> None:
    import rasterio
    from rasterio.transform import from_origin

    height, width = size[0] * 10 // metres, size[1] * 10 // metres
    x, y = np.meshgrid(origin[0] + metres * (np.arange(width) + 0.5), origin[1] - metres * (np.arange(height) + 0.5))
    values = reflectance(band, x, y)
    quantification, added = {"SCL": (1, 0), "AOT": (1000, 0), "WVP": (1000, 0)}.get(band, (10000, offset))
    numbers = np.clip(np.round(np.nan_to_num(values, posinf=0) * quantification) - added, 1, 65534)
    numbers = np.where(np.isposinf(values), 65535, np.where(np.isnan(values), 0, numbers))
    dtype = "uint8" if band == "SCL" else "uint16"
    path.parent.mkdir(parents=True, exist_ok=True)
    lossless = {"QUALITY": "100", "REVERSIBLE": "YES"} if driver == "JP2OpenJPEG" else {}
    with rasterio.open(
        path, "w", driver=driver, height=height, width=width, count=1, dtype=dtype, crs=f"EPSG:{epsg}",
        transform=from_origin(*origin, metres, metres), **lossless,
    ) as image:  # fmt: skip
        image.write(numbers.astype(dtype), 1)


def _product_xml(
    name, level, satellite, sensing, baseline, created, offset, positions, cloud_cover, granules, long_naming
) -> str:
    tag = "IMAGE_ID" if long_naming else "IMAGE_FILE"
    tag, prefix = (f"{tag}_2A", "L2A_") if long_naming and level == "L2A" else (tag, "")
    listed = "".join(
        f'<Granule granuleIdentifier="{granule}">'
        + "".join(
            f"<{tag}>{file.split('/')[-1] if long_naming else f'GRANULE/{granule}/IMG_DATA/{file}'}</{tag}>"
            for file in files
        )
        + "</Granule>"
        for granule, files in granules
    )
    kind = "RADIO" if level == "L1C" else "BOA"
    offsets = (
        "".join(f'<{kind}_ADD_OFFSET band_id="{i}">{offset}</{kind}_ADD_OFFSET>' for i in range(13)) if offset else ""
    )
    if level == "L1C":
        offsets = f"<Radiometric_Offset_List>{offsets}</Radiometric_Offset_List>" if offset else ""
        scale = '<QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>'
    else:
        offsets = f"<BOA_ADD_OFFSET_VALUES_LIST>{offsets}</BOA_ADD_OFFSET_VALUES_LIST>" if offset else ""
        scale = (
            f'<QUANTIFICATION_VALUES_LIST><{prefix}BOA_QUANTIFICATION_VALUE unit="none">10000'
            f"</{prefix}BOA_QUANTIFICATION_VALUE>"
            f'<{prefix}AOT_QUANTIFICATION_VALUE unit="none">1000.0</{prefix}AOT_QUANTIFICATION_VALUE>'
            f'<{prefix}WVP_QUANTIFICATION_VALUE unit="cm">1000.0</{prefix}WVP_QUANTIFICATION_VALUE>'
            "</QUANTIFICATION_VALUES_LIST>"
        )
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-{level[1:]}_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-{level[1:]}.xsd">
<n1:General_Info><Product_Info>
<PRODUCT_START_TIME>{iso(sensing)}</PRODUCT_START_TIME><PRODUCT_STOP_TIME>{iso(sensing)}</PRODUCT_STOP_TIME>
<PRODUCT_URI>{escape(name)}</PRODUCT_URI><PROCESSING_LEVEL>Level-{level[1:]}</PROCESSING_LEVEL>
<PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
<GENERATION_TIME>{iso(created)}</GENERATION_TIME>
<Datatake><SPACECRAFT_NAME>Sentinel-{satellite[1:]}</SPACECRAFT_NAME>
<DATATAKE_SENSING_START>{iso(sensing)}</DATATAKE_SENSING_START></Datatake>
<Product_Organisation><Granule_List>{listed}</Granule_List></Product_Organisation></Product_Info>
<Product_Image_Characteristics>
<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
<Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX>
</Special_Values>{offsets if level == "L1C" else ""}{scale}{offsets if level == "L2A" else ""}
</Product_Image_Characteristics></n1:General_Info>
<n1:Geometric_Info><Product_Footprint><Product_Footprint><Global_Footprint><EXT_POS_LIST>{positions}</EXT_POS_LIST>
</Global_Footprint></Product_Footprint></Product_Footprint></n1:Geometric_Info>
<n1:Quality_Indicators_Info><Cloud_Coverage_Assessment>{cloud_cover}</Cloud_Coverage_Assessment>
</n1:Quality_Indicators_Info></n1:Level-{level[1:]}_User_Product>
"""


def _tile_xml(level, tile, sensing, size, origin, epsg) -> str:
    grids = "".join(
        f'<Size resolution="{metres}"><NROWS>{size[0] * 10 // metres}</NROWS><NCOLS>{size[1] * 10 // metres}</NCOLS>'
        "</Size>"
        f'<Geoposition resolution="{metres}"><ULX>{origin[0]:.0f}</ULX><ULY>{origin[1]:.0f}</ULY>'
        f"<XDIM>{metres}</XDIM><YDIM>-{metres}</YDIM></Geoposition>"
        for metres in (10, 20, 60)
    )
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-{level[1:]}_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-{level[1:]}_Tile_Metadata.xsd">
<n1:General_Info><TILE_ID>S2A_OPER_MSI_{level}_TL_EPA__{sensing}_A026253_{tile}_N02.09</TILE_ID>
<SENSING_TIME>{iso(sensing)}</SENSING_TIME></n1:General_Info>
<n1:Geometric_Info><Tile_Geocoding><HORIZONTAL_CS_NAME>WGS84 / UTM</HORIZONTAL_CS_NAME>
<HORIZONTAL_CS_CODE>EPSG:{epsg}</HORIZONTAL_CS_CODE>{grids}</Tile_Geocoding></n1:Geometric_Info>
</n1:Level-{level[1:]}_Tile_ID>
"""
