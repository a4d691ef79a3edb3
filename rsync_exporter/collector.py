"""The counts as metrics, replaced as a whole: no scrape sees half of an update."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rsync_exporter import daemon_metrics, own_metrics
from rsync_exporter.sessions.account import Totals
from rsync_exporter.tail.chunk import Progress


class Snapshot(Collector):
    """Serves what was read last."""

    def __init__(
        self, *, legacy_status_code: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._legacy_status_code = legacy_status_code
        self._clock = clock
        self._caught_up_at = clock()
        self._served: tuple[Totals, Sequence[Progress]] | None = None

    @property
    def is_serving(self) -> bool:
        """Whether there is something to serve already."""
        return self._served is not None

    def replace(self, totals: Totals, progress: Sequence[Progress]) -> None:
        """Serve these from now on."""
        self._served = (totals, progress)

    def caught_up(self) -> None:
        """Note that the log was read to its end."""
        self._caught_up_at = self._clock()

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: which metrics there are, only a log tells."""
        yield from ()

    def collect(self) -> Iterable[Metric]:
        """Yield what the daemon did, then how well its log is read.

        Before the log was read for the first time, zeros would look like a reset.
        """
        if self._served:
            totals, progress = self._served
            yield from daemon_metrics.families(
                totals, legacy_status_code=self._legacy_status_code
            )
            yield from own_metrics.families(totals, progress)
        yield GaugeMetricFamily(
            "rsync_exporter_lag_seconds",
            "Time since the log was last read to its end",
            self._clock() - self._caught_up_at,
        )
