"""The latent scene: a true partition, its statistics, and reflectance and backscatter against formulas by hand."""

import math
from datetime import datetime, timedelta

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupKFold, cross_val_predict

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


def index(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one - other) / (one + other)


# ---- who owns what ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=range(5))
def place(request):
    """Five scenes as they come, with parcels, rivers and roads."""
    return scene_layout(Ground(), SEED, request.param)


def test_every_pixel_has_one_instance_and_all_instances_have_pixels(place):
    areas = np.bincount(place.instance.ravel())
    assert place.instance.min() == 1
    assert areas[1:].min() > 0
    assert areas.sum() == 256 * 256
    assert len(areas) == len(place.classes)


def test_only_rivers_and_roads_are_small(place):
    areas = np.bincount(place.instance.ravel())
    small = np.flatnonzero(areas[1:] < 16) + 1
    lines = 1 + 3  # at most one river and three roads, numbered last
    assert (small >= len(place.classes) - lines).all()
    assert set(place.classes[small]) <= {1, 7}


def test_every_instance_has_one_class(place):
    assert set(place.classes[1:]) <= set(range(1, 9))
    np.testing.assert_array_equal(place.land_cover, place.classes[place.instance])
    pairs = np.unique(np.stack([place.instance.ravel(), place.land_cover.ravel()]), axis=1)
    assert pairs.shape[1] == len(place.classes) - 1


def test_straight_cells_are_nearest_points(plain):
    """Against all distances, pixel by pixel."""
    for scene in range(5):
        found = scene_layout(plain(64, n_polygons=20), SEED, scene)
        points, _ = cells.draw_cells(stream(SEED, "points", scene), (64, 64), 20, 16, None)
        y, x = np.mgrid[:64, :64] + 0.5
        owner = ((x[..., None] - points[:, 0]) ** 2 + (y[..., None] - points[:, 1]) ** 2).argmin(axis=-1)
        np.testing.assert_array_equal(found.instance, owner + 1)


@pytest.mark.parametrize("wander", [0.0, 7.0])
def test_areas_of_cells_vary_as_those_of_a_poisson_voronoi_tessellation(plain, wander):
    """Theory: a coefficient of variation of 0.529."""
    variation = []
    for scene in range(50):
        areas = np.bincount(scene_layout(plain(edge_warp_px=wander), SEED, scene).instance.ravel())[1:]
        assert len(areas) == 60
        assert areas.mean() == 256 * 256 / 60
        variation.append(areas.std() / areas.mean())
    assert 0.45 <= np.mean(variation) <= 0.65


@pytest.fixture(scope="module")
def many(plain):
    """200 small scenes of 60 cells: classes (scene, cell), middle and point (scene, cell, 4) of each in pixels."""
    classes, middles = [], []
    for scene in range(200):
        found = scene_layout(plain(64, n_polygons=60, min_area_px=4), SEED, scene)
        areas = np.bincount(found.instance.ravel())[1:]
        y, x = np.mgrid[:64, :64]
        sums = [np.bincount(found.instance.ravel(), axis.ravel())[1:] for axis in (x, y)]
        classes.append(found.classes[1:])
        points, _ = cells.draw_cells(stream(SEED, "points", scene), (64, 64), 60, 4, None)
        middles.append(np.concatenate([np.stack(sums, axis=-1) / areas[:, None], points], axis=1))
    return np.array(classes), np.array(middles)


def test_classes_are_as_frequent_as_their_prior(many):
    frequency = np.bincount(many[0].ravel(), minlength=9)[1:] / many[0].size
    assert np.abs(frequency - PRIOR).max() < 0.015


def test_with_exact_prior_every_scene_has_its_shares(plain):
    for scene in range(20):
        found = scene_layout(plain(64, n_polygons=60, min_area_px=4, exact_prior=True), SEED, scene)
        counts = np.bincount(found.classes[1:], minlength=9)[1:]
        assert np.abs(counts - PRIOR * 60).max() < 1


def test_classes_know_nothing_of_geometry(many):
    water = (many[0] == 1).ravel()
    for axis in range(4):
        assert abs(np.corrcoef(water, many[1][..., axis].ravel())[0, 1]) < 0.03


def test_scenes_and_seeds_differ():
    found = [scene_layout(Ground(), seed, scene).instance for seed, scene in ((0, 0), (0, 1), (1, 0))]
    assert len({array.tobytes() for array in found}) == 3
    np.testing.assert_array_equal(scene_layout(Ground(), 0, 1).instance, found[1])


def test_a_scene_need_not_be_square():
    wide = scene_layout(Ground(size=Size(width=120, height=50), n_polygons=20), SEED, 0)
    assert wide.instance.shape == (50, 120)


# ---- texture ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def textures(plain):
    """Texture (scene, band, height, width) of forests in three bands, around 0."""
    ground = plain(64, n_polygons=4, class_prior={"conifer": 1.0}, texture=1.0)
    scenes = [SyntheticScene(ground, SEED, number) for number in range(400)]
    return np.stack([[scene.texture_factor(band) for band in (0, 5, 11)] for scene in scenes]).astype(np.float64) - 1


