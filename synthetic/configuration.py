"""What may stand in the files that configure the made-up Earth: every key, its default and its meaning."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, FiniteFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from settings.mistakes import nearest
from settings.schema import Schema
from synthetic.land_cover import land_covers
from synthetic.sensors import sensor

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
NonNegative = Annotated[FiniteFloat, Field(ge=0)]
PRIOR = {cover.name: cover.prior for cover in land_covers()}


def _day(value: Any) -> Any:
    """Accept a date of YAML, or its text in JSON."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("must be a date such as 2021-03-01") from None


Day = Annotated[date, BeforeValidator(_day)]


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


class Times(Schema):
    """When a product's frames were taken."""

    start: Day = date(2021, 1, 4)
    """Day of the first frame."""
    revisit_days: PositiveFloat = 12.0
    """Days between frames."""
    jitter_days: NonNegative = 0.0
    """Frames are early or late by up to this."""

    @model_validator(mode="after")
    def _in_order(self) -> Times:
        if 2 * self.jitter_days >= self.revisit_days:
            raise ValueError("jitter_days must be less than half of revisit_days, or frames would change their order")
        return self


# ---- generate ---------------------------------------------------------------------------------------------------


class Physical(Schema):
    """Frames from spectra, seasons and texture."""

    kind: Literal["physical"]
    """Chooses this source."""
    quantity: Literal["reflectance", "backscatter"] = "reflectance"
    """The twelve bands of Sentinel-2, or VV and VH of Sentinel-1 (linear), of the same state."""
    bands: list[str] | None = None
    """Some of them; null: all."""
    ground: Ground = Ground()
    """The ground; its size and cells are those of ``product``."""
    time: Times = Times()
    """When the frames are taken."""

    @model_validator(mode="after")
    def _known_bands(self) -> Physical:
        sensor(self.sensor, None if self.bands is None else tuple(self.bands))
        return self

    @property
    def sensor(self) -> str:
        """The sensor whose bands the frames have."""
        return "sentinel2" if self.quantity == "reflectance" else "sentinel1"


class Kernel(Schema):
    """Covariance of a Gaussian process, as scikit-learn defines it."""

    name: Literal["rbf", "rational_quadratic", "sin_squared", "constant"]
    """Which one."""
    length_scale: PositiveFloat | None = None
    """Pixels."""
    alpha: PositiveFloat | None = None
    """Of rational_quadratic."""
    periodicity: PositiveFloat | None = None
    """Pixels, of sin_squared."""
    constant_value: PositiveFloat | None = None
    """Of constant."""

    @model_validator(mode="after")
    def _complete(self) -> Kernel:
        needs = {
            "rbf": ["length_scale"], "rational_quadratic": ["length_scale", "alpha"],
            "sin_squared": ["length_scale", "periodicity"], "constant": ["constant_value"],
        }[self.name]  # fmt: skip
        given = self.model_dump(exclude={"name"}, exclude_none=True)
        if set(given) != set(needs):
            raise ValueError(f"kernel {self.name} takes {' and '.join(needs)}, not {', '.join(given) or 'nothing'}")
        return self


class Sampler(Schema):
    """Texture within the cells of a product from time series."""

    name: Literal["gaussian", "gaussian_process"]
    """Independent pixels, or a Gaussian process."""
    std: NonNegative = 1.0
    """Standard deviation before tanh."""
    kernel: Kernel | None = None
    """Of the Gaussian process."""

    @model_validator(mode="after")
    def _has_kernel(self) -> Sampler:
        if (self.kernel is None) == (self.name == "gaussian_process"):
            raise ValueError("a gaussian_process needs a kernel, gaussian takes none")
        return self


class TimeSeries(Schema):
    """Frames whose cells move as measured time series do."""

    kind: Literal["ts"]
    """Chooses this source."""
    path: list[str]
    """Files of a UEA/UCR archive (.ts), relative to this file; their cases are put together."""
    ndim: PositiveInt
    """Leading dimensions to use: the bands of the frames."""
    nclass: PositiveInt
    """Number of groups into which the archive's labels are divided, in their order."""
    random_sampler: Sampler = Sampler(name="gaussian_process", kernel=Kernel(name="rbf", length_scale=2.5))
    """Texture within the cells."""
    step_days: PositiveFloat = 1.0
    """Days that a step of the series stands for."""

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
    """Voronoi cells."""
    gsd: PositiveFloat = 10.0
    """Ground sampling distance in metres."""
    min_area_px: NonNegativeInt = 16
    """No instance but rivers and roads is smaller than this."""
    astype: Literal["h5", "jpg"] = "h5"
    """Format of the frames; jpg (three bands) can only be looked at."""
    dtype: Literal["uint16", "float32"] | None = None
    """Stored numbers; null: uint16 with scale 1e-4 for reflectance, float32 otherwise."""

    @model_validator(mode="after")
    def _has_room(self) -> Product:
        have_room(self.n_polygons, self.min_area_px, self.size)
        return self


