"""What the writer tells about its work."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from db_writer.messages import Fault, Rejected
from db_writer.store import Written

_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
_AGES = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86_400)


class Metrics:
    """Counters and gauges under the name of the service."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._rows = Counter(
            "db_writer_rows_total",
            "Messages by what became of them",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("new", "duplicate", "dead_letter"):
            self._rows.labels(outcome)
        self._dead_letters = Counter(
            "db_writer_dead_letters_total",
            "Bad messages set aside, by what is wrong with them",
            ["fault"],
            registry=registry,
        )
        for fault in Fault:
            self._dead_letters.labels(fault)
        self.batch_rows = Histogram(
            "db_writer_batch_rows",
            "Rows in a batch",
            buckets=_ROWS,
            registry=registry,
        )
        self.transaction_seconds = Histogram(
            "db_writer_transaction_seconds",
            "Time it took to store a batch",
            registry=registry,
        )
        self.event_age_seconds = Histogram(
            "db_writer_event_age_seconds",
            "Age of a batch's oldest result when it was committed",
            buckets=_AGES,
            registry=registry,
        )
        self.lag_messages = Gauge(
            "db_writer_lag_messages",
            "Messages of this writer's partitions that wait to be taken",
            registry=registry,
        )
        self.partitions = Gauge(
            "db_writer_partitions",
            "Partitions that are this writer's share",
            registry=registry,
        )
        self.paused = Gauge(
            "db_writer_paused",
            "1 while a server is away and nothing is taken",
            registry=registry,
        )

        self._last_success = Gauge(
            "db_writer_last_success_timestamp_seconds",
            "When a batch was last stored",
            registry=registry,
        )

    def count(self, written: Written) -> None:
        """Count what was stored, just now."""
        self._last_success.set_to_current_time()
        self._rows.labels("new").inc(written.new)
        self._rows.labels("duplicate").inc(written.duplicates)

    def count_bad(self, bad: list[Rejected]) -> None:
        """Count what was set aside."""
        self._rows.labels("dead_letter").inc(len(bad))
        for one in bad:
            self._dead_letters.labels(one.fault).inc()
