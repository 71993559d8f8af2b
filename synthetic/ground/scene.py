"""A latent scene: which instance owns a pixel, what state it is in on a date, and what that reflects and scatters."""

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
from synthetic.tables.land_cover import land_covers, named, spectrum, variation

NODES = 12
"""Bands in which spectra are stated."""
NEAR_INFRARED = slice(5, 10)  # B6 to B9: where the structure of leaves decides
RIVER_WIDTH_M, ROAD_WIDTH_M = 35.0, 12.0
MOST_INSTANCES = 32767
"""Products store instances as int16."""
SPLIT = 1 / 2
"""Share of the fields with the first of a class's seasons, where it has two."""


class FeaturePlaces(NamedTuple):
    """Geometry of a scene.

    Attributes:
        instance: uint16 (height, width) of 1 to n; a true partition.
        classes: uint8 (n + 1,), class 1 to 8 of each instance; 0 belongs to no pixel.
    """

    instance: np.ndarray
    classes: np.ndarray

    @property
    def land_cover(self) -> np.ndarray:
        """Return the class of each pixel, uint8 (height, width)."""
        return self.classes[self.instance]


class Condition(NamedTuple):
    """State of the instances on a date: greenness (n + 1,), soil moisture, share under snow, wind on water in dB."""

    green: np.ndarray
    moisture: float
    snow: float
    wind_db: float


def places(ground: Ground, seed: int, number: int) -> FeaturePlaces:
    """Return who owns which pixel of a scene.

    Raises:
        ValueError: so many cells have no room, or more instances than can be numbered.
    """
    shape = ground.size.height, ground.size.width
    displacement = cells.wandering(stream(seed, "borders", number), shape, ground.edge_warp_px)
    smallest, count = ground.min_area_px, ground.n_polygons
    _, owner = cells.cells_of_size(stream(seed, "points", number), shape, count, smallest, displacement)
    prior = np.array([ground.class_prior.get(cover.name, 0.0) for cover in land_covers()])
    drawn = cells.allocate(stream(seed, "labels", number), count, prior / prior.sum(), exact=ground.exact_prior)
    areas = {named(name).number: area for name, area in ground.parcels.items()}
    towns = centres(owner, np.flatnonzero(drawn + 1 == named("urban").number))
    owner, classes = cells.parcelled(stream(seed, "fields", number), owner, drawn + 1, areas, smallest)
    owner, classes = _with_lines(ground, seed, number, owner, classes, towns)
    if len(classes) > MOST_INSTANCES:
        raise ValueError(f"{len(classes)} cells and parcels, at most {MOST_INSTANCES} can be numbered; use larger ones")
    return FeaturePlaces((owner + 1).astype(np.uint16), np.concatenate([[0], classes]).astype(np.uint8))


def latitude(ground: Ground, seed: int, number: int) -> float:
    """Return how many degrees north a scene lies."""
    return stream(seed, "latitude", number).uniform(*ground.latitude)


