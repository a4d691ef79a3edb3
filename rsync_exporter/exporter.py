"""The loop: read what is new in the log, count it, publish the counts."""

import logging
from itertools import chain

from prometheus_client import CollectorRegistry

from rsync_exporter.tail.follower import Follower
from rsync_exporter.rsyncd.line_format import RSYNCD
from rsync_exporter.settings import Settings
from rsync_exporter.collector import Snapshot
from rsync_exporter.sessions.tally import Tally
from servicekit import Backoff, Cycles, Health, Stop, every, retry

log = logging.getLogger(__name__)

# A log that is missing is looked for this often at first, then ever more seldom.
WAIT_FOR_LOG = Backoff(initial_seconds=0.5, maximum_seconds=5)

# One block takes far less than a second; this is the time after which a loop that does
# nothing is called stuck.
STUCK_SECONDS = 30


class Exporter:
    """Keeps the counts up to date; while there is no log, health says so."""

    def __init__(
        self,
        settings: Settings,
        registry: CollectorRegistry,
        health: Health,
        stop: Stop,
    ) -> None:
        self._interval_seconds = settings.rsync_exporter_interval_seconds
        self._health = health
        self._stop = stop
        self._format = settings.rsync_exporter_format or RSYNCD
        self._cycles = Cycles("rsync_exporter", registry)
        self._tally = Tally()
        self._snapshot = Snapshot(
            legacy_status_code=settings.rsync_exporter_legacy_status_code
        )
        self._follower = Follower(
            settings.rsync_exporter_log,
            skip_old_lines=settings.rsync_exporter_from == "end",
            keep_rotated_seconds=settings.rsync_exporter_keep_rotated_seconds,
        )
        registry.register(self._snapshot)

    def run(self) -> None:
        """Read until stopped. Raises Stopped when there is no log at that time."""
        self._health.expect("reader", self._interval_seconds + STUCK_SECONDS)
        try:
            every(self._interval_seconds, self._refresh, self._stop)
        finally:
            totals = self._tally.totals()
            self._follower.close()
            log.info(
                "stopped lines=%d connections=%d executions=%d",
                totals.lines.total(),
                totals.connections,
                totals.executions,
            )

    def _refresh(self) -> None:
        retry(
            self._read,
            what="log",
            on=OSError,
            stop=self._stop,
            health=self._health,
            backoff=WAIT_FOR_LOG,
        )

    def _read(self) -> None:
        """Read to the end of the log, publishing block by block.

        But not the first time: a scrape of half of the log would look like a reset.
        """
        self._health.beat("reader")
        with self._cycles.measure():
            try:
                for lines in self._follower.poll():
                    self._count(lines)
                    if self._stop.is_set():
                        return
                self._snapshot.caught_up()
            finally:
                self._publish()

    def _count(self, lines: list[bytes]) -> None:
        self._tally.add(chain.from_iterable(map(self._format.records, lines)))
        self._health.beat("reader")
        if self._snapshot.is_serving:
            self._publish()

    def _publish(self) -> None:
        self._snapshot.replace(self._tally.totals(), self._follower.position())
