"""Messages and progress of a run, on the terminal and in its log."""

import re
import subprocess
import sys

import pytest

from experiment import PROJECT
from pix2earth.console.progress import tracked
from pix2earth.console.run_console import RunConsole

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch):
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "nohup" / "0101-0000_local.out"


@pytest.fixture
def console(log):
    with RunConsole(log, total=10, done=0, batch_size=4) as opened:
        yield opened


def test_a_line_is_printed_and_logged_with_the_time(console, log, capsys):
    console.message("step 5: val PSNR 21")
    assert capsys.readouterr().out == "step 5: val PSNR 21\n"
    assert re.fullmatch(rf"{TIME} step 5: val PSNR 21\n", log.read_text())


@pytest.mark.parametrize("line", ["x" * 300, "/data/[train]/tile[0].tfrecord: is [bold]damaged[/bold]", "a  b :smile:"])
def test_a_line_is_neither_wrapped_nor_interpreted(console, log, capsys, line):
    console.message(line)
    assert capsys.readouterr().out == line + "\n"
    assert log.read_text().endswith(f" {line}\n")


def test_a_resumed_run_appends_to_its_log(log):
    for line in ("first", "second"):
        with RunConsole(log, total=10, done=0, batch_size=4) as console:
            console.message(line)
    assert [line.split()[-1] for line in log.read_text().splitlines()] == ["first", "second"]


def test_the_last_step_is_always_reported(console, log, capsys):
    console.step(9, 0.9, {"total_gen_loss": 1.0})
    assert capsys.readouterr().out == ""
    console.step(10, 2.51, {"total_gen_loss": 0.123456, "gen_l1": 7.0})
    line = capsys.readouterr().out
    assert re.fullmatch(r"step 10/10, epoch 2\.5, \d+\.\d img/s, 0 s left, total_gen_loss 0\.1235\n", line)
    assert log.read_text().endswith(line)


def test_losses_without_a_total_are_all_reported(console, capsys):
    console.step(10, 1.0, {"gen": 1.0, "disc": 2.0})
    assert capsys.readouterr().out.endswith(" s left, gen 1 disc 2\n")


def test_the_validation_is_at_the_end_of_the_line(console, capsys):
    console.validation = "val PSNR 21.5"
    console.step(10, 1.0, {"total": 1.0})
    assert capsys.readouterr().out.endswith(" total 1 val PSNR 21.5\n")


def test_the_rate_counts_the_images_of_this_process_only(log, capsys):
    with RunConsole(log, total=1010, done=1000, batch_size=4) as console:
        console._started -= 20
        console.step(1010, 1.0, {"total": 1.0})
    rate = float(re.search(r"([\d.]+) img/s", capsys.readouterr().out)[1])
    assert rate == pytest.approx(10 * 4 / 20, abs=0.1)


def test_a_line_is_printed_every_ten_seconds_with_the_remaining_time(log, capsys):
    with RunConsole(log, total=100, done=0, batch_size=1) as console:
        console._started -= 20
        console._last -= 20
        console.step(50, 1.0, {"total": 1.0})
        console.step(51, 1.0, {"total": 1.0})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert "step 50/100" in lines[0] and "20 s left" in lines[0]


def test_a_process_without_a_log_prints_nothing(capsys):
    with RunConsole(None, total=10, done=0, batch_size=4) as console:
        console.message("hello")
        console.step(10, 1.0, {"total": 1.0})
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_reader_that_ends_does_not_end_the_run(log):
    script = (
        "from pathlib import Path\nfrom pix2earth.console.run_console import RunConsole\n"
        f"with RunConsole(Path({str(log)!r}), total=2, done=0, batch_size=1) as console:\n"
        "    for number in range(20000):\n        console.message(f'line {number}')\n"
    )
    command = f'"{sys.executable}" -c "$SCRIPT" | head -n 1; exit ${{PIPESTATUS[0]}}'
    run = subprocess.run(
        ["bash", "-c", command], cwd=PROJECT, env={"SCRIPT": script, "PATH": "/usr/bin:/bin"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stdout, run.stderr) == (0, "line 0\n", "")
    assert log.read_text().splitlines()[-1].endswith("line 19999")


# ---- progress ------------------------------------------------------------------------------------------------------


def test_tracked_yields_every_item_in_order():
    assert list(tracked(iter("abc"), "verify", 3, "records")) == ["a", "b", "c"]


def test_tracked_prints_a_line_at_the_end(capsys):
    list(tracked(range(3), "verify", 3, "records"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"verify: 3/3 records, \d+\.\d records/s, 0 s left\n", captured.err)


def test_tracked_takes_an_item_only_when_the_next_one_is_requested():
    taken = []
    items = tracked((taken.append(number) or number for number in range(9)), "x", 9, "y")
    assert (next(items), next(items), taken) == (0, 1, [0, 1])


def test_tracked_of_no_items_prints_nothing(capsys):
    assert list(tracked([], "verify", 0, "records")) == []
    assert capsys.readouterr().err == ""