def centres(owner: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return x and y (n, 2) of the middle of some cells."""
    places = ndimage.center_of_mass(np.ones(owner.shape), owner, numbers) if numbers.size else []
    return np.array(places).reshape(-1, 2)[:, ::-1]


def _with_lines(
    ground: Ground, seed: int, number: int, owner: np.ndarray, classes: np.ndarray, towns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw river and roads over the cells; each is an instance of its own."""
    water, urban = named("water").number, named("urban").number
    random, first = stream(seed, "river", number), len(classes)
    owner, added = owner.copy(), []
    if random.random() < ground.rivers:
        owner[lines.river(random, owner.shape, RIVER_WIDTH_M / ground.gsd)] = first
        added.append(water)
    random = stream(seed, "roads", number)
    for ends in lines.road_ends(random, towns, owner.shape, ground.roads):
        owner[lines.road(random, owner.shape, ends, ROAD_WIDTH_M / ground.gsd)] = first + len(added)
        added.append(urban)
    return cells.compact(owner, np.append(classes, added).astype(int), ground.min_area_px, keep=first)


class SyntheticScene:
    """One scene at the latent resolution; every method is a pure function of ground, seed, number and date."""

    def __init__(self, ground: Ground, seed: int, number: int) -> None:
        """Lay out the scene ``number`` of a seed."""
        self.ground, self.seed, self.number = ground, seed, number
        self.places = places(ground, seed, number)
        self.shape = self.places.instance.shape
        self._draw_instances(stream(seed, "instances", number))

    @property
    def latitude(self) -> float:
        """Degrees north."""
        return latitude(self.ground, self.seed, self.number)

    # ---- state -------------------------------------------------------------------------------------------------

    def _draw_instances(self, random: np.random.Generator) -> None:
        """Draw for each instance: its season, brightness, turbidity and backscatter."""
        classes, about, share = self.places.classes, variation(), self.ground.instance_variation
        count = len(classes)
        covers = land_covers()
        # One row of deviates an instance and purpose, drawn for all of them: the classes shift no numbers.
        normal = random.standard_normal((count, 6)) * share
        second = (random.random(count) >= SPLIT).astype(int)
        turbidity = random.beta(*about.turbidity, count) * bool(share)
        self.curves = np.full((count, 4), np.nan)
        for cover in covers:
            for here in np.flatnonzero(classes == cover.number) if cover.seasons else ():
                chosen = cover.seasons[second[here] % len(cover.seasons)]
                start = chosen.S[0] + chosen.S[1] * normal[here, 0]
                end = chosen.A[0] + chosen.A[1] * normal[here, 1]
                self.curves[here] = start, end, chosen.mS, chosen.mA
        spread = np.array([0.0, *(cover.brightness_sd for cover in covers)])[classes]
        vegetation = np.array([False, *(cover.vegetation for cover in covers)])[classes]
        factor = np.exp(spread * normal[:, 2])[:, None].repeat(NODES, axis=1)
        factor[:, NEAR_INFRARED] *= np.exp(about.near_infrared_sd * normal[:, 3] * vegetation)[:, None]
        self.factor = factor
        self.turbidity = np.where(classes == named("water").number, turbidity, 0.0)
        self.offset_db = about.backscatter_offset_db * normal[:, 4:6]

    def condition(self, date: datetime, index: int) -> Condition:
        """Return the state of the scene on a date; ``index`` numbers the date among those of the scene."""
        day = season.day_of_year(date)
        curves = np.nan_to_num(self.curves)
        seasonal = np.isfinite(self.curves[:, 0])
        green = np.where(seasonal, season.greenness(day, *curves.T), 1.0)
        wet = season.moisture(stream(self.seed, "moisture", self.number, date.year), day)
        winter = stream(self.seed, "snow", self.number, index)
        snow = winter.uniform(0.3, 0.95) if date.month in (12, 1, 2) and winter.random() < self.ground.snow_cover else 0
        wind = variation().water_wind_db * stream(self.seed, "wind", self.number, index).standard_normal()
        return Condition(green, wet, float(snow), float(wind))

    # ---- what it reflects --------------------------------------------------------------------------------------

    def mixed(self, condition: Condition) -> np.ndarray:
        """Return the reflectance (n + 1, 12) of each instance, as section "season" of the documentation mixes it."""
        classes, about, covers = self.places.classes, variation(), land_covers()
        peak = np.array([np.zeros(NODES), *(cover.peak for cover in covers)])[classes]
        dormant = np.array([np.zeros(NODES), *(cover.dormant for cover in covers)])[classes]
        soil = np.array([False, *(cover.soil for cover in covers)])[classes][:, None]
        vegetated = np.array([False, *(cover.vegetation for cover in covers)])[classes][:, None]
        green = condition.green[:, None]
        wet = np.where(soil, 1 - about.wet_soil * condition.moisture, 1.0)
        # Only what is not covered by leaves darkens.
        result = np.where(vegetated, green * peak + (1 - green) * dormant * wet, peak * wet)
        result = result + self.turbidity[:, None] * (spectrum("turbid_water") - result)
        result = result * self.factor
        land = (classes != named("water").number) & (classes != named("urban").number)
        covered = np.where(land, condition.snow, 0.0)[:, None]
        return result + covered * (named("snow").peak - result)

    @functools.cached_property
    def _modulation(self) -> dict[int, np.ndarray]:
        """Factors (height, width) of the texture of bands already seen."""
        return {}

    @functools.cached_property
    def _common_texture(self) -> np.ndarray:
        """What the texture of all bands has in common, float32 (height, width)."""
        return self._texture(-1)

    def _texture(self, band: int) -> np.ndarray:
        """Return a band's texture field (height, width) of standard deviation 1: of each class's own spectrum."""
        slopes = np.array([0.0, *(cover.texture_slope for cover in land_covers())])[self.places.land_cover]
        field = np.empty(self.shape, np.float32)
        for number, slope in enumerate(sorted({cover.texture_slope for cover in land_covers()})):
            random = stream(self.seed, "texture", self.number, 100 * number + band + 1)
            here = slopes == slope
            field[here] = power_law_field(random, self.shape, slope)[here]
        return field

    def modulation(self, band: int) -> np.ndarray:
        """Return the factor (height, width) by which texture changes a band, the same on all dates."""
        if band not in self._modulation:
            deviation = np.array([0.0, *(cover.texture_sd for cover in land_covers())], np.float32)
            common = np.float32(variation().texture_common)
            mixture = np.sqrt(common) * self._common_texture + np.sqrt(1 - common) * self._texture(band)
            contrast = np.float32(self.ground.texture) * deviation[self.places.land_cover]
            self._modulation[band] = np.maximum(1 + contrast * mixture, np.float32(0.2))
        return self._modulation[band]

    def reflectance(self, condition: Condition, nodes: Sequence[int] = range(NODES)) -> np.ndarray:
        """Return surface reflectance, float32 (height, width, band), 0 to 1.1, in some of Sentinel-2's bands."""
        table = self.mixed(condition).astype(np.float32)
        image = np.empty((*self.shape, len(nodes)), np.float32)
        for position, node in enumerate(nodes):
            image[..., position] = table[:, node][self.places.instance]
            if self.ground.texture:
                image[..., position] *= self.modulation(node)
        return np.clip(image, 0.0, 1.1, out=image)

    # ---- what it scatters --------------------------------------------------------------------------------------

    def backscatter(self, condition: Condition) -> np.ndarray:
        """Return sigma nought as power, float32 (height, width, 2) of VV and VH: no speckle, with the noise floor."""
        classes, about, covers = self.places.classes, variation(), land_covers()
        table = np.array([np.zeros((2, 3)), *(cover.backscatter for cover in covers)])[classes]
        seasonal = np.where(np.isfinite(self.curves[:, 0]), condition.green, 0.0)[:, None]
        decibels = table[..., 0] + table[..., 1] * seasonal + table[..., 2] * condition.moisture + self.offset_db
        decibels[classes == named("water").number, 0] += condition.wind_db
        image = decibels.astype(np.float32)[self.places.instance]
        if self.ground.texture:
            image += np.float32(about.backscatter_texture_db * self.ground.texture) * self._radar_texture
        return 10 ** (image / 10) + np.float32(10 ** (about.noise_floor_db / 10))

    @functools.cached_property
    def _radar_texture(self) -> np.ndarray:
        """Field (height, width, 2) of standard deviation 1."""
        random = stream(self.seed, "radar texture", self.number)
        return np.stack([power_law_field(random, self.shape, variation().texture_slope) for _ in range(2)], axis=-1)
