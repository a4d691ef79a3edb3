"""Targets on loopback that answer what a test says."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from exporter_proxy.poll.target import Target
from exporter_proxy.tests.running import DEADLINE_SECONDS

BODY = b"polled 1\n"
MAX_BYTES = 100_000

type Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


def ok(
    body: bytes = BODY, *headers: str, status: str = "200 OK", kind: str = "text/plain"
) -> bytes:
    """Return a whole answer that states its length."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def moved(location: str) -> bytes:
    """Return an answer that leads elsewhere."""
    return ok(b"", f"Location: {location}", status="302 Found")


def packed(body: bytes, encoding: str = "gzip") -> bytes:
    """Return an answer that states its encoding."""
    return ok(body, f"Content-Encoding: {encoding}")


async def silence(writer: asyncio.StreamWriter) -> None:
    """Answer nothing, and stay."""
    await writer.drain()
    await asyncio.sleep(DEADLINE_SECONDS)


@dataclass
class Server:
    """A web server on loopback that answers what a test says, and then hangs up.

    Each request gets the next answer; the last one is given again and again.
    """

    answers: list[Answer]
    port: int = 0
    requests: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Where its metrics are."""
        return f"http://127.0.0.1:{self.port}/metrics"

    async def attend(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one client."""
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        writer.close()


@asynccontextmanager
async def serving(
    *answers: Answer, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Serve these answers, one a request, while the block runs."""
    server = Server(list(answers))
    listener = await asyncio.start_server(server.attend, host, 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


def target(
    url: str, *, timeout: float = 5, verify: bool = True, interval: float = 0.1
) -> Target:
    """Return a target with limits that suit tests."""
    return Target(url, interval, timeout, verify, MAX_BYTES)
