"""A synthetic scene: its layout of instances, their state on a date, and their reflectance and backscatter."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from synthetic.ground import cells, lines, season
from synthetic.ground.random_fields import power_law_field
from synthetic.schema.ground import Ground
from synthetic.streams import stream
from synthetic.tables.land_cover import land_cover, land_covers, spectrum, variation

SPECTRUM_BANDS = 12
"""Number of bands of the spectra of land covers: those of Sentinel-2."""
NEAR_INFRARED = slice(5, 10)  # B6 to B9, which depend on the structure of leaves
RIVER_WIDTH_M, ROAD_WIDTH_M = 35.0, 12.0
MAX_INSTANCES = 32767
"""Products store instances as int16."""
FIRST_SEASON_SHARE = 1 / 2
"""Share of the instances that follow the first season of a class with two."""


class SceneLayout(NamedTuple):
    """Instances of a scene and their classes.

    Attributes:
        instance: uint16 (height, width) of 1 to n; every pixel belongs to one instance.
        classes: uint8 (n + 1,), land cover class 1 to 8 of each instance; number 0 is not used by any pixel.
    """

    instance: np.ndarray
    classes: np.ndarray

    @property
    def land_cover(self) -> np.ndarray:
        """Land cover class of each pixel, uint8 (height, width)."""
        return self.classes[self.instance]


class Condition(NamedTuple):
    """State of a scene on a date.

    Attributes:
        green: greenness of each instance (n + 1,), 0 to 1.
        moisture: soil moisture, 0 to 1.
        snow: share of the land under snow, 0 to 1.
        wind_db: change of the backscatter of water by wind, dB.
    """

    green: np.ndarray
    moisture: float
    snow: float
    wind_db: float


def scene_layout(ground: Ground, seed: int, number: int) -> SceneLayout:
    """Return the instances of a scene: cells and parcels, with a river and roads over them.

    Raises:
        ValueError: there is no room for so many cells, or there are more instances than can be stored.
    """
    shape = ground.size.height, ground.size.width
    displacement = cells.border_displacement(stream(seed, "borders", number), shape, ground.edge_warp_px)
    smallest, count = ground.min_area_px, ground.n_polygons
    _, cell = cells.draw_cells(stream(seed, "points", number), shape, count, smallest, displacement)
    prior = np.array([ground.class_prior.get(cover.name, 0.0) for cover in land_covers()])
    random = stream(seed, "labels", number)
    classes = cells.draw_classes(random, count, prior / prior.sum(), exact=ground.exact_prior) + 1
    areas = {land_cover(name).number: area for name, area in ground.parcels.items()}
    towns = cell_centres(cell, np.flatnonzero(classes == land_cover("urban").number))
    cell, classes = cells.divide_into_parcels(stream(seed, "fields", number), cell, classes, areas, smallest)
    cell, classes = _draw_lines(ground, seed, number, cell, classes, towns)
    if len(classes) > MAX_INSTANCES:
        raise ValueError(f"{len(classes)} cells and parcels, at most {MAX_INSTANCES} can be numbered; use larger ones")
    return SceneLayout((cell + 1).astype(np.uint16), np.concatenate([[0], classes]).astype(np.uint8))


def latitude(ground: Ground, seed: int, number: int) -> float:
    """Return the latitude of a scene in degrees north."""
    return stream(seed, "latitude", number).uniform(*ground.latitude)


def cell_centres(cell: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return x and y (n, 2) in pixels of the centres of mass of some cells."""
    centres = ndimage.center_of_mass(np.ones(cell.shape), cell, numbers) if numbers.size else []
    return np.array(centres).reshape(-1, 2)[:, ::-1]


