"""What the files that configure the made-up Earth have in common: sizes, ranges, the ground of a scene."""

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


def rising(name: str, bounds: tuple[float, float], low: float | None = None, high: float | None = None) -> None:
    """Check a range (low, high), within bounds where there are any.

    Raises:
        ValueError: it falls, or leaves the bounds.
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


def have_room(count: int, smallest: int, size: Size) -> None:
    """Check that so many cells can be drawn, none below ``smallest`` pixels, without many attempts.

    Raises:
        ValueError: there are too many.
    """
    area, smallest = size.width * size.height, max(smallest, 1)
    if count * smallest * 3 > area:
        most = max(1, area // (3 * smallest))
        raise ValueError(f"n_polygons: {count} cells have no room in {area} pixels; use at most {most}")


class Ground(Schema):
    """The ground of a scene: what is where, and of which land cover."""

    size: Size = Size(width=256, height=256)
    """Size of the scene at the latent resolution."""
    gsd: PositiveFloat = 10.0
    """Ground sampling distance of the latent scene in metres."""
    n_polygons: PositiveInt = 60
    """Voronoi cells; those of farmland and towns are divided further."""
    min_area_px: NonNegativeInt = 16
    """No instance but rivers and roads is smaller than this."""
    class_prior: dict[str, Share] = Field(default_factory=lambda: dict(PRIOR))
    """Probability of each land cover; sums to 1, what is left out has none."""
    exact_prior: bool = False
    """Give every land cover its exact share of the cells (largest remainder) instead of drawing."""
    edge_warp_px: NonNegative = 7.0
    """Standard deviation of the wandering of cell borders in pixels."""
    parcels: dict[str, PositiveFloat] = Field(default_factory=lambda: {"crop": 400.0, "grass": 900.0, "urban": 60.0})
    """Mean area in pixels of the parcels into which cells of a land cover are divided."""
    rivers: Share = 0.5
    """Probability that a river crosses the scene."""
    roads: NonNegativeInt = 3
    """Number of roads."""
    texture: NonNegative = 1.0
    """Factor on the texture within instances; 0 switches it off."""
    instance_variation: NonNegative = 1.0
    """Factor on the differences between instances of a class; 0 switches them off."""
    snow_cover: Share = 0.0
    """Probability that snow lies on a date between December and February."""
    latitude: Range = (40.0, 55.0)
    """Northern latitudes (degrees) between which scenes lie; decides where the sun stands."""

    @model_validator(mode="after")
    def _plausible(self) -> Ground:
        for key, names in (("class_prior", self.class_prior), ("parcels", self.parcels)):
            for name in names:
                if name not in PRIOR:
                    raise ValueError(f"{key}: there is no land cover '{name}'{nearest(name, PRIOR)}")
        total = sum(self.class_prior.values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"class_prior: sums to {total:g}, not to 1")
        rising("latitude", self.latitude, 0, 66)
        have_room(self.n_polygons, self.min_area_px, self.size)
        return self
