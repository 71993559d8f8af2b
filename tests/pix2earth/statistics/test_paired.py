"""Paired statistics: known values, and simulations of correlated tiles and of seeds."""

import numpy as np
import pytest
from scipy import stats

from pix2earth.statistics import bootstrap
from pix2earth.statistics.autocorrelation import morans_i
from pix2earth.statistics.blocks import of_labels
from pix2earth.statistics.paired import PairedDifference, corrected, differences
from pix2earth.statistics.significance import holm, sign_flips, signed_rank

NAN = float("nan")
TILES = of_labels([f"{block} " for block in range(10) for _ in range(6)])


def scores(*values) -> np.ndarray:
    """Return scores (seed, tile, 1) of one list of scores for each seed."""
    return np.asarray(values, float)[..., None]


def null(random, blocks=12, tiles=15):
    """Return differences without an effect: tiles of one block share half of their variance."""
    return (random.normal(size=(blocks, 1)) + random.normal(size=(blocks, tiles))).reshape(-1)


class TestBlocks:
    def test_sums_and_means_of_blocks_in_any_order(self):
        blocks = of_labels(["b", "a", "b", "c", "a"])
        values = np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 0.0, 6.0, 0.0, 1.0]])
        np.testing.assert_array_equal(blocks.sums(values), [[7, 4, 4], [1, 6, 0]])
        np.testing.assert_array_equal(blocks.means(values), [[3.5, 2, 4], [0.5, 3, 0]])


class TestInterval:
    def test_it_contains_the_mean_and_is_wide_as_the_block_means_vary(self):
        means = np.linspace(-1, 1, 10)
        low, high = bootstrap.interval(scores(np.repeat(means, 6)), None, TILES)
        half = stats.t.ppf(0.975, 9) * means.std(ddof=1) / np.sqrt(10)
        assert low[0] == pytest.approx(-half, rel=0.12) and high[0] == pytest.approx(half, rel=0.12)

    def test_a_difference_is_paired(self):
        """Tiles differ by far more than methods, which does not matter."""
        difficulty = np.random.default_rng(0).normal(0, 100, 60)
        low, high = bootstrap.interval(scores(difficulty + 1), scores(difficulty), TILES)
        np.testing.assert_allclose([low[0], high[0]], 1)

    @pytest.mark.parametrize("count", [1, 4])
    def test_there_is_none_of_few_blocks(self, count):
        low, high = bootstrap.interval(scores(range(count)), None, of_labels([str(n) for n in range(count)]))
        assert np.isnan([low, high]).all()

    def test_it_is_the_same_every_time(self):
        values = scores(np.random.default_rng(1).normal(size=60), np.random.default_rng(2).normal(size=60))
        again = [bootstrap.interval(values, None, TILES) for _ in range(2)]
        np.testing.assert_array_equal(*again)


class TestSignificance:
    def test_ten_equal_signs(self):
        means = np.linspace(1, 2, 10)
        assert sign_flips(means) == pytest.approx(2 / 2**10)
        assert signed_rank(means) == pytest.approx(2 / 2**10)

    @pytest.mark.parametrize("count", [9, 20])
    def test_scipy_says_the_same(self, count):
        means = np.random.default_rng(count).normal(0.3, 1, (3, count))
        for each, p in zip(means, sign_flips(means), strict=True):
            expected = stats.permutation_test((each,), np.mean, permutation_type="samples", rng=1).pvalue
            assert p == pytest.approx(expected, abs=1e-12 if count == 9 else 0.02)

    def test_below_eight_blocks_there_is_no_p(self):
        assert np.isnan(sign_flips(np.ones(7))) and np.isnan(signed_rank(np.ones(7)))
        assert sign_flips(np.arange(1.0, 9)) == pytest.approx(2 / 2**8)

    def test_no_difference_at_all(self):
        assert sign_flips(np.zeros(9)) == 1 and signed_rank(np.zeros(9)) == 1

    def test_holm_by_hand(self):
        np.testing.assert_allclose(holm([0.01, NAN, 0.04, 0.03]), [0.03, NAN, 0.06, 0.06])


class TestMoran:
    POSITIONS = np.array([(x, y) for x in range(8) for y in range(8)], float) * 960

    def test_a_gradient_is_alike_and_noise_is_not(self):
        noise = np.random.default_rng(3).normal(size=64)
        assert morans_i(self.POSITIONS[:, 0], self.POSITIONS) > 0.6
        assert abs(morans_i(noise, self.POSITIONS)) < 0.15

    def test_a_small_grid_by_hand(self):
        """Three in a row: 1, 0, -1; both pairs of neighbours have the product 0."""
        positions = np.array([[0.0, 0], [1, 0], [2, 0]])
        assert morans_i(np.array([1.0, 0, -1]), positions) == 0
        assert morans_i(np.array([1.0, -1, 1, -1]), np.array([[0.0, 0], [1, 0], [2, 0], [3, 0]])) == -1

    def test_it_is_undefined_without_positions_or_without_differences(self):
        assert np.isnan(morans_i(np.arange(64.0), np.full((64, 2), NAN)))
        assert np.isnan(morans_i(np.ones(64), self.POSITIONS))

    def test_several_dates_of_one_place(self):
        twice = np.repeat(self.POSITIONS, 2, axis=0)
        assert morans_i(np.repeat(self.POSITIONS[:, 0], 2), twice) > 0.6


