"""The counts as metrics, replaced as a whole: no scrape sees half of an update."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rsync_exporter.tail.follower import Position
from rsync_exporter.sessions.tally import Totals

# rsync's exit codes, from its errcode.h; each has its series from the start.
STATUS_CODES = (
    *(1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 24, 25, 30, 35),
    *(124, 125, 126, 127),
)


class Snapshot(Collector):
    """Serves what was read last."""

    def __init__(
        self, *, legacy_status_code: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._status_code = "(code {})" if legacy_status_code else "{}"
        self._clock = clock
        self._caught_up_at = clock()
        self._served: tuple[Totals, Position] | None = None

    @property
    def is_serving(self) -> bool:
        """Whether there is something to serve already."""
        return self._served is not None

    def replace(self, totals: Totals, position: Position) -> None:
        """Serve these from now on."""
        self._served = (totals, position)

    def caught_up(self) -> None:
        """Note that the log was read to its end."""
        self._caught_up_at = self._clock()

    def collect(self) -> Iterable[Metric]:
        """Yield what the daemon did, then how well its log is read.

        Before the log was read for the first time, zeros would look like a reset.
        """
        if self._served:
            totals, position = self._served
            yield from _daemon_metrics(totals, self._status_code)
            yield from _reader_metrics(totals, position)
        yield GaugeMetricFamily(
            "rsync_exporter_lag_seconds",
            "Time since the log was last read to its end",
            self._clock() - self._caught_up_at,
        )


def _daemon_metrics(totals: Totals, status_code: str) -> Iterator[Metric]:
    yield CounterMetricFamily(
        "rsync_connections", "Connections to the daemon", totals.connections
    )
    yield CounterMetricFamily(
        "rsync_executions", "Transfers begun, pulls and pushes", totals.executions
    )
    yield _counters(
        "rsync_service_error",
        "Sessions that failed, by rsync's exit code",
        "status_code",
        {
            status_code.format(code): totals.errors[code]
            for code in sorted({*STATUS_CODES, *totals.errors})
        },
    )
    yield CounterMetricFamily(
        "rsync_data_received_bytes", "Bytes the daemon received", totals.received_bytes
    )
    yield CounterMetricFamily(
        "rsync_data_sent_bytes", "Bytes the daemon sent", totals.sent_bytes
    )
    yield CounterMetricFamily(
        "rsync_exchange_data_bytes",
        "Size of all files a transfer was about, whether they had to move or not",
        totals.exchanged_bytes,
    )


def _reader_metrics(totals: Totals, position: Position) -> Iterator[Metric]:
    yield _counters(
        "rsync_exporter_lines",
        "Records that a metric needs (matched), other records (ignored), and lines that"
        " are no records (unparsed)",
        "result",
        totals.lines,
    )
    yield _counters(
        "rsync_exporter_rotations",
        "Times the log was replaced by another file, or truncated",
        "kind",
        position.rotations,
    )
    yield CounterMetricFamily(
        "rsync_exporter_read_bytes", "Bytes read from the log", position.read_bytes
    )
    yield GaugeMetricFamily(
        "rsync_exporter_file_size_bytes", "Size of the log", position.size_bytes
    )
    yield GaugeMetricFamily(
        "rsync_exporter_file_offset_bytes",
        "How much of the log was read",
        position.offset_bytes,
    )
    yield GaugeMetricFamily(
        "rsync_exporter_open_files",
        "Files being read: the log, and those it replaced that sessions may write to",
        position.open_files,
    )


def _counters(
    name: str, documentation: str, label: str, values: Mapping[str, int]
) -> Metric:
    family = CounterMetricFamily(name, documentation, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
