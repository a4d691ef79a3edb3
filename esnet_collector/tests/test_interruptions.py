"""Whatever dies, stops or goes away for a while, nothing is missing."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from esnet_collector.tests.program import Program, healthz
from esnet_collector.tests.stack import (
    NETWORK,
    Bus,
    Database,
    assert_complete,
    eventually,
)

pytestmark = pytest.mark.integration


def test_killed_between_publish_and_commit_nothing_is_missing(
    program: Program, bus: Bus, database: Database
) -> None:
    """Cursors are held: what was published until then comes twice, and no gap."""
    program.with_(SETTLE_SECONDS=604_800).once()
    before = {row["id"]: row["traffic_until"] for row in database.rows()}
    database.hold_cursors()
    with program.running("once") as collector:
        eventually(database.is_holding_cursors, what="a commit")
        published = bus.depth()
        collector.kill()
    assert published > 1000
    database.release_cursors()
    assert {row["id"]: row["traffic_until"] for row in database.rows()} == before
    assert program.once().returncode == 0
    delivered = bus.drain()
    assert_complete(database, delivered)
    # All that was there comes again, but for the records of two snapshots: each
    # snapshot's have a time of their own.
    assert delivered.repeated >= published - 2 * len(NETWORK)


def test_killed_again_and_again_nothing_is_missing(
    program: Program, bus: Bus, database: Database
) -> None:
    for more in (1, 500, 2000, 4000):
        reached = more + (bus.depth() if database.rows() else 0)
        with program.running() as collector:
            eventually(
                lambda reached=reached: _depth(bus) >= reached,  # type: ignore[misc]
                what="publishing",
            )
            collector.kill()
    assert program.once().returncode == 0
    assert_complete(database, bus.drain())


def _depth(bus: Bus) -> int:
    """Return the queue's depth, 0 while it is not there yet."""
    try:
        return bus.depth()
    except Exception:  # noqa: BLE001 - pika raises several
        return 0


def test_a_database_that_goes_away_costs_nothing(
    program: Program, bus: Bus, database: Database
) -> None:
    with program.running() as collector:
        collector.await_line("pass done")
        assert database.kill_connections() == 1
        collector.await_line("collection failed")
        collector.await_line("Succesfully connected to database")
        collector.await_line("pass done")
        eventually(lambda: healthz(program) == {}, what="health")
        assert collector.terminate()[0] == 0
    assert_complete(database, bus.drain())


@pytest.fixture
def spare_broker() -> Iterator[str]:
    """Start a broker that a test may stop, in this container's network."""
    name = f"esnet-test-{uuid4().hex[:8]}"
    docker(
        *("run", "--detach", "--name", name, "--hostname", name),
        *("--network", own_network()),
        *("--env", "RABBITMQ_DEFAULT_USER=esnet"),
        *("--env", f"RABBITMQ_DEFAULT_PASS={os.environ['RABBITMQ_PASSWORD']}"),
        os.environ["RABBITMQ_IMAGE"],
    )
    try:
        await_broker(name)
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


def docker(*arguments: str) -> str:
    """Run a docker command and return what it prints."""
    result = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def own_network() -> str:
    """Return the network that this very container is in."""
    template = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"
    return docker("inspect", "--format", template, socket.gethostname()).split()[0]


def limit_memory(broker: str, share: str) -> None:
    """Let a broker take no messages from this share of the machine's memory on."""
    docker("exec", broker, "rabbitmqctl", "set_vm_memory_high_watermark", share)


def await_broker(name: str) -> None:
    """Wait until a broker takes connections."""
    bus = Bus.on(name)

    def answers() -> bool:
        try:
            with bus.channel():
                return True
        except Exception:  # noqa: BLE001 - pika raises several
            return False

    eventually(answers, seconds=60, what="the broker's start")


@pytest.mark.timeout(180)
def test_a_broker_that_dies_and_returns_costs_nothing(
    make_program: Callable[[str, Bus], Program],
    simulator: str,
    spare_broker: str,
    database: Database,
) -> None:
    bus = Bus.on(spare_broker)
    program = make_program(simulator, bus)
    with program.running() as collector:
        eventually(lambda: _depth(bus) > 500, what="publishing")
        docker("kill", spare_broker)
        collector.await_line("collection failed")
        eventually(
            lambda: "rabbitmq" in (healthz(program) or {}).get("collection", ""),
            what="the reason",
        )
        docker("start", spare_broker)
        collector.await_line("pass done")
        eventually(lambda: healthz(program) == {}, what="health")
        assert collector.terminate()[0] == 0
    assert_complete(database, bus.drain())


@pytest.mark.timeout(180)
def test_a_blocked_broker_is_waited_for(
    make_program: Callable[[str, Bus], Program],
    simulator: str,
    spare_broker: str,
    database: Database,
) -> None:
    bus = Bus.on(spare_broker)
    program = make_program(simulator, bus)
    limit_memory(spare_broker, "0.000001")
    with program.running() as collector:
        collector.await_line("broker takes no messages reason=low on memory")
        reason = {"rabbitmq": "takes no messages: low on memory"}
        eventually(
            lambda: reason.items() <= (healthz(program) or {}).items(),
            what="the reason",
        )
        assert database.rows() == []
        limit_memory(spare_broker, "0.6")
        collector.await_line("pass done")
        eventually(lambda: healthz(program) == {}, what="health")
        assert collector.terminate()[0] == 0
    assert_complete(database, bus.drain())


@pytest.mark.timeout(180)
def test_a_blocked_broker_does_not_hold_up_the_end(
    make_program: Callable[[str, Bus], Program],
    simulator: str,
    spare_broker: str,
) -> None:
    program = make_program(simulator, Bus.on(spare_broker))
    limit_memory(spare_broker, "0.000001")
    with program.running() as collector:
        collector.await_line("broker takes no messages")
        code, seconds = collector.terminate()
    assert (code, seconds < 9) == (0, True)
