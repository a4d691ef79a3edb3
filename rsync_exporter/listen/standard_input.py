"""Standard input as a source of lines, such as ``journalctl -o short-iso -f |``."""

import logging
import os
from collections.abc import Iterator

from rsync_exporter.listen.ear import Ear
from rsync_exporter.listen.inbox import Inbox, Item
from rsync_exporter.tail.chunk import Chunk, Progress
from rsync_exporter.tail.lines import LineSplitter

log = logging.getLogger(__name__)

NAME = "-"
STREAM = -1  # files are numbered upwards from zero

BLOCK_BYTES = 1_048_576
CAPACITY_BYTES = 4 * BLOCK_BYTES

_END = Item(b"", b"")


class StandardInput:
    """Reads on while there is room, and then lets the writer wait: nothing is lost."""

    def __init__(self, descriptor: int = 0) -> None:
        self.has_ended = False
        self._descriptor = descriptor
        self._inbox = Inbox(CAPACITY_BYTES)
        self._lines = LineSplitter()
        self._ends_within_line = False
        self._read_bytes = 0
        self._ear = Ear("standard-input", descriptor, self._hear)

    def poll(self) -> Iterator[Chunk]:
        """Yield the lines that came since the last call."""
        while item := self._inbox.take():
            if item is _END:
                yield from self._last_line()
            else:
                yield self._chunk(item.content)

    def progress(self) -> Progress:
        """Return how much was read."""
        return Progress(NAME, read_bytes=self._read_bytes)

    def close(self) -> None:
        """Read no more."""
        self._inbox.close()
        self._ear.close()

    def _chunk(self, block: bytes) -> Chunk:
        self._read_bytes += len(block)
        self._ends_within_line = not block.endswith(b"\n")
        lines = self._lines.feed(block)
        return Chunk(NAME, STREAM, lines, ends=not self._ends_within_line)

    def _last_line(self) -> Iterator[Chunk]:
        self.has_ended = True
        log.info("standard input ended read_bytes=%d", self._read_bytes)
        if self._ends_within_line:
            yield Chunk(NAME, STREAM, self._lines.feed(b"\n"), ends=True)

    def _hear(self) -> bool:
        if not self._inbox.wait_for_room():
            return False
        block = self._read()
        return self._inbox.offer(Item(b"", block) if block else _END) and bool(block)

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, BLOCK_BYTES)
        except OSError as error:  # such as a terminal that went away
            log.warning("standard input lost error=%s", error)
            return b""
