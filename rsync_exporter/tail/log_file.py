"""A log file on disk, open for reading at any place, packed or not."""

import os
import stat
from pathlib import Path
from typing import Self

from rsync_exporter.tail.packing import (
    DAMAGES,
    MAGIC_BYTES,
    Unpack,
    unpack,
    unpacked_name,
)

type Identity = tuple[int, int]
type Content = tuple[Identity, int, int]


class NotReadyError(OSError):
    """A file that is being packed, and has not even its first bytes yet."""


class LogFile:
    """An open file. Being open, its inode is not used again.

    identity: device and inode, the same whatever its name becomes.
    content: with the time and size when it was opened, the same until it is written to.
    """

    is_packed = False

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        status = self.status()
        self.identity: Identity = (status.st_dev, status.st_ino)
        self.content: Content = (self.identity, status.st_mtime_ns, status.st_size)

    @classmethod
    def open(cls, path: str | Path) -> Self:
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

    def duplicate(self) -> int:
        """Return another descriptor of the same file, whatever its name is now."""
        return os.dup(self._descriptor)

    def status(self) -> os.stat_result:
        """Return size, times and links at this moment."""
        return os.fstat(self._descriptor)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return these bytes, fewer at the end. Raises OSError."""
        return os.pread(self._descriptor, size, offset)

    def read_after(self, offset: int, before: bytes, size: int) -> bytes | None:
        """Return these bytes; None unless those others are still before them.

        Both are read at once, so nothing can come between.
        """
        start = offset - len(before)
        found = os.pread(self._descriptor, len(before) + size, start)
        return found[len(before) :] if found.startswith(before) else None


class PackedLog(LogFile):
    """A file that logrotate has compressed, read as what it was before."""

    is_packed = True

    def __init__(self, descriptor: int, unpack: Unpack) -> None:
        super().__init__(descriptor)
        self._packed = open(descriptor, "rb")  # noqa: SIM115 -- until close()
        self._unpacked = unpack(self._packed)

    def close(self) -> None:
        """Give the file back; it must not be used afterwards."""
        self._unpacked.close()
        self._packed.close()

    def read_at(self, offset: int, size: int) -> bytes:
        """Return these bytes of the unpacked file. Raises OSError when it is damaged.

        Going back costs as much as reading up to there again.
        """
        try:
            self._unpacked.seek(offset)
            return self._unpacked.read(size)
        except DAMAGES as error:
            raise OSError(f"damaged: {error}") from error

    def read_after(self, offset: int, before: bytes, size: int) -> bytes | None:  # noqa: ARG002
        """Return these bytes; nobody changes a packed file."""
        return self.read_at(offset, size)


def open_rotated(path: str | Path) -> LogFile:
    """Open a log that may be packed, whatever its name says.

    Raises NotReadyError when only its name says so yet, and OSError.
    """
    file = LogFile.open(path)
    try:
        unpacks = unpack(file.read_at(0, MAGIC_BYTES))
    except OSError:
        file.close()
        raise
    if unpacks:
        descriptor = file.duplicate()
        file.close()
        return PackedLog(descriptor, unpacks)
    if unpacked_name(str(path)) != str(path):
        file.close()
        raise NotReadyError(f"not packed yet: {path}")
    return file
