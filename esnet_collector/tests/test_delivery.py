"""What reaches the broker is all there is, and no cursor moves before it did."""

import hashlib

import pytest

from esnet_collector.tests.program import Program, healthz
from esnet_collector.tests.stack import (
    BACKFILL_SECONDS,
    NETWORK,
    Bus,
    Database,
    assert_complete,
    eventually,
)

pytestmark = pytest.mark.integration


def test_what_is_delivered_is_what_there_is(
    program: Program, bus: Bus, database: Database
) -> None:
    result = program.once()
    assert result.returncode == 0, result.stdout
    delivered = bus.drain()
    assert_complete(database, delivered)
    assert delivered.repeated == 0
    assert all(each.delivery_mode == 2 for each in delivered.properties)
    rows = database.rows("status = '1'")
    assert {row["name"] for row in rows} == {each.resource for each in NETWORK}
    for row in rows:
        cursors = {row[f"{kind}_until"] for kind in ("traffic", "errors", "discards")}
        assert len(cursors) == 1
        assert row["active_from"] == row["last_seen"]
        assert row["active_until"] is None


def test_messages_are_what_the_consumers_expect(program: Program, bus: Bus) -> None:
    program.with_(BACKFILL_SECONDS=120).once()
    delivered = bus.drain()
    records = {each.resource: each.record() for each in NETWORK}
    assert len(delivered.interfaces) == len(records)
    for message_id, told in delivered.interfaces.items():
        timestamp = told["timestamp"]
        assert isinstance(timestamp, int)
        record = records[str(told["resource"])]
        assert told == {**record, "timestamp": timestamp}
        identity = f"{told['namespace']}{told['resource']}{told['name']}"
        identity += f"{told['device']}{timestamp}"
        assert message_id == hashlib.sha1(identity.encode()).hexdigest()
    for message_id, told in delivered.measurements.items():
        assert list(told) == ["name", "recordType", "timestamp", "in", "out"]
        identity = f"{told['name']}{told['recordType']}{told['timestamp']}"
        assert message_id == hashlib.sha1(identity.encode()).hexdigest()


def test_a_pass_goes_on_where_the_last_one_ended(
    program: Program, bus: Bus, database: Database
) -> None:
    assert program.with_(SETTLE_SECONDS=1800).once().returncode == 0
    assert program.with_(SETTLE_SECONDS=600).once().returncode == 0
    assert program.once().returncode == 0
    delivered = bus.drain()
    assert_complete(database, delivered)
    assert delivered.repeated == 0


def test_what_cannot_be_routed_moves_no_cursor(
    program: Program, bus: Bus, database: Database
) -> None:
    bus.declare("esnet_interfaces")
    result = program.with_(RMQ_QUEUE="").once()
    assert result.returncode == 1
    reason = f"no queue is bound to {bus.name} with key esnet_traffic"
    assert reason in result.stdout
    for row in database.rows():
        start = int(row["active_from"]) - BACKFILL_SECONDS * 1000
        if row["name"] in {each.resource for each in NETWORK if each.link}:
            assert int(row["traffic_until"]) == start // 30_000 * 30_000
    bus.declare("esnet_traffic")
    assert program.with_(RMQ_QUEUE="").once().returncode == 0
    assert_complete(database, bus.drain())


def test_a_queue_bound_later_ends_the_waiting(
    program: Program, bus: Bus, database: Database
) -> None:
    """While nothing is bound the collector lives on, unwell, and loses nothing."""
    bus.declare()
    waiting = program.with_(RMQ_QUEUE="")
    with waiting.running() as collector:
        line = collector.await_line("collection failed")
        assert f"no queue is bound to {bus.name} with key esnet_interfaces" in line
        eventually(
            lambda: (
                "no queue is bound" in (healthz(waiting) or {}).get("collection", "")
            ),
            what="the reason",
        )
        bus.declare("#")
        collector.await_line("pass done")
        eventually(lambda: healthz(waiting) == {}, what="health")
        assert collector.terminate()[0] == 0
    assert_complete(database, bus.drain())


def test_what_the_queue_refuses_moves_no_cursor(
    program: Program, bus: Bus, database: Database
) -> None:
    bus.declare("#", x_max_length=100, x_overflow="reject-publish")
    result = program.with_(RMQ_QUEUE="").once()
    assert result.returncode == 1
    assert "a message with key esnet_traffic was refused" in result.stdout
    moved = [
        row
        for row in database.rows()
        if int(row["active_from"]) - int(row["traffic_until"]) < 30_000
    ]
    unmeasured = {each.resource for each in NETWORK if each.link is None}
    assert {row["name"] for row in moved} <= unmeasured
