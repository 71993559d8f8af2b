"""Many items in several processes or on a cluster: order, failures, workers that die, missing clusters."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pix2earth.settings.errors import UserError
from preprocessing import parallel


def half(number: int) -> int:
    if number % 2:
        raise UserError(f"{number}: is odd; take another")
    return number // 2


def process(number: int) -> int:
    if number == 3:
        os._exit(1)
    return os.getpid()


def fill(number: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "file")


def fail(number: int) -> None:
    raise (ValueError("several\nlines") if number else FileNotFoundError(errno.ENOENT, "No such file", "gone"))


def interrupt(number: int) -> None:
    raise KeyboardInterrupt


EXPECTED = ([0, 1, 2, 3], ["1: is odd; take another", "3: is odd; take another", "5: is odd; take another"])


@pytest.mark.parametrize("workers", [1, 2])
def test_results_and_failures_come_in_the_order_of_the_items(workers):
    assert parallel.each(half, [0, 1, 2, 3, 4, 5, 6], title="halves", unit="numbers", workers=workers) == EXPECTED


@pytest.mark.slow
def test_a_running_cluster_does_the_same():
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        outcome = parallel.each(
            half, range(7), title="halves", unit="numbers", scheduler=cluster.scheduler_address
        )  # fmt: skip
    assert outcome == EXPECTED


def threads(_: int) -> str | None:
    return os.environ.get(parallel.GDAL_THREADS)


@pytest.mark.parametrize(
    ("workers", "expected"), [(None, [None] * 3), (1, ["1"] * 3), (2, ["1", "1", str(os.cpu_count())])]
)
def test_workers_use_one_core_each_until_others_are_idle(workers, expected, monkeypatch):
    monkeypatch.delenv(parallel.GDAL_THREADS, raising=False)
    cores, _ = parallel.each(threads, [0, 1, 2], title="threads", unit="items", workers=workers)
    assert cores == expected
    assert parallel.GDAL_THREADS not in os.environ


def test_the_last_items_share_the_cores(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert parallel.cores_of(6, 4) == [1, 1, 1, 2, 4, 8]
    assert parallel.cores_of(2, 8) == [4, 8]
    assert parallel.cores_of(3, 16) == [2, 4, 8]


def test_several_workers_are_several_processes():
    pids, failures = parallel.each(process, [0] * 20, title="pids", unit="items", workers=2)
    assert len(set(pids)) == 2 and os.getpid() not in pids and not failures


@pytest.mark.slow
def test_a_worker_that_dies_fails_its_item_only():
    pids, failures = parallel.each(process, range(8), title="pids", unit="items", workers=2)
    assert len(pids) == 7
    assert failures == ["3: the worker died of it, several times (too little memory?)"]


def test_every_result_is_passed_on_at_once():
    received = []
    parallel.each(half, [2, 3, 4], title="halves", unit="numbers", done=lambda *both: received.append(both))
    assert received == [(2, 1), (4, 2)]


def test_threads_work_at_once_and_keep_the_order():
    both = threading.Barrier(2)

    def meet(number):
        both.wait(timeout=10)  # passes only if two are called at once
        if number == 3:
            raise UserError("three")
        return number

    found, failures = parallel.each(meet, range(6), title="meetings", unit="numbers", threads=2)
    assert (found, failures) == ([0, 1, 2, 4, 5], ["three"])


def test_nothing_to_do_starts_no_cluster():
    assert parallel.each(half, [], title="halves", unit="numbers", scheduler="tcp://nowhere:1") == ([], [])


def test_other_errors_are_one_line_each():
    _, failures = parallel.each(fail, [0, 1], title="failures", unit="items")
    assert failures[0] == "gone: No such file"
    assert failures[1].startswith("1: ValueError: several lines (test_parallel.py, line ")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_stops_all(workers):
    with pytest.raises(OSError, match="No space left"):
        parallel.each(fill, [0, 1, 2], title="fill", unit="items", workers=workers)


def test_an_interruption_is_no_failure_of_an_item():
    with pytest.raises(parallel.Interrupted, match="run the same command again to resume") as stopped:
        parallel.each(interrupt, [0], title="step", unit="items")
    assert stopped.value.status == 130


def test_ctrl_c_while_dask_fetches_a_result_waits_for_the_result(monkeypatch):
    """Raised inside dask's call, it would make dask print tracebacks."""
    from distributed import Future, LocalCluster

    fetched = []
    result = Future.result

    def interrupted(future):
        os.kill(os.getpid(), signal.SIGINT)
        fetched.append(result(future))
        return fetched[-1]

    monkeypatch.setattr(Future, "result", interrupted)
    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        with pytest.raises(parallel.Interrupted):
            parallel.each(half, [0, 2, 4], title="halves", unit="numbers", scheduler=cluster.scheduler_address)
    assert len(fetched) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_report_names_every_failure(capsys):
    assert parallel.report(["a: is broken", "b: is broken"], "products") == 1
    assert capsys.readouterr().err == "a: is broken\nb: is broken\n2 products failed and were left out\n"
    assert parallel.report([], "products") == 0
    assert capsys.readouterr().err == ""


class TestScheduler:
    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch):
        monkeypatch.setattr(parallel, "SECONDS_TO_ANSWER", 1)

    def test_a_missing_scheduler_is_an_error(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(UserError, match=rf"--scheduler {address}: no scheduler answers there .*start one"):
            parallel.each(half, [0], title="halves", unit="numbers", scheduler=address)

    def test_a_scheduler_without_workers_is_an_error(self):
        from distributed import LocalCluster

        with LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster:
            address = cluster.scheduler_address
            with pytest.raises(UserError, match=r"has no workers; start some with `dask worker"):
                parallel.each(half, [0], title="halves", unit="numbers", scheduler=address)


def test_workers_of_a_cluster_find_the_project(tmp_path):
    """A worker that was started in another folder, without this project on its path."""
    port = _free_port()
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    commands = [
        ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
        ["-m", "distributed.cli.dask_worker", f"tcp://127.0.0.1:{port}", "--no-dashboard", "--no-nanny"],
    ]
    running = [
        subprocess.Popen([sys.executable, *command], cwd=tmp_path, env=clean, stderr=subprocess.DEVNULL)
        for command in commands
    ]
    try:
        results, failures = parallel.each(
            parallel.positive_integer, ["1", "x"], title="numbers", unit="strings", scheduler=f"tcp://127.0.0.1:{port}"
        )  # fmt: skip
    finally:
        for one in running:
            one.kill()
            one.wait()
    assert results == [1]
    assert failures[0].startswith("x: ArgumentTypeError: must be an integer")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_help_is_quick(tmp_path):
    """The options are parsed before dask is imported."""
    script = Path(parallel.__file__).parent / "20_create_inventory.py"
    code = (
        "import runpy, sys; sys.argv = ['step', '--help']\n"
        f"try: runpy.run_path({str(script)!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(*sorted({'dask', 'distributed', 'tensorflow', 'pandas', 'rasterio', 'shapely'} & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PATH": "/bin"}, capture_output=True, text=True, check=True
    )
    assert "--workers" in printed.stdout
    assert printed.stdout.splitlines()[-1] == ""
