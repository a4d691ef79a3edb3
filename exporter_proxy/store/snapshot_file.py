"""The file of a snapshot: written whole or not at all, read whole or not at all.

Its first line names the format and its version. Then comes each record, its length
before it, and at the end the SHA-256 of everything before.
"""

import contextlib
import hashlib
import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from glob import escape
from pathlib import Path

from exporter_proxy.store.codec import decode, encode
from exporter_proxy.store.record import Record

FIRST_LINE = b"exporter_proxy snapshot 1\n"

# Damaged files that are kept; of more, the oldest goes.
KEPT_DAMAGED = 3

_NAME = b"exporter_proxy snapshot "
_LENGTH = struct.Struct(">Q")
_DIGEST_BYTES = hashlib.sha256().digest_size


class Damaged(Exception):  # noqa: N818 - what the file is
    """A file that is no snapshot, or no longer."""


class Writer:
    """Writes one snapshot, next to the one that it replaces when it is complete.

    Each method raises OSError; without ``finish`` nothing has happened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        descriptor, name = tempfile.mkstemp(".tmp", _temporary(path), path.parent)
        self._file = os.fdopen(descriptor, "wb")
        self._unfinished = Path(name)
        self._digest = hashlib.sha256()
        self._write(FIRST_LINE)

    def add(self, records: Iterable[Record]) -> None:
        """Write some more records."""
        for record in records:
            packed = encode(record)
            self._write(_LENGTH.pack(len(packed)) + packed)

    def finish(self) -> int:
        """Let the new file take the old one's place; return its size."""
        self._file.write(self._digest.digest())
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        self._unfinished.replace(self._path)
        _sync_folder(self._path.parent)
        return size

    def abandon(self) -> None:
        """Leave the old file as it is, and nothing beside it."""
        with contextlib.suppress(OSError):  # a full disk refuses what is buffered, too
            self._file.close()
        with contextlib.suppress(OSError):  # the folder may be gone with it
            self._unfinished.unlink(missing_ok=True)

    def _write(self, part: bytes) -> None:
        self._digest.update(part)
        self._file.write(part)


def read(path: Path) -> tuple[Record, ...]:
    """Return the records of a snapshot; none when there is no file.

    Raises Damaged when not all of it is as it was written, or it cannot be read.
    """
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise Damaged(f"cannot be read: {error.strerror}") from error
    _check(whole)
    try:
        return tuple(map(decode, _packed(memoryview(whole)[:-_DIGEST_BYTES])))
    except ValueError as error:
        raise Damaged(str(error)) from error


def keep_aside(path: Path, now: datetime) -> Path:
    """Move a damaged file out of the way, and return where it is now.

    Raises OSError.
    """
    aside = path.with_name(f"{path.name}.corrupt-{now:%Y%m%dT%H%M%SZ}")
    path.rename(aside)
    found = sorted(path.parent.glob(f"{escape(path.name)}.corrupt-*"))
    for old in found[:-KEPT_DAMAGED]:
        old.unlink()
    return aside


def clean(path: Path) -> None:
    """Remove what an earlier process left unfinished. Raises OSError."""
    for left in path.parent.glob(f"{escape(_temporary(path))}*.tmp"):
        left.unlink()


def problem(path: Path) -> str | None:
    """Return why no snapshot can be kept at a path, if so."""
    if path.exists() and not path.is_file():
        return f"expected a file, {path} is something else"
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        return f"cannot write in {path.parent}: {error.strerror}"
    return None


def _check(whole: bytes) -> None:
    first, line_feed, _ = whole.partition(b"\n")
    if not whole:
        raise Damaged("it is empty")
    if not (first + line_feed).startswith(_NAME):
        raise Damaged("it is no snapshot")
    if first + line_feed != FIRST_LINE:
        version = first.removeprefix(_NAME)[:20].decode(errors="backslashreplace")
        raise Damaged(f"it is of another version: {version}")
    content, digest = whole[:-_DIGEST_BYTES], whole[-_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise Damaged("its checksum is wrong")


def _packed(content: memoryview) -> Iterator[bytes]:
    place = len(FIRST_LINE)
    while place < len(content):
        if place + _LENGTH.size > len(content):
            raise ValueError("a record is cut")
        (length,) = _LENGTH.unpack_from(content, place)
        place += _LENGTH.size
        if place + length > len(content):
            raise ValueError("a record is cut")
        yield bytes(content[place : place + length])
        place += length


def _temporary(path: Path) -> str:
    return f".{path.name}."


def _sync_folder(folder: Path) -> None:
    """Let a rename outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