class TestDifferences:
    def test_values_by_hand(self):
        first = scores(np.repeat(np.arange(10) - 1.0, 6))
        (found,) = differences(first, scores(np.zeros(60)), TILES, [False])
        assert found.mean == 3.5 and found.tiles == 60 and found.blocks == 10
        assert found.wins == found.block_wins == pytest.approx(0.85)  # nine of ten, one of them equal
        assert np.isnan(found.seeds) and found.decision == "better"

    def test_lower_can_be_better(self):
        first = scores(np.repeat(np.linspace(1, 2, 10), 6))
        assert differences(first, scores(np.zeros(60)), TILES, [True])[0].decision == "worse"
        assert differences(scores(np.zeros(60)), first, TILES, [True])[0].decision == "better"

    def test_many_comparisons_are_corrected(self):
        means = np.array([2.0, 1.5, 1.0, 1.0, 0.8, 0.6, 0.5, 0.3, -0.4, -0.5])
        alone = differences(scores(np.repeat(means, 6)), scores(np.zeros(60)), TILES, [False])[0]
        assert 0.0025 < alone.p < 0.05 and alone.decision == "better"
        assert corrected([alone] * 20)[0].decision == "open"

    def test_what_differs_by_less_than_seeds_do_is_equal(self):
        base = np.random.default_rng(5).normal(size=60)
        first = scores(base + 0.4, base - 0.3, base + 0.1)
        found = differences(first, scores(base), TILES, [False])[0]
        assert found.seeds == pytest.approx(np.std([0.4, -0.3, 0.1], ddof=1))
        assert found.decision == "equal"
        assert differences(first + 5, scores(base), TILES, [False])[0].decision == "better"

    def test_few_blocks_have_values_without_a_p(self):
        blocks = of_labels(["a"] * 5 + ["b"] * 5)
        found = differences(scores(np.arange(10.0)), scores(np.zeros(10)), blocks, [False])[0]
        assert found.mean == 4.5 and found.wins == pytest.approx(0.95)
        assert np.isnan([found.p, found.wilcoxon, found.low]).all() and found.decision == "open"

    def test_the_fields_are_all_set(self):
        assert len(PairedDifference._fields) == len(
            differences(scores(np.ones(60)), scores(np.zeros(60)), TILES, [True])[0]
        )


class TestSimulations:
    """Fixed seeds; the numbers of rejections are far from the limits that they are tested by."""

    def test_tiles_as_units_reject_true_hypotheses_too_often_and_blocks_do_not(self):
        random = np.random.default_rng(6)
        blocks, tiles = of_labels(np.repeat(np.arange(12), 15)), of_labels(np.arange(180))
        naive, covered, rejected, by_rank, trials = 0, 0, 0, 0, 200
        for _ in range(trials):
            values = scores(null(random))
            low, high = bootstrap.interval(values, None, tiles)
            naive += int(not low[0] <= 0 <= high[0])
            low, high = bootstrap.interval(values, None, blocks)
            covered += int(low[0] <= 0 <= high[0])
            means = blocks.means(values[0, :, 0])
            rejected += int(sign_flips(means) < 0.05)
            by_rank += int(signed_rank(means) < 0.05)
        assert naive / trials > 0.3
        assert 0.01 <= rejected / trials <= 0.09 and 0.01 <= by_rank / trials <= 0.09
        assert 0.91 <= covered / trials <= 0.99

    def test_an_effect_is_found(self):
        random = np.random.default_rng(7)
        blocks = of_labels(np.repeat(np.arange(12), 15))
        found = [sign_flips(blocks.means(null(random) + 1.2)) < 0.05 for _ in range(40)]
        assert np.mean(found) > 0.8

    def test_seeds_of_one_method_are_not_two_methods(self):
        """A pair of single runs differs by its seeds; intervals over blocks and seeds allow for it."""
        random = np.random.default_rng(8)
        blocks = of_labels(np.repeat(np.arange(12), 4))
        single, hierarchical, called, trials = 0, 0, 0, 100
        for _ in range(trials):
            tiles = random.normal(0, 3, 48)
            # One mean of each seed, and small noise of its tiles.
            runs = tiles + random.normal(0, 1, (8, 1)) + random.normal(0, 0.3, (8, 48))
            low, high = bootstrap.interval(runs[:1, :, None], runs[4:5, :, None], blocks)
            single += int(not low[0] <= 0 <= high[0])
            low, high = bootstrap.interval(runs[:4, :, None], runs[4:, :, None], blocks)
            hierarchical += int(not low[0] <= 0 <= high[0])
            found = differences(runs[:4, :, None], runs[4:, :, None], blocks, [False])[0]
            called += int(found.decision in ("better", "worse"))
        assert single / trials > 0.7
        assert hierarchical / trials < 0.15
        assert called / trials < 0.1
