"""Keys that several configuration files share: sizes, ranges and the ground of a scene."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, FiniteFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pix2earth.settings.errors import nearest
from pix2earth.settings.schema import Schema
from synthetic.tables.land_cover import land_covers

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
NonNegative = Annotated[FiniteFloat, Field(ge=0)]
PRIOR = {cover.name: cover.prior for cover in land_covers()}


def _pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Range = Annotated[tuple[FiniteFloat, FiniteFloat], BeforeValidator(_pair)]


def check_range(name: str, bounds: tuple[float, float], low: float | None = None, high: float | None = None) -> None:
    """Check that a range (low, high) does not fall and lies within limits, if any.

    Raises:
        ValueError: it falls, or exceeds a limit.
    """
    first, last = bounds
    if first > last or (low is not None and first < low) or (high is not None and last > high):
        limits = f" within {low} to {high}" if low is not None and high is not None else ""
        raise ValueError(f"{name} must be a range [low, high]{limits}, not [{first:g}, {last:g}]")


class Size(Schema):
    """Size of an image in pixels."""

    width: PositiveInt
    """Columns."""
    height: PositiveInt
    """Rows."""


def check_room_for_cells(count: int, smallest: int, size: Size) -> None:
    """Check that so many cells of at least ``smallest`` pixels can be drawn without many attempts.

    Raises:
        ValueError: there is no room for so many cells.
    """
    area, smallest = size.width * size.height, max(smallest, 1)
    if count * smallest * 3 > area:
        most = max(1, area // (3 * smallest))
        raise ValueError(f"n_polygons: {count} cells have no room in {area} pixels; use at most {most}")


class Ground(Schema):
    """The ground of a scene: cells, land cover, rivers, roads and texture."""

    size: Size = Size(width=256, height=256)
    """Size of the scene at the latent resolution."""
    gsd: PositiveFloat = 10.0
    """Ground sampling distance of the latent scene in metres."""
    n_polygons: PositiveInt = 60
    """Number of Voronoi cells; those of farmland, meadows and towns are divided into parcels."""
    min_area_px: NonNegativeInt = 16
    """Minimum area of an instance in pixels; rivers and roads may be smaller."""
    class_prior: dict[str, Share] = Field(default_factory=lambda: dict(PRIOR))
    """Probability of each land cover; sums to 1, those left out have probability 0."""
    exact_prior: bool = False
    """Give every land cover its exact share of the cells (largest remainder) instead of drawing."""
    edge_warp_px: NonNegative = 7.0
    """Standard deviation of the displacement of cell borders in pixels."""
    parcels: dict[str, PositiveFloat] = Field(default_factory=lambda: {"crop": 400.0, "grass": 900.0, "urban": 60.0})
    """Mean area in pixels of the parcels into which cells of a land cover are divided."""
    rivers: Share = 0.5
    """Probability that a river crosses the scene."""
    roads: NonNegativeInt = 3
    """Number of roads."""
    texture: NonNegative = 1.0
    """Factor on the texture within instances; 0: no texture."""
    instance_variation: NonNegative = 1.0
    """Factor on the differences between instances of a class; 0: no differences."""
    snow_cover: Share = 0.0
    """Probability of snow on a date from December to February."""
    latitude: Range = (40.0, 55.0)
    """Range of the latitudes of scenes (degrees north), for the position of the sun."""

    @model_validator(mode="after")
    def _plausible(self) -> Ground:
        for key, names in (("class_prior", self.class_prior), ("parcels", self.parcels)):
            for name in names:
                if name not in PRIOR:
                    raise ValueError(f"{key}: there is no land cover '{name}'{nearest(name, PRIOR)}")
        total = sum(self.class_prior.values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"class_prior: sums to {total:g}, not to 1")
        check_range("latitude", self.latitude, 0, 66)
        check_room_for_cells(self.n_polygons, self.min_area_px, self.size)
        return self
