"""The key ``degradation`` of a manifest: how the input of a dataset is made from its target."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, model_validator

from pix2earth.settings.base_schema import Schema


class Degradation(Schema):
    """How the input of a dataset is made from its target."""

    kind: Literal["average", "gaussian"]
    """"average": mean over squares of pixels; "gaussian": the same after a Gaussian filter."""
    factor: Annotated[int, Field(ge=2)]
    """Side of the squares in pixels of the target; where it does not divide the sides of the target, the coarse pixels
    are so few more times larger that they fill it."""
    fwhm: PositiveFloat | None = None
    """Full width at half maximum of the Gaussian in pixels of the target; of "gaussian" alone."""

    @model_validator(mode="after")
    def _fwhm_of_gaussians(self) -> Degradation:
        if self.kind == "gaussian" and self.fwhm is None:
            raise ValueError("gaussian needs fwhm, the width of the filter in pixels of the target")
        if self.kind == "average" and self.fwhm is not None:
            raise ValueError("average has no fwhm; leave it out, or use gaussian")
        return self

    def size(self, fine: tuple[int, int]) -> tuple[int, int]:
        """Return the height and width in coarse pixels of an image of a height and width in fine ones."""
        return fine[0] // self.factor, fine[1] // self.factor
