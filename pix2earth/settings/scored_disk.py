"""A disk in which metrics are computed too, such as that of the Sun in an image that shows all of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pix2earth.settings.base_schema import Schema

Share = Annotated[float, Field(ge=0, le=1)]


class ScoredDisk(Schema):
    """A disk, the same in every sample, in parts of the image's sides."""

    radius: Annotated[float, Field(gt=0, le=2)]
    """In heights of the image."""
    row: Share = 0.5
    """Centre from the upper edge, in heights of the image; 0.5: the middle."""
    column: Share = 0.5
    """Centre from the left edge, in widths of the image."""

    def __str__(self) -> str:
        """Return the disk in words that tell it from others."""
        return f"disk of radius {self.radius:g} at {self.row:g}, {self.column:g}"
