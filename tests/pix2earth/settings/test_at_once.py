"""Several items computed at once: order, number, errors, and the end."""

import threading
import time

import pytest

from pix2earth.settings.at_once import at_once
from pix2earth.settings.errors import UserError


def test_results_keep_the_order_of_their_items():
    def slower_first(number):
        time.sleep(0.02 if number % 2 == 0 else 0)
        return number

    assert list(at_once(slower_first, range(20), lambda: 2)) == list(range(20))


@pytest.mark.parametrize("count", [1, 2])
def test_no_more_than_asked_for_are_computed_at_once(count):
    running, most, lock = [0], [0], threading.Lock()
    both = threading.Barrier(count)

    def function(number):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        both.wait(timeout=10)  # passes only if as many are computed at once
        with lock:
            running[0] -= 1
        return number

    assert list(at_once(function, range(6), lambda: count)) == list(range(6))
    assert most[0] == count


def test_the_number_may_change_on_the_way():
    computed = []

    def count():
        return 2 if computed else 1

    assert list(at_once(lambda number: computed.append(number) or number, range(5), count)) == list(range(5))


def test_an_error_is_raised_where_its_result_would_have_been_yielded():
    def function(number):
        if number == 2:
            raise UserError("two")
        return number

    results = at_once(function, range(5), lambda: 2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(UserError, match="two"):
        next(results)


def test_threads_end_with_the_generator():
    results = at_once(lambda number: number, iter(range(100)), lambda: 2)
    assert next(results) == 0
    results.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("at-once")]
