"""The collector as its users start it: stopped, started twice, and checked."""

import pytest

from esnet_collector.tests.program import Program, free_port, healthz
from esnet_collector.tests.stack import (
    BACKFILL_SECONDS,
    Bus,
    Database,
    assert_complete,
    eventually,
    expected,
)

pytestmark = pytest.mark.integration


def test_asked_to_stop_it_finishes_what_is_in_hand(
    program: Program, bus: Bus, database: Database
) -> None:
    with program.running() as collector:
        collector.await_line("interfaces changed opened=84 closed=0")
        code, seconds = collector.terminate()
        assert (code, seconds < 8) == (0, True)
        assert "stopped windows=" in collector.lines[-1]
    delivered = bus.drain()
    facts = expected(database.rows(), BACKFILL_SECONDS)
    assert delivered.facts() == facts


def test_a_second_copy_waits_for_its_place(
    program: Program, bus: Bus, database: Database
) -> None:
    other = program.with_(METRICS_PORT=free_port())
    with program.running() as first:
        first.await_line("pass done")
        with other.running() as second:
            second.await_line("another copy collects; waiting for its place")
            eventually(lambda: healthz(other) == {}, what="health")
            refused = program.once()
            assert refused.returncode == 1
            assert "another copy collects already" in refused.stdout
            first.kill()
            second.await_line("pass done")
            assert second.terminate()[0] == 0
    assert_complete(database, bus.drain())


def test_check_is_content(program: Program, bus: Bus) -> None:
    bus.declare()
    result = program.command("--check")
    assert (result.returncode, result.stdout) == (0, "esnet_collector: all is well\n")


@pytest.mark.parametrize(
    ("variable", "wrong", "complaint"),
    [
        ("RMQ_PASS", "wrong", "ACCESS_REFUSED"),
        ("RMQ_VHOST", "nowhere", "vhost nowhere not found"),
        ("MYSQL_PASSWORD", "wrong", "Access denied"),
        ("NETBEAM_URL", "http://127.0.0.1:1/api", "Connection refused"),
    ],
)
def test_check_says_what_is_wrong(
    program: Program, bus: Bus, variable: str, wrong: str, complaint: str
) -> None:
    bus.declare()
    result = program.with_(**{variable: wrong}).command("--check")
    assert result.returncode == 1
    (line,) = result.stdout.splitlines()
    assert complaint in line
