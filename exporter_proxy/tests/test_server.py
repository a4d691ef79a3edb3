"""The web server: who makes room for whom, and how long anybody may take."""

import asyncio
import contextlib
import gc
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from exporter_proxy.config import read
from exporter_proxy.metrics import Metrics
from exporter_proxy.push.sockets import allow_connections
from exporter_proxy.serve.crowd import Crowd, Guest, Phase
from exporter_proxy.serve.route import Route
from exporter_proxy.tests.certificates import Authority
from exporter_proxy.tests.running import has_ended, wait_until
from exporter_proxy.tests.serving import MAX_CONNECTIONS, Serving, serving
from exporter_proxy.tls import server_context
from servicekit import healthcheck

ALL = read(None)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Some(Guest):
    """A connection of which a test says what it is at."""

    def __init__(self, phase: Phase = Phase.IDLE) -> None:
        self.at = phase
        self.unread = 0
        self.dropped = False

    @property
    def phase(self) -> Phase:
        return self.at

    @property
    def unread_bytes(self) -> int:
        return self.unread

    def drop(self) -> None:
        self.dropped = True


class Clock:
    """Goes on when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def crowd(clock: Clock) -> Crowd:
    """Return a crowd of at most three."""
    dropped = Metrics(CollectorRegistry()).dropped_connections
    return Crowd(3, 60, dropped, clock)


def test_the_one_that_was_idle_longest_makes_room(crowd: Crowd):
    first, second, third, fourth = (Some() for _ in range(4))
    for each in (first, second, third):
        crowd.admit(each)
    crowd.got_on(first)

    assert crowd.admit(fourth)
    assert [each.dropped for each in (first, second, third)] == [False, True, False]
    assert len(crowd) == 3


@pytest.mark.parametrize("busy", [Phase.HEAD, Phase.BODY, Phase.UNREAD, Phase.ANSWER])
def test_an_idle_one_makes_room_before_those_at_work(crowd: Crowd, busy: Phase):
    idle = Some()
    for each in (Some(busy), Some(busy), idle):
        crowd.admit(each)

    assert crowd.admit(Some())
    assert idle.dropped


def test_whoever_is_being_answered_never_makes_room(crowd: Crowd):
    busy = [Some(Phase.ANSWER) for _ in range(3)]
    for each in busy:
        crowd.admit(each)

    assert not crowd.admit(Some())
    assert not any(each.dropped for each in busy)


def test_a_smaller_maximum_counts_from_the_next_one_on(crowd: Crowd):
    guests = [Some() for _ in range(3)]
    for each in guests:
        crowd.admit(each)
    crowd.maximum = 1

    assert crowd.admit(Some())
    assert all(each.dropped for each in guests)


@pytest.mark.parametrize(
    ("phase", "seconds"),
    [(Phase.IDLE, 75), (Phase.HEAD, 10), (Phase.BODY, 60), (Phase.UNREAD, 30)],
)
def test_nobody_waits_for_a_client_for_ever(
    crowd: Crowd, clock: Clock, phase: Phase, seconds: float
):
    guest = Some(phase)
    crowd.admit(guest)

    clock.now += seconds
    crowd.sweep()
    assert not guest.dropped
    clock.now += 0.1
    crowd.sweep()
    assert guest.dropped
    assert len(crowd) == 0


def test_an_answer_may_take_its_time(crowd: Crowd, clock: Clock):
    guest = Some(Phase.ANSWER)
    crowd.admit(guest)

    clock.now += 10_000
    crowd.sweep()

    assert not guest.dropped


def test_a_client_that_reads_slowly_is_left_as_long_as_it_reads(
    crowd: Crowd, clock: Clock
):
    guest = Some(Phase.UNREAD)
    guest.unread = 1000
    crowd.admit(guest)

    for unread in (1000, 900, 800, 700):
        guest.unread = unread
        clock.now += 20
        crowd.sweep()
    assert not guest.dropped
    for _ in range(2):
        clock.now += 20
        crowd.sweep()
    assert guest.dropped


def test_whoever_left_is_not_counted_when_its_answer_ends(crowd: Crowd):
    guest = Some(Phase.ANSWER)
    crowd.admit(guest)
    crowd.leave(guest)

    crowd.got_on(guest)

    assert len(crowd) == 0


async def small(_: web.Request) -> web.Response:
    return web.Response(text="small\n")


async def large(_: web.Request) -> web.Response:
    return web.Response(body=bytes(50_000_000))


async def length(request: web.Request) -> web.Response:
    return web.Response(text=f"{len(await request.read())}\n")


async def failing(_: web.Request) -> web.Response:
    raise ValueError("a mistake of ours")


class Gate:
    """A route that answers only once it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    async def answer(self, _: web.Request) -> web.Response:
        await asyncio.to_thread(self.opened.wait)
        return web.Response(text="at last\n")


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def routes(gate: Gate) -> list[Route]:
    return [
        Route("GET", "/", small, "open"),
        Route("GET", "/healthz", small, "open"),
        Route("GET", "/large", large, "open"),
        Route("GET", "/later", gate.answer, "open"),
        Route("GET", "/failing", failing, "open"),
        Route("POST", "/", length, "open"),
    ]


