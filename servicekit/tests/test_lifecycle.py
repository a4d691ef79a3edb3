"""Starting and stopping: signals set Stop, and recurring work keeps to its grid."""

import os
import signal
from collections.abc import Callable

import pytest

from servicekit import Stop, every
from servicekit.lifecycle import stop_on_signals


class Day(Stop):
    """A clock and a Stop in one: waiting turns the clock, which stops at its end."""

    def __init__(self, ends_at: float) -> None:
        super().__init__()
        self.now = 0.0
        self._ends_at = ends_at

    def clock(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        assert timeout > 0
        self.now += timeout
        if self.now >= self._ends_at:
            self.set()
        return self.is_set()


def calls_during(day: Day, takes_seconds: Callable[[int], float]) -> list[float]:
    """Return when an action due every 10 s ran, given how long each call takes."""
    calls: list[float] = []

    def action() -> None:
        calls.append(day.now)
        day.now += takes_seconds(len(calls))

    every(10, action, day, day.clock)
    return calls


def test_work_is_done_at_once_and_then_on_a_steady_grid():
    assert calls_during(Day(50), lambda _: 3) == [0, 10, 20, 30, 40]


def test_an_overrun_skips_the_points_it_missed():
    def slow_at_first(call: int) -> float:
        return 25 if call == 1 else 1

    assert calls_during(Day(60), slow_at_first) == [0, 30, 40, 50]


def test_work_as_long_as_its_interval_does_not_pile_up():
    assert calls_during(Day(50), lambda _: 10) == [0, 20, 40]


def test_nothing_is_done_once_stopped():
    day = Day(50)
    day.set()
    assert calls_during(day, lambda _: 1) == []


def test_an_error_in_the_work_is_not_hidden():
    def fail() -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        every(10, fail, Stop())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_stop(number: signal.Signals):
    with stop_on_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(5)


def test_the_old_handlers_return():
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
