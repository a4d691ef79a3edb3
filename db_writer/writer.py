"""The loop: take a batch, store it, set the bad aside, and only then let go of it."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain

import psycopg
from kafka.errors import KafkaError

from db_writer.dead_letters import DeadLetters
from db_writer.inbox import Batch, Inbox
from db_writer.messages import Accepted, Rejected, sort
from db_writer.metrics import Metrics
from db_writer.store import Store, Written
from servicekit import Backoff, Health, Stop

log = logging.getLogger(__name__)

_TAKE_SECONDS = 1
_LAG_SECONDS = 10
# Longer than the slowest step: a statement's time limit, and connecting before it.
_PROGRESS_SECONDS = 120
_RETRY = Backoff(initial_seconds=0.5, maximum_seconds=15)


class Writer:
    """Moves messages from the inbox to the store.

    Whatever fails, the batch goes back into the inbox and comes again: what was
    already stored of it is found to be there. A server's outage is waited out.
    """

    def __init__(
        self,
        inbox: Inbox,
        store: Store,
        dead_letters: DeadLetters,
        metrics: Metrics,
        health: Health,
    ) -> None:
        self._inbox = inbox
        self._store = store
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._health = health
        self._delays = _RETRY.delays()
        self._failures = 0
        self._lag_due = 0.0
        self._written = Written()

    def run(self, stop: Stop) -> None:
        """Write until stopped."""
        self._health.expect("loop", _PROGRESS_SECONDS)
        for part in ("kafka", "postgresql"):
            self._health.down(part, "not connected yet")
        while not stop.is_set():
            self._step(stop)
        log.info(
            "stopped new=%d duplicates=%d", self._written.new, self._written.duplicates
        )

    def _step(self, stop: Stop) -> None:
        self._health.beat("loop")
        batch: Batch = {}
        try:
            batch = self._inbox.take(_TAKE_SECONDS)
            self._deliver(batch)
            batch = {}  # what fails from here on does not concern it
            self._look_at_kafka()
        except (psycopg.Error, KafkaError) as error:
            self._inbox.put_back(batch)
            self._wait_out(error, stop)
        else:
            self._recovered()

    def _deliver(self, batch: Batch) -> None:
        if not batch:
            self._store.ping()
            return
        accepted, bad = sort(chain.from_iterable(batch.values()))
        bad.extend(self._write(accepted))
        self._set_aside(bad)
        self._inbox.done(batch)

    def _write(self, accepted: Sequence[Accepted]) -> Sequence[Rejected]:
        if not accepted:
            return ()
        with self._metrics.transaction_seconds.time():
            written = self._store.write(accepted)
        oldest = min(message.result.created for message in accepted)
        age = datetime.now(UTC) - oldest
        self._metrics.event_age_seconds.observe(max(0, age.total_seconds()))
        self._metrics.batch_rows.observe(len(accepted))
        self._metrics.count(written)
        self._written += replace(written, refused=())
        return written.refused

    def _set_aside(self, bad: list[Rejected]) -> None:
        if not bad:
            return
        self._dead_letters.send(bad, datetime.now(UTC))
        self._metrics.count_bad(bad)
        log.warning(
            "bad messages set aside count=%d partition=%d offset=%d error=%s",
            len(bad),
            bad[0].record.partition,
            bad[0].record.offset,
            bad[0].error,
        )

    def _look_at_kafka(self) -> None:
        if time.monotonic() < self._lag_due:
            return
        self._metrics.lag_messages.set(self._inbox.lag())
        self._metrics.partitions.set(self._inbox.partitions())
        self._health.up("kafka")
        self._lag_due = time.monotonic() + _LAG_SECONDS

    def _recovered(self) -> None:
        self._health.up("postgresql")
        if self._failures:
            log.info("working again failures=%d", self._failures)
            self._metrics.paused.set(0)
            self._failures = 0
            self._delays = _RETRY.delays()

    def _wait_out(self, error: psycopg.Error | KafkaError, stop: Stop) -> None:
        """Take nothing for a while, but stay in the group."""
        part = "kafka" if isinstance(error, KafkaError) else "postgresql"
        delay = next(self._delays)
        self._failures += 1
        log.warning(
            "%s failed attempt=%d retry_in_seconds=%.1f error=%s",
            part,
            self._failures,
            delay,
            error,
        )
        self._health.down(part, str(error))
        self._metrics.paused.set(1)
        if part == "kafka":
            self._lag_due = 0
            stop.wait(delay)
        else:
            self._stay(delay, stop)

    def _stay(self, seconds: float, stop: Stop) -> None:
        until = time.monotonic() + seconds
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            try:
                self._inbox.stay(min(left, _TAKE_SECONDS))
            except KafkaError:
                stop.wait(left)  # the next step finds out and tells
