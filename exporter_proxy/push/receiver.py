"""Reads pushes off a stream: JSON until its end, or Cap'n Proto messages in a row."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager, nullcontext, suppress

from exporter_proxy.config import Address
from exporter_proxy.config.sections import Receiver as Config
from exporter_proxy.metrics import Metrics
from exporter_proxy.push import messages
from exporter_proxy.push.connections import Connection, Connections, Crowded
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.store.applications import check_name
from exporter_proxy.store.intake import INLINE_BYTES, Delivery, Intake, Origin

log = logging.getLogger(__name__)


class Receiver:
    """Attends to one client after another, or to many at once.

    A client is told nothing: that is the protocol. What was wrong is in the log, in
    ``/apps`` and in the metrics.
    """

    def __init__(
        self, config: Config, connections: Connections, intake: Intake, metrics: Metrics
    ) -> None:
        self._config = config
        self._connections = connections
        self._intake = intake
        self._metrics = metrics
        self._capnp = messages.CapnpReader()
        self._one_large = asyncio.Lock()

    async def attend_tcp(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Read what a client of the TCP socket pushes."""
        host, port, *_ = writer.get_extra_info("peername") or ("?", 0)
        await self._attend("tcp", str(Address(host, port)), reader, writer)

    async def attend_unix(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Read what a client of the Unix socket pushes."""
        source = str(self._config.receiver_unix_socket)
        await self._attend("unix", source, reader, writer)

    async def _attend(
        self,
        socket: str,
        source: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        connection = Connection(reader, self._connections, self._config.idle_timeout)
        open_connections = self._metrics.connections.labels(socket)
        with self._connections.admit(connection), open_connections.track_inprogress():
            try:
                await self._read(connection, source)
            except Refused as refused:
                self._refuse(source, refused)
                self._drop("refused", source, connection)
            except Crowded:
                self._drop("crowded", source, connection)
            except TimeoutError:
                self._drop("idle", source, connection)
            except ConnectionError:
                self._drop("reset", source, connection)
            finally:
                writer.close()
                # An exception set in the stream keeps the frames it passed through.
                connection.buffer.clear()

    async def _read(self, connection: Connection, source: str) -> None:
        await connection.hold(messages.HEAD_BYTES)
        if not connection.buffer:
            return  # somebody only looked whether the port is open
        if messages.is_capnp(bytes(connection.buffer[: messages.HEAD_BYTES])):
            self._check_format("capnp")
            await self._read_capnp(connection, source)
        else:
            self._check_format("json")
            await self._read_json(connection, source)

    async def _read_json(self, connection: Connection, source: str) -> None:
        messages.check_json_start(bytes(connection.buffer))
        self._check_size(len(connection.buffer))
        while await connection.more():
            self._check_size(len(connection.buffer))
        size = len(connection.buffer)
        async with self._turn(size):
            for application, value in messages.read_json(connection.take(size)).items():
                await self._deliver(Origin(application, "json", source), value)

    async def _read_capnp(self, connection: Connection, source: str) -> None:
        while await connection.hold(messages.HEAD_BYTES):
            size = await self._capnp_size(connection)
            if not await connection.hold(size):
                break
            async with self._turn(size):
                application, body = self._capnp.read(connection.take(size))
                await self._deliver(Origin(application, "capnp", source), body)
        if connection.buffer:
            raise Refused(Reason.CAPNP, "the stream ended within a message")

    async def _capnp_size(self, connection: Connection) -> int:
        """Return the next message's length, read from its header only."""
        size = messages.capnp_header_bytes(
            bytes(connection.buffer[: messages.HEAD_BYTES])
        )
        if not await connection.hold(size):
            return size
        size = messages.capnp_message_bytes(bytes(connection.buffer[:size]))
        self._check_size(size)
        return size

    async def _deliver(self, origin: Origin, value: object) -> None:
        try:
            check_name(origin.application)
        except Refused as refused:
            self._refuse(origin.source, refused)
            return
        try:
            body = messages.body_of(value)
        except Refused as refused:
            self._intake.refuse(origin, refused)
            return
        with suppress(Refused):  # it is noted
            await self._intake.take(Delivery(origin, body))

    def _turn(self, size: int) -> AbstractAsyncContextManager[None]:
        """Let large messages take turns: each needs several times its size."""
        return self._one_large if size > INLINE_BYTES else nullcontext()

    def _check_format(self, found: str) -> None:
        allowed = self._config.format
        if allowed not in ("any", found):
            raise Refused(Reason.FORMAT, f"{found}, but receiver.format is {allowed}")

    def _check_size(self, size: int) -> None:
        if size > self._config.max_message_bytes:
            limit = self._config.max_message_bytes
            raise Refused(Reason.TOO_LARGE, f"a message of more than {limit} bytes")

    def _refuse(self, source: str, refused: Refused) -> None:
        """Count and log a message that cannot be put down to an application."""
        self._metrics.refusals.labels(refused.reason).inc()
        log.warning(
            "refused source=%s reason=%s error=%s", source, refused.reason, refused
        )

    def _drop(self, reason: str, source: str, connection: Connection) -> None:
        self._metrics.dropped_connections.labels(reason).inc()
        level = logging.WARNING if connection.buffer else logging.DEBUG
        unread = len(connection.buffer)
        log.log(level, "dropped source=%s reason=%s bytes=%d", source, reason, unread)
