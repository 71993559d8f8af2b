"""Which bands of a field a figure shows as red, green and blue, and what it calls them."""

from __future__ import annotations

from pix2earth.records.field import Field
from sensors import lexicon


def shown_bands(field: Field) -> tuple[int, int, int]:
    """Return the indices of the bands to show as red, green and blue.

    They are those that the manifest states; else those of red, green and blue light where the names of the bands are
    known; else the first three. Metrics go on with ``Field.rgb_indices``, which knows no wavelengths.
    """
    return (None if field.rgb else lexicon.true_colour(field.bands)) or field.rgb_indices


def title(name: str, field: Field) -> str:
    """Return the title of a column with images of a field: its name, and below it the bands, with what is known."""
    if field.kind != "image":
        return name
    known = lexicon.described(field.bands)
    indices = list(dict.fromkeys(shown_bands(field)))
    names = ", ".join(field.bands[index] for index in indices)
    bands = [band for index in indices if (band := known[index])]
    if len(bands) == len(indices) and all(band.wavelength for band in bands):
        return f"{name}\n{names}: {', '.join(f'{band.wavelength:.0f}' for band in bands)} nm"
    quantities = {band.quantity for band in bands}
    unit = "" if field.units in ("", "1") else f" ({field.units})"
    quantity = quantities.pop() if len(bands) == len(indices) and len(quantities) == 1 else ""
    return f"{name}\n{names}" + (f": {quantity}{unit}" if quantity else unit)
