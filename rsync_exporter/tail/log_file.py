"""One log file on disk, read onwards whatever its name becomes."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from rsync_exporter.tail.lines import MAX_LINE_BYTES, LineSplitter

BLOCK_BYTES = 1_048_576

# Enough of the bytes last read to know them again: log lines begin with a time.
FINGERPRINT_BYTES = 256


class LogFile:
    """An open file and how far it was read. Being open, its inode is not used again."""

    def __init__(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        self.identity = (status.st_dev, status.st_ino)  # whatever its name becomes
        self.offset = 0
        self._descriptor = descriptor
        self._lines = LineSplitter()
        self._fingerprint = b""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a log. Raises OSError when there is none that can be read."""
        # A pipe must neither be waited for nor mistaken for a file.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(f"not a regular file: {path}")
        return cls(descriptor)

    def close(self) -> None:
        """Give the file back; it must not be used afterwards."""
        os.close(self._descriptor)

    @property
    def size(self) -> int:
        """Bytes in the file at this moment."""
        return os.fstat(self._descriptor).st_size

    def skip_to_end(self) -> None:
        """Leave out what is there, but for a last line that is still being written."""
        start = max(0, self.size - MAX_LINE_BYTES)
        last = os.pread(self._descriptor, MAX_LINE_BYTES, start)
        skipped = last[: last.rfind(b"\n") + 1]
        self._go_to(start + len(skipped))
        self._remember(skipped)

    def rewind_if_rewritten(self) -> bool:
        """Start over when what was read is gone: truncated, or written anew."""
        start = self.offset - len(self._fingerprint)
        found = os.pread(self._descriptor, len(self._fingerprint), start)
        if found == self._fingerprint:
            return False
        self._go_to(0)
        return True

    def read(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield each block's size and whole lines, until the end of the file.

        Raises OSError when the disk cannot; the next call goes on at the same place.
        """
        while block := os.pread(self._descriptor, BLOCK_BYTES, self.offset):
            self.offset += len(block)
            self._remember(block)
            yield len(block), self._lines.feed(block)

    def _remember(self, block: bytes) -> None:
        tail = block[-FINGERPRINT_BYTES:]
        self._fingerprint = (self._fingerprint + tail)[-FINGERPRINT_BYTES:]

    def _go_to(self, offset: int) -> None:
        self.offset = offset
        self._fingerprint = b""
        self._lines = LineSplitter()
