"""Starting and stopping: a signal sets ``Stop``, and every wait listens to it."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(Exception):  # noqa: N818 - an outcome, not an error
    """Raised out of a wait when the service was asked to stop."""


class Stop(threading.Event):
    """Set when the process is asked to end; its ``wait(seconds)`` replaces sleeping."""


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Yield a Stop that SIGTERM and SIGINT set; the old handlers return afterwards."""
    stop = Stop()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, handle) for number in signals]
    try:
        yield stop
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def every(
    interval_seconds: float,
    action: Callable[[], object],
    stop: Stop,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Call the action at once and then on a steady grid until stopped.

    A call that overruns skips the grid points it missed, so calls never pile up.
    """
    due = clock()
    while not stop.is_set():
        action()
        now = clock()
        due += interval_seconds * (1 + max(0, now - due) // interval_seconds)
        stop.wait(due - now)
