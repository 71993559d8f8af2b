"""Step 10: tile codes and times in names of products, and the table of products of each tile."""

from pathlib import Path

import pytest

from preprocessing.scenes import tile_codes
from preprocessing.scenes.observations import time_in_name
from sensors.sentinel2_layout import tile_code
from tests.product_roots import step_process, write_environment

NAMES = {
    "S2A_MSIL1C_20170314T172251_N0204_R012_T17XNA_20170314T172245.SAFE": "T17XNA",
    "S2B_MSIL2A_20220413T150759_N0400_R025_T33XWJ_20220414T082126.zip": "T33XWJ",
    "S2A_MSIL1C_20170314T172251_R012_T01WCP_20170314T172245.SAFE": "T01WCP",
    "S2A_MSIL1C_20170314T172251_N0204_R012_T17XNA.zip": "T17XNA",
    "S2A_OPER_PRD_MSIL1C_PDMC_20160912T202305_R012_V20160912T172252_20160912T172252.SAFE": None,
    "T17XNA": "T17XNA",
    "S2A_T17XNAB_x": None,
    "S2A_T17INA_x": None,  # there is no band I
    "": None,
}


@pytest.mark.parametrize(("name", "code"), NAMES.items())
def test_the_code_is_found_anywhere_in_the_name(name, code):
    assert tile_code(name) == code


def test_products_are_counted_and_other_names_listed():
    codes, without_code = tile_codes.count(map(Path, NAMES))
    assert codes == {"T17XNA": 3, "T33XWJ": 1, "T01WCP": 1}
    assert without_code == [name for name, code in NAMES.items() if code is None]


def test_the_overview_has_the_days_of_the_first_and_the_last_product():
    passes = tile_codes.passes(map(Path, NAMES))
    table = tile_codes.overview(passes)
    assert table.index.tolist() == ["T17XNA", "T01WCP", "T33XWJ"] and table["products"].tolist() == [3, 1, 1]
    assert table.loc["T33XWJ", ["first", "last"]].tolist() == ["2022-04-13", "2022-04-13"]
    months = tile_codes.by_month(passes)
    assert months.columns.tolist() == list(range(1, 13)) and months.index.tolist() == ["T01WCP", "T17XNA", "T33XWJ"]
    assert months.loc["T33XWJ"].to_dict() == {month: int(month == 4) for month in range(1, 13)}
    assert months.loc["T17XNA", 3] == 2  # the name "T17XNA" has no time


def test_no_products_have_empty_tables():
    passes = tile_codes.passes([])
    assert tile_codes.overview(passes).empty and tile_codes.by_month(passes).empty


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("S2A_MSIL1C_20170314T172251_N0204_R012_T17XNA_20170314T172245.SAFE", "2017-03-14T17:22:51+00:00"),
        ("S3A_OL_1_EFR____20220418T162117_20220418T162417_20220419T213709_x.SEN3", "2022-04-18T16:21:17+00:00"),
        ("S2A_MSIL1C_20171314T172251_N0204", None),
        ("readme", None),
    ],
)
def test_the_first_time_of_a_name_is_that_of_sensing(name, time):
    parsed = time_in_name(name)
    assert (parsed and parsed.isoformat()) == time


@pytest.mark.slow
def test_the_step_prints_a_table_by_count(tmp_path):
    environment = write_environment(tmp_path)
    for folder, name in [
        ("", "S2A_MSIL1C_20170314T172251_N0204_R012_T17XNA_20170314T172245.SAFE"),
        ("2022/04", "S2B_MSIL2A_20220413T150759_N0400_R025_T33XWJ_20220414T082126.SAFE"),
        ("2022/05", "S2B_MSIL2A_20220513T150759_N0400_R025_T33XWJ_20220514T082126.SAFE"),
    ]:
        (tmp_path / "s2" / folder / name).mkdir(parents=True)
    (tmp_path / "s2" / "notes.txt").touch()
    done = step_process("10_identify_unique_tilecodes.py", environment)
    assert done.stdout.splitlines() == [
        "tile    products",
        "T33XWJ         2",
        "T17XNA         1",
        f"3 products of 2 tiles in {tmp_path / 's2'}; 0 have no tile",
    ]
    assert done.stderr == ""
    assert done.returncode == 0


def test_a_missing_root_is_an_error_that_names_the_key(tmp_path, capsys):
    path = tmp_path / "environment.json"
    path.write_text("{}")
    with pytest.raises(SystemExit) as ended:
        tile_codes.main(["--env", str(path)])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{path}: s2_root: is not set; name the folder of the products there\n"
    path.write_text('{"s2_root": "nowhere"}')
    with pytest.raises(SystemExit):
        tile_codes.main(["--env", str(path)])
    assert capsys.readouterr().err == f"{path}: s2_root: there is no folder {tmp_path / 'nowhere'}\n"
