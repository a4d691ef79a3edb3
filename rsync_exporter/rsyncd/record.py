"""One message of a daemon's log."""

from typing import NamedTuple


class Record(NamedTuple):
    """A message, and who wrote it when.

    time: seconds since 1970; None where the line has no time.
    pid: the process, which is the session's name while it lasts; None where the line
        does not say.
    message: as written, still escaped.
    """

    time: int | None
    pid: bytes | None
    message: bytes
