import threading
import time

import pytest

from esnet_collector.parallel import in_parallel


def test_every_item_gives_one_result() -> None:
    assert sorted(in_parallel(lambda n: n * n, range(100), 8)) == [
        n * n for n in range(100)
    ]


def test_nothing_to_do_ends_at_once() -> None:
    assert list(in_parallel(str, [], 8)) == []


def test_calls_run_at_the_same_time() -> None:
    barrier = threading.Barrier(4, timeout=10)
    assert len(list(in_parallel(lambda _: barrier.wait(), range(4), 4))) == 4


def test_an_error_reaches_the_reader() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(lambda n: 1 / n, [0], 2))


def test_a_slow_reader_slows_the_calls() -> None:
    started: list[int] = []
    results = in_parallel(started.append, range(1000), 4)
    next(results)
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline and len(started) <= 10:
        time.sleep(0.01)
    assert len(started) <= 10
    results.close()


def test_closing_does_not_wait_for_a_call_under_way() -> None:
    held = threading.Event()
    results = in_parallel(lambda n: n or held.wait(30), [1, 0, 0], 2)
    assert next(results) == 1
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 1
    held.set()


def test_threads_end_when_the_reader_goes() -> None:
    before = threading.active_count()
    results = in_parallel(str, range(1000), 4)
    next(results)
    results.close()
    deadline = time.monotonic() + 10
    while threading.active_count() > before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