@pytest.fixture
def server(routes: list[Route]) -> Iterator[Serving]:
    with serving(ALL, routes) as server:
        yield server


@pytest.fixture
def patient(routes: list[Route], clock: Clock) -> Iterator[Serving]:
    """Serve by a clock that a test moves."""
    with serving(ALL, routes, clock=clock) as server:
        yield server


def get(port: int, path: str = "/") -> bytes:
    url = f"http://127.0.0.1:{port}{path}"
    with urllib.request.urlopen(url, timeout=10) as response:
        return bytes(response.read())


@contextlib.contextmanager
def many(server: Serving, count: int) -> Iterator[list[socket.socket]]:
    """Open connections that say nothing."""
    with contextlib.ExitStack() as opened:
        yield [opened.enter_context(server.connect()) for _ in range(count)]


def test_idle_connections_keep_no_scrape_out(server: Serving):
    allow_connections(2 * 3000 + MAX_CONNECTIONS)

    with many(server, 3000) as idle:
        assert get(server.port) == b"small\n"

        assert all(map(has_ended, idle[: 3000 - MAX_CONNECTIONS]))
        assert server.counted("connections", socket="http") <= MAX_CONNECTIONS
        dropped = server.counted("dropped_connections_total", reason="crowded")
        assert dropped >= 3000 - MAX_CONNECTIONS


def test_one_that_keeps_asking_outlives_those_that_are_idle(server: Serving):
    with server.connect() as client, contextlib.ExitStack() as opened:
        for _ in range(3 * MAX_CONNECTIONS):
            opened.enter_context(server.connect())
            client.sendall(GET)
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_requests_in_work_make_no_room_and_one_more_client_is_turned_away(
    server: Serving, gate: Gate
):
    with many(server, MAX_CONNECTIONS) as busy:
        for client in busy:
            client.sendall(GET.replace(b"/ ", b"/later ", 1))
        wait_until(lambda: all(each.phase is Phase.ANSWER for each in guests(server)))
        with server.connect() as one_more:
            assert has_ended(one_more)
        gate.opened.set()
        for client in busy:
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")


def guests(server: Serving) -> list[Guest]:
    """Return the connections of the server, as many as it may have."""
    guests = list(server.crowd)
    wait = len(guests) < MAX_CONNECTIONS
    return [Some()] if wait else guests


def test_clients_that_never_finish_their_bodies_make_room(server: Serving):
    with many(server, 2 * MAX_CONNECTIONS) as slow:
        for client in slow:
            with contextlib.suppress(OSError):
                client.sendall(
                    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1"
                )
        assert get(server.port) == b"small\n"


