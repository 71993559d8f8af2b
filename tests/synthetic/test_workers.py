"""Tasks in several processes give the results of one process, in order."""

import math
import os

import pytest

from synthetic.workers import in_order


def process_of(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize("workers", [1, 3])
def test_results_have_the_order_of_the_items(workers):
    assert list(in_order(math.factorial, range(20), workers)) == [math.factorial(number) for number in range(20)]


def test_one_worker_is_this_process_and_several_are_others():
    assert set(in_order(process_of, range(3), 1)) == {os.getpid()}
    others = set(in_order(process_of, range(6), 2))
    assert os.getpid() not in others
    assert 1 <= len(others) <= 2


def test_an_exception_in_a_worker_is_raised_in_the_caller():
    with pytest.raises(ValueError, match=r"nonnegative|not defined for negative"):
        list(in_order(math.factorial, [1, -1, 2], 2))


def test_no_items_give_no_results():
    assert list(in_order(math.factorial, [], 4)) == []