def _draw_lines(
    ground: Ground, seed: int, number: int, cell: np.ndarray, classes: np.ndarray, towns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return cells and classes with a river and roads over them; each of these is an instance."""
    water, urban = land_cover("water").number, land_cover("urban").number
    random, first = stream(seed, "river", number), len(classes)
    cell, added = cell.copy(), []
    if random.random() < ground.rivers:
        cell[lines.river(random, cell.shape, RIVER_WIDTH_M / ground.gsd)] = first
        added.append(water)
    random = stream(seed, "roads", number)
    for ends in lines.road_ends(random, towns, cell.shape, ground.roads):
        cell[lines.road(random, cell.shape, ends, ROAD_WIDTH_M / ground.gsd)] = first + len(added)
        added.append(urban)
    return cells.merge_small_cells(cell, np.append(classes, added).astype(int), ground.min_area_px, first_line=first)


class SyntheticScene:
    """One scene at the latent resolution; every method is a pure function of ground, seed, number and date."""

    def __init__(self, ground: Ground, seed: int, number: int) -> None:
        """Draw the layout and the instances of scene ``number`` of a seed."""
        self.ground, self.seed, self.number = ground, seed, number
        self.layout = scene_layout(ground, seed, number)
        self.shape = self.layout.instance.shape
        self._draw_instances(stream(seed, "instances", number))

    @property
    def latitude(self) -> float:
        """Latitude in degrees north."""
        return latitude(self.ground, self.seed, self.number)

    # ---- state -------------------------------------------------------------------------------------------------

    def _draw_instances(self, random: np.random.Generator) -> None:
        """Draw the season, brightness, turbidity and backscatter of each instance."""
        classes, settings, share = self.layout.classes, variation(), self.ground.instance_variation
        count = len(classes)
        covers = land_covers()
        # Every instance gets all deviates, so that its numbers do not depend on the classes of others.
        normal = random.standard_normal((count, 6)) * share
        second = (random.random(count) >= FIRST_SEASON_SHARE).astype(int)
        turbidity = random.beta(*settings.turbidity, count) * bool(share)
        self.curves = np.full((count, 4), np.nan)
        for cover in covers:
            for instance in np.flatnonzero(classes == cover.number) if cover.seasons else ():
                chosen = cover.seasons[second[instance] % len(cover.seasons)]
                start = chosen.S[0] + chosen.S[1] * normal[instance, 0]
                end = chosen.A[0] + chosen.A[1] * normal[instance, 1]
                self.curves[instance] = start, end, chosen.mS, chosen.mA
        spread = np.array([0.0, *(cover.brightness_sd for cover in covers)])[classes]
        vegetation = np.array([False, *(cover.vegetation for cover in covers)])[classes]
        factor = np.exp(spread * normal[:, 2])[:, None].repeat(SPECTRUM_BANDS, axis=1)
        factor[:, NEAR_INFRARED] *= np.exp(settings.near_infrared_sd * normal[:, 3] * vegetation)[:, None]
        self.factor = factor
        self.turbidity = np.where(classes == land_cover("water").number, turbidity, 0.0)
        self.offset_db = settings.backscatter_offset_db * normal[:, 4:6]

    def condition(self, date: datetime, time_step: int) -> Condition:
        """Return the state of the scene on a date; ``time_step`` is the number of the acquisition."""
        day = season.day_of_year(date)
        curves = np.nan_to_num(self.curves)
        seasonal = np.isfinite(self.curves[:, 0])
        green = np.where(seasonal, season.greenness(day, *curves.T), 1.0)
        wet = season.moisture(stream(self.seed, "moisture", self.number, date.year), day)
        winter = stream(self.seed, "snow", self.number, time_step)
        snow = winter.uniform(0.3, 0.95) if date.month in (12, 1, 2) and winter.random() < self.ground.snow_cover else 0
        wind = variation().water_wind_db * stream(self.seed, "wind", self.number, time_step).standard_normal()
        return Condition(green, wet, float(snow), float(wind))

    # ---- reflectance -------------------------------------------------------------------------------------------

    def instance_reflectance(self, condition: Condition) -> np.ndarray:
        """Return the reflectance (n + 1, 12) of each instance, mixed from spectra by season, moisture and snow."""
        classes, settings, covers = self.layout.classes, variation(), land_covers()
        peak = np.array([np.zeros(SPECTRUM_BANDS), *(cover.peak for cover in covers)])[classes]
        dormant = np.array([np.zeros(SPECTRUM_BANDS), *(cover.dormant for cover in covers)])[classes]
        soil = np.array([False, *(cover.soil for cover in covers)])[classes][:, None]
        vegetated = np.array([False, *(cover.vegetation for cover in covers)])[classes][:, None]
        green = condition.green[:, None]
        wet = np.where(soil, 1 - settings.wet_soil * condition.moisture, 1.0)
        # Moisture darkens bare soil only, not green leaves.
        result = np.where(vegetated, green * peak + (1 - green) * dormant * wet, peak * wet)
        result = result + self.turbidity[:, None] * (spectrum("turbid_water") - result)
        result = result * self.factor
        land = (classes != land_cover("water").number) & (classes != land_cover("urban").number)
        covered = np.where(land, condition.snow, 0.0)[:, None]
        return result + covered * (land_cover("snow").peak - result)

    @functools.cached_property
    def _texture_factors(self) -> dict[int, np.ndarray]:
        """Texture factors (height, width) of the bands computed so far."""
        return {}

    @functools.cached_property
    def _common_texture(self) -> np.ndarray:
        """The part of the texture that all bands share, float32 (height, width)."""
        return self._texture(-1)

    def _texture(self, band: int) -> np.ndarray:
        """Return a band's texture field (height, width) of standard deviation 1, with each class's spectral slope."""
        slopes = np.array([0.0, *(cover.texture_slope for cover in land_covers())])[self.layout.land_cover]
        field = np.empty(self.shape, np.float32)
        for number, slope in enumerate(sorted({cover.texture_slope for cover in land_covers()})):
            pixels = slopes == slope
            if pixels.any():
                random = stream(self.seed, "texture", self.number, 100 * number + band + 1)
                field[pixels] = power_law_field(random, self.shape, slope)[pixels]
        return field

    def texture_factor(self, band: int) -> np.ndarray:
        """Return the factor (height, width) by which texture changes a band, the same on all dates."""
        if band not in self._texture_factors:
            deviation = np.array([0.0, *(cover.texture_sd for cover in land_covers())], np.float32)
            common = np.float32(variation().texture_common)
            mixture = np.sqrt(common) * self._common_texture + np.sqrt(1 - common) * self._texture(band)
            contrast = np.float32(self.ground.texture) * deviation[self.layout.land_cover]
            self._texture_factors[band] = np.maximum(1 + contrast * mixture, np.float32(0.2))
        return self._texture_factors[band]

    def reflectance(self, condition: Condition, bands: Sequence[int] = range(SPECTRUM_BANDS)) -> np.ndarray:
        """Return surface reflectance, float32 (height, width, band), 0 to 1.1.

        Args:
            condition: state of the scene.
            bands: positions of the bands among Sentinel-2's twelve.
        """
        table = self.instance_reflectance(condition).astype(np.float32)
        image = np.empty((*self.shape, len(bands)), np.float32)
        for position, band in enumerate(bands):
            image[..., position] = table[:, band][self.layout.instance]
            if self.ground.texture:
                image[..., position] *= self.texture_factor(band)
        return np.clip(image, 0.0, 1.1, out=image)

    # ---- backscatter -------------------------------------------------------------------------------------------

    def backscatter(self, condition: Condition) -> np.ndarray:
        """Return sigma nought of VV and VH as power, float32 (height, width, 2): without speckle, with noise floor."""
        classes, settings, covers = self.layout.classes, variation(), land_covers()
        table = np.array([np.zeros((2, 3)), *(cover.backscatter for cover in covers)])[classes]
        seasonal = np.where(np.isfinite(self.curves[:, 0]), condition.green, 0.0)[:, None]
        decibels = table[..., 0] + table[..., 1] * seasonal + table[..., 2] * condition.moisture + self.offset_db
        decibels[classes == land_cover("water").number, 0] += condition.wind_db
        image = decibels.astype(np.float32)[self.layout.instance]
        if self.ground.texture:
            image += np.float32(settings.backscatter_texture_db * self.ground.texture) * self._radar_texture
        return 10 ** (image / 10) + np.float32(10 ** (settings.noise_floor_db / 10))

    @functools.cached_property
    def _radar_texture(self) -> np.ndarray:
        """Texture field of backscatter (height, width, 2) of standard deviation 1."""
        random = stream(self.seed, "radar texture", self.number)
        return np.stack([power_law_field(random, self.shape, variation().texture_slope) for _ in range(2)], axis=-1)
