"""Reads pushes off a stream: JSON or Cap'n Proto messages in a row."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from exporter_proxy.config.sections import Receiver as Config
from exporter_proxy.metrics import Metrics
from exporter_proxy.push import messages
from exporter_proxy.push.answers import Answers
from exporter_proxy.push.connections import Connection
from exporter_proxy.push.frames import CapnpFramer, Framer, JsonFramer
from exporter_proxy.push.messages import Message, Sent
from exporter_proxy.push.nameless import Nameless
from exporter_proxy.push.pauses import Pauses
from exporter_proxy.push.peers import Peer
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.store.applications import check_name
from exporter_proxy.store.intake import INLINE_BYTES, Delivery, Intake, Origin


@dataclass(frozen=True, slots=True)
class Client:
    """One who pushes: who it is, what it sends, and how it is answered."""

    peer: Peer
    connection: Connection
    reader: asyncio.StreamReader
    answers: Answers

    async def read(self) -> bytes:
        """Return what comes next; raises as ``Connection.read``."""
        return await self.connection.read(self.reader)


class Receiver:
    """Attends to any number of clients at once."""

    def __init__(self, intake: Intake, metrics: Metrics) -> None:
        self._intake = intake
        self._nameless = Nameless(metrics)
        self._capnp = messages.CapnpReader()
        self._one_large = asyncio.Lock()
        self._pauses = Pauses()

    async def attend(self, client: Client, config: Config) -> None:
        """Take what a client sends until it ends.

        Raises Refused at what is no message, which is counted, logged and answered
        then, and what reading and answering raise.
        """
        try:
            await self._attend(client, config)
        except Refused as refused:
            await self._refuse(client, refused)
            raise

    async def _attend(self, client: Client, config: Config) -> None:
        start = await self._start(client)
        if not start:
            return  # somebody only looked whether the port is open
        channel, framer = self._framer(start, config)
        data = start
        while data:
            client.connection.hold(framer.held + len(data))
            async with self._turn(framer.held + len(data)):
                for message in framer.feed(data):
                    client.connection.complete()
                    await self._deliver(client, channel, message)
            client.connection.hold(framer.held)
            data = await client.read()
        framer.end()

    async def _start(self, client: Client) -> bytes:
        """Return the first bytes: enough to tell the formats apart, if there are."""
        start = b""
        while len(start) < messages.HEAD_BYTES and (data := await client.read()):
            start += data
            client.connection.hold(len(start))
        return start

    def _framer(self, start: bytes, config: Config) -> tuple[str, Framer]:
        """Return the format of a stream that starts like this, and what reads it."""
        limit = config.max_message_bytes
        is_capnp = messages.is_capnp(start[: messages.HEAD_BYTES])
        channel = "capnp" if is_capnp else "json"
        if config.format not in ("any", channel):
            what = f"{channel}, but receiver.format is {config.format}"
            raise Refused(Reason.FORMAT, what)
        if is_capnp:
            return channel, CapnpFramer(limit, self._capnp)
        return channel, JsonFramer(limit)

    async def _deliver(self, client: Client, channel: str, message: Message) -> None:
        """Judge each application of a message by itself. Raises Unread."""
        for name, value in message.items():
            try:
                check_name(name)
            except Refused as refused:
                await self._refuse(client, refused, name)
            else:
                peer = client.peer
                origin = Origin(name, channel, peer.source, peer.user_id)
                await self._take(client, origin, value)
            await self._pauses.pause_if_due()

    async def _take(self, client: Client, origin: Origin, value: object) -> None:
        try:
            sent = self._read(origin, value)
            taken = await self._intake.take(Delivery(origin, sent.body, sent.lifetime))
        except Refused as refused:
            await client.answers.refused(origin.application, refused)
        else:
            await client.answers.ok(origin.application, taken)

    def _read(self, origin: Origin, value: object) -> Sent:
        try:
            return messages.read_value(value)
        except Refused as refused:
            self._intake.refuse(origin, refused)
            raise

    def _turn(self, size: int) -> AbstractAsyncContextManager[None]:
        """Let large messages take turns: each needs several times its size."""
        return self._one_large if size > INLINE_BYTES else nullcontext()

    async def _refuse(
        self, client: Client, refused: Refused, name: str | None = None
    ) -> None:
        """Count, log and answer what cannot be put down to an application."""
        self._nameless.note(client.peer.source, refused)
        await client.answers.refused(name, refused)
