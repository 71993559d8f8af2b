"""Metadata of products, the newest product of each observation, and the journal of an interrupted run."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shapely import box

from pix2earth.settings.errors import UserError
from preprocessing.scenes import observations
from preprocessing.scenes.observations import Observation, newest, observe, observe_all
from tests.products import write_safe, write_sen3

HERE = {"workers": 1, "scheduler": None}


def scene(baseline: str = "02.04", last: str = "20170314T172245", ground=(0, 0, 1, 1), **changes) -> Observation:
    digits = baseline.replace(".", "")
    observation = Observation(
        f"S2A_MSIL1C_20170314T172251_N{digits}_R012_T17XNA_{last}.SAFE", "2017-03-14T17:22:51+00:00", "L1C", "S2A",
        "T17XNA", f"{baseline} {last}", box(*ground).wkt, "2017-03-14T17:52:51+00:00",
    )  # fmt: skip
    return observation._replace(**changes)


def frame(timeliness: str = "NT", created: str = "20220419T213709", collection: str = "002", **changes) -> Observation:
    observation = Observation(
        f"S3A_OL_1_EFR____20220418T162117_20220418T162417_{created}_0179_084_197_1800_MAR_O_{timeliness}_{collection}.SEN3",
        "2022-04-18T16:21:17.123+00:00", "EFR", "S3A", "",
        f"{2 if timeliness == 'NT' else 0} {collection} {created}", box(0, 0, 9, 9).wkt,
        "2022-04-18T16:24:17.123+00:00",
    )  # fmt: skip
    return observation._replace(**changes)


class TestNewest:
    def test_of_several_baselines_the_newest_is_kept(self):
        versions = [scene("05.10"), scene("02.04"), scene("04.00"), scene("02.04", "20190101T000000")]
        kept, replaced = newest(versions)
        assert kept == [scene("05.10")]
        assert sorted(old.version for old, _ in replaced) == [
            "02.04 20170314T172245", "02.04 20190101T000000", "04.00 20170314T172245",
        ]  # fmt: skip
        assert all(new == scene("05.10") for _, new in replaced)

    def test_of_one_baseline_the_last_processed_is_kept(self):
        kept, _ = newest([scene(last="20190101T000000"), scene()])
        assert kept == [scene(last="20190101T000000")]

    def test_both_parts_of_a_datatake_are_kept(self):
        """At a seam between ground stations one tile comes in two products that show different ground."""
        kept, replaced = newest([scene(ground=(0, 0, 1, 0.6)), scene(last="20170314T172301", ground=(0, 0.5, 1, 1))])
        assert len(kept) == 2 and not replaced

    @pytest.mark.parametrize(
        "changes",
        [
            {"satellite": "S2B"},
            {"tile": "T17XNB"},
            {"kind": "L2A"},
            {"time": "2017-03-14T19:03:00+00:00", "until": "2017-03-14T19:33:00+00:00"},
        ],
    )
    def test_other_observations_are_kept(self, changes):
        assert len(newest([scene(), scene("05.10", **changes)])[0]) == 2

    def test_of_frames_not_time_critical_ones_are_kept(self):
        kept, replaced = newest([frame(), frame("NR", "20220501T000000"), frame(created="20220418T000000")])
        assert kept == [frame()] and len(replaced) == 2
        assert len(newest([frame(), frame(satellite="S3B")])[0]) == 2

    @pytest.mark.parametrize("old", ["02.04", "05.11"])
    @pytest.mark.parametrize("ground", [(0.8, 0, 1, 1), (0, 0, 0.93, 1)])
    def test_a_part_of_the_ground_never_replaces_all_of_it(self, old, ground):
        whole, part = scene(old), scene("05.10", ground=ground)
        kept, ((left, reason),) = newest([part, whole])
        assert (kept, left, reason) == ([whole], part, whole)
        shown = "which shows a part of" if old < "05.10" else "is a newer version"
        assert shown in observations.left_out(left, reason)

    def test_names_and_seconds_do_not_matter(self):
        """Products in the naming of before December 2016 begin with the time of their creation."""
        old = scene("02.04", product="S2A_OPER_PRD_MSIL1C_PDMC_20170315T202305_R012_V20170314T172251_x.SAFE")
        shifted = scene("02.05", time="2017-03-14T17:22:52+00:00", until="2017-03-14T17:52:52+00:00")
        kept, replaced = newest([scene("05.10"), old, shifted])
        assert kept == [scene("05.10")] and len(replaced) == 2

    def test_of_collections_the_newest_is_kept_though_their_frames_begin_at_other_times(self):
        later = {"time": "2022-04-18T16:21:22.123+00:00", "until": "2022-04-18T16:24:22.123+00:00"}
        newer = frame(created="20220501T000000", collection="003", footprint=box(0, 0.2, 9, 9.2).wkt, **later)
        near_real_time = frame("NR", "20220601T000000", time="2022-04-18T16:21:18+00:00", collection="004")
        kept, replaced = newest([frame(), newer, near_real_time])
        assert kept == [newer] and len(replaced) == 2

    def test_consecutive_frames_are_kept(self):
        following = frame(
            time="2022-04-18T16:24:17.123+00:00", until="2022-04-18T16:27:17.123+00:00", footprint=box(0, 9, 9, 18).wkt
        )
        assert len(newest([frame(), following, frame("NR")])[0]) == 2


class TestReading:
    def test_a_scene(self, tmp_path):
        path = write_safe(tmp_path, baseline="04.00", bands=())
        observation = observe(tmp_path, "T17XNA", path.name)
        assert observation.sensed == datetime(2020, 7, 2, 17, 29, 1, tzinfo=UTC)
        assert (observation.kind, observation.satellite, observation.tile, observation.version[:5]) == (
            "L1C",
            "S2A",
            "T17XNA",
            "04.00",
        )
        assert observation.geometry.area > 0

    def test_a_frame_in_a_zip(self, tmp_path):
        path = write_sen3(tmp_path, platform="S3B", zipped=True)
        observation = observe(tmp_path, None, path.name)
        assert observation.sensed == datetime(2020, 7, 2, 16, 14, 1, tzinfo=UTC)
        assert (observation.kind, observation.satellite, observation.version) == (
            "EFR",
            "S3B",
            f"2 002 {path.name[48:63]}",
        )

    def test_a_tile_of_a_product_of_many(self, tmp_path):
        path = write_safe(tmp_path, long_naming=True, other_tiles=["T17XNB"], bands=())
        assert observe(tmp_path, "T17XNB", path.name).tile == "T17XNB"

    def test_a_product_without_footprint_is_an_error(self, tmp_path):
        path = write_safe(tmp_path, footprint=[(60, 10), (61, 11), (60, 10)], bands=())
        with pytest.raises(UserError, match=f"{path.name}"):
            observe(tmp_path, "T17XNA", path.name)


class TestJournal:
    @pytest.fixture
    def products(self, tmp_path) -> list[Path]:
        return [write_safe(tmp_path / "s2", sensing=f"2020070{day}T172901", bands=()) for day in (1, 2, 3)]

    @pytest.fixture
    def reads(self, monkeypatch) -> list[str]:
        read: list[str] = []

        def counting(root, tile, product):
            read.append(product)
            return observe(root, tile, product)

        monkeypatch.setattr(observations, "observe", counting)
        return read

    def test_products_in_the_journal_are_not_read_again(self, tmp_path, products, reads):
        journal = tmp_path / "journal"
        first, _ = observe_all(tmp_path / "s2", "T17XNA", products[:2], journal, title="x", **HERE)
        every, failures = observe_all(tmp_path / "s2", "T17XNA", products, journal, title="x", **HERE)
        assert reads == [path.name for path in products]
        assert every[:2] == first and len(every) == 3 and not failures

    def test_products_of_incomplete_lines_are_read_again(self, tmp_path, products, reads):
        journal = tmp_path / "journal"
        uninterrupted, _ = observe_all(tmp_path / "s2", "T17XNA", products, journal, title="x", **HERE)
        journal.write_bytes(journal.read_bytes()[:-40])
        for _ in range(2):
            again, _ = observe_all(tmp_path / "s2", "T17XNA", products, journal, title="x", **HERE)
            assert again == uninterrupted
        assert len(reads) == 4

    def test_a_product_that_has_changed_is_read_again(self, tmp_path, products, reads):
        journal = tmp_path / "journal"
        observe_all(tmp_path / "s2", "T17XNA", products, journal, title="x", **HERE)
        os.utime(products[1], (1, 1))
        observe_all(tmp_path / "s2", "T17XNA", products, journal, title="x", **HERE)
        assert reads[3:] == [products[1].name]
