"""Call a function for many products: in this process, in several processes, or on a cluster; failures stop no others.

``--workers N`` starts N processes on this machine, ``--scheduler ADDRESS`` uses a running dask.distributed cluster, in
which all folders have the same names. All of them run the same code. Each of N processes uses one core until the others
run out of work; without either option one process decodes JPEG 2000 with all cores.
"""

from __future__ import annotations

import argparse
import errno
import functools
import os
import signal
import site
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pix2earth.console.progress import tracked
from pix2earth.settings.at_once import at_once
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from distributed import Client

Item = TypeVar("Item")
Result = TypeVar("Result")
Task = tuple[Any, int | None]
"""An item, and how many cores may work on it (None: all)."""

PROJECT = Path(__file__).resolve().parent.parent
SECONDS_TO_ANSWER = 20
"""How long a scheduler, and then its first worker, may take to answer."""
GDAL_THREADS = "GDAL_NUM_THREADS"
SPAWN = {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1}
"""Environment of processes: that of dask, but without returning freed memory at once, which is a tenth slower."""
FULL = (errno.ENOSPC, errno.EDQUOT)


class Interrupted(UserError):
    """Ctrl-C was pressed: no error, and all files that exist are complete."""

    status = 130


class Outcome(NamedTuple):
    """The result for one item, or the line that reports its failure."""

    result: Any
    failure: str | None = None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options ``--workers`` and ``--scheduler``, which exclude each other."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--workers", type=positive_integer, metavar="N",
        help="number of processes on this machine, of one core each (default: this process)",
    )  # fmt: skip
    group.add_argument("--scheduler", metavar="ADDRESS", help="a dask.distributed scheduler, such as tcp://host:8786")


