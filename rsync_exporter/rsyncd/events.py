"""What a message of the daemon can mean."""

from dataclasses import dataclass
from typing import Literal, final

type Direction = Literal["pull", "push"]


@dataclass(slots=True)
class DaemonStarted:
    """A daemon listens; what its own process logs from now on is of no session."""

    version: str
    port: str


@dataclass(slots=True)
class LookupFailed:
    """A client's name could not be found, or is not to be trusted."""


@dataclass(slots=True)
class Connected:
    """A client connected: a session begins.

    peer: who, as logged: ``HOST (ADDRESS)``; in old logs an address alone.
    """

    peer: bytes


@dataclass(slots=True)
class ModulesListed:
    """A client asked for the list of modules, and left."""


@dataclass(slots=True)
class UnknownModule:
    """A client asked for a module that is not there, and was sent away."""


@dataclass(slots=True)
class Denied:
    """A client's address may not use a module."""

    module: bytes


@dataclass(slots=True)
class Allowed:
    """A client's address may use a module; it may still have to say who it is."""

    module: bytes


@dataclass(slots=True)
class ConnectionsExhausted:
    """The module that was asked for serves no more clients at a time."""

    limit: int


@dataclass(slots=True)
class AuthenticationFailed:
    """A client could not prove who it is, to the module that it was allowed."""

    reason: str


@dataclass(slots=True)
class Requested:
    """A client was let in and asked for a transfer.

    module: as the client wrote it, for logs that have no Allowed.
    """

    direction: Direction
    module: bytes


@dataclass(slots=True)
class Summary:
    """A transfer's end, in bytes: on the wire both ways, and of all files listed."""

    sent: int
    received: int
    total_size: int


@dataclass(slots=True)
class Failed:
    """A session's error or warning, by the exit code of rsync."""

    code: int
    role: str


@dataclass(slots=True)
class FileLine:
    """A line of the transfer log; only the module's `log format` tells what it says."""


@dataclass(slots=True)
class FileFailed:
    """A file or folder could not be dealt with; the session goes on."""

    operation: str
    errno: str


@dataclass(slots=True)
class FileVanished:
    """A file was listed, and gone when its turn came."""


@dataclass(slots=True)
class Incomplete:
    """Not everything will be as asked for, and the session goes on."""


@dataclass(slots=True)
class ClientLost:
    """The client broke off."""


@dataclass(slots=True)
class TimedOut:
    """The client was silent for too long."""


@dataclass(slots=True)
class Refused:
    """The daemon does not do what it was asked for: its configuration forbids it."""


@dataclass(slots=True)
class Misconfigured:
    """The daemon cannot serve the module: its configuration or its disk is wrong."""


@dataclass(slots=True)
class Routine:
    """A message that every session has, and that tells nothing more."""


type Event = (
    DaemonStarted
    | LookupFailed
    | Connected
    | ModulesListed
    | UnknownModule
    | Denied
    | Allowed
    | ConnectionsExhausted
    | AuthenticationFailed
    | Requested
    | Summary
    | Failed
    | FileLine
    | FileFailed
    | FileVanished
    | Incomplete
    | ClientLost
    | TimedOut
    | Refused
    | Misconfigured
    | Routine
)


@final
@dataclass(slots=True)
class Unended:
    """A message without the end that rsyncd gives it.

    Either it was cut, or it goes on in the next line: rsync up to 3.4.4 writes newlines
    in names as they are.
    """

    event: Event
