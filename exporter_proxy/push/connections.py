"""Connections to the receivers: bounded in number, in time, and in bytes they hold.

When there are too many, the one that was silent longest makes room, so idle clients
cannot keep others out, whatever their number. What that takes does not depend on how
many there are.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

# A push of 1,000 series in one piece takes a sixth less time than in two, measured.
CHUNK_BYTES = 256 * 1024


class Crowded(Exception):  # noqa: N818 - an outcome, not an error
    """Raised while a connection waits for its client, when it has to make room."""


class Slow(Exception):  # noqa: N818 - an outcome, not an error
    """Raised when a message takes too long to arrive."""


class Connection:
    """A client that is waited for, within bounds.

    idle_timeout: seconds that it may be silent.
    message_timeout: seconds that it may be waited for within one message.
    """

    def __init__(
        self, group: "Connections", idle_timeout: float, message_timeout: float
    ) -> None:
        self.held = 0
        self._group = group
        self._idle_timeout = idle_timeout
        self._message_timeout = message_timeout
        self._patience = message_timeout
        self._waiting: asyncio.Timeout | None = None
        self._has_to_go = False

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """Return what the client sends next; nothing at its end.

        Raises TimeoutError after too long a silence, Slow, Crowded, and
        ConnectionError when the client broke off.
        """
        patience = self._patience if self.held else self._idle_timeout
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            data = await self.wait(
                lambda: reader.read(CHUNK_BYTES), min(patience, self._idle_timeout)
            )
        except TimeoutError:
            if patience < self._idle_timeout:
                raise Slow from None
            raise
        if self.held:
            self._patience -= loop.time() - start
        self._group.heard(self)
        return data

    async def wait[T](self, action: Callable[[], Awaitable[T]], seconds: float) -> T:
        """Return what an action returns in time. Raises TimeoutError, Crowded."""
        if self._has_to_go:
            raise Crowded
        try:
            async with asyncio.timeout(max(seconds, 0)) as self._waiting:
                return await action()
        except TimeoutError:
            if self._has_to_go:
                raise Crowded from None
            raise
        finally:
            self._waiting = None

    def hold(self, size: int) -> None:
        """Note how many bytes of a message there are that is not complete."""
        self._group.held(self, size - self.held)

    def complete(self) -> None:
        """Note that a message is complete: the next one has all its time before it."""
        self._patience = self._message_timeout

    def make_room(self) -> None:
        """Let what is waited for now, or else next, raise Crowded."""
        self._has_to_go = True
        if self._waiting and not self._waiting.expired():
            self._waiting.reschedule(0)


class Connections:
    """Those that are open, the one that was silent longest first."""

    def __init__(self) -> None:
        self._open: OrderedDict[Connection, None] = OrderedDict()
        # Those of them that hold anything, in the same order.
        self._holding: OrderedDict[Connection, None] = OrderedDict()
        self._held_bytes = 0
        self.limit(1, 1)

    def limit(self, maximum: int, maximum_bytes: int) -> None:
        """Let there be so many connections, which together hold so many bytes."""
        self._maximum = maximum
        self._maximum_bytes = maximum_bytes

    @contextmanager
    def admit(self, connection: Connection) -> Iterator[None]:
        """Count a connection while the block runs."""
        while len(self._open) >= self._maximum:
            self._evict(next(iter(self._open)))
        self._open[connection] = None
        try:
            yield
        finally:
            self._forget(connection)

    def heard(self, connection: Connection) -> None:
        """Note that a connection is alive."""
        for order in (self._open, self._holding):
            if connection in order:
                order.move_to_end(connection)

    def held(self, connection: Connection, by_bytes: int) -> None:
        """Note how much more a connection holds."""
        if connection not in self._open:
            return
        connection.held += by_bytes
        self._held_bytes += by_bytes
        if connection.held:
            self._holding[connection] = None
        else:
            self._holding.pop(connection, None)
        while self._held_bytes > self._maximum_bytes:
            self._evict(next(iter(self._holding)))

    def _evict(self, connection: Connection) -> None:
        self._forget(connection)
        connection.make_room()

    def _forget(self, connection: Connection) -> None:
        if connection in self._open:
            del self._open[connection]
            self._holding.pop(connection, None)
            self._held_bytes -= connection.held
