"""How fast messages are taken from a socket that knows no HTTP."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from itertools import count

from benchmarks.exporter_proxy import goals, pushes
from benchmarks.exporter_proxy.applications import PUSHES, Application
from benchmarks.exporter_proxy.bodies import body
from benchmarks.exporter_proxy.size import Size
from benchmarks.failure import Failed
from benchmarks.process import Running
from benchmarks.report import Measure

_NAME = "json"
_SECONDS = 30


def by_json(server: Running, size: Size) -> Iterator[tuple[Measure, float]]:
    """Yield how many messages a second are taken by a server that acknowledges them."""
    messages = [_message(number) for number in range(PUSHES)]

    def send_alone(push: int) -> None:
        with _connected(server) as client:
            client.sendall(messages[push])
            client.shutdown(socket.SHUT_WR)
            _await_line(client)

    yield goals.PUSHES_BY_JSON, _rate(server, send_alone, size)
    with _connected(server) as client:

        def send(push: int) -> None:
            client.sendall(messages[push])
            _await_line(client)

        yield goals.PUSHES_BY_KEPT_JSON, _rate(server, send, size)


def _rate(server: Running, send: Callable[[int], None], size: Size) -> float:
    began = time.perf_counter()
    for sent in count(1):
        push = sent % PUSHES
        send(push)
        seconds = time.perf_counter() - began
        if seconds >= size.seconds:
            break
    pushes.check_is_served(server, Application("", _NAME), push)
    return sent / seconds


def _message(push: int) -> bytes:
    return json.dumps({_NAME: body(_NAME, push).decode()}).encode() + b"\n"


def _connected(server: Running) -> socket.socket:
    address = ("127.0.0.1", server.second_port)
    client = socket.create_connection(address, _SECONDS)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def _await_line(client: socket.socket) -> None:
    """Read an answer. Raises Failed unless it is one, and says ok."""
    line = b""
    while not line.endswith(b"\n") and (more := client.recv(1024)):
        line += more
    if not line.startswith(b"ok"):
        raise Failed(f"a message was answered {line!r}")