@pytest.mark.parametrize(
    ("said", "phase", "reason"),
    [
        (b"", Phase.IDLE, "idle"),
        (GET, Phase.IDLE, "idle"),
        (GET[:20], Phase.HEAD, "slow"),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1",
            Phase.BODY,
            "slow",
        ),
        (GET.replace(b"/ ", b"/large ", 1), Phase.UNREAD, "slow"),
    ],
)
def test_a_client_that_stays_behind_is_dropped(
    patient: Serving, clock: Clock, said: bytes, phase: Phase, reason: str
):
    with patient.connect() as client:
        client.sendall(said)
        if said == GET:
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
        wait_until(lambda: [each.phase for each in patient.crowd] == [phase])
        clock.now += 80

        def is_dropped() -> float:
            return patient.counted("dropped_connections_total", reason=reason)

        wait_until(is_dropped)
        wait_until(lambda: patient.counted("connections", socket="http") == 0)


def test_a_large_answer_arrives_whole_over_a_slow_line(server: Serving):
    with server.connect() as client:
        request = b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        client.sendall(request)
        received = 0
        while part := client.recv(2**20):
            received += len(part)

    assert received > 50_000_000


def test_connections_that_are_closed_leave_nothing_behind(server: Serving):
    with many(server, 50) as clients:
        for client in clients[:25]:
            client.sendall(GET)
            client.recv(1000)
    wait_until(lambda: server.counted("connections", socket="http") == 0)
    gc.collect()
    assert len(server.crowd) == 0


def test_a_mistake_of_ours_is_one_answer_and_a_traceback(
    server: Serving, caplog: pytest.LogCaptureFixture
):
    answer = server.ask("GET /failing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert answer.startswith("HTTP/1.1 500 ")
    assert "a mistake of ours" in caplog.text
    assert get(server.port) == b"small\n"


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x00", b"{}\n\n", b"GET\r\n\r\n"])
def test_what_is_no_http_is_told_so(server: Serving, said: bytes):
    with server.connect() as client:
        client.sendall(said + b"\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.0 400 ")


def test_what_is_no_http_is_one_line_of_the_log_and_counted(
    server: Serving, caplog: pytest.LogCaptureFixture
):
    for _ in range(3):
        answer = server.ask("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")
        assert answer.startswith("HTTP/1.0 400 ")

    assert len(caplog.records) == 1
    assert "refused socket=http client=127.0.0.1 error=Invalid" in caplog.text
    assert "Traceback" not in caplog.text
    assert server.counted("dropped_connections_total", reason="refused") == 3


@pytest.fixture
def over_tls(routes: list[Route], tmp_path: Path) -> Iterator[Serving]:
    own = Authority(tmp_path).issue("server")
    config = tmp_path / "config.toml"
    config.write_text(f'tls.certificate = "{own.certificate}"\ntls.key = "{own.key}"\n')
    with serving(ALL, routes, context=server_context(read(config).tls)) as server:
        yield server


def test_clients_that_never_shake_hands_are_counted_and_make_room(over_tls: Serving):
    with many(over_tls, 3 * MAX_CONNECTIONS) as silent:
        assert all(map(has_ended, silent[: 2 * MAX_CONNECTIONS]))
        assert over_tls.counted("connections", socket="http") <= MAX_CONNECTIONS
    wait_until(lambda: over_tls.counted("connections", socket="http") == 0)


def test_the_container_s_health_check_knows_of_tls(over_tls: Serving, tmp_path: Path):
    announced = tmp_path / "port"

    announced.write_text(f"{over_tls.port} tls")
    assert healthcheck.main(announced) == 0
    announced.write_text(f"{over_tls.port}")
    assert healthcheck.main(announced) == 1


def test_plain_http_to_a_tls_port_is_dropped(over_tls: Serving):
    with over_tls.connect() as client:
        client.sendall(GET)
        while client.recv(1000):
            pass
    wait_until(
        lambda: over_tls.counted("dropped_connections_total", reason="handshake")
    )
