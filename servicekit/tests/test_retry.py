"""Retry: what may heal is tried again, ever less often, until stopped."""

import logging
from collections.abc import Callable

import pytest

from servicekit import Backoff, Health, Stop, Stopped, retry

AT_ONCE = Backoff(initial_seconds=0, maximum_seconds=0)


def failing(times: int, error: Exception) -> Callable[[], str]:
    """Return an action that fails so many times and then succeeds."""
    left = iter(range(times))

    def action() -> str:
        for _ in left:
            raise error
        return "done"

    return action


def test_the_result_of_the_first_success_is_returned():
    action = failing(3, ConnectionError("refused"))
    result = retry(action, what="db", on=ConnectionError, stop=Stop(), backoff=AT_ONCE)
    assert result == "done"


def test_each_failure_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture):
    action = failing(2, ConnectionError("refused"))
    retry(action, what="db", on=OSError, stop=Stop(), backoff=AT_ONCE)
    assert [entry.getMessage() for entry in caplog.records] == [
        "db failed attempt=1 retry_in_seconds=0.0 error=refused",
        "db failed attempt=2 retry_in_seconds=0.0 error=refused",
    ]
    assert {entry.levelno for entry in caplog.records} == {logging.WARNING}


def test_an_error_that_cannot_heal_is_raised_at_once():
    with pytest.raises(ValueError, match="a bug"):
        retry(failing(1, ValueError("a bug")), what="db", on=OSError, stop=Stop())


def test_health_tells_the_reason_until_success():
    health, stop = Health(), Stop()
    seen: list[dict[str, str]] = []
    fail = failing(2, OSError("refused"))

    def action() -> str:
        seen.append(health.problems())
        return fail()

    retry(action, what="db", on=OSError, stop=stop, health=health, backoff=AT_ONCE)
    assert seen == [{}, {"db": "refused"}, {"db": "refused"}]
    assert health.problems() == {}


def test_stop_ends_the_waiting():
    stop = Stop()

    def fail_and_stop() -> None:
        stop.set()
        raise OSError("refused")

    slow = Backoff(initial_seconds=3600, maximum_seconds=3600)
    with pytest.raises(Stopped):
        retry(fail_and_stop, what="db", on=OSError, stop=stop, backoff=slow)


def test_nothing_is_tried_once_stopped():
    stop = Stop()
    stop.set()
    with pytest.raises(Stopped):
        retry(failing(1, AssertionError()), what="db", on=OSError, stop=stop)


def test_waits_double_up_to_the_maximum():
    delays = Backoff(1, 5).delays(uniform=lambda _shortest, longest: longest)
    assert [next(delays) for _ in range(5)] == [1, 2, 4, 5, 5]


def test_waits_are_shortened_by_up_to_half():
    delays = Backoff(1, 5).delays(uniform=lambda shortest, _longest: shortest)
    assert [next(delays) for _ in range(5)] == [0.5, 1, 2, 2.5, 2.5]


def test_real_waits_differ():
    assert len({next(Backoff().delays()) for _ in range(100)}) > 1