class GenerationFile(Schema):
    """``python -m synthetic generate``: an ideal product, before any sensor has looked."""

    seed: NonNegativeInt = 0
    """Of everything."""
    product: Product
    """Size, length and format."""
    source: Annotated[Physical | TimeSeries, Field(discriminator="kind")]
    """Where the values come from."""

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


# ---- derive -----------------------------------------------------------------------------------------------------


class Gain(Schema):
    """Calibration: band by band ``mul * x + add``."""

    type: Literal["gain"]
    """Chooses this step."""
    mul: Range = (1.0, 1.0)
    """The factor is drawn from this range."""
    add: Range = (0.0, 0.0)
    """The summand is drawn from this range."""
    each: Literal["product", "frame"] = "product"
    """Draw once, or for every frame."""

    @model_validator(mode="after")
    def _rises(self) -> Gain:
        rising("mul", self.mul)
        rising("add", self.add)
        return self


class Clouds(Schema):
    """How much is hidden, and how clouds look."""

    mean: Share = 0.35
    """Mean cover over all frames, before ``limits`` cut the extremes."""
    concentration: PositiveFloat = 2.0
    """Of the Beta distribution of covers; small: frames are clear or overcast."""
    limits: Range = (0.0, 1.0)
    """No cover is outside of this range."""
    slope: PositiveFloat = 3.0
    """The power of the cloud field falls with frequency to the minus this."""
    shadows: bool = True
    """Clouds throw shadows."""

    @model_validator(mode="after")
    def _in_range(self) -> Clouds:
        rising("limits", self.limits, 0, 1)
        if not self.limits[0] <= self.mean <= self.limits[1]:
            raise ValueError(f"mean {self.mean:g} is outside of limits")
        return self


class CloudStep(Clouds):
    """Clouds over every frame; their cover is as asked."""

    type: Literal["cloud"]
    """Chooses this step."""


class Distortion(Schema):
    """Tangential scale distortion: pixels far from nadir cover more ground."""

    type: Literal["distortion"]
    """Chooses this step."""
    axis: Literal[0, 1] = 1
    """0: along the rows (height), 1: along the columns (width)."""
    growth_rate: PositiveFloat | None = None
    """At most 4 / length, the default: never expands."""


class Resample(Schema):
    """A coarser sensor: point spread function, then one sample a coarse pixel."""

    type: Literal["resample"]
    """Chooses this step."""
    factor: PositiveInt
    """Coarse pixels are so many times as large; divides the size."""
    psf_fwhm_px: PositiveFloat | None = 1.2
    """Width of the Gaussian point spread function in output pixels; null: plain block means."""


class Bands(Schema):
    """Bands of a sensor."""

    type: Literal["bands"]
    """Chooses this step."""
    sensor: Literal["sentinel2", "hls", "olci", "sentinel1"]
    """Whose bands to see; linear in wavelength between those of the product."""
    names: list[str] | None = None
    """Some of them; null: all."""

    @model_validator(mode="after")
    def _known(self) -> Bands:
        sensor(self.sensor, None if self.names is None else tuple(self.names))
        return self


class Misregistration(Schema):
    """A shift of every frame by a fraction of a pixel."""

    type: Literal["misregistration"]
    """Chooses this step."""
    sd_px: PositiveFloat = 0.15
    """Standard deviation along each axis in pixels."""


class Blur(Schema):
    """A Gaussian point spread function without resampling."""

    type: Literal["blur"]
    """Chooses this step."""
    fwhm_px: PositiveFloat = 1.2
    """Full width at half maximum in pixels."""


class Noise(Schema):
    """Additive noise whose variance is ``sigma0**2 + kappa * value``."""

    type: Literal["noise"] = "noise"
    """Chooses this step."""
    sigma0: NonNegative = 0.0005
    """Standard deviation in the dark."""
    kappa: NonNegative = 2e-6
    """Photon noise."""


class Speckle(Schema):
    """Multiplicative speckle: Gamma distributed, mean 1, variance 1 / looks."""

    type: Literal["speckle"]
    """Chooses this step."""
    looks: PositiveFloat = 4.4
    """Equivalent number of looks."""


class Impulses(Schema):
    """Salt and pepper: some pixels become one random number in [0, 1], the same in all bands."""

    type: Literal["impulses"]
    """Chooses this step."""
    proportion: Range
    """For every frame the proportion of pixels is drawn from this range."""

    @model_validator(mode="after")
    def _in_range(self) -> Impulses:
        rising("proportion", self.proportion, 0, 1)
        return self


Step = Annotated[
    Gain | CloudStep | Distortion | Resample | Bands | Misregistration | Blur | Noise | Speckle | Impulses,
    Field(discriminator="type"),
]


class DerivationFile(Schema):
    """``python -m synthetic derive``: what a sensor makes of a product, step by step in the order of the list."""

    seed: NonNegativeInt = 0
    """Of everything random here."""
    product: str | None = None
    """Folder of the product to derive from, relative to this file; ``--product`` overrides it."""
    target_size: Size | None = None
    """What the size must be in the end; null: not checked."""
    temporal_res: PositiveInt = 1
    """Keep the frames whose number this divides."""
    steps: list[Step] = Field(default_factory=list)
    """What happens to each frame."""
