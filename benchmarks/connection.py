"""A kept-alive HTTP/1.1 connection that costs the client next to nothing."""

import gzip
import mmap
import re
import socket
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

# Enough for an answer to a push, and for a page of one million series.
SMALL_ROOM_BYTES = 2**16
LARGE_ROOM_BYTES = 2**28
TIMEOUT_SECONDS = 120

# What Prometheus 3 sends with every scrape (config.DefaultScrapeProtocols).
PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
TEXT_ACCEPT = "text/plain;version=0.0.4"

_ROOM_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
_END_OF_HEAD = b"\r\n\r\n"
_END_OF_CHUNKS = b"\r\n0\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """An answer as it came, and the seconds from the request to the last byte."""

    status: int
    seconds: float
    head: bytes
    raw: bytes

    def body(self) -> bytes:
        """Return the body without what it travelled in."""
        chunked = b"transfer-encoding: chunked" in self.head.lower()
        body = b"".join(_chunks(self.raw)) if chunked else self.raw
        packed = b"content-encoding: gzip" in self.head.lower()
        return gzip.decompress(body) if packed else body


def get(path: str, *, packed: bool = False, accept: str = TEXT_ACCEPT) -> bytes:
    """Return a request for a page."""
    encoding = "gzip" if packed else "identity"
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n"
        f"Accept-Encoding: {encoding}\r\n\r\n"
    ).encode()


def put(path: str, body: bytes) -> bytes:
    """Return a request that pushes a body in the text format."""
    head = (
        f"PUT {path} HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: text/plain; version=0.0.4\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One connection to a server on this machine, with room for its answers.

    The room is there from the start: taking memory would count as the server's time.
    Raises OSError.
    """

    def __init__(self, port: int, room_bytes: int = SMALL_ROOM_BYTES) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._room = mmap.mmap(-1, room_bytes, flags=_ROOM_FLAGS)
        self._view = memoryview(self._room)
        self._got = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._view.release()
        self._room.close()
        self._socket.close()

    def exchange(self, request: bytes) -> Answer:
        """Send a request and return its answer. Raises OSError."""
        began = time.perf_counter()
        self._socket.sendall(request)
        start = self._receive_head()
        end = self._receive_body(start)
        seconds = time.perf_counter() - began
        head = bytes(self._view[:start])
        return Answer(_status(head), seconds, head, bytes(self._view[start:end]))

    def _receive_head(self) -> int:
        """Fill the room with the start of an answer; return where its head ends."""
        self._got = 0
        while (found := self._room.find(_END_OF_HEAD, 0, self._got)) < 0:
            self._receive()
        return found + len(_END_OF_HEAD)

    def _receive_body(self, start: int) -> int:
        """Fill the room with the rest of an answer; return where it ends."""
        head = bytes(self._view[:start])
        if _status(head) == HTTPStatus.NO_CONTENT:
            return start
        if length := re.search(rb"(?i)\ncontent-length: *(\d+)", head):
            end = start + int(length[1])
            while self._got < end:
                self._receive()
            return end
        while not self._ends_with_last_chunk(start):
            self._receive()
        return self._got

    def _ends_with_last_chunk(self, start: int) -> bool:
        # The head's own line end may be the one before the chunk.
        end = self._got
        tail = self._room[max(start - 2, end - len(_END_OF_CHUNKS)) : end]
        return tail == _END_OF_CHUNKS

    def _receive(self) -> None:
        received = self._socket.recv_into(self._view[self._got :])
        if not received:
            raise ConnectionResetError("the server ended the connection")
        self._got += received


def _status(head: bytes) -> int:
    return int(head.split(maxsplit=2)[1])


def _chunks(raw: bytes) -> list[bytes]:
    chunks: list[bytes] = []
    at = 0
    while True:
        line_end = raw.index(b"\r\n", at)
        size = int(raw[at:line_end], 16)
        if not size:
            return chunks
        chunks.append(raw[line_end + 2 : line_end + 2 + size])
        at = line_end + 2 + size + 2
