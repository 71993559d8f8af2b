"""Writing and reading the CSV file of an inventory, also that of the original ARISGAN code."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from experiment import Environment
from pix2earth.settings.errors import UserError
from preprocessing.scenes import inventory
from preprocessing.scenes.inventory import COLUMNS, Pair
from tests.product_roots import write_environment

NOON = datetime(2020, 7, 2, 12, tzinfo=UTC)
ORIGINAL = """\
,index,year,month,s2,s2date,s3,s3date,timediff,s3filetype,overlap
0,0,2017,3,S2A_a.SAFE,2017-03-14 17:22:51,S3A_x.SEN3,2017-03-14 19:22:51,-1 days +22:00:00,SEN3,0.75
1,1,2017,3,S2A_a.SAFE,2017-03-14 17:22:51,S3A_y.SEN3,2017-03-14 16:22:51,0 days 01:00:00,SEN3,0.25
2,5,2017,3,S2A_b.SAFE,2017-03-15 17:22:51.5,S3A_z.zip,2017-03-15 07:22:51,0 days 10:00:00.500000,zip,
"""


def a_pair(s2: str = "S2A_a.SAFE", hours: float = 1.0, overlap: float = 0.5, s3: str = "2020/07/S3B_x.SEN3") -> Pair:
    gap = timedelta(hours=hours)
    return Pair(s2, NOON, s3, NOON + gap, gap, "SEN3", overlap)


@pytest.fixture
def original(tmp_path) -> Path:
    path = tmp_path / "inv_T17XNA_100h.csv"
    path.write_text(ORIGINAL)
    return path


class TestOwn:
    def test_is_read_as_written(self, tmp_path):
        path = tmp_path / "inv.csv"
        path.write_bytes(inventory.encode([a_pair(hours=2), a_pair(overlap=1 / 3)], timedelta(hours=10)))
        assert path.read_text().splitlines() == [
            "index,year,month,s2,s2date,s3,s3date,timediff,s3filetype,overlap",
            "0,2020,7,S2A_a.SAFE,2020-07-02 12:00:00.000000,2020/07/S3B_x.SEN3,2020-07-02 13:00:00.000000,"
            "0 days 01:00:00.000000,SEN3,0.333333",
            "1,2020,7,S2A_a.SAFE,2020-07-02 12:00:00.000000,2020/07/S3B_x.SEN3,2020-07-02 14:00:00.000000,"
            "0 days 02:00:00.000000,SEN3,0.500000",
        ]
        table = inventory.read(path)
        assert list(table.columns) == list(COLUMNS)
        assert table["timediff"].tolist() == [pd.Timedelta(hours=1), pd.Timedelta(hours=2)]
        assert table["s2date"].tolist() == [pd.Timestamp("2020-07-02T12:00Z")] * 2
        assert table["index"].dtype == int and table["overlap"].tolist() == [0.333333, 0.5]

    def test_differences_sort_as_strings_as_they_do_as_times(self):
        hours = [1.5, 9.999, 10, 23.99, 24, 47, 240, 241.0001]
        text = inventory.encode([a_pair(hours=gap) for gap in reversed(hours)], timedelta(days=11)).decode()
        written = [line.split(",")[7] for line in text.splitlines()[1:]]
        assert written == sorted(written)
        assert [pd.Timedelta(one).total_seconds() / 3600 for one in written] == pytest.approx(hours)

    def test_does_not_depend_on_the_order_of_the_pairs(self):
        pairs = [a_pair(s2, hours, s3=s3) for s2 in "ab" for hours in (1, 2) for s3 in "xy"]
        assert inventory.encode(pairs, timedelta(1)) == inventory.encode(pairs[::-1], timedelta(1))

    def test_without_pairs_is_read(self, tmp_path):
        path = tmp_path / "inv.csv"
        path.write_bytes(inventory.encode([], timedelta(1)))
        table = inventory.read(path)
        assert len(table) == 0 and len(inventory.candidates(table, 0.5)) == 0

    def test_names_with_commas_and_quotes_survive(self, tmp_path):
        path = tmp_path / "inv.csv"
        path.write_bytes(inventory.encode([a_pair('a,"b".SAFE')], timedelta(1)))
        assert inventory.read(path)["s2"].tolist() == ['a,"b".SAFE']


class TestOriginalCode:
    def test_is_read(self, original):
        table = inventory.read(original)
        assert list(table.columns) == list(COLUMNS)
        assert table["index"].tolist() == [0, 1, 5]
        assert table["timediff"].dt.total_seconds().tolist() == [7200, 3600, 36000.5]
        assert table["s2date"].iloc[2] == pd.Timestamp("2017-03-15T17:22:51.5Z")
        assert table["overlap"].tolist()[:2] == [0.75, 0.25] and pd.isna(table["overlap"].iloc[2])

    def test_candidates_are_the_first_row_of_every_scene(self, original):
        table = inventory.read(original)
        assert inventory.candidates(table, 0.5)["index"].tolist() == [0]
        assert inventory.candidates(table, 0.2)["index"].tolist() == [0]
        assert inventory.candidates(table, 0.8)["index"].tolist() == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("timediff", "gap"), "is no inventory: it lacks the column timediff"),
        (("0 days 01", "some 01"), "column 'timediff'"),
        (("2017-03-14 16:22:51", "yesterday"), "column 's3date'"),
        ((",0.75", ",much"), "column 'overlap'"),
        (("\n1,1,", "\n1,0,"), "column 'index': 0 occurs more than once"),
        (("\n1,1,", "\n1,,"), "column 'index'"),
        ((ORIGINAL, ""), "is no inventory"),
    ],
)
def test_invalid_files_are_errors_that_name_the_column(original, change, fault):
    original.write_text(ORIGINAL.replace(*change))
    with pytest.raises(UserError) as raised:
        inventory.read(original)
    (line,) = raised.value.lines
    assert line.startswith(f"{original}: ") and fault in line


class TestWriting:
    def test_the_same_again_writes_nothing(self, tmp_path):
        path = tmp_path / "inv.csv"
        assert inventory.write(path, b"a\nb\n", replace=False)
        before = path.stat().st_mtime_ns
        assert not inventory.write(path, b"a\nb\n", replace=False)
        assert path.stat().st_mtime_ns == before

    def test_another_one_needs_replace(self, tmp_path):
        path = tmp_path / "inv.csv"
        inventory.write(path, b"a\nb\n", replace=False)
        with pytest.raises(UserError, match=r"inv.csv: exists with other rows \(1, now 2\).*--replace"):
            inventory.write(path, b"a\nb\nc\n", replace=False)
        assert path.read_bytes() == b"a\nb\n"
        assert inventory.write(path, b"a\nb\nc\n", replace=True)
        assert path.read_bytes() == b"a\nb\nc\n"


class TestNaming:
    @pytest.fixture
    def environment(self, tmp_path) -> Environment:
        return Environment(write_environment(tmp_path))

    def test_a_named_inventory(self, environment):
        path = inventory.folder(environment) / "inv_T17XNA_10h.csv"
        path.parent.mkdir(parents=True)
        path.touch()
        assert inventory.file(environment, "inv_T17XNA_10h") == inventory.file(environment, path.name) == path

    @pytest.mark.parametrize("name", ["inv_T17XNA_1h", "../inv_T17XNA_10h", "/etc/passwd", ""])
    def test_another_name_is_an_error_with_the_nearest(self, environment, name):
        path = inventory.folder(environment) / "inv_T17XNA_10h.csv"
        path.parent.mkdir(parents=True)
        path.touch()
        with pytest.raises(UserError, match=r"there is no such inventory .*inv_T17XNA_10h"):
            inventory.file(environment, name)

    def test_without_any_the_error_names_the_step(self, environment):
        with pytest.raises(UserError, match="20_create_inventory"):
            inventory.file(environment, "inv_T17XNA_10h")


class TestLocating:
    S2 = "S2A_MSIL1C_20170314T172251_N0204_R012_T17XNA_20170314T172245"
    S3 = "S3A_OL_1_EFR____20220418T162117_20220418T162417_20220419T213709_0179_084_197_1800_MAR_O_NT_002"

    @pytest.fixture(autouse=True)
    def products(self, tmp_path):
        (tmp_path / "2017" / f"{self.S2}.SAFE").mkdir(parents=True)
        (tmp_path / "2022" / "04").mkdir(parents=True)
        (tmp_path / "2022" / "04" / f"{self.S3}.zip").touch()

    @pytest.mark.parametrize(
        "named", ["2017/{}.SAFE", "{}.SAFE", "{}", "{}.zip", "/data/old/{}.SAFE", "../../{}.SAFE", "C:\\old\\{}.SAFE"]
    )
    def test_a_scene_is_found_anywhere_below_the_root(self, tmp_path, named):
        assert inventory.locate(tmp_path, named.format(self.S2)) == tmp_path / "2017" / f"{self.S2}.SAFE"

    @pytest.mark.parametrize("named", ["{}.SEN3", "2022/04/{}.zip", "/archive/2022/04/{}.SEN3"])
    def test_a_frame_is_found_anywhere_below_the_root(self, tmp_path, named):
        assert inventory.locate(tmp_path, named.format(self.S3)) == tmp_path / "2022" / "04" / f"{self.S3}.zip"

    @pytest.mark.parametrize("named", ["S2A_other.SAFE", "/etc/passwd", "../secret", ""])
    def test_others_are_refused(self, tmp_path, named):
        with pytest.raises(UserError, match=f"^{named}: is not below {tmp_path}"):
            inventory.locate(tmp_path, named)
