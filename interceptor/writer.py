"""From the backlog into the database, however often the server goes away."""

import logging
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from itertools import count
from typing import Self

import pymysql
from prometheus_client import CollectorRegistry

from interceptor.backlog import Backlog
from interceptor.connection import Connection
from interceptor.heartbeat import Heartbeat
from interceptor.settings import Settings
from interceptor.table import PING_SECONDS, Table
from interceptor.worker import Worker
from servicekit import Backoff, Cycles, Health, Stop, Stopped, retry

log = logging.getLogger(__name__)

# After these, time or a person mends what is wrong (a lost connection, a missing table)
# and the same rows are written then. All others are the fault of the rows themselves.
HEALABLE = (
    pymysql.InterfaceError,
    pymysql.InternalError,
    pymysql.OperationalError,
    pymysql.ProgrammingError,
)
FIRST_RETRY_SECONDS = 0.5
DRAIN_SECONDS = 4
GIVE_UP_SECONDS = 0.5


class Writer:
    """Empties the backlog while the block runs; at its end, writes what is left."""

    def __init__(
        self,
        settings: Settings,
        backlog: Backlog,
        registry: CollectorRegistry,
        health: Health,
        stop: Stop,
    ) -> None:
        self._table = Table(settings)
        self._backlog = backlog
        self._cycles = Cycles("interceptor", registry)
        self._health = health
        self._heartbeat = Heartbeat(settings.heartbeat_inserts)
        self._backoff = Backoff(
            min(FIRST_RETRY_SECONDS, settings.mysql_retry_seconds),
            settings.mysql_retry_seconds,
        )
        self._give_up = Stop()
        self._worker = Worker("writer", self._run, stop)

    def __enter__(self) -> Self:
        """Start to write."""
        self._health.down("mysql", "not connected yet")
        self._health.expect("writer", 6 * PING_SECONDS)
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is left; what cannot be written in time is counted as dropped."""
        self._backlog.close()
        if not self._backlog.is_finished():
            self._worker.finish(DRAIN_SECONDS)
        self._give_up.set()
        self._worker.finish(GIVE_UP_SECONDS)
        if left := self._backlog.counts().queued:
            log.error("connections given up rows=%d", left)
            self._backlog.dropped(left, "stopped")

    def _run(self) -> None:
        numbers = count(1)
        with suppress(Stopped), closing(self._table):
            self._retry(self._table.ping)
            self._heartbeat.announce()
            while not self._backlog.is_finished():
                self._health.beat("writer")
                if batch := self._backlog.batch(PING_SECONDS):
                    self._write(next(numbers), batch)
                else:
                    self._retry(self._table.ping)

    def _write(self, number: int, batch: list[Connection]) -> None:
        try:
            self._retry(partial(self._attempt, number, batch))
        except pymysql.MySQLError as error:
            log.error(  # noqa: TRY400 - it is the rows' fault, not the code's
                "rows refused rows=%d error=%s", len(batch), error
            )
            self._backlog.dropped(len(batch), "refused")
        else:
            self._backlog.inserted(len(batch))
            self._heartbeat.count(len(batch))

    def _attempt(self, number: int, batch: list[Connection]) -> None:
        with self._cycles.measure():
            self._table.write(number, batch)

    def _retry(self, action: Callable[[], None]) -> None:
        retry(
            action,
            what="mysql",
            on=HEALABLE,
            stop=self._give_up,
            health=self._health,
            backoff=self._backoff,
        )
