"""Work ahead of its use: order, overlap, errors of the thread, and its end."""

import threading
import time

import pytest

from pix2earth.mapping.strips.ahead import ahead
from pix2earth.settings.errors import UserError


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "ahead"]


def test_items_keep_their_order_and_the_thread_ends():
    with ahead(iter(range(100)), 3) as items:
        assert list(items) == list(range(100))
    assert not threads()


def test_the_next_items_are_computed_while_one_is_used():
    computed = []

    def items():
        for number in range(100):
            computed.append((number, threading.current_thread().name))
            yield number

    with ahead(items(), 3) as taken:
        assert next(taken) == 0
        deadline = time.monotonic() + 10
        while len(computed) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        # One is used, three wait, and one more waits for room.
        assert computed == [(number, "ahead") for number in range(5)]


def test_an_error_is_raised_where_its_item_would_have_been_used():
    def items():
        yield 1
        raise UserError("scene.tif: is damaged at row 3")

    with pytest.raises(UserError, match="is damaged at row 3"), ahead(items()) as taken:
        assert next(taken) == 1
        next(taken)
    assert not threads()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_error_outside_ends_the_threads_of_all_stages(error):
    closed = []

    def numbers():
        try:
            yield from range(1000)
        finally:
            closed.append(threading.current_thread().name)

    def doubled():
        with ahead(numbers()) as taken:
            for number in taken:
                yield 2 * number

    with pytest.raises(error), ahead(doubled()) as taken:
        assert [next(taken) for _ in range(3)] == [0, 2, 4]
        raise error
    assert closed == ["ahead"] and not threads()
