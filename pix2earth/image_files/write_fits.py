"""FITS by astropy: the header of the source with its WCS for the new pixels, and HISTORY of what made the image."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from pix2earth.image_files.writing import NewImage
from pix2earth.settings import atomic

STRUCTURE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|GROUPS|TFIELDS|T(TYPE|FORM|UNIT|DIM|DISP|NULL|ZERO|SCAL)\d+"
    r"|BSCALE|BZERO|BLANK|BUNIT|CHECKSUM|DATASUM|Z(IMAGE|CMPTYPE|BITPIX|NAXIS\d*|TILE\d+|SIMPLE|EXTEND|TENSION|PCOUNT"
    r"|GCOUNT|HECKSUM|DATASUM|BLOCKED|QUANTIZ|DITHER0|BLANK|SCALE|ZERO|NAME\d+|VAL\d+)|EXTNAME|EXTVER|EXTLEVEL"
)
"""Keywords that describe how the numbers of the source lie in its file."""
STATISTICS = re.compile(
    r"DATA(MIN|MAX|MEAN|MEDN|AVG|RMS|SKEW|KURT|VALS|P\d+|SIG)|(TOT|MISS)VALS|PERCENTD|IMG_(MIN|MAX|AVG|DEV)"
)
"""Keywords of solar observatories about the numbers of the source, which are not those of the new image."""
ALTERNATES = "[A-Z]?"
"""A letter at the end of the keywords of a further WCS."""


def write_fits(path: Path, image: NewImage) -> None:
    """Write an image as the primary image of a FITS file; arguments as of ``write_image_file``.

    The axes are (width, height), then bands and time steps where there are several. Numbers are float32, NaN where
    missing. Rows are in the order of the source.
    """
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyWarning

    values = np.moveaxis(np.asarray(image.values, np.float32), -1, -3)
    if values.ndim == 3 and len(values) == 1:
        values = values[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)  # on odd cards of the source, which are kept as they are
        header = _inherited(image)
        hdu = fits.PrimaryHDU(values, header)
        _state(hdu.header, image, values)
        with atomic.replacing(path) as temporary:
            hdu.writeto(temporary, output_verify="silentfix", overwrite=True)


def _inherited(image: NewImage) -> Any:
    """Return the header of the source without what its numbers alone have, and with a WCS for the new pixels."""
    from astropy.io import fits

    header = image.source.header if image.source is not None else None
    if header is None:
        return fits.Header()
    header = header.copy()
    for keyword in {key for key in header if STRUCTURE.fullmatch(key) or STATISTICS.fullmatch(key)}:
        header.remove(keyword, ignore_missing=True, remove_all=True)
    scale_wcs(header, image.factor)
    return header


def scale_wcs(header: Any, factor: float) -> None:
    """Change the WCS keywords of axes 1 and 2 to those of pixels ``factor`` times smaller (larger if it is below 1).

    Other axes are removed: they are bands and time steps, which the new image has others of. The distortions of SIP are
    polynomials of pixels and are scaled too.

    Args:
        header: ``astropy.io.fits.Header``; it is changed.
        factor: new pixels per old pixel, along each axis.

    Source: Calabretta and Greisen 2002, doi:10.1051/0004-6361:20021327; the corner of the first pixel is at 0.5.
    """
    for key in [key for key in header if _of_further_axis(key)]:
        header.remove(key, ignore_missing=True, remove_all=True)
    for key in [key for key in header if re.fullmatch(f"WCSAXES{ALTERNATES}", key)]:
        header[key] = 2
    if factor == 1:
        return
    for key in list(dict.fromkeys(header)):
        if not isinstance(header.get(key), (int, float)) or isinstance(header[key], bool):
            continue
        if re.fullmatch(f"CRPIX[12]{ALTERNATES}", key):
            header[key] = (header[key] - 0.5) * factor + 0.5
        elif re.fullmatch(f"CDELT[12]{ALTERNATES}|CD[12]_[12]{ALTERNATES}", key):
            header[key] = header[key] / factor
        elif sip := re.fullmatch(r"[AB]P?_(\d)_(\d)", key):
            header[key] = header[key] * float(factor) ** (1 - int(sip[1]) - int(sip[2]))
    _complete_steps(header, factor)


def _of_further_axis(key: str) -> bool:
    """Return whether a keyword of a WCS is of another axis than the first two."""
    return bool(
        re.fullmatch(f"(CTYPE|CRPIX|CRVAL|CDELT|CUNIT|CNAME|CROTA)([3-9]){ALTERNATES}", key)
        or re.fullmatch(f"(PC|CD|PV|PS)([3-9]_[0-9]+|[12]_[3-9]){ALTERNATES}", key)
    )


def _complete_steps(header: Any, factor: float) -> None:
    """State the steps of a WCS that relies on their default of 1."""
    for key in [key for key in header if re.fullmatch(f"CRPIX[12]{ALTERNATES}", key)]:
        axis, letter = key[5], key[6:]
        has_matrix = any(f"CD{axis}_{other}{letter}" in header for other in "12")
        if not has_matrix and f"CDELT{axis}{letter}" not in header:
            header[f"CDELT{axis}{letter}"] = 1.0 / factor


def _state(header: Any, image: NewImage, values: np.ndarray) -> None:
    """State unit, range, bands, times and HISTORY in a header."""
    if image.units not in ("", "1"):
        header["BUNIT"] = image.units
    finite = values[np.isfinite(values)]
    if finite.size:
        header["DATAMIN"], header["DATAMAX"] = float(finite.min()), float(finite.max())
    if len(image.times) == 1 and not any(key in header for key in ("DATE-OBS", "DATE_OBS", "T_OBS", "DATE-BEG")):
        header["DATE-OBS"] = image.times[0]
    for line in image.history:
        header.add_history(line)
    if len(image.bands) > 1:
        header.add_history(f"bands: {', '.join(image.bands)}")
    if image.time_steps and len(image.times) == image.time_steps:
        header.add_history(f"time steps: {', '.join(image.times)}")
    for name, text in image.made_by.items():
        if len(text) <= 200 and text.isascii():
            header.add_history(f"{name} = {text}")
