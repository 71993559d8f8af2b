"""Tiny fake Sentinel-2 and Sentinel-3 products in the true layout, for every test that needs something to read.

``write_safe(folder)`` and ``write_sen3(folder)`` write one product into ``folder`` and return its path. Their default
areas lie on one another (tile 17XNA), 75 minutes apart, so that the two make a pair. What the pixels hold is a
function of the place on the map, so that a test can compute any value on its own:
``made_up_reflectance(band, x, y)`` for Sentinel-2 (x, y: metres in the product's UTM zone) and
``made_up_radiance(band, longitude, latitude)`` for OLCI. NaN becomes "no data" in the files, infinity "saturated".
"""

from tests.fake_packing import zip_folder
from tests.fake_safe import BAND_IDS, L2A_IMAGES, NATIVE, ORIGIN, made_up_reflectance, write_safe
from tests.fake_sen3 import OLCI_BANDS, RADIANCE_SCALE, SOLAR_FLUX, SUN_ZENITH, made_up_radiance, write_sen3

__all__ = [
    "BAND_IDS", "L2A_IMAGES", "NATIVE", "OLCI_BANDS", "ORIGIN", "RADIANCE_SCALE", "SOLAR_FLUX", "SUN_ZENITH",
    "made_up_radiance", "made_up_reflectance", "write_safe", "write_sen3", "zip_folder",
]  # fmt: skip
