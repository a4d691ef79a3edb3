"""The ways to push to exporter_proxy, as any program in any language would."""

import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from select import select

import capnp
import orjson

TIMEOUT_SECONDS = 3
SCHEMA = Path(__file__).parents[2] / "exporter_proxy" / "inbound_metrics.capnp"

type Connect = Callable[[], socket.socket]
type Push = Callable[[str, str], None]


def by_tcp(host: str, port: int) -> Connect:
    """Return what opens a connection to the TCP receiver."""
    return lambda: socket.create_connection((host, port), TIMEOUT_SECONDS)


def by_unix(path: Path) -> Connect:
    """Return what opens a connection to the Unix socket."""

    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT_SECONDS)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            raise
        return connection

    return connect


def as_json_text(connect: Connect) -> Push:
    """Return what pushes the metrics as one string of a JSON object."""

    def push(application: str, metrics: str) -> None:
        with connect() as connection:
            connection.sendall(orjson.dumps({application: metrics}))

    return push


def as_json_lines(connect: Connect) -> Push:
    """Return what pushes the metrics as an array of lines in a JSON object."""

    def push(application: str, metrics: str) -> None:
        with connect() as connection:
            connection.sendall(orjson.dumps({application: metrics.splitlines()}))

    return push


def as_group(host: str, port: int) -> Push:
    """Return what pushes the metrics by HTTP, as to a Pushgateway."""

    def push(application: str, metrics: str) -> None:
        request = urllib.request.Request(
            f"http://{host}:{port}/metrics/job/{application}?ttl=5x",
            metrics.encode(),
            {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
            method="PUT",
        )
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()  # noqa: S310 - always http
        except urllib.error.HTTPError as refused:
            with refused:  # the answer says why
                raise OSError(refused.read(500).decode().strip()) from refused

    return push


class AsCapnp:
    """Pushes the metrics as Cap'n Proto messages over one connection, kept open."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._schema = capnp.load(str(SCHEMA))
        self._connection: socket.socket | None = None

    def push(self, application: str, metrics: str) -> None:
        """Push one message. Raises OSError; the next call then connects anew."""
        message = self._schema.InboundMetrics.new_message(
            appName=application, data=metrics
        )
        try:
            self._open_connection().sendall(message.to_bytes())
        except OSError:
            self.close()
            raise

    def _open_connection(self) -> socket.socket:
        """Return the connection, a new one if the proxy has closed the last."""
        if self._connection is not None and select([self._connection], [], [], 0)[0]:
            self.close()  # the proxy never answers: what can be read is the end
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
