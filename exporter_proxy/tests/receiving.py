"""The receivers alone, over real sockets: what is pushed, and what became of it."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import capnp
import uvloop
from prometheus_client import CollectorRegistry

from exporter_proxy.config import read
from exporter_proxy.metrics import Metrics
from exporter_proxy.push.messages import SCHEMA
from exporter_proxy.push.reception import Reception
from exporter_proxy.store.applications import Application, Applications
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.intake import Intake
from exporter_proxy.store.policies import Policies
from exporter_proxy.tests.running import DEADLINE_SECONDS, free_port
from servicekit import Stop


def as_json(**bodies: object) -> bytes:
    return json.dumps(bodies).encode()


def as_capnp(application: str, body: str) -> bytes:
    schema = capnp.load(str(SCHEMA))
    push = schema.InboundMetrics.new_message(appName=application, data=body)
    return bytes(push.to_bytes())


class Receiving:
    """Receivers that run in a thread, and what they take."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.tcp_port = free_port()
        self.unix_socket = folder / "receiver.sock"
        self._file = folder / "receiving.toml"
        config = read(self.configure(more))
        self.registry = CollectorRegistry()
        self.applications = Applications(config.applications.max_applications)
        self.catalogue = Catalogue(config.exposition)
        metrics = Metrics(self.registry)
        self._parser = ThreadPoolExecutor(1)
        self.intake = Intake(
            self.catalogue,
            self.applications,
            metrics,
            Policies(config),
            self._parser,
        )
        self.reception = Reception(config, self.intake, metrics)
        self._stop = Stop()

    def configure(self, more: str) -> Path:
        """Write the configuration with further lines, and return its file."""
        self._file.write_text(
            f"""
receiver.receiver_tcp_socket = "127.0.0.1:{self.tcp_port}"
receiver.receive_on_unix_socket = true
receiver.receiver_unix_socket = "{self.unix_socket}"
{more}
""",
            encoding="utf-8",
        )
        return self._file

    @contextlib.contextmanager
    def running(self) -> Iterator["Receiving"]:
        """Receive while the block runs."""
        opened = threading.Event()
        thread = threading.Thread(target=lambda: uvloop.run(self._run(opened.set)))
        with self._parser:
            thread.start()
            try:
                assert opened.wait(DEADLINE_SECONDS)
                yield self
            finally:
                self._stop.set()
                thread.join(DEADLINE_SECONDS)
                assert not thread.is_alive()

    def run_briefly(self) -> None:
        """Start and stop. Raises ServiceFailed when a socket cannot be had."""
        self._stop.set()
        with self._parser:
            uvloop.run(self._run(lambda: None))

    async def _run(self, opened: Callable[[], None]) -> None:
        async with self.reception.open():
            opened()
            await asyncio.to_thread(self._stop.wait)

    def served(self) -> list[str]:
        """Return the lines of all applications, comments left out."""
        lines = self.catalogue.text().decode().splitlines()
        return [line for line in lines if not line.startswith("#")]

    def serves(self, *lines: str) -> bool:
        """Return whether these are all lines."""
        return self.served() == list(lines)

    def of(self, application: str) -> Application:
        """Return what is known of an application, which there is."""
        found = self.applications.get(application)
        assert found
        return found

    def dropped(self, reason: str) -> float:
        """Return how many connections were dropped for a reason."""
        return self._count("dropped_connections_total", reason=reason)

    def refused(self, reason: str) -> float:
        """Return how many messages and bodies were refused for a reason."""
        return self._count("refusals_total", reason=reason)

    def open_connections(self, kind: str = "tcp") -> float:
        """Return how many connections are open."""
        return self._count("connections", socket=kind)

    def _count(self, name: str, **labels: str) -> float:
        found = self.registry.get_sample_value(f"exporter_proxy_{name}", labels)
        assert found is not None
        return found

    def tcp(self) -> socket.socket:
        """Return a connection to the TCP socket."""
        return socket.create_connection(("127.0.0.1", self.tcp_port), timeout=5)

    def unix(self) -> socket.socket:
        """Return a connection to the Unix socket."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(5)
        connection.connect(str(self.unix_socket))
        return connection

    def push(self, data: bytes, by: Callable[[], socket.socket] | None = None) -> bytes:
        """Send everything, and return the answer when the connection has ended."""
        with (by or self.tcp)() as connection:
            with contextlib.suppress(OSError):  # it may be refused half-way
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the connection ends."""
    found = b""
    try:
        while data := connection.recv(65536):
            found += data
    except ConnectionError:
        pass
    return found


type Receive = Callable[[str], Receiving]
