"""Fields of the manifests of synthetic datasets."""

from __future__ import annotations

from collections.abc import Sequence

from pix2earth.records.manifest import Field
from synthetic.observing.radar import DECIBELS
from synthetic.products.product import NODATA, OFFSET, SCALE
from synthetic.tables.land_cover import land_covers


def reflectance_field(shape: Sequence[int], bands: Sequence[str], gsd: float, rgb: Sequence[str]) -> Field:
    """Return the field of measured reflectance; stored 0 is nodata."""
    return Field(
        dtype="uint16", shape=list(shape), bands=list(bands), units="1", scale=SCALE, offset=OFFSET, nodata=NODATA,
        valid_range=(0.0, 1.0), rgb=[band for band in rgb if band in bands] or None, gsd=gsd,
    )  # fmt: skip


def radar_field(side: int, gsd: float) -> Field:
    """Return the field of backscatter in dB, (side, side, 2)."""
    return Field(
        dtype="float16", shape=[side, side, 2], bands=["VV", "VH"], units="dB", valid_range=DECIBELS,
        rgb=["VV", "VH", "VV"], gsd=gsd,
    )  # fmt: skip


def classes_field(shape: Sequence[int], band: str, dtype: str = "uint8") -> Field:
    """Return a field of class or instance numbers, which are never interpolated."""
    return Field(dtype=dtype, shape=[*shape, 1], kind="classes", bands=[band])  # type: ignore[arg-type]


def hidden_field(side: int) -> Field:
    """Return the mask of pixels under cloud, haze or shadow, (side, side, 1)."""
    return Field(dtype="uint8", shape=[side, side, 1], kind="mask", bands=["clouded"])


def label_fields(side: int) -> dict[str, Field]:
    """Return the fields land_cover and instances, (side, side, 1)."""
    return {
        "land_cover": classes_field([side, side], "class"),
        "instances": classes_field([side, side], "instance", "uint16"),
    }


def day_of_year_field(time_steps: int | None, bands: Sequence[str] = ("day_of_year",)) -> Field:
    """Return the field ``dates``: days of year in one pixel, which the pipeline broadcasts over the tile."""
    shape = [1, 1, len(bands)] if time_steps is None else [time_steps, 1, 1, len(bands)]
    return Field(dtype="uint16", shape=shape, bands=list(bands), units="d", valid_range=(1.0, 366.0))


def class_names() -> str:
    """Return the numbers and names of the land covers in one line."""
    return ", ".join(f"{cover.number} {cover.name}" for cover in land_covers())
