"""The loop: query, publish the snapshot, reconnect when the server went away."""

import logging

import pymysql
from prometheus_client import CollectorRegistry
from pymysql.connections import Connection

from host_exporter.connections import count_by_host
from host_exporter.settings import Settings
from host_exporter.snapshot import Snapshot
from servicekit import Backoff, Cycles, Health, Stop, every, retry
from servicekit.mysql import connect

log = logging.getLogger(__name__)

RECONNECT = Backoff(initial_seconds=0.5, maximum_seconds=10)
# So many intervals without a result are a failure, also if no error was seen.
PATIENCE_INTERVALS = 3


class Exporter:
    """Keeps a snapshot fresh; while queries fail the last stays, and health tells."""

    def __init__(
        self,
        settings: Settings,
        registry: CollectorRegistry,
        health: Health,
        stop: Stop,
    ) -> None:
        self._settings = settings
        self._health = health
        self._stop = stop
        self._cycles = Cycles("host_exporter", registry)
        self._snapshot = Snapshot()
        self._connection: Connection | None = None
        registry.register(self._snapshot)

    def run(self) -> None:
        """Query until stopped. Raises Stopped when that happens during a reconnect."""
        interval = self._settings.query_interval_seconds
        patience = PATIENCE_INTERVALS * interval + self._settings.mysql_timeout_seconds
        self._health.down("mysql", "not connected yet")
        self._health.expect("queries", patience)
        try:
            every(interval, self._refresh, self._stop)
        finally:
            self._disconnect()
            log.info("stopped")

    def _refresh(self) -> None:
        counts = retry(
            self._query,
            what="mysql",
            on=pymysql.MySQLError,
            stop=self._stop,
            health=self._health,
            backoff=RECONNECT,
        )
        self._snapshot.replace(counts)
        self._health.beat("queries")
        log.debug("snapshot replaced hosts=%d", len(counts))

    def _query(self) -> dict[str, int]:
        with self._cycles.measure():
            try:
                return count_by_host(self._connected())
            except pymysql.MySQLError:
                self._disconnect()
                raise

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._settings)
            log.info("Succesfully connected to database")
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None and self._connection.open:
            self._connection.close()
        self._connection = None
