"""The log at a path, followed over rotation: each file that was behind it is read.

Sessions of rsyncd keep the file open that was there when they began, and write their
last lines to it hours after it was renamed. So a replaced file stays open for a while.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rsync_exporter.tail.log_file import LogFile

log = logging.getLogger(__name__)

ROTATION_KINDS = ("replaced", "truncated")

# Each costs a file descriptor, and a deleted one its place on the disk.
MAX_ROTATED_FILES = 16


@dataclass(frozen=True)
class Position:
    """How far the log was read."""

    read_bytes: int = 0
    size_bytes: int = 0
    offset_bytes: int = 0
    open_files: int = 0
    rotations: Mapping[str, int] = field(
        default_factory=lambda: dict.fromkeys(ROTATION_KINDS, 0)
    )


class Follower:
    """Reads what is new in the log, in the order in which the files came."""

    def __init__(
        self,
        path: Path,
        skip_old_lines: bool,
        keep_rotated_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._skip_old_lines = skip_old_lines
        self._keep_rotated_seconds = keep_rotated_seconds
        self._clock = clock
        self._current: LogFile | None = None
        self._rotated: dict[LogFile, float] = {}  # with the time to close each
        self._rotations = Counter(dict.fromkeys(ROTATION_KINDS, 0))
        self._read_bytes = 0

    def poll(self) -> Iterator[list[bytes]]:
        """Yield the lines written since the last call, block by block.

        Raises OSError at the end when there is no log, or a new one cannot be read.
        """
        problem = self._look()
        for log_file in list(self._rotated):
            yield from self._read_rotated(log_file)
        if self._current:
            yield from self._read(self._current)
        self._close_expired()
        if problem:
            raise problem

    def position(self) -> Position:
        """Return how far the log was read."""
        current = self._current
        return Position(
            read_bytes=self._read_bytes,
            size_bytes=current.size if current else 0,
            offset_bytes=current.offset if current else 0,
            open_files=len(self._rotated) + bool(current),
            rotations=dict(self._rotations),
        )

    def close(self) -> None:
        """Close every file."""
        for log_file in filter(None, (self._current, *self._rotated)):
            log_file.close()
        self._rotated.clear()
        self._current = None

    def _look(self) -> OSError | None:
        """Open what is at the path now, unless it is open already."""
        skip, self._skip_old_lines = self._skip_old_lines, False
        try:
            found = self._opened_before(LogFile.open(self._path))
        except FileNotFoundError as error:
            # After a rename there is no log until the next session makes one.
            return None if self._current else error
        except OSError as error:
            return error
        if skip:
            found.skip_to_end()
        if found is not self._current:
            self._replace_current(found)
        return None

    def _opened_before(self, found: LogFile) -> LogFile:
        """Return the file as it was opened before, if it was: it knows its place."""
        for log_file in filter(None, (self._current, *self._rotated)):
            if log_file.identity == found.identity:
                found.close()
                return log_file
        return found

    def _replace_current(self, found: LogFile) -> None:
        self._rotated.pop(found, None)
        if self._current:
            self._rotations["replaced"] += 1
            self._rotated[self._current] = self._clock() + self._keep_rotated_seconds
        self._current = found
        log.info("log opened path=%s size_bytes=%d", self._path, found.size)

    def _close_expired(self) -> None:
        now, surplus = self._clock(), len(self._rotated) - MAX_ROTATED_FILES
        for place, (log_file, deadline) in enumerate(list(self._rotated.items())):
            if place < surplus or now >= deadline:
                self._forget(log_file)

    def _forget(self, log_file: LogFile) -> None:
        del self._rotated[log_file]
        log_file.close()
        log.info("rotated log closed read_bytes=%d", log_file.offset)

    def _read_rotated(self, log_file: LogFile) -> Iterator[list[bytes]]:
        try:
            yield from self._read(log_file)
        except OSError as error:  # such as a network file system's "stale file handle"
            log.warning("rotated log lost error=%s", error)
            self._forget(log_file)

    def _read(self, log_file: LogFile) -> Iterator[list[bytes]]:
        if log_file.rewind_if_rewritten():
            self._rotations["truncated"] += 1
            log.info("log truncated, reading from its start path=%s", self._path)
        for size, lines in log_file.read():
            self._read_bytes += size
            yield lines
