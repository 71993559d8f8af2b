"""How physical values are transformed for a network: in the manifest of a dataset, and in an experiment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import FiniteFloat, PositiveFloat

from pix2earth.settings.base_schema import Schema


class ValueTransform(Schema):
    """A function of physical values, applied before they are scaled; outputs are transformed back."""

    kind: Literal["linear", "log10", "asinh"] = "linear"
    """`log10` needs a valid range above 0, and smaller values become its lower end; `asinh` is that of value over
    `softening`, for values of both signs."""
    softening: PositiveFloat = 1.0
    """Physical value up to which `asinh` is about linear."""
    saturate: bool = False
    """Values outside of the valid range become its ends, of inputs, targets and predictions."""
    missing: FiniteFloat | None = None
    """Physical value that NaN and nodata become in inputs; null: the lower end of the valid range."""

    def of(self, values: Sequence[float]) -> list[float]:
        """Return transformed physical values, which are inside of the valid range."""
        if self.kind == "log10":
            return [math.log10(value) for value in values]
        return [math.asinh(value / self.softening) if self.kind == "asinh" else value for value in values]