def test_texture_is_as_strong_as_the_table_says(textures):
    assert textures.mean() == pytest.approx(0, abs=0.01)
    assert np.sqrt((textures**2).mean()) == pytest.approx(0.04, rel=0.02)


def test_bands_have_so_much_of_their_texture_in_common(textures):
    """At all scales: of neighbouring pixels' differences too."""
    for field in (textures, np.diff(textures, axis=-1), np.diff(textures, axis=-2)):
        for one, other in ((0, 1), (0, 2), (1, 2)):
            common = (field[:, one] * field[:, other]).mean() / (field**2).mean()
            assert common == pytest.approx(0.7, abs=0.03)


# ---- reflectance ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(4))
def test_reflectance_is_possible(number):
    scene = SyntheticScene(Ground(), SEED, number)
    for month in (1, 7):
        image = scene.reflectance(scene.condition(datetime(2021, month, 15, 10, 30), month))
        assert image.min() >= 0
        assert image.max() <= 1.1
        assert image[scene.layout.land_cover < 8].max() < 0.75


def spectra(scene: SyntheticScene, date: datetime, number: int = 0) -> np.ndarray:
    """Return the mean reflectance (class, 12) of each class 1 to 8 of a scene on a date."""
    image = scene.reflectance(scene.condition(date, number)).astype(np.float64)
    return np.array([image[scene.layout.land_cover == cover].mean(axis=0) for cover in range(1, 9)])


@pytest.fixture(scope="module")
def even(plain):
    """A scene of all classes, without texture and differences between instances."""
    return SyntheticScene(
        plain(128, n_polygons=64, exact_prior=True, class_prior={name: 1 / 8 for name in NAMES}), SEED, 0
    )


@pytest.mark.parametrize("day", [20, 110, 140, 200, 295])
def test_classes_reflect_what_the_mixing_formula_says(even, day):
    """Peak and dormant spectra of B4 and B8, season and wet soil, by hand."""
    date = NOON + timedelta(days=day - 1)
    t = day + 10.5 / 24

    def green(S: float, A: float, mS: float, mA: float) -> float:
        return max(0.0, 1 / (1 + math.exp(-mS * (t - S))) + 1 / (1 + math.exp(mA * (t - A))) - 1)

    dry = 1 - 0.35 * even.condition(date, 0).moisture
    found = spectra(even, date)[:, [B4, B8]]
    mixtures = {
        "conifer": ((0.021, 0.215), (0.037, 0.228), (110, 300, 0.05, 0.05)),
        "broadleaf": ((0.028, 0.383), (0.081, 0.226), (120, 290, 0.15, 0.10)),
        "grass": ((0.022, 0.373), (0.084, 0.264), (95, 285, 0.08, 0.06)),
    }
    for name, (peak, dormant, season) in mixtures.items():
        g = green(*season)
        wanted = np.array(dormant) + g * (np.array(peak) - np.array(dormant))
        np.testing.assert_allclose(found[NAMES.index(name)], wanted, rtol=0.02)
    static = {
        "water": (0.017, 0.015),
        "urban": (0.200, 0.243),
        "snow": (0.904, 0.846),
        "soil": (0.181 * dry, 0.267 * dry),
    }
    for name, wanted in static.items():
        np.testing.assert_allclose(found[NAMES.index(name)], wanted, rtol=0.02)
    # Half of the fields, not of the pixels, have each crop: look at them one by one.
    image = even.reflectance(even.condition(date, 0))
    crops = image[even.layout.land_cover == 5][:, [B4, B8]].astype(np.float64)
    wanted = []
    for season in ((95, 190, 0.08, 0.25), (160, 260, 0.10, 0.12)):
        g = green(*season)
        wanted.append([g * peak + (1 - g) * bare * dry for peak, bare in ((0.022, 0.181), (0.451, 0.267))])
    distance = np.abs(crops[:, None] / np.array(wanted)[None] - 1).max(axis=-1)
    assert distance.min(axis=1).max() < 0.02
    assert len(np.unique(distance.argmin(axis=1))) == 2 or np.allclose(*wanted, rtol=0.02)


@pytest.fixture(scope="module")
def year(even):
    """NDVI (day, class) over a year, and the snow index of snow."""
    days = np.arange(0, 365, 3)
    found = np.array([spectra(even, NOON + timedelta(days=int(day))) for day in days])
    return days + 1, index(found[..., B8], found[..., B4]), index(found[:, 7, B3], found[:, 7, B11])


def test_broadleaf_forests_green_up_and_fade(year):
    days, ndvi, _ = year
    leaves = ndvi[:, NAMES.index("broadleaf")]
    assert leaves[0] == pytest.approx(0.47, abs=0.02)
    assert leaves.max() == pytest.approx(0.87, abs=0.02)
    assert 150 <= days[leaves.argmax()] <= 250


def test_needles_and_ground_change_little_over_the_year(year):
    _, ndvi, snow = year
    conifer, water, soil, urban = (ndvi[:, NAMES.index(name)] for name in ("conifer", "water", "soil", "urban"))
    assert np.ptp(conifer) <= 0.12
    assert water.max() <= 0
    assert soil.min() >= 0.15
    assert soil.max() <= 0.25
    assert urban.max() <= 0.15
    assert snow.min() >= 0.7


