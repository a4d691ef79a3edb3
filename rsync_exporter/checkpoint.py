"""What a restart goes on from: a file that is whole, or not there at all.

Two lines: what the file is, with a checksum; and what it keeps.
"""

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VERSION = 2

# Ten thousand sessions take about 4 MB. A file that is larger is not ours.
MAX_BYTES = 256 * 1_048_576

_FORMAT = "rsync_exporter checkpoint"


class CheckpointInUse(Exception):  # noqa: N818 - reads as what happened
    """Another exporter goes on from this very file."""


def pack(kept: Mapping[str, Any]) -> bytes:
    """Return the content of a checkpoint."""
    body = json.dumps(kept, separators=(",", ":")).encode()
    head = {"format": _FORMAT, "version": VERSION, "sha256": _checksum(body)}
    return json.dumps(head).encode() + b"\n" + body + b"\n"


def unpack(content: bytes) -> dict[str, Any]:
    """Return what a checkpoint keeps. Raises ValueError saying what is wrong."""
    if not content.strip(b"\0"):
        raise ValueError("it is empty")
    first_line, _, rest = content.partition(b"\n")
    head = _head(first_line)
    if head.get("version") != VERSION:
        raise ValueError(f"its version is {head.get('version')}, not {VERSION}")
    if head.get("sha256") != _checksum(rest[:-1]) or not rest.endswith(b"\n"):
        raise ValueError("it is damaged: its checksum is wrong")
    kept: dict[str, Any] = json.loads(rest)
    return kept


def _head(line: bytes) -> dict[str, Any]:
    try:
        head = json.loads(line)
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict) or head.get("format") != _FORMAT:
        raise ValueError("it is no checkpoint of rsync_exporter")
    return head


def _checksum(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class CheckpointFile:
    """The file, of which this process is the only user once it is locked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rejected = path.with_name(f"{path.name}.rejected")
        self._new = path.with_name(f"{path.name}.new")
        self._lock_path = path.with_name(f"{path.name}.lock")
        self._lock: int | None = None

    def lock(self) -> None:
        """Make sure that nobody else uses the file.

        Raises CheckpointInUse when somebody does, and OSError when the folder takes no
        file.
        """
        if self._lock is not None:
            return
        lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            if isinstance(error, BlockingIOError):
                raise CheckpointInUse(self.path) from error
            raise
        self._lock = lock

    def read(self) -> bytes | None:
        """Return the content; None when there is no file.

        Raises OSError when it cannot be read, and ValueError when it is none of ours.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError("it is not a regular file")
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError("it is too large")
        return content

    def write(self, content: bytes) -> None:
        """Replace the file, whole or not at all, and have it reach the disk.

        Raises OSError when that cannot be; the file is then as it was before.
        """
        try:
            self._write_new(content)
            self._new.replace(self.path)
            self._sync_folder()
        except OSError:
            self._new.unlink(missing_ok=True)
            raise

    def reject(self) -> None:
        """Put the file aside. Raises OSError when that cannot be."""
        self.path.replace(self.rejected)

    def close(self) -> None:
        """Let others use the file."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _write_new(self, content: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        with os.fdopen(os.open(self._new, flags, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
