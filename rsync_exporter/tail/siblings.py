"""What rotation has made of a log: the files beside it that are called after it."""

import os
import re
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from rsync_exporter.tail.log_file import Identity
from rsync_exporter.tail.packing import unpacked_name

# Numbers and dates as logrotate, savelog and newsyslog write them; "backup" is what
# logrotate calls a log that somebody made between its renaming and its creating one.
_ROTATED = r"(?:[-._~T:]?(?:\d+|old|prev|bak|backup|gz|xz|bz2|zst|lz4|Z))"


class Sibling(NamedTuple):
    """A file that may have been behind the path, as its folder knows it."""

    path: str
    identity: Identity
    modified_ns: int
    size: int

    @property
    def content(self) -> tuple[Identity, int, int]:
        """What stays the same while it is not written to, under every name."""
        return self.identity, self.modified_ns, self.size

    @property
    def is_packed(self) -> bool:
        """Whether its name says so."""
        return unpacked_name(self.path) != self.path


def is_called_after(name: str, log: str) -> bool:
    """Tell whether rotation may have given this name to a file called ``log``."""
    return name != log and bool(_names(log).fullmatch(name))


def siblings(path: str, followed: Collection[str]) -> list[Sibling]:
    """Return the rotated files of a log, oldest first.

    followed: paths that are no rotated files but logs of their own.
    Raises OSError when a folder cannot be read.
    """
    found = {file.identity: file for file in _files(path, set(map(_real, followed)))}
    names = {file.path for file in found.values()}
    whole = (file for file in found.values() if unpacked_name(file.path) not in names)
    unpacked = (file for file in found.values() if not file.is_packed)
    return sorted({*whole, *unpacked}, key=lambda file: file.modified_ns)


def _files(path: str, excluded: Collection[str]) -> Iterator[Sibling]:
    log, target = Path(path), Path(_real(path))
    yield from _matching(log.parent, _names(log.name), excluded)
    if log.is_symlink():
        yield from _matching(target.parent, _names(log.name), excluded)
        yield from _matching(target.parent, _dated(target.name), excluded)


def _matching(
    folder: Path, names: re.Pattern[str], excluded: Collection[str]
) -> Iterator[Sibling]:
    place = Path(_real(os.fspath(folder)))
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:  # no folder, no files
        return
    with entries:
        for entry in entries:
            if not names.fullmatch(entry.name):
                continue
            # Links are none, so its own name is the only thing that may differ.
            if os.fspath(place / entry.name) not in excluded:
                yield from _sibling(entry)


def _sibling(entry: os.DirEntry[str]) -> Iterator[Sibling]:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # rotated on, or removed, since the folder was read
        return
    if stat.S_ISREG(status.st_mode) and status.st_size:
        identity = (status.st_dev, status.st_ino)
        yield Sibling(entry.path, identity, status.st_mtime_ns, status.st_size)


def _real(path: str) -> str:
    return os.path.realpath(path)


def _names(log: str) -> re.Pattern[str]:
    """``log`` and what follows it, or with it before its extension."""
    stem, extension = map(re.escape, os.path.splitext(log))  # noqa: PTH122
    dated = rf"{stem}(?:\.\d+|-\d{{6,}}[-.\d]*){extension}"
    return re.compile(rf"(?:{re.escape(log)}|{dated}){_ROTATED}*")


def _dated(target: str) -> re.Pattern[str]:
    """``target`` with other dates in its name, for a link that goes from day to day."""
    return re.compile(re.sub(r"\d{4,}", r"\\d+", re.escape(target)) + f"{_ROTATED}*")
