"""The collector between a real API, a real broker and a real database."""

import hashlib
import http.client
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from types import MappingProxyType
from uuid import uuid4

import pytest

from demo.netbeam.catalogue import Size
from demo.netbeam.server import serve
from esnet_collector.tests.stack import (
    NETWORK,
    SEED,
    Bus,
    Database,
    Delivered,
    Program,
    eventually,
    expected,
)
from esnet_collector.tests.website import Answer, Website

pytestmark = pytest.mark.integration

# An hour of 23 measured interfaces by 3 types is 8,280 messages.
BACKFILL_SECONDS = 3600


@pytest.fixture
def database() -> Iterator[Database]:
    """Give the test a database of its own."""
    made = Database()
    made.create()
    yield made
    made.drop()


@pytest.fixture
def bus() -> Iterator[Bus]:
    """Give the test an exchange and a queue of its own on the stack's broker."""
    made = Bus.on("rabbitmq")
    yield made
    made.delete()


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """Serve the simulator for all tests of this file."""
    with serve(SEED, Size.SMALL) as url:
        yield url


@pytest.fixture
def make_program(database: Database) -> Callable[[str, Bus], Program]:
    """Return a factory of collectors that use the test's own places."""

    def make(url: str, bus: Bus) -> Program:
        variables = {
            "NETBEAM_URL": url,
            "MYSQL_USER": database.name,
            "MYSQL_PASSWORD": database.password,
            "MYSQL_DB": database.name,
            "RMQ_HOST": bus.host,
            "RMQ_USER": "esnet",
            "RMQ_PASS": os.environ["RABBITMQ_PASSWORD"],
            "RMQ_EXCHANGE": bus.name,
            "RMQ_QUEUE": bus.name,
            "RMQ_QUEUE_MAX_LENGTH": "1000000",
            "RMQ_TIMEOUT_SECONDS": "5",
            "BACKFILL_SECONDS": str(BACKFILL_SECONDS),
            "SETTLE_SECONDS": "0",
            "COLLECT_INTERVAL_SECONDS": "1",
            "METRICS_PORT": str(free_port()),
        }
        return Program(MappingProxyType(variables))

    return make


@pytest.fixture
def program(
    make_program: Callable[[str, Bus], Program], simulator: str, bus: Bus
) -> Program:
    """Return a collector of the simulator."""
    return make_program(simulator, bus)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def healthz(program: Program) -> dict[str, str] | None:
    """Return what a running collector says is wrong; None when it does not answer."""
    port = int(program.variables["METRICS_PORT"])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        told = json.loads(response.read())
    except OSError:
        return None
    finally:
        connection.close()
    problems: dict[str, str] = told["problems"]
    assert response.status == (503 if problems else 200)
    return problems


def assert_complete(database: Database, delivered: Delivered) -> None:
    """Check that exactly what the cursors promise was delivered, value by value."""
    facts = expected(database.rows(), BACKFILL_SECONDS)
    assert len(facts) > 8000
    assert delivered.facts() == facts


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


def test_killed_between_publish_and_commit_nothing_is_missing(
    program: Program, bus: Bus, database: Database
) -> None:
    """Cursors are held while all is published: the whole pass comes twice, no gap."""
    program.with_(SETTLE_SECONDS=604_800).once()
    before = {row["id"]: row["traffic_until"] for row in database.rows()}
    database.hold_cursors()
    with program.running("once") as collector:
        eventually(lambda: bus.depth() > 8000, what="publishing")
        collector.kill()
    database.release_cursors()
    assert {row["id"]: row["traffic_until"] for row in database.rows()} == before
    assert program.once().returncode == 0
    delivered = bus.drain()
    assert_complete(database, delivered)
    # All that was there comes again, but for the records of two snapshots: each
    # snapshot's have a time of their own.
    assert delivered.repeated > 8000 - 2 * len(NETWORK)


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
        assert "no queue is bound" in (healthz(waiting) or {})["collection"]
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
            assert healthz(other) == {}
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


class Api:
    """An API whose interfaces come and go; each has a point every half minute."""

    def __init__(self, website: Website, *names: str) -> None:
        self.names = set(names)
        self.url = website.url
        website.answer = self._answer

    def _answer(self, target: str) -> Answer:
        if target.endswith("/interfaces"):
            listed = [{"resource": name} for name in sorted(self.names)]
            return Answer(body=json.dumps(listed).encode())
        begin, end = (
            int(part.split("=")[1]) for part in target.split("?")[1].split("&")
        )
        found = [
            [time_ms, 1, 2]
            for time_ms in range(begin - begin % 30_000, end + 1, 30_000)
        ]
        series = {"columns": ["time", "in", "out"], "points": found}
        return Answer(body=json.dumps(series).encode())


