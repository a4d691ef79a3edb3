"""Whole files to an exposition: what ``--once FILE...`` prints."""

import io
import os
import sys
from collections.abc import Buffer, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from prometheus_client import CollectorRegistry, generate_latest

from rsync_exporter.collector import Snapshot
from rsync_exporter.options import options, warn_of_formats
from rsync_exporter.sessions.account import Account
from rsync_exporter.settings import Settings
from rsync_exporter.tail.chunk import Chunk, Progress
from rsync_exporter.tail.lines import LineSplitter
from rsync_exporter.tail.merge import Merge
from rsync_exporter.tail.packing import DAMAGES, MAGIC_BYTES, unpack, unpacked_name
from servicekit import ServiceFailed, Stop, Stopped
from servicekit.metrics import add_build_info

# Of each file one is in memory, and there may be hundreds of files.
BLOCK_BYTES = 131_072

_STANDARD_INPUT = "-"


def once(settings: Settings, names: Sequence[str], stop: Stop) -> int:
    """Count the files, print the metrics, and return the exit code.

    Lines of several files are taken in the order of their times, else in that of files.
    Raises ServiceFailed when one of them cannot be read: then nothing is printed.
    """
    warn_of_formats(settings)
    account = Account(options(settings))
    files = [_File(name, stream) for stream, name in enumerate(_each_once(names))]
    polls = {file.name: file.chunks for file in files}
    for chunk in Merge().merge(polls, account.is_holding):
        if stop.is_set():
            raise Stopped(chunk.file)
        account.add(chunk)
    account.finish()
    return _print(settings, account, [file.progress() for file in files])


class _File:
    """A file that is read once, from its start to its end."""

    def __init__(self, name: str, stream: int) -> None:
        self.name = name
        self._stream = stream
        self._read_bytes = 0
        self._chunks = self._read()

    def chunks(self) -> Iterator[Chunk]:
        """Return what is left of it."""
        return self._chunks

    def progress(self) -> Progress:
        """Return how much was read."""
        size = self._read_bytes
        return Progress(self.name, read_bytes=size, size_bytes=size, offset_bytes=size)

    def _read(self) -> Iterator[Chunk]:
        """Yield its lines. Raises ServiceFailed when it cannot be read."""
        lines = LineSplitter()
        for block in _blocks(self.name):
            self._read_bytes += len(block)
            yield Chunk(self.name, self._stream, lines.feed(block), ends=False)
        # What was written to the very end is whole, with a newline or without.
        last = lines.feed(b"\n") if lines.waiting_bytes else []
        yield Chunk(self.name, self._stream, last, ends=True)


class _Whole(io.RawIOBase):
    """A file of which the first bytes were looked at: a pipe gives them only once."""

    def __init__(self, first: bytes, rest: io.BufferedReader) -> None:
        self._first = first
        self._rest = rest

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read on; 0 at the end. Raises OSError."""
        if not self._first:
            return self._rest.readinto(buffer)
        with memoryview(buffer) as view:
            part = self._first[: len(view)]
            view[: len(part)] = part
        self._first = self._first[len(part) :]
        return len(part)


def _each_once(names: Sequence[str]) -> Iterator[str]:
    """Leave out what was named before, also in another spelling or by a link."""
    seen = set()
    for name in names:
        identity = _identity(name)
        if identity not in seen:
            seen.add(identity)
            yield name


def _identity(name: str) -> object:
    if name == _STANDARD_INPUT:
        return name
    try:
        status = Path(name).stat()
    except OSError as error:
        raise _unreadable(name, error) from error
    return status.st_dev, status.st_ino


def _blocks(name: str) -> Iterator[bytes]:
    try:
        with _opened(name) as file:
            while block := file.read(BLOCK_BYTES):
                yield block
    except (OSError, *DAMAGES) as error:
        raise _unreadable(name, error) from error


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    """Open a file, unpacked if it is packed, or standard input."""
    source = 0 if name == _STANDARD_INPUT else name
    with open(source, "rb", closefd=source != 0) as file:
        first = file.read(MAGIC_BYTES)
        if len(first) < MAGIC_BYTES and unpacked_name(name) != name:
            raise EOFError("a packed file that was cut at its beginning")
        unpacks = unpack(first)
        with io.BufferedReader(_Whole(first, file), BLOCK_BYTES) as whole:
            if unpacks:
                with unpacks(whole) as unpacked:
                    yield unpacked
            else:
                yield whole


def _unreadable(name: str, error: Exception) -> ServiceFailed:
    return ServiceFailed(f"cannot read file={name} error={error}")


def _print(settings: Settings, account: Account, progress: Sequence[Progress]) -> int:
    registry = CollectorRegistry()
    add_build_info("rsync_exporter", registry)
    snapshot = Snapshot(legacy_status_code=settings.rsync_exporter_legacy_status_code)
    snapshot.replace(account.totals(), progress)
    registry.register(snapshot)
    try:
        sys.stdout.buffer.write(generate_latest(registry))
        sys.stdout.flush()
    except BrokenPipeError:  # as in "| head": nothing is wrong, nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
