"""Splits by date and by block."""

import collections

import numpy as np
import pytest

from pix2earth.records.splitting.leaks import GroundExtent, Leak, refuse_leaks, sharing_ground_and_date
from pix2earth.records.splitting.splits import Shares, by_block, by_group
from pix2earth.settings.errors import UserError

DATES = {f"{date}_{number}": f"2020-07-{date:02d}" for date in range(1, 21) for number in range(5)}


@pytest.mark.parametrize("shares", [Shares(0.95), Shares(0.8, 0.1), Shares(0.5, 0.25)])
def test_dates_stay_together_and_shares_are_met(shares):
    splits = by_group(DATES, shares, 0)
    counts = collections.Counter(splits[date] for date in DATES.values())
    assert counts["train"] == pytest.approx(100 * shares.train)
    assert counts["test"] == pytest.approx(100 * shares.test)
    assert counts["val"] == pytest.approx(100 * (1 - shares.train - shares.test))
    assert splits == by_group(DATES, shares, 0)
    assert splits != by_group(DATES, shares, 1)


def test_two_dates_are_one_for_each_side():
    groups = dict.fromkeys("abcdefgh", "long") | {"i": "short"}
    assert by_group(groups, Shares(0.95), 0) == {"long": "train", "short": "val"}
    assert by_group(dict.fromkeys("ab", "one"), Shares(0.95), 0) is None
    assert by_group({"a": "one", "b": "two"}, Shares(0.8, 0.1), 0) is None
    assert by_group({"a": "one", "b": "two"}, Shares(1.0), 0) == {"one": "train", "two": "train"}


def test_shares_must_add_up():
    with pytest.raises(UserError, match="add up to at most 1"):
        Shares(0.9, 0.2).check()
    with pytest.raises(UserError, match="train_ratio 0"):
        Shares(0.0).check()


def ground(boxes, splits, date="2020-07-01"):
    return [
        GroundExtent(splits[name], name, date, "EPSG:32617", (10, 0, left, 0, -10, top))
        for name, (left, _, _, top) in boxes.items()
        if name in splits
    ]


def test_blocks_share_no_ground_whatever_the_date():
    random = np.random.default_rng(0)
    corners = random.integers(0, 19360, (600, 2))
    boxes = {str(i): (x, y, x + 640, y + 640) for i, (x, y) in enumerate(corners.tolist())}
    splits = by_block(boxes, 2560, Shares(0.8, 0.1), seed=0)
    assert set(splits.values()) == {"train", "val", "test"}
    assert 300 < len(splits) < 600
    # An independent look: paint the ground of each split, pixel by pixel.
    painted = {split: np.zeros((2000, 2000), bool) for split in ("train", "val", "test")}
    for name, split in splits.items():
        left, bottom, right, top = (value // 10 for value in boxes[name])
        painted[split][bottom + 1 : top, left + 1 : right] = True
    assert not (sum(map(np.int8, painted.values())) > 1).any()
    line = refuse_leaks(ground(boxes, splits), 64, any_date=True)
    assert line.startswith(f"no leak: {len(splits)} tiles on 1 date; no two in different splits overlap")


def test_leaks_are_found_by_date_or_at_any_date():
    one = GroundExtent("train", "a", "2020-07-01", "EPSG:32617", (10, 0, 500000, 0, -10, 8100000))
    other = GroundExtent("val", "b", "2020-07-02", "EPSG:32617", (10, 0, 500630, 0, -10, 8100000))
    beside = other._replace(transform=(10, 0, 500640, 0, -10, 8100000), date=one.date)
    assert "no date is in several splits" in refuse_leaks([one, other], 64)
    with pytest.raises(Leak, match="train/a and val/b share ground on 2020-07-01 and 2020-07-02"):
        refuse_leaks([one, other], 64, any_date=True)
    with pytest.raises(Leak, match="share ground on 2020-07-01"):
        refuse_leaks([one, other._replace(date=one.date)], 64)
    assert "1 of the dates are in several splits" in refuse_leaks([one, beside], 64)


def test_leaks_are_found_across_zones():
    # The place at 84 degrees west, on the border of zones 16 and 17: in both zones 3 degrees from the middle.
    import pyproj

    x, y = pyproj.Transformer.from_crs(4326, 32617, always_xy=True).transform(-84.0, 60.0)
    u, v = pyproj.Transformer.from_crs(4326, 32616, always_xy=True).transform(-84.0, 60.0)
    one = GroundExtent("train", "a", "2020-07-01", "EPSG:32617", (10, 0, x, 0, -10, y))
    other = GroundExtent("val", "b", "2020-07-01", "EPSG:32616", (10, 0, u, 0, -10, v))
    with pytest.raises(Leak):
        refuse_leaks([one, other], 64)
    far = other._replace(transform=(10, 0, u + 2000, 0, -10, v))
    assert refuse_leaks([one, far], 64).startswith("no leak")


def test_tiles_that_share_ground_and_date_are_named_once():
    def extents(name, left, *dates):
        return [GroundExtent("val", name, date, "EPSG:32617", (10, 0, left, 0, -10, 8100000)) for date in dates]

    others = [*extents("x", 500000, "2020-07-01", "2020-07-03"), *extents("y", 509000, "2020-07-02")]
    tiles = [
        *extents("beside", 500640, "2020-07-01"),
        *extents("overlapping", 500630, "2020-07-01", "2020-07-03"),
        *extents("same ground", 500000, "2020-07-02"),
        *extents("another one", 509000, "2020-07-01", "2020-07-02"),
    ]
    assert sharing_ground_and_date(tiles, others, 64) == ["another one", "overlapping"]
