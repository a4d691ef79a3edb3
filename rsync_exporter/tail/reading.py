"""An open log, read onwards: whole lines out, and changes of its past noticed."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from rsync_exporter.tail.lines import MAX_LINE_BYTES, LineSplitter
from rsync_exporter.tail.log_file import LogFile
from rsync_exporter.tail.place import HEAD_BYTES, TAIL_BYTES, Place, digest

BLOCK_BYTES = 1_048_576


class Block(NamedTuple):
    """Whole lines, the bytes that they took, and those that were cut from them."""

    lines: Sequence[bytes]
    ends: bool
    read_bytes: int
    cut_bytes: int


class Reading:
    """How far an open log was read.

    seen: bytes up to where it was read, also into a line that has no end yet.
    size: bytes in the file when it was last looked at.
    is_rewritten: what was read before is not in the file any more.
    """

    def __init__(self, file: LogFile, offset: int = 0) -> None:
        self.file = file
        self.size = 0 if file.is_packed else file.status().st_size
        self.is_rewritten = False
        self._lines = LineSplitter()
        self.seen = offset
        self._head = file.read_at(0, min(offset, HEAD_BYTES))
        start = max(0, offset - TAIL_BYTES)
        self._tail = file.read_at(start, offset - start)

    @classmethod
    def at_end(cls, file: LogFile, size: int) -> Self:
        """Leave out these first bytes, but for a last line that has no end yet."""
        start = max(0, size - MAX_LINE_BYTES)
        return cls(file, start + file.read_at(start, size - start).rfind(b"\n") + 1)

    @property
    def offset(self) -> int:
        """Where the first line begins that was not yet handed on."""
        return self.seen - self._lines.waiting_bytes

    @property
    def known_size(self) -> int:
        """Bytes in the file, be it that it lost some of them."""
        return max(self.size, self.seen)

    def read(self, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
        """Yield whole lines until the end of the file.

        Raises OSError when the disk cannot; the next call goes on at the same place.
        """
        went_on = False
        while (block := self._block(block_bytes)) is not None:
            went_on = went_on or bool(block)
            is_last = len(block) < block_bytes
            if went_on:
                yield from self._take(block, is_last=is_last)
            if is_last:
                return
            self.size = max(self.size, self.file.status().st_size)
        self.is_rewritten = True

    def keeps_its_head(self) -> bool:
        """Tell whether the file begins as it did, so that only its end is another."""
        return _are_alike(self._head, self.file.read_at(0, HEAD_BYTES))

    def is_like(self, file: LogFile) -> bool:
        """Tell whether a file begins as this one did or does, read or not."""
        head, own = file.read_at(0, HEAD_BYTES), self.file.read_at(0, HEAD_BYTES)
        return _are_alike(head, self._head) or _are_alike(head, own)

    def place(self) -> Place:
        """Return where this is, to go on later."""
        device, inode = self.file.identity
        return Place(
            device,
            inode,
            offset=self.offset,
            seen=self.seen,
            size=self.known_size,
            head=digest(self._head),
            tail=digest(self._tail),
        )

    def _block(self, size: int) -> bytes | None:
        return self.file.read_after(self.seen, self._tail, size)

    def _take(self, block: bytes, *, is_last: bool) -> Iterator[Block]:
        offset, cut = self.offset, self._lines.cut_bytes
        lines = self._lines.feed(block)
        self._remember(block)
        cut = self._lines.cut_bytes - cut
        ends = is_last and not self._lines.waiting_bytes
        if lines or ends:
            yield Block(lines, ends, self.offset - offset - cut, cut)

    def _remember(self, block: bytes) -> None:
        self.seen += len(block)
        self.size = max(self.size, self.seen)
        self._head += block[: HEAD_BYTES - len(self._head)]
        self._tail = (self._tail + block[-TAIL_BYTES:])[-TAIL_BYTES:]


def _are_alike(one: bytes, other: bytes) -> bool:
    """Compare two beginnings, of which one may be less of the same."""
    size = min(len(one), len(other))
    # A part of a line may be that of any log: they all begin with the date.
    is_telling = size == HEAD_BYTES or b"\n" in one[:size]
    return is_telling and one[:size] == other[:size]
