"""The loop: take the lead, a snapshot when one is due, and the measurements."""

import logging
import time

import pymysql

from esnet_collector.confirms import PublishFailed
from esnet_collector.measurements import Measurements, Tally
from esnet_collector.parts import Parts
from esnet_collector.snapshots import Snapshots
from esnet_collector.source import SourceUnavailable
from servicekit import Backoff, ServiceFailed, every, retry

log = logging.getLogger(__name__)

# What may heal by itself: a server is away, or refuses for now.
FAILURES = (pymysql.MySQLError, PublishFailed, SourceUnavailable)
BACKOFF = Backoff(initial_seconds=0.5, maximum_seconds=15)
# How often a copy that waits asks for the lead.
LEAD_SECONDS = 2
# The longest a single reply may keep a pass from going on.
PATIENCE_SECONDS = 180
PART = "collection"


class Collector:
    """Collects pass by pass; a server that failed is connected to anew."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._health = parts.health
        self._stop = parts.stop
        self._snapshots = Snapshots(parts)
        self._measurements = Measurements(parts, self._beat)
        self._snapshot_due = 0.0
        self._total = Tally()
        interval = parts.settings.collect_interval_seconds
        self._health.expect(PART, interval + PATIENCE_SECONDS)

    def run(self) -> None:
        """Collect until stopped."""
        self._health.down(PART, "no pass has ended yet")
        try:
            every(self._settings.collect_interval_seconds, self._cycle, self._stop)
        finally:
            self._disconnect()
            log.info(
                "stopped windows=%d messages=%d",
                self._total.windows,
                self._total.messages,
            )

    def once(self) -> None:
        """Make one pass. Raises ServiceFailed when it is not complete."""
        try:
            if not self._parts.store.lead():
                raise ServiceFailed("another copy collects already")
            tally = self._pass()
        except FAILURES as error:
            raise ServiceFailed(f"the pass failed: {error}") from error
        finally:
            self._disconnect()
        if tally.failed:
            raise ServiceFailed(f"streams that could not be read: {tally.failed}")

    def _cycle(self) -> None:
        retry(
            self._attempt,
            what=PART,
            on=FAILURES,
            stop=self._stop,
            health=self._health,
            backoff=BACKOFF,
        )

    def _attempt(self) -> None:
        try:
            self._await_lead()
            if not self._stop.is_set():
                self._pass()
        except pymysql.MySQLError:
            self._parts.store.close()
            self._parts.metrics.leading.set(0)
            raise
        except PublishFailed:
            self._parts.broker.close()
            raise

    def _await_lead(self) -> None:
        """Wait while another copy collects; that is how a healthy second copy lives."""
        if not self._parts.store.lead():
            log.info("another copy collects; waiting for its place")
            self._health.up(PART)
        while not self._stop.is_set() and not self._parts.store.lead():
            self._parts.metrics.leading.set(0)
            self._beat()
            self._stop.wait(LEAD_SECONDS)
        self._parts.metrics.leading.set(not self._stop.is_set())

    def _pass(self) -> Tally:
        started = time.monotonic()
        with self._parts.metrics.cycles.measure():
            now_ms = time.time_ns() // 1_000_000
            self._snapshot(now_ms)
            tally = self._measurements.collect(now_ms)
        self._total.windows += tally.windows
        self._total.messages += tally.messages
        log.info(
            "pass done windows=%d messages=%d failed=%d seconds=%.1f",
            tally.windows,
            tally.messages,
            tally.failed,
            time.monotonic() - started,
        )
        return tally

    def _snapshot(self, now_ms: int) -> None:
        """Take a snapshot if one is due; without one, known interfaces go on."""
        if time.monotonic() < self._snapshot_due:
            return
        try:
            self._snapshots.take(now_ms)
        except SourceUnavailable as error:
            self._health.down("inventory", str(error))
            if not self._parts.store.open_names():
                raise
            log.warning("no snapshot of the interfaces error=%s", error)
            return
        self._health.up("inventory")
        interval = self._settings.inventory_interval_seconds
        self._snapshot_due = time.monotonic() + interval
        self._beat()

    def _beat(self) -> None:
        self._health.beat(PART)

    def _disconnect(self) -> None:
        self._parts.broker.close()
        self._parts.store.close()
        self._parts.metrics.leading.set(0)
