"""What is pushed, as a receiver gets it."""

import contextlib
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import capnp
import pytest
from prometheus_client import CollectorRegistry, Gauge

from demo.apps.push import (
    SCHEMA,
    AsCapnp,
    as_group,
    as_json_lines,
    as_json_text,
    by_tcp,
    by_unix,
)
from demo.apps.pusher import Pusher
from servicekit import Health


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    """Listen on a free TCP port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


def received(server: socket.socket) -> bytes:
    """Accept a client and return all that it sends."""
    connection, _ = server.accept()
    with connection, connection.makefile("rb") as stream:
        return stream.read()


def port(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def test_json_text(receiver: socket.socket):
    as_json_text(by_tcp("127.0.0.1", port(receiver)))("shop", "a 1\nb 2\n")

    assert json.loads(received(receiver)) == {"shop": "a 1\nb 2\n"}


def test_json_lines_by_a_unix_socket(tmp_path: Path):
    path = tmp_path / "receiver.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(5)
        server.bind(str(path))
        server.listen()
        as_json_lines(by_unix(path))("shop", "a 1\nb 2\n")

        assert json.loads(received(server)) == {"shop": ["a 1", "b 2"]}


@pytest.mark.parametrize("status", [200, 400])
def test_a_group_is_put_by_http(status: int):
    requests: list[tuple[str, str, bytes]] = []

    class Gateway(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((self.command, self.path, body))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"line 1: bad\n")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        refused = (
            contextlib.nullcontext()
            if status == 200
            else pytest.raises(OSError, match=r"^line 1: bad$")
        )
        with refused:
            as_group("127.0.0.1", server.server_port)("shop", "a 1\n")
        thread.join()

    assert requests == [("PUT", "/metrics/job/shop?ttl=5x", b"a 1\n")]


def test_capnp_messages_share_a_connection(receiver: socket.socket):
    pushes = AsCapnp(by_tcp("127.0.0.1", port(receiver)))
    pushes.push("shop", "a 1\n")
    pushes.push("shop", "a 2\n")
    pushes.close()

    schema = capnp.load(str(SCHEMA))
    stream = received(receiver)
    half = len(stream) // 2
    for data, body in ((stream[:half], "a 1\n"), (stream[half:], "a 2\n")):
        with schema.InboundMetrics.from_bytes(data) as message:
            assert (message.appName, message.data) == ("shop", body)


def test_a_connection_that_the_receiver_closed_is_opened_anew(receiver: socket.socket):
    pushes = AsCapnp(by_tcp("127.0.0.1", port(receiver)))
    pushes.push("shop", "a 1\n")
    receiver.accept()[0].close()

    pushes.push("shop", "a 2\n")
    pushes.close()

    assert b"a 2\n" in received(receiver)


class Idle:
    """An application without work."""

    name = "idle"

    def work(self, now: float, seconds: float) -> None:
        """Do nothing."""


def test_a_receiver_that_is_away_is_told_and_tried_again(
    caplog: pytest.LogCaptureFixture,
):
    registry, health = CollectorRegistry(), Health()
    Gauge("idle_hours", "Hours", registry=registry)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "127.0.0.1", port(server)
    push = as_json_text(by_tcp(*address))
    pusher = Pusher(Idle(), registry, push, health)

    pusher.step(0, 1)

    assert "push failed app=idle error=[Errno 111] Connection refused" in caplog.text
    assert "Connection refused" in health.problems()["idle"]
    with socket.create_server(address) as server:
        server.settimeout(5)
        pusher.step(0, 1)
        assert "idle_hours 0.0" in json.loads(received(server))["idle"]
    assert health.problems() == {}
