import threading
import time
from datetime import UTC, datetime

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from prometheus_client import CollectorRegistry, generate_latest

from interceptor.backlog import BATCH_ROWS, DROP_REASONS, Backlog
from interceptor.connection import Connection

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def connection(port: int = 80) -> Connection:
    return Connection(NOON, "10.0.0.2", port)


def filled(rows: int, limit_rows: int = 10_000) -> Backlog:
    backlog = Backlog(limit_rows)
    for number in range(rows):
        backlog.add(connection(number))
    return backlog


def test_a_batch_stays_queued_until_its_fate_is_known():
    backlog = filled(3)
    batch = backlog.batch(wait_seconds=0)
    assert [row.port for row in batch] == [0, 1, 2]
    assert backlog.counts().queued == 3
    assert backlog.batch(wait_seconds=0) == batch
    backlog.inserted(3)
    assert backlog.counts().queued == 0
    assert backlog.counts().inserted == 3


def test_a_batch_is_bounded_and_in_order():
    backlog = filled(BATCH_ROWS + 1)
    assert [row.port for row in backlog.batch(0)] == list(range(BATCH_ROWS))
    backlog.inserted(BATCH_ROWS)
    assert [row.port for row in backlog.batch(0)] == [BATCH_ROWS]


def test_a_full_queue_drops_what_comes_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
):
    backlog = filled(5, limit_rows=3)
    assert [row.port for row in backlog.batch(0)] == [0, 1, 2]
    assert backlog.counts().dropped["queue_full"] == 2
    assert [record.message for record in caplog.records] == [
        "queue full, dropping connections limit_rows=3"
    ]


def test_no_row_in_time_is_an_empty_batch():
    assert filled(0).batch(wait_seconds=0.01) == []


def test_a_row_wakes_the_writer_and_a_full_batch_does_not_linger():
    backlog, batches = filled(0), []
    writer = threading.Thread(target=lambda: batches.append(backlog.batch(30)))
    writer.start()
    started = time.monotonic()
    for _ in range(BATCH_ROWS):
        backlog.add(connection())
    writer.join(timeout=10)
    assert len(batches[0]) == BATCH_ROWS
    assert time.monotonic() - started < 5


def test_closing_wakes_the_writer():
    backlog = filled(0)
    threading.Timer(0.05, backlog.close).start()
    assert backlog.batch(wait_seconds=30) == []
    assert backlog.is_finished()


def test_it_is_finished_only_once_closed_and_empty():
    backlog = filled(1)
    assert not backlog.is_finished()
    backlog.close()
    assert not backlog.is_finished()
    backlog.dropped(1, "stopped")
    assert backlog.is_finished()


def test_metrics():
    backlog, registry = filled(5, limit_rows=4), CollectorRegistry()
    backlog.inserted(2)
    backlog.dropped(1, "refused")
    registry.register(backlog)
    lines = generate_latest(registry).decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "interceptor_connections_captured_total 5.0",
        "interceptor_connections_inserted_total 2.0",
        "interceptor_connections_queued 1.0",
        'interceptor_connections_dropped_total{reason="queue_full"} 1.0',
        'interceptor_connections_dropped_total{reason="refused"} 1.0',
        'interceptor_connections_dropped_total{reason="stopped"} 0.0',
    ]


class Conservation(RuleBasedStateMachine):
    """Whatever happens in whatever order, each connection is in exactly one place."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog = Backlog(limit_rows=20)
        self.added = 0

    @rule(rows=st.integers(0, 15))
    def capture(self, rows: int) -> None:
        for _ in range(rows):
            self.backlog.add(connection())
        self.added += rows

    @precondition(lambda self: self.backlog.counts().queued)
    @rule(reason=st.sampled_from((None, *DROP_REASONS)), data=st.data())
    def settle(self, reason: str | None, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, self.backlog.counts().queued))
        if reason:
            self.backlog.dropped(count, reason)
        else:
            self.backlog.inserted(count)

    @invariant()
    def all_are_accounted_for(self) -> None:
        counts = self.backlog.counts()
        assert counts.captured == self.added
        assert counts.queued <= 20
        settled = counts.inserted + sum(counts.dropped.values())
        assert counts.captured == counts.queued + settled


test_conservation = Conservation.TestCase
