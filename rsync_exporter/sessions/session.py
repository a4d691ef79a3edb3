"""One session: what a client asked of the daemon, and how it ended."""

from dataclasses import dataclass
from typing import Literal

from rsync_exporter.rsyncd.alike import Alike
from rsync_exporter.rsyncd.log_format import DEFAULT, LogFormat
from rsync_exporter.rsyncd.peer import address_of

type Outcome = Literal[
    "ok",
    "partial",
    "error",
    "aborted",
    "timeout",
    "auth_failed",
    "denied",
    "unknown_module",
    "max_connections",
    "refused",
    "config_error",
    "list",
    "expired",
]

# Of sessions with a transfer, and of those that came to none.
TRANSFER_OUTCOMES: tuple[Outcome, ...] = (
    *("ok", "partial", "error", "aborted", "timeout", "refused"),
    *("config_error", "expired"),
)
OTHER_OUTCOMES: tuple[Outcome, ...] = (
    *("auth_failed", "denied", "max_connections", "refused", "config_error"),
    *("error", "aborted", "timeout", "expired"),
)
OUTCOMES: tuple[Outcome, ...] = (
    *TRANSFER_OUTCOMES,
    *("auth_failed", "denied", "unknown_module", "max_connections", "list"),
)
DIRECTIONS = ("pull", "push", "none")

_TIMEOUTS = (30, 35)
_INCOMPLETE = (23, 24, 25)
# What a client's end looks like from here: no reader, no writer, or its own signal.
_LOST = (10, 12)
_SIGNAL = 20

_USUAL_FORMAT = LogFormat.compile(DEFAULT)


@dataclass(slots=True)
class Session:
    """What is known of a session by now.

    began, last, ended: seconds since 1970, by the log; ended is None while it goes on.
    stream: the number of the file that its last line stands in.
    verdict: how it ended, as far as one message decides that.
    sent, received: bytes on the wire; None without a summary.
    peer: the client, as logged.
    alike: what its further lines about files begin with.
    """

    began: int
    last: int
    stream: int
    peer: bytes = b""
    module: str = ""
    direction: str = "none"
    format: LogFormat = _USUAL_FORMAT
    alike: Alike | None = None
    files: list[int] | None = None
    ended: int | None = None
    verdict: Outcome | None = None
    code: int | None = None
    client_lost: bool = False
    incomplete: bool = False
    sent: int | None = None
    received: int | None = None
    is_counted: bool = False

    @property
    def address(self) -> str:
        """The client's address, as logged."""
        return address_of(self.peer).decode("ascii", "replace")

    @property
    def outcome(self) -> Outcome:
        """How the session went, by all that was said of it."""
        # A refusal that was not the end of it concerned one file.
        if self.verdict and (self.verdict != "refused" or self.code):
            return self.verdict
        if self.code is not None:
            return _by_code(self.code, client_lost=self.client_lost)
        if self.ended is None and self.direction == "none":
            return "expired"
        # Of a push that is not complete, rsyncd logs no end: it is said all the same.
        if self.incomplete or self.verdict == "refused":
            return "partial"
        return "expired" if self.ended is None else "ok"


def _by_code(code: int, *, client_lost: bool) -> Outcome:
    if code in _TIMEOUTS:
        return "timeout"
    if code in _INCOMPLETE:
        return "partial"
    if code == _SIGNAL or (client_lost and code in _LOST):
        return "aborted"
    return "error"
