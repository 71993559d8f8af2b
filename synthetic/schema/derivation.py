"""What may stand in the file of ``python -m synthetic derive``: every step, its keys, defaults and meaning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pix2earth.settings.schema import Schema
from synthetic.schema.ground import NonNegative, Range, Share, Size, rising
from synthetic.tables.sensors import sensor


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
