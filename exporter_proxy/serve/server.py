"""Listens for HTTP, over TLS or not, and keeps its connections within bounds.

aiohttp speaks the protocol. It knows no bound on connections, and nobody is told of
one before its TLS handshake; so they are accepted here, and handed on.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import cast

from aiohttp import web

from exporter_proxy.config import Address, Config
from exporter_proxy.metrics import Metrics
from exporter_proxy.push.sockets import tcp_sockets
from exporter_proxy.serve.crowd import IDLE_SECONDS, Crowd, Guest, Phase
from exporter_proxy.serve.http_log import HttpLog
from exporter_proxy.serve.route import Handler
from exporter_proxy.tls import server_context
from exporter_proxy.told import Told

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 10
GOODBYE_SECONDS = 2

# How long the rest of a body is read that nobody wanted, for the answer to arrive.
LINGERING_SECONDS = 10

SWEEP_SECONDS = 1

# Waited after an accept that failed for want of files or memory.
RECOVERY_SECONDS = 0.1


def http_context(config: Config) -> ssl.SSLContext | None:
    """Return what HTTP is to be served over. Raises SettingsError.

    A client without a certificate is let in, and told so where its role requires one.
    """
    if not config.exporter.tls:
        return None
    roles = config.access_push, config.access_scrape, config.access_admin
    is_asked = any(role.require_client_certificate for role in roles)
    return server_context(config.tls, "optional" if is_asked else "none")


def body_seconds(config: Config) -> float:
    """Return after how long a request's body is given up, if its reader did not."""
    return config.receiver.message_timeout + 2 * LINGERING_SECONDS


class Connection(Guest, asyncio.Protocol):
    """One client: hands everything on to aiohttp, and notes what it is at.

    close_now: gives the connection up.
    """

    def __init__(
        self, http: asyncio.Protocol, crowd: Crowd, close_now: Callable[[], object]
    ) -> None:
        self._http = http
        self._crowd = crowd
        self._close_now = close_now
        self._transport: asyncio.Transport | None = None
        self._request: web.Request | None = None
        self._in_head = False

    @property
    def phase(self) -> Phase:
        """What it is at."""
        if self.unread_bytes:
            return Phase.UNREAD
        if self._request:
            is_there = self._request.content.is_eof()
            return Phase.ANSWER if is_there else Phase.BODY
        return Phase.HEAD if self._in_head else Phase.IDLE

    @property
    def unread_bytes(self) -> int:
        """How much of its answer still waits for the client."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    def drop(self) -> None:
        """Close it at once."""
        self._close_now()

    @contextmanager
    def answering(self, request: web.Request) -> Iterator[None]:
        """Note that a request's head is there, and that the block answers it."""
        self._request, self._in_head = request, False
        self._crowd.got_on(self)
        try:
            yield
        finally:
            self._request = None
            self._crowd.got_on(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, after the handshake if there is one."""
        self._transport = cast(asyncio.Transport, transport)
        self._close_now = self._transport.abort
        self._http.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take some bytes of a request."""
        if not (self._request or self._in_head):
            self._in_head = True
            self._crowd.got_on(self)
        self._http.data_received(data)

    def eof_received(self) -> bool | None:
        """Note that the client says no more; whether the connection stays open."""
        return self._http.eof_received()

    def pause_writing(self) -> None:
        """Write no more for now: the client does not keep up."""
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """Go on writing."""
        self._http.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """End, whoever closed it."""
        self._transport = None
        self._crowd.leave(self)
        self._http.connection_lost(exc)


@web.middleware
async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the connection know while its request is being answered."""
    connection = request.transport.get_protocol() if request.transport else None
    if not isinstance(connection, Connection):
        return await handler(request)  # the client left already
    with connection.answering(request):
        return await handler(request)


class Server:
    """The web server of one application.

    context: what connections from now on speak TLS by; None: plain HTTP.
    """

    def __init__(
        self,
        application: web.Application,
        crowd: Crowd,
        metrics: Metrics,
        context: ssl.SSLContext | None,
    ) -> None:
        application.middlewares.append(watch)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=HttpLog(metrics.dropped_connections),
            # The crowd drops idle ones earlier, and counts them.
            keepalive_timeout=2 * IDLE_SECONDS,
            shutdown_timeout=GOODBYE_SECONDS,
            lingering_time=LINGERING_SECONDS,
            # Whoever takes a body bounds what it may become.
            auto_decompress=False,
        )
        self._crowd = crowd
        self._dropped = metrics.dropped_connections
        self._told = Told()
        self._tasks: set[asyncio.Task[None]] = set()
        self.context = context
        metrics.connections.labels("http").set_function(lambda: len(crowd))

    def follow(self, config: Config) -> None:
        """Attend to whoever comes from now on as this configuration says.

        Raises SettingsError, and changes nothing then.
        """
        self.context = http_context(config)
        self._crowd.body_seconds = body_seconds(config)

    @asynccontextmanager
    async def listening(self, where: Address) -> AsyncIterator[None]:
        """Serve while the block runs. Raises OSError when the address cannot be had."""
        await self._runner.setup()
        try:
            with tcp_sockets(where) as sockets:
                self._start(self._sweep())
                for each in sockets:
                    self._start(self._accept(each))
                try:
                    yield
                finally:
                    await self._end_tasks()
        finally:
            await self._runner.cleanup()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        """Tell at once of a mistake of ours that ended a task."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("cannot attend to HTTP clients", exc_info=error)

    async def _end_tasks(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
            except ConnectionError:
                continue  # it left again before its turn
            except OSError as error:
                if self._told.is_due(error.errno):
                    log.warning("cannot accept a connection error=%s", error)
                self._crowd.make_room()
                await asyncio.sleep(RECOVERY_SECONDS)
                continue
            self._start(self._welcome(client))

    async def _welcome(self, client: socket.socket) -> None:
        """Hand an accepted client to aiohttp, if there is room."""
        task, http = asyncio.current_task(), self._runner.server
        if task is None or http is None:
            raise RuntimeError("to be run as a task, by a server that listens")
        connection = Connection(http(), self._crowd, task.cancel)
        if not self._crowd.admit(connection):
            client.close()
            return
        try:
            await self._shake_hands(client, connection)
        except OSError as error:
            reason = "handshake" if self.context else "reset"
            log.debug("dropped socket=http reason=%s error=%s", reason, error)
            self._dropped.labels(reason).inc()
            self._crowd.leave(connection)

    async def _shake_hands(self, client: socket.socket, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        if self.context is None:
            await loop.connect_accepted_socket(lambda: connection, client)
            return
        await loop.connect_accepted_socket(
            lambda: connection,
            client,
            ssl=self.context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=GOODBYE_SECONDS,
        )

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._crowd.sweep()
