"""HTTP/1.1 for services that answer more than metrics: requests in, replies out.

One thread a connection, kept open between requests, IPv4 and IPv6 alike. The path
comes as it was sent, so that ``%2F`` stays apart from ``/``.
"""

import gzip
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import override
from urllib.parse import parse_qsl, urlsplit

log = logging.getLogger(__name__)

# A client that is slower or silent for longer is dropped, so that none can hold a
# thread for ever; more clients than the maximum are refused at once.
CLIENT_TIMEOUT_SECONDS = 10
MAX_CONNECTIONS = 256

_COMPRESS_FROM_BYTES = 1024
_COMPRESS_LEVEL = 1
_STOP_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Request:
    """What was asked: the path still percent-encoded, each parameter's last value."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: HTTPStatus = HTTPStatus.OK
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def serve_http(
    answer: Callable[[Request], Reply], *ports: int
) -> Iterator[tuple[int, ...]]:
    """Answer GET and HEAD on these ports while the block runs.

    Yields the ports, each of them the system's choice where 0 was asked for.
    Raises OSError when one cannot be had.
    """
    with ExitStack() as stack:
        yield tuple([stack.enter_context(_listening(answer, port)) for port in ports])


@contextmanager
def _listening(answer: Callable[[Request], Reply], port: int) -> Iterator[int]:
    with _Server(answer, port) as server:
        thread = threading.Thread(
            target=server.serve_forever,
            args=(_STOP_POLL_SECONDS,),
            name=f"http-{server.server_port}",
            daemon=True,
        )
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, answer: Callable[[Request], Reply], port: int) -> None:
        self.answer = answer
        self._free = threading.Semaphore(MAX_CONNECTIONS)
        if socket.has_dualstack_ipv6():
            self.address_family = socket.AF_INET6
        super().__init__(("", port), _Handler)

    @override
    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    @override
    def process_request(self, request: object, client_address: object) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)  # type: ignore[arg-type]
        else:
            self.shutdown_request(request)  # type: ignore[arg-type]

    @override
    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._free.release()

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Log what is our mistake; a client that went away is not."""
        if not isinstance(error := sys.exception(), OSError):
            log.error("request failed client=%s", client_address, exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = CLIENT_TIMEOUT_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    server: _Server

    def do_GET(self) -> None:
        reply = self._reply()
        packed = self._compress(reply)
        body = packed if packed is not None else reply.body
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(body)))
        if packed is not None:
            self.send_header("Content-Encoding", "gzip")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def _reply(self) -> Reply:
        try:
            parts = urlsplit(self.path)
            request = Request(parts.path, dict(parse_qsl(parts.query)))
        except ValueError as error:
            return Reply(HTTPStatus.BAD_REQUEST, f"{error}\n".encode())
        try:
            return self.server.answer(request)
        except Exception:  # one request's mistake must not end a connection silently
            log.exception("no reply path=%s", request.path)
            return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, b"internal error\n")

    def _compress(self, reply: Reply) -> bytes | None:
        """Return the body packed, if that was asked for and is worth while."""
        wanted = "gzip" in self.headers.get("Accept-Encoding", "")
        if wanted and len(reply.body) >= _COMPRESS_FROM_BYTES:
            return gzip.compress(reply.body, _COMPRESS_LEVEL, mtime=0)
        return None

    @override
    def version_string(self) -> str:
        return "belfry"

    @override
    def log_message(self, *_: object) -> None:
        """Keep requests out of the log."""
