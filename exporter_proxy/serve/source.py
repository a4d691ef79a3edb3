"""A text that changes now and then, in the forms that it is sent in."""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from itertools import count
from typing import NamedTuple

from exporter_proxy.serve.segments import Segment, compress

# Shorter texts are dealt with before another thread could begin: 0.1 ms, measured.
INLINE_BYTES = 64 * 1024


class Absent(Exception):  # noqa: N818 - says what is the case
    """There is no such text at present."""


class Workshop:
    """Does what takes its time beside the event loop, one thing after another."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.turn = asyncio.Lock()

    async def do[T](self, work: Callable[[bytes], T], text: bytes) -> T:
        """Return the work's result. Only whoever has the turn may call this."""
        if len(text) <= INLINE_BYTES:
            return work(text)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, work, text)


class Plain(NamedTuple):
    """A text, and which version of it this is."""

    text: bytes
    version: Hashable


class Compressed(NamedTuple):
    """A compressed text, and which version of the text it is.

    begun: tells compressions from each other: which one was begun later.
    """

    segment: Segment
    version: Hashable
    begun: int


class Source:
    """A text that is compressed when somebody asks, once a version for all who ask.

    text: returns the text as it is now; None when there is none.
    version: returns what differs whenever the text does.
    """

    def __init__(
        self,
        text: Callable[[], bytes | None],
        version: Callable[[], Hashable],
        workshop: Workshop,
    ) -> None:
        self._text = text
        self._version = version
        self._workshop = workshop
        self._moments = count()
        self._kept: Compressed | None = None

    def plain(self) -> Plain:
        """Return the text and its version. Raises Absent."""
        self._drop_old()
        text = self._text()
        if text is None:
            raise Absent
        return Plain(text, self._version())

    async def compressed(self) -> Compressed:
        """Return the text compressed, as it is now or was since this was asked for.

        Raises Absent. While many wait for their turn none of them holds a text: the
        first one takes what there is by then, and makes it for all of them.
        """
        asked = next(self._moments)
        async with self._workshop.turn:
            if self._kept and self._kept.begun > asked:
                return self._kept
            self._drop_old()
            if not self._kept:
                text, version = self.plain()
                begun = next(self._moments)
                segment = await self._workshop.do(compress, text)
                self._kept = Compressed(segment, version, begun)
            return self._kept

    def _drop_old(self) -> None:
        """Forget a version that nobody needs any more: it may be large."""
        if self._kept and self._kept.version != self._version():
            self._kept = None
