"""Configuration file of ``python -m synthetic generate``: every key, its default and its meaning."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pix2earth.settings.schema import Schema
from synthetic.schema.ground import Ground, NonNegative, Size, check_room_for_cells
from synthetic.tables.sensors import sensor


def _day(value: Any) -> Any:
    """Accept a date of YAML, or a string in JSON."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("must be a date such as 2021-03-01") from None


Day = Annotated[date, BeforeValidator(_day)]


class Times(Schema):
    """Acquisition times of the frames."""

    start: Day = date(2021, 1, 4)
    """Day of the first frame."""
    revisit_days: PositiveFloat = 12.0
    """Days between frames."""
    jitter_days: NonNegative = 0.0
    """Frames are earlier or later by up to so many days."""

    @model_validator(mode="after")
    def _in_order(self) -> Times:
        if 2 * self.jitter_days >= self.revisit_days:
            raise ValueError("jitter_days must be less than half of revisit_days, or frames would change their order")
        return self


class Physical(Schema):
    """Frames computed from spectra, seasons and texture."""

    kind: Literal["physical"]
    """Selects this source."""
    quantity: Literal["reflectance", "backscatter"] = "reflectance"
    """Reflectance in the twelve bands of Sentinel-2, or backscatter (as power) in VV and VH of Sentinel-1."""
    bands: list[str] | None = None
    """Some of the bands; null: all."""
    ground: Ground = Ground()
    """The ground of the scene; size and cells are those of ``product``."""
    time: Times = Times()
    """Acquisition times of the frames."""

    @model_validator(mode="after")
    def _known_bands(self) -> Physical:
        sensor(self.sensor, None if self.bands is None else tuple(self.bands))
        return self

    @property
    def sensor(self) -> str:
        """Name of the sensor that has the bands of the frames."""
        return "sentinel2" if self.quantity == "reflectance" else "sentinel1"


class Kernel(Schema):
    """Covariance of a Gaussian process, as scikit-learn defines it."""

    name: Literal["rbf", "rational_quadratic", "sin_squared", "constant"]
    """Name of the kernel."""
    length_scale: PositiveFloat | None = None
    """Length scale in pixels."""
    alpha: PositiveFloat | None = None
    """Scale mixture parameter of rational_quadratic."""
    periodicity: PositiveFloat | None = None
    """Period of sin_squared in pixels."""
    constant_value: PositiveFloat | None = None
    """Value of constant."""

    @model_validator(mode="after")
    def _complete(self) -> Kernel:
        required = {
            "rbf": ["length_scale"], "rational_quadratic": ["length_scale", "alpha"],
            "sin_squared": ["length_scale", "periodicity"], "constant": ["constant_value"],
        }[self.name]  # fmt: skip
        parameters = self.model_dump(exclude={"name"}, exclude_none=True)
        if set(parameters) != set(required):
            raise ValueError(
                f"kernel {self.name} takes {' and '.join(required)}, not {', '.join(parameters) or 'nothing'}"
            )
        return self


class Sampler(Schema):
    """Texture within the cells of a scene from time series."""

    name: Literal["gaussian", "gaussian_process"]
    """Independent pixels, or a Gaussian process."""
    std: NonNegative = 1.0
    """Standard deviation before tanh."""
    kernel: Kernel | None = None
    """Covariance of the Gaussian process."""

    @model_validator(mode="after")
    def _has_kernel(self) -> Sampler:
        if (self.kernel is None) == (self.name == "gaussian_process"):
            raise ValueError("a gaussian_process needs a kernel, gaussian takes none")
        return self


class TimeSeries(Schema):
    """Frames whose cells follow measured time series."""

    kind: Literal["ts"]
    """Selects this source."""
    path: list[str]
    """Files of a UEA/UCR archive (.ts), relative to this file; their series are concatenated."""
    ndim: PositiveInt
    """Number of leading dimensions of the series to use, which are the bands of the frames."""
    nclass: PositiveInt
    """Number of groups into which the archive's labels are divided, in their order."""
    random_sampler: Sampler = Sampler(name="gaussian_process", kernel=Kernel(name="rbf", length_scale=2.5))
    """Texture within the cells."""
    step_days: PositiveFloat = 1.0
    """Days between steps of the series."""

    @model_validator(mode="after")
    def _names_files(self) -> TimeSeries:
        if not self.path:
            raise ValueError("path: names no file; list one or several .ts files")
        return self


class Product(Schema):
    """The latent product."""

    size: Size
    """Size of the frames in pixels."""
    horizon: PositiveInt
    """Number of frames."""
    n_polygons: PositiveInt
    """Number of Voronoi cells."""
    gsd: PositiveFloat = 10.0
    """Ground sampling distance in metres."""
    min_area_px: NonNegativeInt = 16
    """Minimum area of an instance in pixels; rivers and roads may be smaller."""
    astype: Literal["h5", "jpg"] = "h5"
    """File format of the frames; products of jpg (three bands) cannot be derived from."""
    dtype: Literal["uint16", "float32"] | None = None
    """Stored type; null: uint16 with scale 1e-4 for reflectance, float32 otherwise."""

    @model_validator(mode="after")
    def _has_room(self) -> Product:
        check_room_for_cells(self.n_polygons, self.min_area_px, self.size)
        return self


class GenerationFile(Schema):
    """File of ``python -m synthetic generate``: a latent product, without sensor effects."""

    seed: NonNegativeInt = 0
    """Seed of all random numbers."""
    product: Product
    """Size, number and format of the frames."""
    source: Annotated[Physical | TimeSeries, Field(discriminator="kind")]
    """Source of the values."""

    @model_validator(mode="after")
    def _consistent(self) -> GenerationFile:
        source = self.source
        bands = 3 if isinstance(source, TimeSeries) else len(sensor(source.sensor).bands)
        if isinstance(source, Physical):
            bands = len(source.bands) if source.bands else bands
            for key in ("size", "gsd", "n_polygons", "min_area_px"):
                if key in source.ground.model_fields_set and getattr(source.ground, key) != getattr(self.product, key):
                    raise ValueError(f"source.ground.{key}: is that of product here; leave it out")
            source.ground = Ground(
                **source.ground.model_dump(exclude={"size", "gsd", "n_polygons", "min_area_px"}),
                **self.product.model_dump(include={"gsd", "n_polygons", "min_area_px"}), size=self.product.size,
            )  # fmt: skip
        elif self.product.astype == "jpg":
            bands = source.ndim
        if self.product.astype == "jpg" and bands != 3:
            raise ValueError(f"product.astype: jpg needs frames of three bands, not {bands}")
        return self
