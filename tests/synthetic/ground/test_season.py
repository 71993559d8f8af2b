"""Day of year, greenness, soil moisture and position of the sun against formulas."""

import math
from datetime import datetime

import numpy as np
import pytest

from synthetic.ground import season
from synthetic.streams import stream
from synthetic.tables.land_cover import land_covers

DAYS = np.linspace(1, 366, 36501)
CURVES = [(cover.name, number) for cover in land_covers() for number in range(len(cover.seasons))]


def test_day_of_year_starts_at_1_and_includes_hours():
    assert season.day_of_year(datetime(2021, 1, 1)) == 1.0
    assert season.day_of_year(datetime(2021, 3, 1, 12)) == 60.5
    assert season.day_of_year(datetime(2024, 12, 31)) == 366.0


@pytest.mark.parametrize(("name", "number"), CURVES)
def test_greenness_crosses_half_at_green_up_and_senescence(name, number):
    """Within a day, as the two slopes do not overlap."""
    curve = next(cover for cover in land_covers() if cover.name == name).seasons[number]
    green = season.greenness(DAYS, curve.S[0], curve.A[0], curve.mS, curve.mA)
    up, down = DAYS[np.flatnonzero(np.diff(green > 0.5))]
    assert up == pytest.approx(curve.S[0], abs=1)
    assert down == pytest.approx(curve.A[0], abs=1)
    assert green.min() >= 0
    assert green.max() <= 1


def test_greenness_is_the_double_logistic():
    """Beck et al. 2006, day 150 of (120, 290, 0.15, 0.10)."""
    expected = 1 / (1 + math.exp(-4.5)) + 1 / (1 + math.exp(-14)) - 1
    assert season.greenness(150, 120, 290, 0.15, 0.10) == pytest.approx(expected, abs=1e-12)


class TestMoisture:
    def test_lies_between_0_and_1_and_falls_by_1_over_e_in_8_days(self):
        days = np.arange(1, 366, 0.25)
        moisture = np.array([season.moisture(stream(7, "moisture", 1, 2021), day) for day in days])
        assert moisture.min() > 0
        assert moisture.max() <= 1
        ratio, drying = moisture[1:] / moisture[:-1], math.exp(-0.25 / 8)
        dry = np.isclose(ratio, drying, rtol=1e-9)
        assert (ratio[~dry] > drying).all()  # after rain
        assert dry.mean() > 0.9

    def test_has_rain_every_six_days_on_average(self):
        days = np.arange(1, 366, 0.2)
        rains = 0
        for scene in range(8):
            moisture = np.array([season.moisture(stream(7, "moisture", scene, 2021), day) for day in days])
            rains += int((np.diff(moisture) > 0).sum())
        # Two rains within a fifth of a day are counted once; 488 expected, Poisson.
        assert rains / 8 == pytest.approx(365 / 6, rel=0.15)

    def test_has_the_mean_of_exponential_drying(self):
        """The time since the last rain is exponential with mean 6: E[exp(-t / 8)] = 8 / 14."""
        values = [season.moisture(stream(7, "moisture", scene, 2021), 200) for scene in range(3000)]
        assert np.mean(values) == pytest.approx(8 / 14, abs=0.02)


class TestSun:
    def test_at_equinox(self):
        """Declination 0: cos z = cos(latitude) cos(h); tan(azimuth from south) = tan(h) / sin(latitude)."""
        zenith, azimuth = season.sun(datetime(2021, 3, 22), 45.0)
        assert math.degrees(zenith) == pytest.approx(
            math.degrees(math.acos(math.cos(math.pi / 4) * math.cos(math.radians(22.5)))), abs=0.5
        )
        from_south = math.degrees(math.atan(math.tan(math.radians(22.5)) / math.sin(math.pi / 4)))
        assert math.degrees(azimuth) == pytest.approx(180 - from_south, abs=0.6)

    def test_is_in_the_south_east_and_higher_in_summer(self):
        zeniths = []
        for month in (12, 3, 6):
            zenith, azimuth = season.sun(datetime(2021, month, 21), 50.0)
            assert 110 < math.degrees(azimuth) < 170
            zeniths.append(zenith)
        assert zeniths[0] > zeniths[1] > zeniths[2]
        # At noon of midsummer the zenith angle is 50 - 23.45 degrees; at an hour angle of 22.5 degrees it is larger.
        assert 26.55 < math.degrees(zeniths[2]) < 40
