"""How a line of the log reads: rsyncd's own way, syslog's, or a user's format file."""

import re
from dataclasses import dataclass
from typing import Self

# What a line is made of: the time as written, the process (after its host's name and a
# slash where the line names one), the message. What it does not say is None.
type Parts = tuple[bytes | None, bytes | None, bytes]


_RSYNCD = re.compile(rb"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(\d+)\] (.*)", re.DOTALL)

# All that comes before the process: "2026/11/21 20:51:58 [".
START_BYTES = 21

# RFC 3164 as relays and files have it, with a priority or without; rsyslog's times are
# RFC 3339 since 2022, and journalctl's with "-o short-iso" are near to it.
_SYSLOG = re.compile(
    rb"(?:<\d{1,3}>)?(?:1 )?"
    rb"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
    rb"|\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d))"
    rb" (?:([^ \[\]]+) )?rsyncd?\[(\d+)\]: (.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class LineFormat:
    """Finds the message in a line, by the group ``description`` of its pattern.

    The group ``pid``, where there is one, tells sessions apart; ``date`` and ``time``
    tell when.
    """

    pattern: re.Pattern[bytes]

    @classmethod
    def compile(cls, expression: bytes) -> Self:
        """Return the format of a regular expression.

        Raises ValueError when it is none, or lacks the group.
        """
        try:
            pattern = re.compile(expression, re.DOTALL)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"a regular expression ({error})") from error
        if "description" not in pattern.groupindex:
            raise ValueError("a regular expression with a group (?P<description>...)")
        return cls(pattern)

    def split(self, line: bytes) -> Parts | None:
        """Return the parts of a line; None for a line of another shape."""
        match = self.pattern.match(line)
        if match is None or match["description"] is None:
            return None
        groups = match.groupdict()
        stamp = b" ".join(filter(None, (groups.get("date"), groups.get("time"))))
        return stamp or None, groups.get("pid"), match["description"]

    def start(self, _stamp: bytes | None) -> None:
        """Know no beginning that would tell a line's parts."""


class RsyncdLines:
    """rsyncd's own lines, and those that it has syslog write."""

    def split(self, line: bytes) -> Parts | None:
        """Return the parts of a line; None for a line of another shape."""
        match = _RSYNCD.match(line)
        if match is None:
            return _split_syslog(line)
        stamp, pid, message = match.groups()
        return stamp, pid, message

    def start(self, stamp: bytes | None) -> bytes | None:
        """Return what rsyncd's own lines of that time begin with.

        The process follows, then ``] `` and the message. No line of syslog begins so.
        """
        return stamp + b" [" if stamp and stamp[4:5] == b"/" else None


def _split_syslog(line: bytes) -> Parts | None:
    match = _SYSLOG.match(line)
    if match is None:
        return None
    stamp, host, pid, message = match.groups()
    return stamp, b"%b/%b" % (host, pid) if host else pid, message


@dataclass(frozen=True)
class SourcedLines:
    """Lines of one of several daemons, whose processes may have the same numbers."""

    lines: "Lines"
    source: bytes

    def split(self, line: bytes) -> Parts | None:
        """Return the parts of a line, its process named after the source too."""
        parts = self.lines.split(line)
        if parts is None:
            return None
        stamp, pid, message = parts
        return stamp, pid and b"%b %b" % (self.source, pid), message

    def start(self, _stamp: bytes | None) -> None:
        """Know no beginning that would tell a line's parts."""


RSYNCD = RsyncdLines()

type Lines = LineFormat | RsyncdLines
