"""Write a tiny fake Sentinel-3 OLCI product in the true layout; see ``products.py``."""

import math
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from tests.fake_packing import iso, zip_folder

OLCI_BANDS = tuple(f"Oa{number:02d}" for number in range(1, 22))
FLAGS = (
    "land coastline fresh_inland_water tidal_region bright straylight_risk invalid cosmetic duplicated sun_glint_risk"
    " dubious " + " ".join(f"saturated_Oa{number:02d}" for number in range(1, 22))
)  # fmt: skip
RADIANCE_SCALE = 0.0125
SUN_ZENITH = 60.0
SOLAR_FLUX = 1500.0


def synthetic_radiance(band: str, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return smooth radiance between 40 and 120 mW m-2 sr-1 nm-1, different for every band."""
    phase = OLCI_BANDS.index(band)
    return 80 + 30 * np.sin(longitude * 40 + phase) + 10 * np.cos(latitude * 150 - phase)


def write_sen3(
    folder: Path,
    *,
    platform: str = "S3A",
    kind: str = "EFR",
    start: str = "20200702T161401",
    stop: str | None = None,
    created: str | None = None,
    timeliness: str = "NT",
    collection: str = "002",
    epsg: int = 32617,
    area: tuple[float, float, float, float] = (519000.0, 8096600.0, 523500.0, 8101000.0),
    spacing: tuple[float, float] | None = None,
    turn: float = 12.0,
    radiance: Callable[[str, np.ndarray, np.ndarray], np.ndarray] = synthetic_radiance,
    footprint: Sequence[tuple[float, float]] | None = None,
    edge: int = 1,
    signed: bool = False,
    without: Iterable[str] = (),
    zipped: bool = False,
    compression: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """Write a SEN3 folder, or with ``zipped`` a .zip in its place.

    The swath covers ``area`` (west, south, east, north in metres of ``epsg``), rotated by ``turn`` degrees against the
    map, with pixels of ``spacing`` (across, along) metres: 270 x 294 for EFR, 1080 x 1176 for ERR. ``edge`` columns in
    the west and east are fill with the flag "invalid". ``footprint``: (latitude, longitude) pairs without the closing
    one. ``signed``: stored as signed integers with ``_Unsigned``. ``without``: files that are left out.
    """
    stop = stop or f"{start[:13]}{int(start[13:]) + 2:02d}"
    created = created or f"{start[:9]}235959"
    numbers = f"0002_060_197_1800_LN1_O_{timeliness}_{collection}"
    name = f"{platform}_OL_1_{kind}____{start}_{stop}_{created}_{numbers}.SEN3"
    sen3 = Path(folder) / name
    sen3.mkdir(parents=True)
    step = 64 if kind == "EFR" else 16
    spacing = spacing or ((270, 294) if kind == "EFR" else (1080, 1176))
    *wide, columns = _swath(epsg, area, spacing, turn, step)
    longitude, latitude = (array[:, :columns] for array in wide)
    rows = len(longitude)
    invalid = np.zeros((rows, columns), bool)
    invalid[:, :edge] = invalid[:, columns - edge :] = True
    _write_radiances(sen3, radiance, longitude, latitude, invalid, signed)
    _write_annotations(sen3, wide, invalid, step, signed)
    if footprint is None:
        border = [
            (0, 0),
            (0, columns // 2),
            (0, -1),
            (rows // 2, -1),
            (-1, -1),
            (-1, columns // 2),
            (-1, 0),
            (rows // 2, 0),
        ]
        footprint = [(latitude[at], longitude[at]) for at in border]
    ring = " ".join(f"{lat:.6f} {lon:.6f}" for lat, lon in (*footprint, footprint[0]))
    files = sorted(file.name for file in sen3.iterdir())
    (sen3 / "xfdumanifest.xml").write_text(_manifest(name, platform, start, stop, ring, rows, columns, step, files))
    for file in without:
        (sen3 / file).unlink()
    return zip_folder(sen3, compression) if zipped else sen3


def _swath(epsg, area, spacing, turn, step) -> tuple[np.ndarray, np.ndarray, int]:
    """Return longitude, latitude and number of columns of a rotated grid of pixel centres that covers an area.

    The arrays continue beyond the last column to the last tie point, a multiple of ``step`` columns.
    """
    from pyproj import Transformer

    west, south, east, north = area
    angle, (across, along) = math.radians(turn), spacing
    reach = abs(math.cos(angle)), abs(math.sin(angle))
    columns = math.ceil(((east - west) * reach[0] + (north - south) * reach[1]) / across) + 2
    rows = math.ceil(((east - west) * reach[1] + (north - south) * reach[0]) / along) + 2
    wide = np.arange(math.ceil((columns - 1) / step) * step + 1)
    u, v = np.meshgrid((wide - (columns - 1) / 2) * across, ((rows - 1) / 2 - np.arange(rows)) * along)
    x = (west + east) / 2 + u * math.cos(angle) + v * math.sin(angle)
    y = (south + north) / 2 - u * math.sin(angle) + v * math.cos(angle)
    longitude, latitude = Transformer.from_crs(epsg, 4326, always_xy=True).transform(x, y)
    return np.round(longitude, 6), np.round(latitude, 6), columns


def _netcdf(path, dimensions, variables, **attributes) -> None:
    """Write (name, dimensions, array, attributes) with h5netcdf; arrays keep their dtype."""
    import h5netcdf

    with h5netcdf.File(path, "w") as file:
        file.dimensions = dimensions
        file.attrs.update(attributes)
        for name, along, array, attrs in variables:
            fill = attrs.pop("_FillValue", None)
            variable = file.create_variable(name, along, array.dtype, compression="gzip", fillvalue=fill)
            variable[...] = array
            variable.attrs.update(attrs)


def _stored(array: np.ndarray, fill: int | None, signed: bool) -> tuple[np.ndarray, dict]:
    """Return an unsigned array as it is stored, and the attributes that describe the storage."""
    attrs = {} if fill is None else {"_FillValue": array.dtype.type(fill)}
    if signed:
        array = array.view(array.dtype.str.replace("u", "i"))
        attrs = {key: value.view(array.dtype) for key, value in attrs.items()} | {"_Unsigned": "true"}
    return array, attrs


def _write_radiances(sen3, radiance, longitude, latitude, invalid, signed) -> None:
    rows, columns = invalid.shape
    for band in OLCI_BANDS:
        values = radiance(band, longitude, latitude)
        bad = invalid | ~np.isfinite(values)
        counts = np.where(bad, 65535, np.round(np.where(bad, 0, values) / RADIANCE_SCALE)).astype(np.uint16)
        stored, attrs = _stored(counts, 65535, signed)
        attrs |= {
            "scale_factor": np.float32(RADIANCE_SCALE), "add_offset": np.float32(0), "units": "mW.m-2.sr-1.nm-1",
            "long_name": f"TOA radiance for OLCI acquisition band {band}",
        }  # fmt: skip
        _netcdf(
            sen3 / f"{band}_radiance.nc", {"rows": rows, "columns": columns},
            [(f"{band}_radiance", ("rows", "columns"), stored, attrs)], product_name=sen3.name,
        )  # fmt: skip


def _micro(array: np.ndarray) -> tuple[np.ndarray, dict]:
    return np.round(array * 1e6).astype(np.int32), {"_FillValue": np.int32(-(2**31)), "scale_factor": 1e-6}


def _write_annotations(sen3, wide, invalid, step, signed) -> None:
    rows, columns = invalid.shape
    grid = {"rows": rows, "columns": columns}
    on = ("rows", "columns")
    longitude, latitude = wide
    ties = longitude[:, ::step].shape[1]
    tie_grid, on_tie = {"tie_rows": rows, "tie_columns": ties}, ("tie_rows", "tie_columns")
    geo = [
        (name, on, *_micro(array[:, :columns])) for name, array in (("latitude", latitude), ("longitude", longitude))
    ]
    altitude = ("altitude", on, np.zeros((rows, columns), np.int16), {"_FillValue": np.int16(-32768)})
    _netcdf(sen3 / "geo_coordinates.nc", grid, [*geo, altitude])
    geo = [
        (name, on_tie, *_micro(array[:, ::step])) for name, array in (("latitude", latitude), ("longitude", longitude))
    ]
    subsampling = {"ac_subsampling_factor": np.uint16(step), "al_subsampling_factor": np.uint16(1)}
    _netcdf(sen3 / "tie_geo_coordinates.nc", tie_grid, geo, **subsampling)
    zenith = np.full((rows, ties), SUN_ZENITH * 1e6, np.uint32)
    stored, attrs = _stored(zenith, 2**32 - 1, signed)
    _netcdf(
        sen3 / "tie_geometries.nc", tie_grid, [("SZA", on_tie, stored, attrs | {"scale_factor": 1e-6})], **subsampling
    )  # fmt: skip
    flags = np.where(invalid, np.uint32(1 << 25), np.uint32(1 << 31)).astype(np.uint32)
    stored, attrs = _stored(flags, None, signed)
    masks = (1 << np.arange(31, -1, -1, dtype=np.uint64)).astype(np.uint32)
    attrs |= {"flag_masks": masks.view(stored.dtype), "flag_meanings": FLAGS}
    _netcdf(sen3 / "qualityFlags.nc", grid, [("quality_flags", on, stored, attrs)])
    stamps = 646_200_000_000_000 + np.arange(rows, dtype=np.int64) * 44001
    attrs = {"_FillValue": np.int64(-1), "units": "microseconds since 2000-01-01 00:00:00"}
    _netcdf(sen3 / "time_coordinates.nc", {"rows": rows}, [("time_stamp", ("rows",), stamps, attrs)])
    detector = np.where(invalid, -1, np.arange(columns) % 3700).astype(np.int16)
    flux = np.full((21, 3700), SOLAR_FLUX, np.float32) - 10 * np.arange(21, dtype=np.float32)[:, None]
    _netcdf(
        sen3 / "instrument_data.nc", {**grid, "bands": 21, "detectors": 3700},
        [
            ("detector_index", on, detector, {"_FillValue": np.int16(-1)}),
            ("solar_flux", ("bands", "detectors"), flux, {"_FillValue": np.float32(-1)}),
            ("relative_spectral_covariance", ("bands", "bands"), np.eye(21, dtype=np.float32), {}),
        ],
    )  # fmt: skip
    _netcdf(
        sen3 / "removed_pixels.nc", {"removed_pixels": 1},
        [("removed_pixel_column", ("removed_pixels",), np.zeros(1, np.int16), {})],
    )  # fmt: skip


def _manifest(name, platform, start, stop, ring, rows, columns, step, files) -> str:
    listed = "".join(
        f'<dataObject ID="{file[:-3]}Data"><byteStream><fileLocation locatorType="URL" href="./{file}"/></byteStream>'
        "</dataObject>"
        for file in files
    )
    return f"""<?xml version='1.0' encoding='UTF-8'?>
<xfdu:XFDU xmlns:gml="http://www.opengis.net/gml" xmlns:sentinel-safe="http://www.esa.int/safe/sentinel/1.1"
 xmlns:olci="http://www.esa.int/safe/sentinel/sentinel-3/olci/1.0" xmlns:xfdu="urn:ccsds:schema:xfdu:1"
 xmlns:sentinel3="http://www.esa.int/safe/sentinel/sentinel-3/1.0"><metadataSection>
<sentinel-safe:startTime>{iso(start)[:-4]}000000Z</sentinel-safe:startTime>
<sentinel-safe:stopTime>{iso(stop)[:-4]}000000Z</sentinel-safe:stopTime>
<sentinel-safe:platform><sentinel-safe:number>{platform[2]}</sentinel-safe:number></sentinel-safe:platform>
<sentinel-safe:footPrint><gml:posList>{ring}</gml:posList></sentinel-safe:footPrint>
<sentinel3:productName>{name}</sentinel3:productName>
<olci:imageSize><sentinel3:rows>{rows}</sentinel3:rows><sentinel3:columns>{columns}</sentinel3:columns></olci:imageSize>
<olci:rowsPerTiePoint>1</olci:rowsPerTiePoint><olci:columnsPerTiePoint>{step}</olci:columnsPerTiePoint>
</metadataSection><dataObjectSection>{listed}</dataObjectSection></xfdu:XFDU>
"""
