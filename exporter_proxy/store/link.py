"""Whether the shared store works, said once per change, and when to try again."""

import logging
import time
from collections.abc import Callable, Iterator

from exporter_proxy.metrics import STORE_OPERATIONS, StoreMetrics
from servicekit import Backoff

log = logging.getLogger(__name__)

_BACKOFF = Backoff(0.5, 10)


class Link:
    """What became of reading and of writing."""

    def __init__(
        self, metrics: StoreMetrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._errors: dict[str, str] = {}
        self._delays: dict[str, Iterator[float]] = {}
        self._due = dict.fromkeys(STORE_OPERATIONS, 0.0)
        metrics.up.set(1)

    def works(self, *operations: str) -> bool:
        """Return whether all of these did what they should when last tried."""
        return self._errors.keys().isdisjoint(operations)

    def wait(self, operation: str) -> float:
        """Return the seconds until an operation that failed may be tried again."""
        return max(0.0, self._due[operation] - self._clock())

    def failed(self, operation: str, error: Exception) -> None:
        """Note that an operation did not work."""
        self._metrics.errors.labels(operation).inc()
        delays = self._delays.setdefault(operation, _BACKOFF.delays())
        self._due[operation] = self._clock() + next(delays)
        if not self._errors:
            log.warning(
                "shared store does not work, going on without operation=%s error=%s",
                *(operation, error),
            )
        self._errors[operation] = str(error)
        self._metrics.up.set(0)

    def worked(self, operation: str) -> None:
        """Note that an operation worked."""
        self._delays.pop(operation, None)
        self._due[operation] = 0.0
        if self._errors.pop(operation, None) and not self._errors:
            log.info("shared store works again")
            self._metrics.up.set(1)
