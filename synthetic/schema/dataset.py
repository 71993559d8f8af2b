"""What may stand in the file of a dataset of the made-up Earth (``python -m synthetic make``)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pix2earth.settings.schema import Schema
from synthetic.schema.derivation import Clouds, Noise
from synthetic.schema.ground import Ground, NonNegative, Range, rising
from synthetic.tables.sensors import sensor


class Scenes(Schema):
    """Number of scenes in each split; no scene is in two."""

    train: PositiveInt
    """For training."""
    val: NonNegativeInt
    """For validation."""
    test: NonNegativeInt
    """For testing."""

    @property
    def total(self) -> int:
        """All scenes."""
        return self.train + self.val + self.test


class Optics(Schema):
    """How an optical sensor sees."""

    psf_fwhm_px: PositiveFloat | None = 1.2
    """Width of its point spread function in its own pixels; null: none."""
    gain_sd: NonNegative = 0.02
    """Standard deviation of the factor of each band and date."""
    offset_sd: NonNegative = 0.003
    """Standard deviation of the summand of each band and date (reflectance)."""
    noise: Noise = Noise()
    """Additive noise; its ``type`` may be left out."""
    misregistration_px: NonNegative = 0.0
    """Standard deviation of the shift of each date in its own pixels."""


class Radar(Schema):
    """How the radar sees."""

    looks: PositiveFloat = 4.4
    """Equivalent number of looks."""
    speckle: bool = True
    """Off: the noise-free truth."""


class DatasetConfiguration(Schema):
    """What all datasets of the made-up Earth have."""

    seed: NonNegativeInt = 7
    """Of everything."""
    ground: Ground = Ground()
    """The ground of every scene."""
    scenes: Scenes
    """How many."""
    profiles: dict[Literal["tiny", "cpu"], dict[str, Any]] = Field(default_factory=dict)
    """What a profile changes: keys of this file with other values, sections merged."""

    @model_validator(mode="after")
    def _square(self) -> DatasetConfiguration:
        if self.ground.size.width != self.ground.size.height:
            raise ValueError("ground.size: samples are square; give width and height the same number")
        return self


class SuperResolution(DatasetConfiguration):
    """A coarse sensor to a fine one."""

    preset: Literal["super_resolution"]
    """Chooses the recipe."""
    dates: PositiveInt = 2
    """Pairs of each scene."""
    bands: list[str] = Field(default_factory=lambda: ["B2", "B3", "B4", "B8"])
    """Of the target (Sentinel-2, at the latent resolution)."""
    factor: PositiveInt = 4
    """How much coarser the input is; divides the size."""
    coarse_sensor: Literal["sentinel2", "olci"] = "sentinel2"
    """Whose bands the input has (all of them)."""
    coarse_bands: list[str] | None = None
    """Some of them; null: all."""
    apart_days: Range = (0.0, 2.0)
    """Days between the two acquisitions."""
    fine: Optics = Optics()
    """The sensor of the target."""
    coarse: Optics = Optics(misregistration_px=0.15)
    """The sensor of the input."""

    @model_validator(mode="after")
    def _fits(self) -> SuperResolution:
        sensor("sentinel2", tuple(self.bands))
        sensor(self.coarse_sensor, None if self.coarse_bands is None else tuple(self.coarse_bands))
        rising("apart_days", self.apart_days, -365, 365)
        for side in ("width", "height"):
            pixels = getattr(self.ground.size, side)
            if pixels % self.factor:
                raise ValueError(f"factor: {self.factor} does not divide the {side} of {pixels} pixels")
        return self


class CloudRemoval(DatasetConfiguration):
    """Several dates under clouds, and radar, to the clear view of the last date."""

    preset: Literal["cloud_removal"]
    """Chooses the recipe."""
    dates: PositiveInt = Field(4, ge=2)
    """Optical dates of a sample; the last one is to be cleared."""
    revisit_days: Range = (10.0, 20.0)
    """Days between dates."""
    bands: list[str] = Field(default_factory=lambda: ["B2", "B3", "B4", "B8", "B11", "B12"])
    """Of input and target (Sentinel-2)."""
    clouds: Clouds = Clouds()
    """Over every date."""
    optics: Optics = Optics()
    """Of input and target."""
    radar: Radar = Radar()
    """Of the radar image of the last date."""

    @model_validator(mode="after")
    def _fits(self) -> CloudRemoval:
        sensor("sentinel2", tuple(self.bands))
        rising("revisit_days", self.revisit_days, 1, 365)
        return self


class GapFilling(DatasetConfiguration):
    """A stack of dates with gaps to the whole stack."""

    preset: Literal["gap_filling"]
    """Chooses the recipe."""
    dates: PositiveInt = Field(3, ge=2)
    """Dates of a sample."""
    spacing_days: Range = (10.0, 60.0)
    """Days between dates."""
    bands: list[str] = Field(default_factory=lambda: ["B2", "B3", "B4", "B8A", "B11", "B12"])
    """Of input and target (Sentinel-2's share of HLS)."""
    crop: PositiveInt | None = None
    """Cut samples of this size from the middle; null: the whole scene."""
    gaps: Clouds = Clouds(limits=(0.05, 0.95), shadows=False)
    """Cloud-shaped gaps, in one to all of the dates."""
    optics: Optics = Optics()
    """Of input and target."""

    @model_validator(mode="after")
    def _fits(self) -> GapFilling:
        sensor("sentinel2", tuple(self.bands))
        rising("spacing_days", self.spacing_days, 1, 365)
        if self.crop and self.crop > min(self.ground.size.width, self.ground.size.height):
            raise ValueError(f"crop: {self.crop} is larger than the scene")
        return self


class SarToOptical(DatasetConfiguration):
    """Radar to the clear optical view."""

    preset: Literal["sar_to_optical"]
    """Chooses the recipe."""
    dates: PositiveInt = 3
    """Pairs of each scene."""
    bands: list[str] = Field(default_factory=lambda: ["B2", "B3", "B4", "B8"])
    """Of the target (Sentinel-2)."""
    apart_days: Range = (-3.0, 3.0)
    """Days from the radar to the optical acquisition."""
    optics: Optics = Optics()
    """Of the target."""
    radar: Radar = Radar()
    """Of the input."""

    @model_validator(mode="after")
    def _fits(self) -> SarToOptical:
        sensor("sentinel2", tuple(self.bands))
        rising("apart_days", self.apart_days, -365, 365)
        return self


AnyDataset = Annotated[SuperResolution | CloudRemoval | GapFilling | SarToOptical, Field(discriminator="preset")]
"""The file of a dataset."""

PRESETS: dict[str, type[DatasetConfiguration]] = {
    "super_resolution": SuperResolution,
    "cloud_removal": CloudRemoval,
    "gap_filling": GapFilling,
    "sar_to_optical": SarToOptical,
}
"""The recipes by name."""
