"""Sends bodies: whole, only their head, or word that the client has them already.

What a client did not read yet is kept for it, and bodies may be large; so there is a
bound on how long that lasts, and on how much is kept for all clients together.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from aiohttp import ClientConnectionError, hdrs, web

from exporter_proxy.metrics import ScrapeMetrics
from exporter_proxy.serve.output import Body

# A scraper waits 10 s unless told otherwise, and hardly anybody waits longer than 60.
ANSWER_SECONDS = 60.0

# Two generations of a million series: the present one and one that is read slowly.
MAX_BYTES = 256 * 2**20


class Answers:
    """Answers scrapers; those too slow for all others' good are cut off."""

    def __init__(
        self,
        metrics: ScrapeMetrics,
        max_bytes: int = MAX_BYTES,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._cut_off = metrics.cut_off
        self._max_bytes = max_bytes
        self._answer_seconds = answer_seconds
        self._under_way: dict[asyncio.Transport, Body] = {}

    async def send(self, request: web.Request, body: Body) -> web.StreamResponse:
        """Answer with a body, or with 304 when the client has that very one."""
        headers = {
            hdrs.ETAG: f'"{body.tag}"',
            hdrs.VARY: f"{hdrs.ACCEPT}, {hdrs.ACCEPT_ENCODING}",
        }
        if _has(request, body.tag):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        headers[hdrs.CONTENT_TYPE] = body.content_type
        headers[hdrs.CONTENT_LENGTH] = str(body.size)
        if body.is_gzip:
            headers[hdrs.CONTENT_ENCODING] = "gzip"
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        if request.method != hdrs.METH_HEAD and request.transport:
            with self._noted(request.transport, body):
                await self._write(request.transport, response, body)
        return response

    async def _write(
        self, client: asyncio.Transport, response: web.StreamResponse, body: Body
    ) -> None:
        try:
            async with asyncio.timeout(self._answer_seconds):
                for piece in body.pieces:
                    await response.write(piece)
        except TimeoutError:
            self._cut(client, "slow")
        except (ConnectionError, ClientConnectionError):
            pass  # it left, or was cut off: nobody is there to be told

    @contextmanager
    def _noted(self, client: asyncio.Transport, body: Body) -> Iterator[None]:
        self._under_way[client] = body
        try:
            self._make_room()
            yield
        finally:
            self._under_way.pop(client, None)

    def _make_room(self) -> None:
        """Cut off who began first, until the others' bodies are not too much."""
        while len(self._under_way) > 1 and self._kept_bytes() > self._max_bytes:
            oldest = next(iter(self._under_way))
            del self._under_way[oldest]
            self._cut(oldest, "crowded")

    def _kept_bytes(self) -> int:
        """Return the size of all pieces; what several clients get is there once."""
        pieces = {
            id(piece): len(piece)
            for body in self._under_way.values()
            for piece in body.pieces
        }
        return sum(pieces.values())

    def _cut(self, client: asyncio.Transport, reason: str) -> None:
        self._cut_off.labels(reason).inc()
        client.abort()


def _has(request: web.Request, tag: str) -> bool:
    known = request.if_none_match or ()
    return any(each.value in (tag, "*") for each in known)
