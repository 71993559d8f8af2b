"""The fields of the manifest: as the description says, else as the files state it, else as measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pix2earth.records.field import Field
from pix2earth.records.ranges import BandRange, proposed
from pix2earth.settings.errors import UserError
from preprocessing.importing.layout.looking import Look, SeenScene
from preprocessing.sources.description import SourceDescription, SourceField

APART = 3.0
"""Bands whose ranges differ by more than this factor have ranges of their own."""


def consistent(description: SourceDescription, seen: Sequence[SeenScene]) -> tuple[list[SeenScene], list[str]]:
    """Return the scenes whose fields are as those of most: their bands, time steps and kind of numbers.

    Returns:
        These scenes, and a line for each other one.
    """
    usual: dict[str, tuple[int, int | None]] = {}
    kinds: dict[str, str] = {}
    for name, source in description.fields.items():
        looks = [one.looks[name] for one in seen if name in one.looks]
        counts = Counter((look.band_count, look.steps) for look in looks)
        if counts:
            usual[name] = counts.most_common(1)[0][0]
        alike = len({_numbers(source, look) for look in looks}) == 1
        if alike and source.kind == "image" and source.dtype is None:
            kinds[name] = Counter(_kind(look.dtype) for look in looks).most_common(1)[0][0]
    kept, odd = [], []
    for one in seen:
        faults = [
            f"{one.scene.name}: {look.place}: {name}: has {_described(look.band_count, look.steps)}; most have"
            f" {_described(*usual[name])}"
            for name, look in one.looks.items()
            if (look.band_count, look.steps) != usual[name]
        ]
        faults += [
            f"{one.scene.name}: {look.place}: {name}: holds {_kind(look.dtype)} ({look.dtype}); most hold"
            f" {kinds[name]}; convert it, or state what the dataset holds: --set {name}.dtype={look.dtype}"
            for name, look in one.looks.items()
            if kinds.get(name, _kind(look.dtype)) != _kind(look.dtype)
        ]
        odd += faults
        if not faults:
            kept.append(one)
    return kept, odd


def _kind(dtype: str) -> str:
    """Return what numbers of a type may mean: those of images of 8 bits are not those of other images."""
    if dtype.startswith("float"):
        return "fractions"
    return "numbers of 8 bits" if dtype in ("uint8", "int8") else "numbers of 16 bits or more"


def _described(count: int, steps: int | None) -> str:
    return f"{count} bands" if steps is None else f"{steps} time steps of {count} bands"


def fields_of(
    description: SourceDescription, seen: Sequence[SeenScene], sides: Mapping[str, int], notes: list[str]
) -> dict[str, Field]:
    """Return the fields of the manifest, those of more than 8 bits without a valid range.

    Args:
        description: of the source.
        seen: looks at all scenes.
        sides: side of a tile in each field.
        notes: gets a line for what the files state differently.

    Raises:
        UserError: a field's keys do not fit its files.
    """
    fields = {}
    for name, source in description.fields.items():
        looks = [one.looks[name] for one in seen if name in one.looks]
        if not looks:
            raise UserError(f"{name}: no file is left")
        fields[name] = _field(name, source, looks, sides[name], notes)
    return fields


def _field(name: str, source: SourceField, looks: Sequence[Look], side: int, notes: list[str]) -> Field:
    first = looks[0]
    numbers = {_numbers(source, look) for look in looks}
    physical = len(numbers) > 1 and source.kind == "image"
    if physical:
        notes.append(f"{name}: scale or offset differ among files; the dataset holds physical values, float32")
    scale, offset = (1.0, 0.0) if physical or source.kind != "image" else numbers.pop()
    dtypes = sorted({look.dtype for look in looks})
    dtype = source.dtype or ("uint8" if source.kind == "mask" else np.result_type(*dtypes).name)
    if physical and source.dtype is None:
        dtype = "float32"
    if len(dtypes) > 1 and source.kind != "mask":
        notes.append(f"{name}: files hold {' and '.join(dtypes)}; the dataset holds {dtype}")
    units = source.units if source.units is not None else next((look.units for look in looks if look.units), "1")
    steps = () if first.steps is None else (first.steps,)
    stated: dict[str, Any] = {"dtype": dtype, "shape": [*steps, side, side, first.band_count], "kind": source.kind}
    if source.kind == "image":
        stated |= {"scale": scale, "offset": offset, "rgb": source.rgb, "transform": source.transform}
        stated["valid_range"] = tuple(source.valid_range) if source.valid_range else None
        if stated["valid_range"] is None and dtype == "uint8":
            stated["valid_range"] = tuple(sorted((offset, 255 * scale + offset)))
    try:
        return Field(
            **stated, bands=_bands(name, source, looks), units=units, gsd=source.gsd or _gsd(first),
            nodata=_nodata(name, source, looks, dtype, notes),
        )  # fmt: skip
    except UserError as error:
        raise UserError(*(f"{name}: {line.removeprefix('Field: ')}" for line in error.lines)) from None


def _numbers(source: SourceField, look: Look) -> tuple[float, float]:
    scale = look.scale if source.scale is None else source.scale
    return scale, look.offset if source.offset is None else source.offset


def _bands(name: str, source: SourceField, looks: Sequence[Look]) -> list[str]:
    """Return names of bands: as described, as all files have them, or numbers."""
    if source.bands:
        return source.bands
    if source.kind != "image" and looks[0].band_count == 1:
        return [name]
    named = {look.bands for look in looks}
    if len(named) == 1 and None not in named:
        return list(named.pop() or ())
    return [f"band_{number}" for number in range(1, looks[0].band_count + 1)]


def _nodata(name: str, source: SourceField, looks: Sequence[Look], dtype: str, notes: list[str]) -> float | None:
    """Return the stored number without a measurement: as described, or that of the first file that states one."""
    if source.nodata is not None or source.kind == "mask":
        return source.nodata if source.kind != "mask" else None
    stated = sorted({look.nodata for look in looks if look.nodata is not None})
    if not stated:
        return None
    if "int" in dtype:
        ends = np.iinfo(dtype)
        possible = [number for number in stated if float(number).is_integer() and ends.min <= number <= ends.max]
        if not possible:
            notes.append(f"{name}: files state nodata {stated[0]:g}, which {dtype} cannot hold; it is ignored")
            return None
        stated = possible
    if len(stated) > 1:
        notes.append(
            f"{name}: files state nodata {', '.join(f'{number:g}' for number in stated)}; it becomes {stated[0]:g}"
        )
    return stated[0]


def _gsd(look: Look) -> float | None:
    """Return the side of a pixel in metres; None where the coordinates are in no metres."""
    from rasterio.crs import CRS

    if not look.crs or not look.transform:
        return None
    crs = CRS.from_string(look.crs)
    if not crs.is_projected:
        return None
    a, b, _, d, e, _ = look.transform
    return float(round(abs(a * e - b * d) ** 0.5 * crs.linear_units_factor[1], 6))


def with_ranges(
    fields: Mapping[str, Field], measured: Mapping[str, Sequence[BandRange]], notes: list[str]
) -> dict[str, Field]:
    """Return fields with valid ranges: those that state none get what was measured, alike for equal bands.

    Args:
        fields: of the manifest.
        measured: ranges of their bands in training samples.
        notes: gets a line for each range that was measured.

    Raises:
        UserError: a field has no measurement, or a single value.
    """
    result = dict(fields)
    groups: dict[tuple[Any, ...], list[str]] = {}
    for name, field in fields.items():
        if field.kind == "image" and field.valid_range is None:
            groups.setdefault((*field.bands, field.units, field.scale, field.offset), []).append(name)
    for names in groups.values():
        found = [[proposed(band) for band in measured[name]] for name in names]
        for name, ranges in zip(names, found, strict=True):
            for band, one in zip(fields[name].bands, ranges, strict=True):
                if one is None:
                    raise UserError(
                        f"{name}: {band} has no measurement or a single value in the samples that were read; state"
                        f" valid_range (--set {name}.valid_range='[0, 1]'), or leave the band out (select)"
                    )
        ends = [[one for ranges in found if (one := ranges[band]) is not None] for band in range(len(found[0]))]
        low, high = [min(one)[0] for one in ends], [max(end for _, end in one) for one in ends]
        widths = [b - a for a, b in zip(low, high, strict=True)]
        one_range = (max(high) - min(low)) <= APART * min(widths)
        chosen: Any = (min(low), max(high)) if one_range else (low, high)
        for name in names:
            result[name] = fields[name].model_copy(update={"valid_range": chosen})
        notes.append(f"{' and '.join(names)}: valid range {_text(chosen)}, as measured in training samples")
    return result


def _text(chosen: tuple[Any, Any]) -> str:
    low, high = chosen
    return f"{low:g} to {high:g}" if isinstance(low, float) else f"{low} to {high}"
