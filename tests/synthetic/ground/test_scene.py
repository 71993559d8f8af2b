"""Scenes: layout and its statistics, texture, and reflectance and backscatter against formulas."""

import math
from datetime import datetime, timedelta

import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor

from synthetic.ground import cells
from synthetic.ground.scene import Condition, SyntheticScene, scene_layout
from synthetic.schema.ground import Ground, Size
from synthetic.streams import stream
from synthetic.tables.land_cover import land_covers

SEED = 7
NAMES = ["water", "conifer", "broadleaf", "grass", "crop", "soil", "urban", "snow"]
PRIOR = np.array([0.08, 0.14, 0.16, 0.18, 0.26, 0.07, 0.09, 0.02])
B3, B4, B8, B11 = 2, 3, 7, 10
NOON = datetime(2021, 1, 1, 10, 30)


def normalised_difference(band: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (band - other) / (band + other)


# ---- layout -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=range(5))
def layout(request):
    """Layouts of five scenes with parcels, rivers and roads."""
    return scene_layout(Ground(), SEED, request.param)


def test_every_pixel_has_one_instance_and_all_instances_have_pixels(layout):
    areas = np.bincount(layout.instance.ravel())
    assert layout.instance.min() == 1
    assert areas[1:].min() > 0
    assert areas.sum() == 256 * 256
    assert len(areas) == len(layout.classes)


def test_only_rivers_and_roads_are_smaller_than_the_minimum(layout):
    areas = np.bincount(layout.instance.ravel())
    small = np.flatnonzero(areas[1:] < 16) + 1
    lines = 1 + 3  # at most one river and three roads, numbered last
    assert (small >= len(layout.classes) - lines).all()
    assert set(layout.classes[small]) <= {1, 7}


def test_every_instance_has_one_class(layout):
    assert set(layout.classes[1:]) <= set(range(1, 9))
    np.testing.assert_array_equal(layout.land_cover, layout.classes[layout.instance])
    pairs = np.unique(np.stack([layout.instance.ravel(), layout.land_cover.ravel()]), axis=1)
    assert pairs.shape[1] == len(layout.classes) - 1


def test_cells_without_displacement_belong_to_the_nearest_point(plain):
    """By comparing all distances of every pixel."""
    for scene in range(5):
        layout = scene_layout(plain(64, n_polygons=20), SEED, scene)
        points, _ = cells.draw_cells(stream(SEED, "points", scene), (64, 64), 20, 16, None)
        y, x = np.mgrid[:64, :64] + 0.5
        nearest = ((x[..., None] - points[:, 0]) ** 2 + (y[..., None] - points[:, 1]) ** 2).argmin(axis=-1)
        np.testing.assert_array_equal(layout.instance, nearest + 1)


@pytest.mark.parametrize("displacement", [0.0, 3.5])
def test_areas_of_cells_vary_as_those_of_a_poisson_voronoi_tessellation(plain, displacement):
    """Theory: a coefficient of variation of 0.529."""
    variation = []
    for scene in range(50):
        areas = np.bincount(scene_layout(plain(128, edge_warp_px=displacement), SEED, scene).instance.ravel())[1:]
        assert len(areas) == 60
        assert areas.mean() == 128 * 128 / 60
        variation.append(areas.std() / areas.mean())
    assert 0.45 <= np.mean(variation) <= 0.65


@pytest.fixture(scope="module")
def many(plain):
    """200 small scenes of 60 cells: classes (scene, cell), and centre and point (scene, cell, 4) of each in pixels."""
    classes, positions = [], []
    for scene in range(200):
        layout = scene_layout(plain(64, n_polygons=60, min_area_px=4), SEED, scene)
        areas = np.bincount(layout.instance.ravel())[1:]
        y, x = np.mgrid[:64, :64]
        sums = [np.bincount(layout.instance.ravel(), axis.ravel())[1:] for axis in (x, y)]
        classes.append(layout.classes[1:])
        points, _ = cells.draw_cells(stream(SEED, "points", scene), (64, 64), 60, 4, None)
        positions.append(np.concatenate([np.stack(sums, axis=-1) / areas[:, None], points], axis=1))
    return np.array(classes), np.array(positions)


def test_classes_have_the_frequency_of_their_prior(many):
    frequency = np.bincount(many[0].ravel(), minlength=9)[1:] / many[0].size
    assert np.abs(frequency - PRIOR).max() < 0.015


def test_an_exact_prior_gives_the_shares_of_every_scene(plain):
    for scene in range(20):
        layout = scene_layout(plain(64, n_polygons=60, min_area_px=4, exact_prior=True), SEED, scene)
        counts = np.bincount(layout.classes[1:], minlength=9)[1:]
        assert np.abs(counts - PRIOR * 60).max() < 1


def test_classes_are_independent_of_geometry(many):
    water = (many[0] == 1).ravel()
    for axis in range(4):
        assert abs(np.corrcoef(water, many[1][..., axis].ravel())[0, 1]) < 0.03


def test_scenes_and_seeds_differ():
    ground = Ground(size=Size(width=128, height=128), n_polygons=30)
    instances = [scene_layout(ground, seed, scene).instance for seed, scene in ((0, 0), (0, 1), (1, 0))]
    assert len({array.tobytes() for array in instances}) == 3
    np.testing.assert_array_equal(scene_layout(ground, 0, 1).instance, instances[1])


def test_a_scene_need_not_be_square():
    wide = scene_layout(Ground(size=Size(width=120, height=50), n_polygons=20), SEED, 0)
    assert wide.instance.shape == (50, 120)


# ---- texture ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def textures(plain):
    """Texture (scene, band, height, width) of forests in three bands, of mean 0."""
    ground = plain(32, n_polygons=4, class_prior={"conifer": 1.0}, texture=1.0)
    scenes = [SyntheticScene(ground, SEED, number) for number in range(400)]
    return np.stack([[scene.texture_factor(band) for band in (0, 5, 11)] for scene in scenes]).astype(np.float64) - 1


def test_texture_has_the_deviation_of_the_table(textures):
    assert textures.mean() == pytest.approx(0, abs=0.01)
    assert np.sqrt((textures**2).mean()) == pytest.approx(0.04, rel=0.02)


def test_bands_share_the_texture_of_the_table(textures):
    """At all scales, hence also of the differences of neighbouring pixels."""
    for field in (textures, np.diff(textures, axis=-1), np.diff(textures, axis=-2)):
        for first, second in ((0, 1), (0, 2), (1, 2)):
            common = (field[:, first] * field[:, second]).mean() / (field**2).mean()
            assert common == pytest.approx(0.7, abs=0.03)


# ---- reflectance ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(4))
def test_reflectance_is_in_its_range(number):
    scene = SyntheticScene(Ground(), SEED, number)
    for month in (1, 7):
        image = scene.reflectance(scene.condition(datetime(2021, month, 15, 10, 30), month))
        assert image.min() >= 0
        assert image.max() <= 1.1
        assert image[scene.layout.land_cover < 8].max() < 0.75


def spectra(scene: SyntheticScene, date: datetime, time_step: int = 0) -> np.ndarray:
    """Return the mean reflectance (class, 12) of each class 1 to 8 of a scene on a date."""
    image = scene.reflectance(scene.condition(date, time_step)).astype(np.float64)
    return np.array([image[scene.layout.land_cover == cover].mean(axis=0) for cover in range(1, 9)])


@pytest.fixture(scope="module")
def even(plain):
    """A scene of all classes, without texture and without differences between instances."""
    return SyntheticScene(
        plain(128, n_polygons=64, exact_prior=True, class_prior={name: 1 / 8 for name in NAMES}), SEED, 0
    )


@pytest.mark.parametrize("day", [20, 110, 140, 200, 295])
def test_reflectance_of_classes_follows_the_mixing_formula(even, day):
    """From peak and dormant reflectance in B4 and B8, season and soil moisture."""
    date = NOON + timedelta(days=day - 1)
    t = day + 10.5 / 24

    def green(S: float, A: float, mS: float, mA: float) -> float:
        return max(0.0, 1 / (1 + math.exp(-mS * (t - S))) + 1 / (1 + math.exp(mA * (t - A))) - 1)

    dry = 1 - 0.35 * even.condition(date, 0).moisture
    reflectance = spectra(even, date)[:, [B4, B8]]
    mixtures = {
        "conifer": ((0.021, 0.215), (0.037, 0.228), (110, 300, 0.05, 0.05)),
        "broadleaf": ((0.028, 0.383), (0.081, 0.226), (120, 290, 0.15, 0.10)),
        "grass": ((0.022, 0.373), (0.084, 0.264), (95, 285, 0.08, 0.06)),
    }
    for name, (peak, dormant, season) in mixtures.items():
        g = green(*season)
        expected = np.array(dormant) + g * (np.array(peak) - np.array(dormant))
        np.testing.assert_allclose(reflectance[NAMES.index(name)], expected, rtol=0.02)
    static = {
        "water": (0.017, 0.015),
        "urban": (0.200, 0.243),
        "snow": (0.904, 0.846),
        "soil": (0.181 * dry, 0.267 * dry),
    }
    for name, expected in static.items():
        np.testing.assert_allclose(reflectance[NAMES.index(name)], expected, rtol=0.02)
    # Half of the fields, not of the pixels, have each crop: every pixel is compared with both.
    image = even.reflectance(even.condition(date, 0))
    crops = image[even.layout.land_cover == 5][:, [B4, B8]].astype(np.float64)
    expected = []
    for season in ((95, 190, 0.08, 0.25), (160, 260, 0.10, 0.12)):
        g = green(*season)
        expected.append([g * peak + (1 - g) * bare * dry for peak, bare in ((0.022, 0.181), (0.451, 0.267))])
    distance = np.abs(crops[:, None] / np.array(expected)[None] - 1).max(axis=-1)
    assert distance.min(axis=1).max() < 0.02
    assert len(np.unique(distance.argmin(axis=1))) == 2 or np.allclose(*expected, rtol=0.02)


@pytest.fixture(scope="module")
def year(even):
    """NDVI (day, class) over a year, and the snow index of snow."""
    days = np.arange(0, 365, 3)
    reflectance = np.array([spectra(even, NOON + timedelta(days=int(day))) for day in days])
    ndvi = normalised_difference(reflectance[..., B8], reflectance[..., B4])
    return days + 1, ndvi, normalised_difference(reflectance[:, 7, B3], reflectance[:, 7, B11])


def test_broadleaf_forests_have_a_season(year):
    days, ndvi, _ = year
    leaves = ndvi[:, NAMES.index("broadleaf")]
    assert leaves[0] == pytest.approx(0.47, abs=0.02)
    assert leaves.max() == pytest.approx(0.87, abs=0.02)
    assert 150 <= days[leaves.argmax()] <= 250


def test_conifers_water_soil_and_towns_change_little_over_the_year(year):
    _, ndvi, snow = year
    conifer, water, soil, urban = (ndvi[:, NAMES.index(name)] for name in ("conifer", "water", "soil", "urban"))
    assert np.ptp(conifer) <= 0.12
    assert water.max() <= 0
    assert soil.min() >= 0.15
    assert soil.max() <= 0.25
    assert urban.max() <= 0.15
    assert snow.min() >= 0.7


def test_snow_covers_land_in_winter_but_not_towns_and_water(plain):
    ground = plain(64, n_polygons=32, exact_prior=True, class_prior={name: 1 / 8 for name in NAMES}, snow_cover=1.0)
    scene = SyntheticScene(ground, SEED, 0)
    winter, summer = spectra(scene, datetime(2021, 1, 15), 0), spectra(scene, datetime(2021, 7, 15), 1)
    land = [NAMES.index(name) for name in ("conifer", "broadleaf", "grass", "crop", "soil")]
    assert (winter[land, B3] > 0.25).all()
    assert (summer[land, B3] < 0.15).all()
    np.testing.assert_allclose(winter[[0, 6, 7], B3], summer[[0, 6, 7], B3], rtol=1e-5)


def test_instances_of_a_class_have_the_variation_of_the_table(plain):
    """Log-normal brightness of 0.06, of towns 0.15; vegetation has 0.08 in addition in the near infrared."""
    for name, band, expected in (("conifer", B4, 0.06), ("conifer", B8, 0.10), ("urban", B8, 0.15)):
        ground = plain(256, n_polygons=400, min_area_px=4, class_prior={name: 1.0}, instance_variation=1.0)
        scene = SyntheticScene(ground, SEED, 0)
        # A day on which all instances are dormant, as seasons vary too.
        values = scene.instance_reflectance(scene.condition(datetime(2021, 1, 2), 0)._replace(moisture=0.0))[1:, band]
        assert np.log(values).std() == pytest.approx(expected, rel=0.12)


def test_results_do_not_depend_on_the_order_of_calls():
    ground = Ground(size=Size(width=128, height=128), n_polygons=30)
    first, second = SyntheticScene(ground, SEED, 3), SyntheticScene(ground, SEED, 3)
    conditions = [first.condition(NOON + timedelta(days=30 * number), number) for number in range(2)]
    all_bands = [first.reflectance(condition) for condition in conditions]
    np.testing.assert_array_equal(second.reflectance(conditions[1], [7, 2]), all_bands[1][..., [7, 2]])
    np.testing.assert_array_equal(second.reflectance(conditions[0]), all_bands[0])


# ---- backscatter ------------------------------------------------------------------------------------------------


def test_backscatter_is_the_sum_of_its_terms_and_the_noise_floor(even):
    """Base, greenness, moisture and wind in dB, and the floor of -22 dB added as power."""
    moist = even.condition(datetime(2021, 7, 1, 10, 30), 0)._replace(moisture=0.5, wind_db=1.5)
    image = even.backscatter(moist).astype(np.float64)
    green = {cover: moist.green[even.layout.classes == cover][0] for cover in (3, 4)}
    expected = {
        1: (-19 + 1.5, -26), 3: (-9 - 0.5 * green[3] + 0.25, -15.5 + green[3] + 0.15),
        4: (-12.5 + 0.5 * green[4] + 1, -19.5 + 1.5 * green[4] + 0.5), 6: (-13 + 1.5, -22 + 0.75), 7: (-4.85, -11.9),
        8: (-13.5, -20.75),
    }  # fmt: skip
    for cover, decibels in expected.items():
        power = 10 ** (np.array(decibels) / 10) + 10**-2.2
        np.testing.assert_allclose(image[even.layout.land_cover == cover].mean(axis=0), power, rtol=1e-4)


def test_reflectance_and_backscatter_have_the_same_state(plain):
    """Near infrared is predictable from VV and VH of the same cell, not perfectly, and not from those of another."""
    radar, infrared = [], []
    for number in range(100):
        scene = SyntheticScene(plain(64, n_polygons=60, min_area_px=4, instance_variation=1.0), SEED, number)
        date = NOON + timedelta(days=int(stream(SEED, "dates", number).integers(0, 365)))
        condition = scene.condition(date, 0)
        cell = scene.layout.instance.ravel()
        areas = np.bincount(cell)[1:]
        scattered = 10 * np.log10(scene.backscatter(condition).astype(np.float64))
        reflected = scene.reflectance(condition, [B8])[..., 0]
        radar.append(
            np.stack([np.bincount(cell, scattered[..., band].ravel())[1:] / areas for band in range(2)], axis=1)
        )
        infrared.append(np.bincount(cell, reflected.ravel())[1:] / areas)
    x, y = np.concatenate(radar), np.concatenate(infrared)
    assert len(x) == 6000

    def score(inputs: np.ndarray) -> float:
        folds = GroupKFold(5)  # of whole scenes, as the cells of a scene share their date
        scenes = np.repeat(np.arange(100), 60)
        return r2_score(y, cross_val_predict(KNeighborsRegressor(50), inputs, y, cv=folds, groups=scenes))

    assert 0.6 <= score(x) < 0.97
    assert score(np.random.default_rng(SEED).permutation(x)) <= 0.05


def test_a_condition_is_of_every_instance(even):
    condition = even.condition(NOON, 0)
    assert isinstance(condition, Condition)
    assert condition.green.shape == even.layout.classes.shape
    assert len(land_covers()) == 8
