"""Retrying what may heal by itself: named errors only, growing jittered waits."""

import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from servicekit.health import Health
from servicekit.lifecycle import Stop, Stopped

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Backoff:
    """Waits that double up to a maximum, each shortened at random by up to half.

    The jitter keeps many clients of one server from returning all at once.
    """

    initial_seconds: float = 0.5
    maximum_seconds: float = 30.0

    def delays(
        self, uniform: Callable[[float, float], float] = random.uniform
    ) -> Iterator[float]:
        """Yield the seconds to wait before each next try, without end."""
        seconds = self.initial_seconds
        while True:
            yield uniform(seconds / 2, seconds)
            seconds = min(seconds * 2, self.maximum_seconds)


def retry[T](
    action: Callable[[], T],
    *,
    what: str,
    on: type[Exception] | tuple[type[Exception], ...],
    stop: Stop,
    health: Health | None = None,
    backoff: Backoff | None = None,
) -> T:
    """Call the action until it succeeds and return its result.

    what: the part that is tried, as it is named in the log and in ``health``.
    on: the errors that may heal; any other one is raised at once.
    Raises Stopped when the service is asked to stop first.
    """
    delays = (backoff or Backoff()).delays()
    attempt = 0
    while not stop.is_set():
        attempt += 1
        try:
            result = action()
        except on as error:
            delay = next(delays)
            log.warning(
                "%s failed attempt=%d retry_in_seconds=%.1f error=%s",
                what,
                attempt,
                delay,
                error,
            )
            if health:
                health.down(what, str(error))
            stop.wait(delay)
        else:
            if health:
                health.up(what)
            return result
    raise Stopped(what)
