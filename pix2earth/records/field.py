"""A field of a dataset's samples: one named array, with its shape, bands, units and range."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import FiniteFloat, PositiveFloat, PositiveInt, Strict, field_validator, model_validator

from pix2earth.settings.base_schema import Schema
from pix2earth.settings.errors import nearest
from pix2earth.settings.value_transform import ValueTransform

Dtype = Literal["uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "float16", "float32", "float64"]
Bound = FiniteFloat | list[FiniteFloat]


class Field(Schema):
    """One named array of a sample."""

    dtype: Dtype
    """Type of the stored numbers (little-endian)."""
    shape: list[PositiveInt]
    """(height, width, band) or (time, height, width, band)."""
    kind: Literal["image", "mask", "classes"] = "image"
    """Images are scaled and interpolated, masks and classes keep their values."""
    bands: list[str]
    """Name of each band."""
    units: str = "1"
    """Unit of the physical values, ``stored * scale + offset``."""
    scale: FiniteFloat = 1.0
    """Factor from stored to physical values."""
    offset: FiniteFloat = 0.0
    """Summand from stored to physical values, added after the multiplication."""
    nodata: FiniteFloat | None = None
    """Stored value of pixels without a measurement."""
    valid_range: Annotated[tuple[Bound, Bound], Strict(False)] | None = None
    """Lower and upper end of the physical values, each one number or one for each band; the key ``normalize`` scales
    this range for the network, and metrics use it as the data range."""
    rgb: list[str] | None = None
    """Bands shown as red, green and blue in images."""
    gsd: PositiveFloat | None = None
    """Ground sampling distance of the measurement in metres."""
    transform: ValueTransform | None = None
    """How physical values are transformed for the network before they are scaled; null: not at all."""

    @field_validator("nodata", mode="before")
    @classmethod
    def _no_nan(cls, value: Any) -> Any:
        if isinstance(value, float) and math.isnan(value):
            raise ValueError("NaN always means that nothing was measured; leave nodata out")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Field:
        if len(self.shape) not in (3, 4):
            raise ValueError("shape must be (height, width, band) or (time, height, width, band)")
        if len(self.bands) != self.shape[-1]:
            raise ValueError(f"names {len(self.bands)} bands, but the shape has {self.shape[-1]}")
        for bound in self.valid_range or ():
            if isinstance(bound, list) and len(bound) != self.shape[-1]:
                raise ValueError(f"valid_range lists {len(bound)} bounds for {self.shape[-1]} bands")
        low, high = self.bounds
        if self.valid_range and not all(a < b for a, b in zip(low, high, strict=True)):
            raise ValueError("valid_range must be (low, high), low below high")
        if self.nodata is not None and "int" in self.dtype:
            bits = int(self.dtype.split("int")[1])
            first, last = (0, 2**bits - 1) if self.dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            if not (self.nodata.is_integer() and first <= self.nodata <= last):
                raise ValueError(f"nodata {self.nodata:g} is not a value of type {self.dtype}")
        if self.transform and self.kind != "image":
            raise ValueError("transform: only images are transformed")
        if self.transform and self.transform.kind == "log10" and min(low) <= 0:
            raise ValueError("transform: log10 needs a valid_range above 0; state one")
        for band in self.rgb or ():
            if band not in self.bands:
                raise ValueError(f"rgb names band '{band}'{nearest(band, self.bands)}")
        return self

    @property
    def time_steps(self) -> int | None:
        """Number of time steps, or None for a field without that axis."""
        return self.shape[0] if len(self.shape) == 4 else None

    @property
    def dates(self) -> int | None:
        """``time_steps`` by its former name, for plug-ins that were written with it."""
        return self.time_steps

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) as stored."""
        return self.shape[-3], self.shape[-2]

    @property
    def bounds(self) -> tuple[list[float], list[float]]:
        """Lower and upper ends of the valid range of every band in physical units; 0 and 1 where none is stated."""
        low, high = self.valid_range or (0.0, 1.0)
        bands = len(self.bands)
        return (low if isinstance(low, list) else [low] * bands, high if isinstance(high, list) else [high] * bands)

    @property
    def transformed_bounds(self) -> tuple[list[float], list[float]]:
        """``bounds`` after the transform, the range that is scaled for the network."""
        low, high = self.bounds
        return (self.transform.of(low), self.transform.of(high)) if self.transform else (low, high)

    @property
    def rgb_indices(self) -> tuple[int, int, int]:
        """Indices of the bands that are red, green, blue: as stated, else the first three (or thrice the first).

        Metrics take them, hence they stay the same whatever is known about bands; figures choose by wavelength where
        none are stated (``pix2earth.figures.panels.shown_bands``).
        """
        if self.rgb:
            red, green, blue = (self.bands.index(band) for band in (self.rgb * 3)[:3])
            return red, green, blue
        return (0, 1, 2) if len(self.bands) >= 3 else (0, 0, 0)
