"""A running proxy seen from outside, and an exporter that it polls."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DEADLINE_SECONDS = 10

_given_ports: set[int] = set()


def wait_until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def has_ended(connection: socket.socket) -> bool:
    """Wait for the other side; return whether it closed the connection."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def free_port() -> int:
    """Return a port that nobody listens on, and that was not returned before."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = int(server.getsockname()[1])
        if port not in _given_ports:
            _given_ports.add(port)
            return port


@dataclass
class Running:
    """A proxy that runs in a thread, seen from outside."""

    http_port: int
    tcp_port: int
    unix_socket: Path

    def get(
        self, path: str, method: str = "GET"
    ) -> tuple[http.client.HTTPResponse, str]:
        """Return the answer to one request, with its body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response, response.read().decode()
        finally:
            connection.close()

    def metrics(self) -> list[str]:
        """Return the lines of /metrics."""
        return self.get("/metrics")[1].splitlines()

    def served(self) -> list[str]:
        """Return the samples of /metrics that are not the proxy's own."""
        return [
            line
            for line in self.metrics()
            if not line.startswith(("#", "exporter_proxy_"))
        ]

    def tcp(self) -> socket.socket:
        """Return a connection to the TCP receiver."""
        return socket.create_connection(("127.0.0.1", self.tcp_port), timeout=5)

    def unix(self) -> socket.socket:
        """Return a connection to the Unix socket."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(5)
        try:
            connection.connect(str(self.unix_socket))
        except OSError:
            connection.close()
            raise
        return connection

    def push(self, data: bytes) -> None:
        """Send to the TCP receiver, and return when the proxy has read it."""
        with self.tcp() as connection:
            with contextlib.suppress(ConnectionError):  # it may be refused half-way
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            assert has_ended(connection)

    def file(self) -> str:
        """Return the configuration that makes a proxy this one."""
        return f"""
exporter.scrape_expose_endpoint = "127.0.0.1:{self.http_port}"
receiver.receiver_tcp_socket = "127.0.0.1:{self.tcp_port}"
receiver.receive_on_unix_socket = true
receiver.receiver_unix_socket = "{self.unix_socket}"
"""

    def answers(self) -> bool:
        """Return whether the proxy is there and well."""
        try:
            self.unix().close()
            return self.get("/healthz")[0].status == 200
        except OSError:
            return False


type Start = Callable[[str], Running]


@dataclass
class Exporter:
    """A small web server whose answers a test decides."""

    url: str = ""
    body: bytes = b"polled 1\n"
    status: int = 200
    content_type: str | None = "text/plain; version=0.0.4"
    delay: threading.Event | None = None
    requests: int = 0
