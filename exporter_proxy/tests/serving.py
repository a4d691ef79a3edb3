"""The web server alone, with routes of a test's own, in a thread."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry

from exporter_proxy.config import Address, Config
from exporter_proxy.metrics import PREFIX, Metrics
from exporter_proxy.serve.access import Guard
from exporter_proxy.serve.crowd import Crowd
from exporter_proxy.serve.route import Route
from exporter_proxy.serve.server import Server
from exporter_proxy.tests.running import DEADLINE_SECONDS, free_port

MAX_CONNECTIONS = 100
BODY_SECONDS = 60


@dataclass
class Serving:
    """A server that runs, seen from outside and from within."""

    port: int
    registry: CollectorRegistry
    guard: Guard
    server: Server
    crowd: Crowd

    def connect(self, host: str = "127.0.0.1") -> socket.socket:
        """Return a connection that has said nothing yet."""
        return socket.create_connection((host, self.port), timeout=DEADLINE_SECONDS)

    def ask(self, request: str, host: str = "127.0.0.1") -> str:
        """Return all that is answered on one connection to some lines of HTTP."""
        with self.connect(host) as connection:
            connection.sendall(request.encode("latin-1"))
            return everything(connection)

    def counted(self, name: str, **labels: str) -> float:
        """Return the value of one of the proxy's own metrics."""
        return self.registry.get_sample_value(PREFIX + name, labels) or 0


def everything(connection: socket.socket) -> str:
    """Return what comes until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts).decode()


@contextmanager
def serving(
    config: Config,
    routes: Iterable[Route],
    host: str = "127.0.0.1",
    context: ssl.SSLContext | None = None,
    clock: Callable[[], float] | None = None,
) -> Iterator[Serving]:
    """Serve the routes, as the configuration says who may, while the block runs."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    guard = Guard(config, metrics)
    clocks = {"clock": clock} if clock else {}
    dropped = metrics.dropped_connections
    crowd = Crowd(MAX_CONNECTIONS, BODY_SECONDS, dropped, **clocks)
    application = web.Application(client_max_size=2**30)
    guard.register(application, routes)
    port = free_port()
    listens, stop = threading.Event(), threading.Event()
    servers: list[Server] = []

    async def serve() -> None:
        server = Server(application, crowd, metrics, context)
        servers.append(server)
        async with server.listening(Address(host, port)):
            listens.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: uvloop.run(serve()))
    thread.start()
    try:
        assert listens.wait(DEADLINE_SECONDS)
        yield Serving(port, registry, guard, servers[0], crowd)
    finally:
        stop.set()
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()
