"""Configuration file of ``python -m synthetic derive``: every step with its keys, defaults and meaning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pix2earth.settings.schema import Schema
from synthetic.schema.ground import NonNegative, Range, Share, Size, check_range
from synthetic.tables.sensors import sensor


class Gain(Schema):
    """Calibration error: ``mul * x + add``."""

    type: Literal["gain"]
    """Selects this step."""
    mul: Range = (1.0, 1.0)
    """Range that the factor is drawn from."""
    add: Range = (0.0, 0.0)
    """Range that the summand is drawn from."""
    each: Literal["product", "frame"] = "product"
    """Draw one pair for the product, or a pair for every frame and band."""

    @model_validator(mode="after")
    def _rises(self) -> Gain:
        check_range("mul", self.mul)
        check_range("add", self.add)
        return self


class Clouds(Schema):
    """Cover and appearance of clouds."""

    mean: Share = 0.35
    """Mean cover of all frames, before ``limits``."""
    concentration: PositiveFloat = 2.0
    """Concentration of the Beta distribution of covers; small values: frames are either clear or overcast."""
    limits: Range = (0.0, 1.0)
    """Covers are clipped to this range."""
    slope: PositiveFloat = 3.0
    """Negative exponent of the power spectrum of the cloud field."""
    shadows: bool = True
    """Add the shadows of clouds."""

    @model_validator(mode="after")
    def _in_range(self) -> Clouds:
        check_range("limits", self.limits, 0, 1)
        if not self.limits[0] <= self.mean <= self.limits[1]:
            raise ValueError(f"mean {self.mean:g} is outside of limits")
        return self


class CloudStep(Clouds):
    """Clouds of a controlled cover over every frame."""

    type: Literal["cloud"]
    """Selects this step."""


class Distortion(Schema):
    """Tangential scale distortion: pixels far from nadir cover more ground."""

    type: Literal["distortion"]
    """Selects this step."""
    axis: Literal[0, 1] = 1
    """0: along the rows (height), 1: along the columns (width)."""
    growth_rate: PositiveFloat | None = None
    """Growth rate, at most 4 / length, which is the default: larger rates would expand the centre."""


class Resample(Schema):
    """A coarser sensor: point spread function, then one sample per coarse pixel."""

    type: Literal["resample"]
    """Selects this step."""
    factor: PositiveInt
    """Ground sampling distance of the output over that of the input; divides the size."""
    psf_fwhm_px: PositiveFloat | None = 1.2
    """Width of the Gaussian point spread function in output pixels; null: block means."""


class Bands(Schema):
    """Conversion to the bands of a sensor."""

    type: Literal["bands"]
    """Selects this step."""
    sensor: Literal["sentinel2", "hls", "olci", "sentinel1"]
    """The sensor; its bands are interpolated linearly in wavelength between those of the product."""
    names: list[str] | None = None
    """Some of its bands; null: all."""

    @model_validator(mode="after")
    def _known(self) -> Bands:
        sensor(self.sensor, None if self.names is None else tuple(self.names))
        return self


class Misregistration(Schema):
    """A shift of every frame by a fraction of a pixel."""

    type: Literal["misregistration"]
    """Selects this step."""
    sd_px: PositiveFloat = 0.15
    """Standard deviation along each axis in pixels."""


class Blur(Schema):
    """A Gaussian point spread function without resampling."""

    type: Literal["blur"]
    """Selects this step."""
    fwhm_px: PositiveFloat = 1.2
    """Full width at half maximum in pixels."""


class Noise(Schema):
    """Additive noise whose variance is ``sigma0**2 + kappa * value``."""

    type: Literal["noise"] = "noise"
    """Selects this step."""
    sigma0: NonNegative = 0.0005
    """Standard deviation at value 0."""
    kappa: NonNegative = 2e-6
    """Variance per value (photon noise)."""


class Speckle(Schema):
    """Multiplicative speckle: Gamma distributed, mean 1, variance 1 / looks."""

    type: Literal["speckle"]
    """Selects this step."""
    looks: PositiveFloat = 4.4
    """Equivalent number of looks."""


class Impulses(Schema):
    """Salt and pepper: some pixels become one random number in [0, 1], the same in all bands."""

    type: Literal["impulses"]
    """Selects this step."""
    proportion: Range
    """Range that the proportion of pixels is drawn from for every frame."""

    @model_validator(mode="after")
    def _in_range(self) -> Impulses:
        check_range("proportion", self.proportion, 0, 1)
        return self


Step = Annotated[
    Gain | CloudStep | Distortion | Resample | Bands | Misregistration | Blur | Noise | Speckle | Impulses,
    Field(discriminator="type"),
]


class DerivationFile(Schema):
    """File of ``python -m synthetic derive``: the steps of a sensor, applied in the order of the list."""

    seed: NonNegativeInt = 0
    """Seed of all random numbers of the steps."""
    product: str | None = None
    """Folder of the product to derive from, relative to this file; ``--product`` overrides it."""
    target_size: Size | None = None
    """Expected size after all steps; null: not checked."""
    temporal_res: PositiveInt = 1
    """Keep the frames whose number is a multiple of this."""
    steps: list[Step] = Field(default_factory=list)
    """Steps for each frame."""
