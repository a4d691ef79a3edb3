"""Connections to the receivers: bounded in number and in the bytes they hold.

When there are too many, the one that was silent longest makes room, so idle clients
cannot keep others out, whatever their number.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK_BYTES = 64 * 1024


class Crowded(Exception):  # noqa: N818 - an outcome, not an error
    """Raised out of a read when the connection had to make room for others."""


class Connection:
    """What a client sends, read under the bounds of all connections."""

    def __init__(
        self, reader: asyncio.StreamReader, group: "Connections", idle_timeout: float
    ) -> None:
        self.buffer = bytearray()
        self._reader = reader
        self._group = group
        self._idle_timeout = idle_timeout

    async def more(self) -> bool:
        """Read what comes next into the buffer; return False at the end of the stream.

        Raises TimeoutError after too long a silence, Crowded when room is needed, and
        ConnectionError when the client broke off.
        """
        async with asyncio.timeout(self._idle_timeout):
            chunk = await self._reader.read(CHUNK_BYTES)
        self.buffer += chunk
        self._group.changed(self, len(chunk))
        return bool(chunk)

    async def hold(self, size: int) -> bool:
        """Read until the buffer holds that much; return False if the stream ends."""
        while len(self.buffer) < size:
            if not await self.more():
                return False
        return True

    def take(self, size: int) -> bytes:
        """Return the buffer's first bytes and remove them."""
        with memoryview(self.buffer) as view:
            data = bytes(view[:size])
        del self.buffer[:size]
        self._group.changed(self, -len(data))
        return data

    def interrupt(self) -> None:
        """Let the read that waits, or else the next one, raise Crowded."""
        self._reader.set_exception(Crowded())


class Connections:
    """Those that are open, the one that was silent longest first."""

    def __init__(self, maximum: int, maximum_bytes: int) -> None:
        self._maximum = maximum
        self._maximum_bytes = maximum_bytes
        self._open: OrderedDict[Connection, None] = OrderedDict()
        self._held_bytes = 0

    @contextmanager
    def admit(self, connection: Connection) -> Iterator[None]:
        """Count a connection while the block runs."""
        if len(self._open) >= self._maximum:
            self._evict(next(iter(self._open)))
        self._open[connection] = None
        try:
            yield
        finally:
            self._forget(connection)

    def changed(self, connection: Connection, by_bytes: int) -> None:
        """Note that a connection is alive, and how much more it holds."""
        if connection not in self._open:
            return
        self._open.move_to_end(connection)
        self._held_bytes += by_bytes
        while self._held_bytes > self._maximum_bytes:
            self._evict(next(each for each in self._open if each.buffer))

    def _evict(self, connection: Connection) -> None:
        self._forget(connection)
        connection.interrupt()

    def _forget(self, connection: Connection) -> None:
        if connection in self._open:
            del self._open[connection]
            self._held_bytes -= len(connection.buffer)