def test_snow_lies_in_winter_on_land_but_not_on_towns_and_water(plain):
    ground = plain(64, n_polygons=32, exact_prior=True, class_prior={name: 1 / 8 for name in NAMES}, snow_cover=1.0)
    scene = SyntheticScene(ground, SEED, 0)
    winter, summer = spectra(scene, datetime(2021, 1, 15), 0), spectra(scene, datetime(2021, 7, 15), 1)
    land = [NAMES.index(name) for name in ("conifer", "broadleaf", "grass", "crop", "soil")]
    assert (winter[land, B3] > 0.25).all()
    assert (summer[land, B3] < 0.15).all()
    np.testing.assert_allclose(winter[[0, 6, 7], B3], summer[[0, 6, 7], B3], rtol=1e-5)


def test_instances_of_a_class_differ_as_the_table_says(plain):
    """Log-normal brightness: 0.06, towns 0.15; in the near infrared vegetation varies by 0.08 more."""
    for name, band, wanted in (("conifer", B4, 0.06), ("conifer", B8, 0.10), ("urban", B8, 0.15)):
        ground = plain(256, n_polygons=400, min_area_px=4, class_prior={name: 1.0}, instance_variation=1.0)
        scene = SyntheticScene(ground, SEED, 0)
        # Seasons vary too: a day on which all are dormant.
        values = scene.instance_reflectance(scene.condition(datetime(2021, 1, 2), 0)._replace(moisture=0.0))[1:, band]
        assert np.log(values).std() == pytest.approx(wanted, rel=0.12)


def test_what_is_asked_first_changes_nothing():
    one, other = SyntheticScene(Ground(), SEED, 3), SyntheticScene(Ground(), SEED, 3)
    conditions = [one.condition(NOON + timedelta(days=30 * number), number) for number in range(2)]
    all_bands = [one.reflectance(condition) for condition in conditions]
    np.testing.assert_array_equal(other.reflectance(conditions[1], [7, 2]), all_bands[1][..., [7, 2]])
    np.testing.assert_array_equal(other.reflectance(conditions[0]), all_bands[0])


# ---- backscatter ------------------------------------------------------------------------------------------------


def test_backscatter_is_the_sum_of_its_terms_and_the_noise_floor(even):
    """Base, greenness, moisture and wind in dB by hand, the floor of -22 dB added as power."""
    moist = even.condition(datetime(2021, 7, 1, 10, 30), 0)._replace(moisture=0.5, wind_db=1.5)
    image = even.backscatter(moist).astype(np.float64)
    green = {cover: moist.green[even.layout.classes == cover][0] for cover in (3, 4)}
    wanted = {
        1: (-19 + 1.5, -26), 3: (-9 - 0.5 * green[3] + 0.25, -15.5 + green[3] + 0.15),
        4: (-12.5 + 0.5 * green[4] + 1, -19.5 + 1.5 * green[4] + 0.5), 6: (-13 + 1.5, -22 + 0.75), 7: (-4.85, -11.9),
        8: (-13.5, -20.75),
    }  # fmt: skip
    for cover, decibels in wanted.items():
        power = 10 ** (np.array(decibels) / 10) + 10**-2.2
        np.testing.assert_allclose(image[even.layout.land_cover == cover].mean(axis=0), power, rtol=1e-4)


def test_optical_and_radar_see_one_state(plain):
    """Near infrared is predictable from VV and VH of the same cell, not perfectly, and not from those of another."""
    radar, infrared = [], []
    for number in range(100):
        scene = SyntheticScene(plain(64, n_polygons=60, min_area_px=4, instance_variation=1.0), SEED, number)
        date = NOON + timedelta(days=int(stream(SEED, "dates", number).integers(0, 365)))
        condition = scene.condition(date, 0)
        owner = scene.layout.instance.ravel()
        areas = np.bincount(owner)[1:]
        scattered = 10 * np.log10(scene.backscatter(condition).astype(np.float64))
        reflected = scene.reflectance(condition, [B8])[..., 0]
        radar.append(np.stack([np.bincount(owner, scattered[..., at].ravel())[1:] / areas for at in range(2)], axis=1))
        infrared.append(np.bincount(owner, reflected.ravel())[1:] / areas)
    x, y = np.concatenate(radar), np.concatenate(infrared)
    assert len(x) == 6000

    def score(inputs: np.ndarray) -> float:
        folds = GroupKFold(5)  # of whole scenes: what is common to the cells of a scene helps nobody
        scenes = np.repeat(np.arange(100), 60)
        return r2_score(
            y, cross_val_predict(GradientBoostingRegressor(random_state=0), inputs, y, cv=folds, groups=scenes)
        )

    assert 0.6 <= score(x) < 0.97
    assert score(np.random.default_rng(SEED).permutation(x)) <= 0.05


def test_a_condition_is_of_every_instance(even):
    condition = even.condition(NOON, 0)
    assert isinstance(condition, Condition)
    assert condition.green.shape == even.layout.classes.shape
    assert len(land_covers()) == 8