def test_an_interface_is_closed_drained_and_opened_again(
    make_program: Callable[[str, Bus], Program],
    website: Website,
    bus: Bus,
    database: Database,
) -> None:
    names = [f"devices/a/interfaces/{n}" for n in range(10)]
    api = Api(website, *names)
    program = make_program(api.url, bus).with_(
        INVENTORY_INTERVAL_SECONDS=1, MISSING_SNAPSHOTS=2, BACKFILL_SECONDS=300
    )
    gone = names[3]
    with program.running() as collector:
        collector.await_line("interfaces changed opened=10 closed=0")
        api.names.remove(gone)
        collector.await_line("interfaces changed opened=0 closed=1")
        collector.await_line("pass done")
        (row,) = database.rows(f"name = '{gone}'")
        others = database.rows("status = '1'")
        assert row["status"] == "0"
        assert len(others) == 9
        assert all(row["active_until"] < each["last_seen"] for each in others)
        assert row["traffic_until"] >= row["active_until"] or (
            int(row["active_until"]) - int(row["traffic_until"]) < 30_000
        )
        api.names.add(gone)
        collector.await_line("interfaces changed opened=1 closed=0")
        collector.terminate()
    old, new = database.rows(f"name = '{gone}'")
    assert (old["status"], new["status"]) == ("0", "1")
    assert old == row | {key: old[key] for key in old if key.endswith("_until")}
    assert int(new["active_from"]) > int(old["active_until"])


def test_a_snapshot_cut_short_closes_nothing(
    make_program: Callable[[str, Bus], Program],
    website: Website,
    bus: Bus,
    database: Database,
) -> None:
    names = [f"devices/a/interfaces/{n}" for n in range(10)]
    api = Api(website, *names)
    program = make_program(api.url, bus).with_(MISSING_SNAPSHOTS=1)
    assert program.once().returncode == 0
    api.names -= set(names[5:])
    result = program.once()
    assert result.returncode == 0
    assert "snapshot held, too much is missing known=10 missing=5" in result.stdout
    api.names.clear()
    assert "known=10 missing=10" in program.once().stdout
    assert len(database.rows("status = '1'")) == 10
    api.names = set(names[:9])
    assert "opened=0 closed=1" in program.once().stdout


def test_without_a_snapshot_known_interfaces_go_on(
    make_program: Callable[[str, Bus], Program],
    website: Website,
    bus: Bus,
    database: Database,
) -> None:
    api = Api(website, "devices/a/interfaces/b")
    program = make_program(api.url, bus)
    assert program.with_(SETTLE_SECONDS=1200).once().returncode == 0
    series = website.answer

    def answer(target: str) -> Answer:
        return Answer(404) if target.endswith("/interfaces") else series(target)

    website.answer = answer
    result = program.once()
    assert result.returncode == 0
    assert "no snapshot of the interfaces" in result.stdout
    (row,) = database.rows()
    assert int(row["active_from"]) - int(row["traffic_until"]) < 30_000


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(503), "HTTP 503 Service Unavailable"),
        (Answer(404), "HTTP 404"),
        (Answer(200), "empty body"),
        (Answer(200, b"[]"), "none is listed"),
        (Answer(200, b"[{"), "no JSON"),
    ],
)
def test_an_api_without_interfaces_ends_the_pass_with_its_reason(
    make_program: Callable[[str, Bus], Program],
    website: Website,
    bus: Bus,
    database: Database,
    answer: Answer,
    reason: str,
) -> None:
    bus.declare()
    website.says(answer)
    result = make_program(website.url, bus).once()
    assert result.returncode == 1
    assert f"the pass failed: interfaces: {reason}" in result.stdout
    assert "Traceback" not in result.stdout
    assert database.rows() == []


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
    limit = ("exec", spare_broker, "rabbitmqctl", "set_vm_memory_high_watermark")
    docker(*limit, "0.000001")
    with program.running() as collector:
        collector.await_line("broker takes no messages reason=low on memory")
        assert (healthz(program) or {})["rabbitmq"] == (
            "takes no messages: low on memory"
        )
        assert database.rows() == []
        docker(*limit, "0.6")
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
    limit = ("exec", spare_broker, "rabbitmqctl", "set_vm_memory_high_watermark")
    docker(*limit, "0.000001")
    with program.running() as collector:
        collector.await_line("broker takes no messages")
        code, seconds = collector.terminate()
    assert (code, seconds < 9) == (0, True)
