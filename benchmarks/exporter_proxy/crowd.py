"""Idle connections, and what they cost a push."""

import selectors
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.exporter_proxy import goals
from benchmarks.exporter_proxy.applications import Application
from benchmarks.failure import Failed
from benchmarks.load import Load, repeat
from benchmarks.process import Running
from benchmarks.report import Measure

_CONNECT_SECONDS = 10
_MS = 1000


@contextmanager
def idle(server: Running, count: int) -> Iterator[None]:
    """Hold silent connections, half to HTTP and half to the receiver, in the block.

    Raises Failed when not all of them are still open at its end.
    """
    with ExitStack() as opened:
        clients = [
            opened.enter_context(_connect(port))
            for port in (server.port, server.second_port)
            for _ in range(count // 2)
        ]
        yield
        if ended := _ended(clients):
            raise Failed(f"{ended} of {count} idle connections were ended")


def latencies(
    server: Running, application: Application, seconds: float
) -> Iterator[tuple[Measure, float]]:
    """Yield the milliseconds that pushes of an application take."""
    load: Load = repeat(server.port, application.pushes(), seconds)
    yield goals.IDLE_MEDIAN, load.percentile(50) * _MS
    yield goals.IDLE_99TH, load.percentile(99) * _MS


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), _CONNECT_SECONDS)


def _ended(clients: list[socket.socket]) -> int:
    with selectors.EpollSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
        return len(selector.select(timeout=0))
