"""Errors of the user: proposals of similar names, names that leave their folder, exit status and messages."""

import subprocess
import sys
from pathlib import Path

import pytest

from experiment import PROJECT
from pix2earth.settings.errors import Stopped, UserError, inside, nearest, reports_errors


def test_the_nearest_name_is_proposed():
    assert nearest("pix2pxi", ["srgan", "pix2pix", "pixcc"]) == "; did you mean 'pix2pix'?"


def test_all_names_are_listed_where_none_is_similar():
    assert nearest("zzz", ["b", "a", "b"]) == "; there are: a, b"


def test_nothing_is_proposed_where_there_are_no_names():
    assert nearest("zzz", iter(())) == ""


@pytest.mark.parametrize("name", ["a", "a/b", "a.b", "a..b", "..a", "a../b", ".hidden"])
def test_names_below_a_folder_are_inside(name):
    assert inside(name)


@pytest.mark.parametrize("name", ["", "..", "../a", "a/..", "a/../b", "a/../../b", "/a", "/", "a\\..\\b", "..\\a"])
def test_names_that_leave_a_folder_are_not_inside(name):
    assert not inside(name)


def test_an_error_keeps_its_lines():
    error = UserError("one", "two")
    assert error.lines == ("one", "two")
    assert str(error) == "one\ntwo"


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (1, 1), (3, 3)])
def test_the_status_of_a_command_is_what_it_returns(returned, status):
    with pytest.raises(SystemExit) as ended:
        reports_errors(lambda argv: returned)([])
    assert ended.value.code == status


def test_a_run_that_was_stopped_ends_with_status_1(capsys):
    def stops(argv):
        raise Stopped("step 3: gen_l1 is not a number")

    with pytest.raises(SystemExit) as ended:
        reports_errors(stops)([])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "step 3: gen_l1 is not a number\n"


def test_an_error_of_the_system_is_one_line_with_the_file(capsys, tmp_path):
    def fails(argv):
        (tmp_path / "gone" / "file").read_text()

    with pytest.raises(SystemExit) as ended:
        reports_errors(fails)([])
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"{tmp_path}/gone/file: No such file or directory\n"


def test_the_arguments_reach_the_command():
    received = []
    with pytest.raises(SystemExit):
        reports_errors(received.append)(["--a", "b"])
    assert received == [["--a", "b"]]


def test_other_errors_are_not_hidden():
    def fails(argv):
        raise RuntimeError("a fault of the toolkit")

    with pytest.raises(RuntimeError):
        reports_errors(fails)([])


def run(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(PROJECT)!r})\n"
        "from pix2earth.settings.errors import UserError, reports_errors\n"
        f"@reports_errors\ndef main(argv=None):\n    {body}\nmain()\n"
    )
    return subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)


def test_an_error_ends_a_program_with_one_line_each_status_2_and_no_traceback(tmp_path):
    done = run(tmp_path, 'print("started"); raise UserError("x.json:1:2: a: wrong", "x.json:3:4: b: wrong too")')
    assert done.returncode == 2
    assert done.stdout == "started\n"
    assert done.stderr == "x.json:1:2: a: wrong\nx.json:3:4: b: wrong too\n"


def test_an_error_with_characters_that_cannot_be_encoded_is_printed(tmp_path):
    done = run(tmp_path, 'raise UserError("\\ud800 is no name")')
    assert done.returncode == 2
    assert done.stderr.endswith("is no name\n")
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_ended_causes_no_traceback(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(PROJECT)!r})\n"
        "from pix2earth.settings.errors import reports_errors\n"
        "@reports_errors\ndef main(argv=None):\n    for _ in range(100000): print('x' * 100)\nmain()\n"
    )
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$0" "$1" | head -n 1; exit "${PIPESTATUS[0]}"', sys.executable, script],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == ""


def test_ctrl_c_ends_in_one_line(capsys):
    @reports_errors
    def main(argv=None):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"
