"""Tiny fake Sentinel-2 and Sentinel-3 products in the true layout, for every test that reads products.

``write_safe(folder)`` and ``write_sen3(folder)`` write one product into ``folder`` and return its path; their settings
are described in ``fake_safe`` and ``fake_sen3``. Their default areas cover one another (tile 17XNA), 75 minutes apart,
so that the two make a pair. Pixel values are a function of the position on the map, so that a test can compute them:
``synthetic_reflectance(band, x, y)`` for Sentinel-2 (x, y: metres in the product's UTM zone) and
``synthetic_radiance(band, longitude, latitude)`` for OLCI. NaN becomes nodata in the files, infinity "saturated".

Writing a product takes up to 0.3 s, and many tests want the same ones. So small products are also stored in a temporary
folder of the process, and the next call with the same settings copies the stored one: every test gets its own files.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from tests import fake_safe, fake_sen3
from tests.fake_packing import repack, zip_folder
from tests.fake_safe import BAND_IDS, L2A_IMAGES, NATIVE, ORIGIN, synthetic_reflectance
from tests.fake_sen3 import OLCI_BANDS, RADIANCE_SCALE, SOLAR_FLUX, SUN_ZENITH, synthetic_radiance

__all__ = [
    "BAND_IDS", "L2A_IMAGES", "NATIVE", "OLCI_BANDS", "ORIGIN", "RADIANCE_SCALE", "SOLAR_FLUX", "SUN_ZENITH",
    "synthetic_radiance", "synthetic_reflectance", "write_safe", "write_sen3", "zip_folder",
]  # fmt: skip

FORM = ("bare", "lower", "packed")
"""Options of both writers for a product's name and packing."""
LARGEST_STORED = 4 << 20
"""Bytes; larger products are written each time."""
_store = tempfile.TemporaryDirectory(prefix="products-")
_stored: dict[str, Path] = {}


def write_safe(folder: Path, **settings: Any) -> Path:
    """Write a SAFE; see ``fake_safe.write_safe``, and for its form ``fake_packing.repack``."""
    form = {key: settings.pop(key) for key in FORM if key in settings}
    return repack(_write_or_copy(fake_safe.write_safe, folder, settings), **form)


def write_sen3(folder: Path, **settings: Any) -> Path:
    """Write a SEN3; see ``fake_sen3.write_sen3``, and for its form ``fake_packing.repack``."""
    form = {key: settings.pop(key) for key in FORM if key in settings}
    return repack(_write_or_copy(fake_sen3.write_sen3, folder, settings), **form)


def _write_or_copy(write: Any, folder: Path, settings: dict[str, Any]) -> Path:
    if any("<locals>" in getattr(value, "__qualname__", "") for value in settings.values()):
        return write(folder, **settings)  # a function of a test, whose name says nothing about its values
    named = {key: getattr(value, "__qualname__", value) for key, value in settings.items()}
    key = f"{write.__name__} {sorted(named.items())!r}"
    if key in _stored:
        return _copy(_stored[key], Path(folder))
    product = write(folder, **settings)
    files = [path for path in (product, *product.rglob("*")) if path.is_file()]
    if sum(path.stat().st_size for path in files) <= LARGEST_STORED:
        _stored[key] = _copy(product, Path(_store.name) / str(len(_stored)))
    return product


def _copy(product: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / product.name
    return shutil.copytree(product, copy) if product.is_dir() else Path(shutil.copyfile(product, copy))
