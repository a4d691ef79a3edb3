"""Lets clients in by the receivers' doors, and sees each of them off."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from exporter_proxy import tls
from exporter_proxy.config import Config
from exporter_proxy.metrics import Metrics
from exporter_proxy.push.answers import MAX_UNREAD_BYTES, Answers, Unread
from exporter_proxy.push.connections import (
    CHUNK_BYTES,
    Connection,
    Connections,
    Crowded,
    Slow,
)
from exporter_proxy.push.doors import Door, accept, end, open_doors
from exporter_proxy.push.peers import Peer
from exporter_proxy.push.receiver import Client, Receiver
from exporter_proxy.push.sockets import allow_connections
from exporter_proxy.refusals import Refused
from exporter_proxy.store.intake import Intake
from exporter_proxy.told import Told

log = logging.getLogger(__name__)

# How many of the largest messages all connections together may hold unfinished.
UNFINISHED_MESSAGES = 2

HANDSHAKE_SECONDS = 10

# How long a client gets to read its last answers.
FAREWELL_SECONDS = 2

# Why a connection ended before its client ended it.
_DROPS: dict[type[Exception], str] = {
    Refused: "refused",
    Crowded: "crowded",
    Slow: "slow",
    Unread: "unacknowledged",
    TimeoutError: "idle",
    OSError: "reset",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What the configuration says about pushing by socket."""

    config: Config
    context: ssl.SSLContext | None

    @classmethod
    def of(cls, config: Config) -> "Terms":
        """Return the terms. Raises SettingsError when a certificate is wrong."""
        receiver = config.receiver
        demand: tls.ClientCertificates = (
            "required" if receiver.require_client_certificate else "none"
        )
        context = tls.server_context(config.tls, demand) if receiver.tls else None
        return cls(config, context)


class Reception:
    """Lets clients in by TCP and by Unix socket, as many as there is room for.

    room: how many that are, and how many HTTP may let in.
    """

    def __init__(self, config: Config, intake: Intake, metrics: Metrics) -> None:
        self._metrics = metrics
        self._receiver = Receiver(intake, metrics)
        self._connections = Connections()
        self._told = Told()
        self.follow(config)

    def follow(self, config: Config) -> None:
        """Attend to whoever comes from now on as this configuration says.

        The sockets stay what they are. Raises SettingsError, and changes nothing then.
        """
        self._terms = Terms.of(config)
        self.room = allow_connections(config.exporter.concurrent_requests)
        self._connections.limit(
            self.room.receivers,
            UNFINISHED_MESSAGES * config.receiver.max_message_bytes,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Let clients in while the block runs. Raises ServiceFailed."""
        with open_doors(self._terms.config.receiver) as doors:
            accepting = [
                asyncio.create_task(accept(door, self._welcome, self._told))
                for door in doors
            ]
            try:
                yield
            finally:
                await end(accepting)

    async def _welcome(self, client: socket.socket, door: Door) -> None:
        """Attend to a client; whatever comes of it, nobody else is harmed."""
        try:
            peer = door.peer_of(client)
        except OSError:
            self._drop("reset", "?", 0)
            return
        if not peer.is_in(self._terms.config.receiver.allow):
            self._turn_away(peer)
            return
        try:
            await self._attend(client, peer)
        except Exception:  # a mistake of ours ends this connection and no other
            log.exception("a connection failed source=%s", peer.source)
            self._metrics.dropped_connections.labels("failed").inc()

    def _turn_away(self, peer: Peer) -> None:
        self._metrics.dropped_connections.labels("address").inc()
        if self._told.is_due(peer.network()):
            log.warning(
                "turned away, not in receiver.allow source=%s network=%s",
                peer.source,
                peer.network(),
            )

    async def _attend(self, client: socket.socket, peer: Peer) -> None:
        config = self._terms.config.receiver
        connection = Connection(
            self._connections, config.idle_timeout, config.message_timeout
        )
        open_connections = self._metrics.connections.labels(peer.socket)
        with self._connections.admit(connection), open_connections.track_inprogress():
            try:
                # Or the system would keep megabytes for who does not read them.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_UNREAD_BYTES)
                reader, writer = await self._open_stream(client, peer, connection)
            except Crowded:
                self._drop("crowded", peer.source, 0)
                return
            except OSError as error:  # TimeoutError and SSLError are such, too
                self._give_up(peer, error)
                return
            answers = Answers(writer.transport, wanted=config.acknowledge)
            pushing = Client(peer, connection, reader, answers)
            try:
                await self._receiver.attend(pushing, config)
            except tuple(_DROPS) as error:
                self._drop(_reason(error), peer.source, connection.held)
                if isinstance(error, Refused) and config.acknowledge:
                    await _discard(pushing)
            finally:
                await _close(writer)

    async def _open_stream(
        self, client: socket.socket, peer: Peer, connection: Connection
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return the client's stream, safe where that is wanted."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(CHUNK_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        context = self._terms.context if peer.socket == "tcp" else None
        transport, _ = await connection.wait(
            lambda: loop.connect_accepted_socket(
                lambda: protocol,
                client,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if context else None,
                ssl_shutdown_timeout=FAREWELL_SECONDS if context else None,
            ),
            HANDSHAKE_SECONDS,
        )
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    def _give_up(self, peer: Peer, error: OSError) -> None:
        self._metrics.dropped_connections.labels("handshake").inc()
        if self._told.is_due(("handshake", peer.network())):
            what = str(error) or f"not done within {HANDSHAKE_SECONDS} s"
            log.warning("no TLS handshake source=%s error=%s", peer.source, what)

    def _drop(self, reason: str, source: str, unread: int) -> None:
        self._metrics.dropped_connections.labels(reason).inc()
        level = logging.WARNING if unread else logging.DEBUG
        log.log(level, "dropped source=%s reason=%s bytes=%d", source, reason, unread)


def _reason(error: Exception) -> str:
    return next(name for kind, name in _DROPS.items() if isinstance(error, kind))


async def _discard(client: Client) -> None:
    """Read on for a moment: closed at once, the client might never see the answer."""
    try:
        async with asyncio.timeout(FAREWELL_SECONDS):
            while await client.reader.read(CHUNK_BYTES):
                pass
    except (TimeoutError, ConnectionError):
        pass


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close; what the client did not read in time is lost."""
    writer.close()
    try:
        async with asyncio.timeout(FAREWELL_SECONDS):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()
