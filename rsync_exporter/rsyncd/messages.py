"""What the daemon's messages mean.

The head of a message decides and the rest must fit to its very end: what users name
stands behind a head of the daemon's own, so no name can pass for a message (unless the
daemon's `log format` begins with a file's name).
Shapes measured on rsync 3.2.7 and 3.5.0; commas in numbers are 3.1.0's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DaemonStarted:
    """A daemon listens; what its process logs from now on is of no session."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A client connected: a session begins."""


@dataclass(frozen=True, slots=True)
class Executed:
    """A client was let in and asked for a transfer, a pull or a push."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """A session's summary, in bytes: on the wire both ways, and of the files listed."""

    sent: int
    received: int
    total_size: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A session's error or warning, by the exit code of rsync."""

    status_code: int


type Event = DaemonStarted | Connected | Executed | Transferred | Failed

_NUMBER = rb"(\d[\d,]{0,24})"
_SUMMARY = re.compile(
    rb"sent %b bytes  received %b bytes  total size %b" % (_NUMBER, _NUMBER, _NUMBER)
)
_FAILURE = re.compile(
    rb"rsync (?:error|warning): [^\[]* \(code (\d{1,3})\)"
    rb" at [^ \[]+\(\d+\)(?: \[[^\[]*\])?"
)
_CONNECT = re.compile(rb"connect from [^ ]+(?: \([^ ()]+\))?")
_MAX_EXIT_CODE = 255


def understand(message: bytes) -> Event | None:
    """Return what a message means for the metrics; None for all the others."""
    head, _, _ = message.partition(b" ")
    read = _READERS.get(head)
    return read(message) if read else None


def _read_connect(message: bytes) -> Event | None:
    return Connected() if _CONNECT.fullmatch(message) else None


def _read_summary(message: bytes) -> Event | None:
    match = _SUMMARY.fullmatch(message)
    if match is None:
        return None
    return Transferred(*(int(number.replace(b",", b"")) for number in match.groups()))


def _read_rsync(message: bytes) -> Event | None:
    # The rest of a request may be anything, and may be cut off: the head is enough.
    if message.startswith((b"rsync on ", b"rsync to ")):
        return Executed()
    match = _FAILURE.fullmatch(message)
    if match and int(match[1]) <= _MAX_EXIT_CODE:
        return Failed(int(match[1]))
    return None


def _read_daemon(message: bytes) -> Event | None:
    return DaemonStarted() if message.startswith(b"rsyncd version ") else None


_READERS: dict[bytes, Callable[[bytes], Event | None]] = {
    b"connect": _read_connect,
    b"sent": _read_summary,
    b"rsync": _read_rsync,
    b"rsyncd": _read_daemon,
}
