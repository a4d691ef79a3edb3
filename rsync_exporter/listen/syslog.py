"""Datagrams of syslog, by UDP or through a socket on this machine.

rsyncd sends them when it has no log file; relays such as rsyslog pass them on. Nobody
is told when one is lost on its way, so what is lost here is at least counted.
"""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rsync_exporter.listen.ear import Ear
from rsync_exporter.listen.inbox import Inbox, Item
from rsync_exporter.tail.chunk import Chunk, Progress

log = logging.getLogger(__name__)

MAX_DATAGRAM_BYTES = 65_536
CAPACITY_BYTES = 8 * 1_048_576
RECEIVE_BUFFER_BYTES = 4 * 1_048_576
LINES_PER_CHUNK = 4096

WARNING_INTERVAL_SECONDS = 60

_EXPECTED = "syslog://HOST:PORT or syslog:/path"
_MAPPED = "::ffff:"


@dataclass(frozen=True)
class Address:
    """Where datagrams come: a port of an address of ours, or a path."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    def __str__(self) -> str:
        if self.path:
            return f"syslog:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"syslog://{host}:{self.port}"


def parse(text: str) -> Address:
    """Return the address that a text such as ``syslog://0.0.0.0:5140`` names.

    Raises ValueError saying what was expected.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(_EXPECTED) from None
    if host and port and not parts.path:
        return Address(host, port)
    if not parts.netloc and parts.path.startswith("/"):
        return Address(path=Path(text.removeprefix("syslog:")))
    raise ValueError(_EXPECTED)


def open_socket(address: Address) -> socket.socket:
    """Return a socket that hears there. Raises OSError when there can be none."""
    if address.path:
        return _open_path(address.path)
    family, kind, protocol, _, where = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )[0]
    return _bound(socket.socket(family, kind, protocol), where)


def _open_path(path: Path) -> socket.socket:
    if _is_left_behind(path):
        path.unlink()
    opened = _bound(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), str(path))
    path.chmod(0o666)  # as that of /dev/log: daemons of other users write to it
    return opened


def _is_left_behind(path: Path) -> bool:
    """Return whether a socket is there and whoever made it is gone."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            return path.is_socket()
        except OSError:
            pass
    return False


def _bound(opened: socket.socket, where: object) -> socket.socket:
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        if opened.family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        opened.bind(where)  # type: ignore[arg-type]  # as getaddrinfo returned it
    except OSError:
        opened.close()
        raise
    opened.setblocking(False)
    return opened


class Syslog:
    """Hears the datagrams of one address, one line each."""

    has_ended = False

    def __init__(
        self,
        address: Address,
        stream: int,
        clock: Callable[[], float] = time.monotonic,
        capacity_bytes: int = CAPACITY_BYTES,
    ) -> None:
        self._address = address
        self._name = str(address)
        self._stream = stream
        self._clock = clock
        self._warn_from = clock()
        self._read_bytes = 0
        self._lost_bytes = 0  # which only the ear's thread changes
        self._told_bytes = 0
        self._inbox = Inbox(capacity_bytes)
        self._socket = open_socket(address)
        self._ear = Ear(f"syslog-{stream}", self._socket.fileno(), self._hear)
        log.info("listening for syslog address=%s", address)

    def poll(self) -> Iterator[Chunk]:
        """Yield what came since the last call, the lines of each sender together."""
        while lines := self._take():
            for source, its_lines in lines.items():
                yield Chunk(
                    *(self._name, self._stream, its_lines),
                    ends=True,
                    source=source,
                    is_framed=True,
                )
        self._warn()

    def progress(self) -> Progress:
        """Return how much was read, and how much there was no room for."""
        return Progress(
            self._name, read_bytes=self._read_bytes, lost_bytes=self._lost_bytes
        )

    def close(self) -> None:
        """Hear no more."""
        self._inbox.close()
        self._ear.close()
        self._socket.close()
        if self._address.path:
            self._address.path.unlink(missing_ok=True)

    def _take(self) -> dict[bytes, list[bytes]]:
        lines: dict[bytes, list[bytes]] = {}
        for _ in range(LINES_PER_CHUNK):
            if not (item := self._inbox.take()):
                break
            self._read_bytes += len(item.content)
            lines.setdefault(item.source, []).append(item.content)
        return lines

    def _hear(self) -> bool:
        try:
            content, sender = self._socket.recvfrom(MAX_DATAGRAM_BYTES)
        except BlockingIOError:  # the kernel threw a damaged one away
            return True
        # One datagram is one record, even if it says that it is two.
        item = Item(_host(sender), content.rstrip(b"\r\n\0"))
        if not self._inbox.offer(item):
            self._lost_bytes += len(content)
        return True

    def _warn(self) -> None:
        untold = self._lost_bytes - self._told_bytes
        if untold and self._clock() >= self._warn_from:
            self._warn_from = self._clock() + WARNING_INTERVAL_SECONDS
            self._told_bytes += untold
            log.warning(
                "datagrams lost, more came than can be counted address=%s bytes=%d",
                self._address,
                untold,
            )


def _host(sender: object) -> bytes:
    """Return the sender's IP address; nothing for a sender on this machine."""
    if not isinstance(sender, tuple):
        return b""
    return str(sender[0]).removeprefix(_MAPPED).encode()
