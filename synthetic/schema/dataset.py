"""Configuration file of a synthetic dataset (``python -m synthetic make``): every key, its default and its meaning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pix2earth.settings.schema import Schema
from synthetic.schema.derivation import Clouds, Noise
from synthetic.schema.ground import Ground, NonNegative, Range, check_range
from synthetic.tables.sensors import sensor


class Scenes(Schema):
    """Number of scenes in each split; no scene is in two splits."""

    train: PositiveInt
    """Scenes for training."""
    val: NonNegativeInt
    """Scenes for validation."""
    test: NonNegativeInt
    """Scenes for testing."""

    @property
    def total(self) -> int:
        """Number of all scenes."""
        return self.train + self.val + self.test


class Optics(Schema):
    """Errors of an optical sensor."""

    psf_fwhm_px: PositiveFloat | None = 1.2
    """Full width at half maximum of the point spread function in pixels of the sensor; null: none."""
    gain_sd: NonNegative = 0.02
    """Standard deviation of the gain of each band and time step."""
    offset_sd: NonNegative = 0.003
    """Standard deviation of the offset of each band and time step (reflectance)."""
    noise: Noise = Noise()
    """Additive noise; its ``type`` may be left out."""
    misregistration_px: NonNegative = 0.0
    """Standard deviation of the shift of each time step in pixels of the sensor."""


class Radar(Schema):
    """Errors of the radar."""

    looks: PositiveFloat = 4.4
    """Equivalent number of looks."""
    speckle: bool = True
    """Add speckle; false: noise-free backscatter."""


class DatasetConfiguration(Schema):
    """Keys that all presets share."""

    seed: NonNegativeInt = 7
    """Seed of all random numbers."""
    ground: Ground = Ground()
    """The ground of every scene."""
    scenes: Scenes
    """Number of scenes in each split."""
    profiles: dict[Literal["tiny", "cpu"], dict[str, Any]] = Field(default_factory=dict)
    """Values that a profile changes: keys of this file, merged into their sections."""

    @model_validator(mode="after")
    def _square(self) -> DatasetConfiguration:
        if self.ground.size.width != self.ground.size.height:
            raise ValueError("ground.size: samples are square; give width and height the same number")
        return self


class SuperResolution(DatasetConfiguration):
    """Preset super_resolution: the image of a coarse sensor to that of a fine sensor."""

    preset: Literal["super_resolution"]
    """Selects the preset."""
    dates: PositiveInt = 2
    """Number of pairs of a scene, on different dates."""
    bands: list[str] = Field(default_factory=lambda: ["B2", "B3", "B4", "B8"])
    """Bands of the target (Sentinel-2, at the resolution of the ground)."""
    factor: PositiveInt = 4
    """Ground sampling distance of the input over that of the target; divides the size."""
    coarse_sensor: Literal["sentinel2", "olci"] = "sentinel2"
    """Sensor of the input."""
    coarse_bands: list[str] | None = None
    """Some bands of the sensor of the input; null: all."""
    apart_days: Range = (0.0, 2.0)
    """Range of the days from the fine to the coarse acquisition."""
    fine: Optics = Optics()
    """The sensor of the target."""
    coarse: Optics = Optics(misregistration_px=0.15)
    """The sensor of the input."""

    @model_validator(mode="after")
    def _fits(self) -> SuperResolution:
        sensor("sentinel2", tuple(self.bands))
        sensor(self.coarse_sensor, None if self.coarse_bands is None else tuple(self.coarse_bands))
        check_range("apart_days", self.apart_days, -365, 365)
        for side in ("width", "height"):
            pixels = getattr(self.ground.size, side)
            if pixels % self.factor:
                raise ValueError(f"factor: {self.factor} does not divide the {side} of {pixels} pixels")
        return self


class CloudedDataset(DatasetConfiguration):
    """Keys of the presets with optical images under clouds and radar images."""

    dates: PositiveInt = Field(4, ge=2)
    """Number of time steps of a scene."""
    revisit_days: Range = (10.0, 20.0)
    """Range of the days between time steps."""
    bands: list[str] = Field(default_factory=lambda: ["B2", "B3", "B4", "B8", "B11", "B12"])
    """Bands of input and target (Sentinel-2)."""
    clouds: Clouds = Clouds()
    """Clouds over every time step of the input."""
    optics: Optics = Optics()
    """The sensor of input and target."""
    radar: Radar = Radar()
    """The sensor of the radar images."""

    @model_validator(mode="after")
    def _fits(self) -> CloudedDataset:
        sensor("sentinel2", tuple(self.bands))
        check_range("revisit_days", self.revisit_days, 1, 365)
        return self


class CloudRemoval(CloudedDataset):
    """Preset cloud_removal: clouded images and a radar image to the clear image of the last time step."""

    preset: Literal["cloud_removal"]
    """Selects the preset."""


class Series(CloudedDataset):
    """Preset series: clouded and radar images to clear images, and land cover; every time step is one sample."""

    preset: Literal["series"]
    """Selects the preset."""
    dates: PositiveInt = Field(12, ge=2, le=100)
    """Number of time steps of a scene; their names have two digits."""
    permutation_seed: NonNegativeInt | None = Field(None, lt=2**32)
    """Number the scenes in the order of a permutation by this seed before they are cut into splits, as the RSGAN study
    does with 73; null: as they are drawn."""


class GapFilling(DatasetConfiguration):
    """Preset gap_filling: a stack of time steps with gaps to the complete stack."""

    preset: Literal["gap_filling"]
    """Selects the preset."""
    dates: PositiveInt = Field(3, ge=2)
    """Number of time steps of a sample."""
    spacing_days: Range = (10.0, 60.0)
    """Range of the days between time steps."""
    bands: list[str] = Field(default_factory=lambda: ["B2", "B3", "B4", "B8A", "B11", "B12"])
    """Bands of input and target (those of Sentinel-2 in HLS)."""
    crop: PositiveInt | None = None
    """Size of samples in pixels, cropped from the centre of the scene; null: the whole scene."""
    gaps: Clouds = Clouds(limits=(0.05, 0.95), shadows=False)
    """Cloud-shaped gaps, in one to all of the time steps."""
    optics: Optics = Optics()
    """The sensor of input and target."""

    @model_validator(mode="after")
    def _fits(self) -> GapFilling:
        sensor("sentinel2", tuple(self.bands))
        check_range("spacing_days", self.spacing_days, 1, 365)
        if self.crop and self.crop > min(self.ground.size.width, self.ground.size.height):
            raise ValueError(f"crop: {self.crop} is larger than the scene")
        return self


class SarToOptical(DatasetConfiguration):
    """Preset sar_to_optical: a radar image to a clear optical image."""

    preset: Literal["sar_to_optical"]
    """Selects the preset."""
    dates: PositiveInt = 3
    """Number of pairs of a scene, on different dates."""
    bands: list[str] = Field(default_factory=lambda: ["B2", "B3", "B4", "B8"])
    """Bands of the target (Sentinel-2)."""
    apart_days: Range = (-3.0, 3.0)
    """Range of the days from the optical to the radar acquisition."""
    optics: Optics = Optics()
    """The sensor of the target."""
    radar: Radar = Radar()
    """The sensor of the input."""

    @model_validator(mode="after")
    def _fits(self) -> SarToOptical:
        sensor("sentinel2", tuple(self.bands))
        check_range("apart_days", self.apart_days, -365, 365)
        return self


AnyDataset = Annotated[
    SuperResolution | CloudRemoval | GapFilling | SarToOptical | Series, Field(discriminator="preset")
]
"""The file of a dataset of any preset."""

PRESETS: dict[str, type[DatasetConfiguration]] = {
    "super_resolution": SuperResolution,
    "cloud_removal": CloudRemoval,
    "gap_filling": GapFilling,
    "sar_to_optical": SarToOptical,
    "series": Series,
}
"""The schema of each preset by its name."""