def positive_integer(text: str) -> int:
    """Return an integer of at least 1 from the command line."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, not {text}")
    return int(text)


def each(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    title: str,
    unit: str,
    workers: int | None = None,
    scheduler: str | None = None,
    threads: int = 1,
    done: Callable[[Item, Result], None] | None = None,
) -> tuple[list[Result], list[str]]:
    """Call a function for every item, under a progress bar.

    Args:
        function: a function of a module (not of ``__main__``), which other processes import by its name.
        items: its arguments, one for each call; they are sent to other processes by pickle.
        title: of the progress bar.
        unit: word for the items, in the plural.
        workers: number of processes of one core each, 1: this one; None: this one, with all cores.
        scheduler: address of a dask.distributed scheduler to use instead.
        threads: of this process, where it does all the work; for functions that any number of threads may call.
        done: called in this process with every item and its result, as soon as there is one.

    Returns:
        The results of the items that did not fail, in the order of the items, and one line for each that did.

    Raises:
        UserError: no scheduler answers, or the user interrupts.
        OSError: the disk is full, so that all others would fail as well.
    """
    outcomes: dict[int, Outcome] = {}
    attempt = functools.partial(_attempt, function)
    tasks = list(zip(items, cores_of(len(items), 1 if scheduler else workers), strict=True))
    try:
        with _stream(attempt, tasks, min(workers or 1, len(items)), scheduler if items else None, threads) as stream:
            for number, outcome in tracked(stream, title, len(items), unit):
                outcomes[number] = outcome
                if done and outcome.failure is None:
                    done(items[number], outcome.result)
    except KeyboardInterrupt:
        raise Interrupted(f"{title}: interrupted; run the same command again to resume") from None
    ordered = [outcomes[number] for number in sorted(outcomes)]
    failures = [outcome.failure for outcome in ordered if outcome.failure is not None]
    return [outcome.result for outcome in ordered if outcome.failure is None], failures


def report(failures: Sequence[str], unit: str) -> int:
    """Print the failures on stderr, one line each, and their number; return the exit status."""
    for failure in failures:
        print(failure, file=sys.stderr)
    if failures:
        print(f"{len(failures)} {unit} failed and were left out", file=sys.stderr)
    return 1 if failures else 0


def cores_of(count: int, workers: int | None) -> list[int | None]:
    """Return the number of cores for each of ``count`` items, started in this order; None: all cores.

    Each process has one core, because several with all cores would slow each other down. The last items share the cores
    of processes that have no further item.
    """
    if workers is None:
        return [None] * count
    remaining = range(count, 0, -1)  # for each item: itself and those that start after it
    return [max(1, (os.cpu_count() or 1) // left) if left < workers else 1 for left in remaining]


@contextmanager
def _threads(cores: int | None) -> Iterator[None]:
    """Set the number of cores that GDAL decodes with; None: all."""
    before = os.environ.get(GDAL_THREADS)
    if cores:
        os.environ[GDAL_THREADS] = str(cores)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(GDAL_THREADS, None)
        else:
            os.environ[GDAL_THREADS] = before


def _attempt(function: Callable[[Any], Any], task: Task) -> Outcome:
    """Call the function; turn its exceptions into a line that names the item, unless the disk is full."""
    item, cores = task
    try:
        with _threads(cores):
            return Outcome(function(item))
    except UserError as error:
        return Outcome(None, "; ".join(error.lines))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        if isinstance(error, OSError) and error.strerror:
            return Outcome(None, f"{error.filename or item}: {error.strerror}")
        place = traceback.extract_tb(error.__traceback__)[-1]
        message = " ".join(str(error).split()) or "no message"
        return Outcome(
            None, f"{item}: {type(error).__name__}: {message} ({Path(place.filename).name}, line {place.lineno})"
        )


@contextmanager
def _stream(
    attempt: Callable[[Task], Outcome], tasks: Sequence[Task], workers: int, scheduler: str | None, threads: int
) -> Iterator[Iterator[tuple[int, Outcome]]]:
    """Yield an iterator of the (number, outcome) of every task in the order of completion."""
    if workers <= 1 and not scheduler:
        yield enumerate(map(attempt, tasks) if threads == 1 else at_once(attempt, tasks, lambda: threads))
        return
    import dask
    from distributed import LocalCluster

    if scheduler:
        with _connected(scheduler) as client:
            yield _spread(client, attempt, tasks)
    else:
        # No limit of memory, because dask cannot distinguish our arrays from GDAL's cache and would restart busy
        # workers. One item at a time on each, so that a worker that dies fails only the item that it worked on. No log
        # of dask: we report all failures of items, and its others are of connections that Ctrl-C closes.
        settings = {"distributed.scheduler.worker-saturation": 1.0, "distributed.nanny.pre-spawn-environ": SPAWN}
        with dask.config.set(settings):
            with _without_ctrl_c():
                cluster = LocalCluster(
                    n_workers=workers, threads_per_worker=1, memory_limit=None, dashboard_address=None,
                    silence_logs="CRITICAL",
                )  # fmt: skip
            with cluster, cluster.get_client() as client:
                yield _spread(client, attempt, tasks)


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Let processes that start in this block ignore Ctrl-C, which a terminal sends to all: this one ends the others."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _deferred_ctrl_c() -> Iterator[None]:
    """Raise KeyboardInterrupt at the end of the block only: inside dask's calls it would leave tracebacks on stderr.

    A second Ctrl-C is raised at once, in case the block does not end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


def _spread(client: Client, attempt: Callable[[Task], Outcome], tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
    """Send the tasks to the workers; a worker that dies (for lack of memory) fails its item only."""
    from distributed import KilledWorker, as_completed

    futures = {
        future: number
        for number, future in enumerate(client.map(attempt, tasks, pure=False, retries=0, batch_size=1000))
    }
    for future in as_completed(futures):
        number = futures[future]
        try:
            with _deferred_ctrl_c():
                outcome = future.result()
        except KilledWorker:
            outcome = Outcome(None, f"{tasks[number][0]}: the worker died of it, several times (too little memory?)")
        yield number, outcome
        future.release()


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    """Yield a client of a running cluster, whose scheduler and workers can then import this project.

    Raises:
        UserError: nothing answers at the address, or it has no workers.
    """
    from distributed import Client

    try:
        client = Client(address, timeout=SECONDS_TO_ANSWER)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"--scheduler {address}: no scheduler answers there ({reason}); start one with `dask scheduler`"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=SECONDS_TO_ANSWER)
        except TimeoutError:
            raise UserError(
                f"--scheduler {address}: has no workers; start some with `dask worker {address}`, in this project's"
                " environment"
            ) from None
        # Both unpickle the function, by its name in this project.
        client.run_on_scheduler(site.addsitedir, str(PROJECT))
        client.run(site.addsitedir, str(PROJECT))
        yield client
