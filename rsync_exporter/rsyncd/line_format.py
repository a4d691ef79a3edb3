"""How a line of the log reads: rsyncd's own way, or that of a user's format file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# rsyncd cuts a message here and then writes no newline, so that the next record follows
# on the same line (measured on 3.2.7 and 3.5.0).
MESSAGE_BYTES = 2047

# Since 3.5.0 control characters are written as octal escapes, after the cut. An escaped
# byte takes five: four more than it counts for.
_ESCAPE = re.compile(rb"\\#[0-3][0-7]{2}")
_ESCAPE_EXTRA_BYTES = 4

_RSYNCD = rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(?P<pid>\d+)\] (?P<description>.*)"


@dataclass(frozen=True, slots=True)
class Record:
    """One message of the daemon. All messages of one session carry the same pid."""

    pid: bytes | None
    message: bytes


@dataclass(frozen=True)
class LineFormat:
    """Finds the message in a line, by the group ``description`` of its pattern.

    The group ``pid``, where there is one, tells sessions apart.
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

    def records(self, line: bytes) -> Iterator[Record | None]:
        """Yield the record of a line, or each record where cut ones share the line.

        A line in any other shape yields None.
        """
        rest: bytes | None = line
        while rest is not None:
            line, rest = self._split_cut_message(rest)
            yield self._record(line)

    def _record(self, line: bytes) -> Record | None:
        match = self.pattern.match(line)
        if match is None or match["description"] is None:
            return None
        return Record(match.groupdict().get("pid"), match["description"])

    def _split_cut_message(self, line: bytes) -> tuple[bytes, bytes | None]:
        """Part a line whose message was cut from the record that follows on it.

        Only at the cut may a record begin inside a line: everywhere else, what looks
        like one is a name that somebody chose.
        """
        if len(line) <= MESSAGE_BYTES or (match := self.pattern.match(line)) is None:
            return line, None
        start = match.start("description")
        cut = start + cut_position(line[start:])
        if start >= 0 and self.pattern.match(line[cut:]):
            return line[:cut], line[cut:]
        return line, None


RSYNCD = LineFormat.compile(_RSYNCD)


def cut_position(escaped: bytes) -> int:
    """Return where a message's first MESSAGE_BYTES end once they are escaped."""
    end = MESSAGE_BYTES
    for escape in _ESCAPE.finditer(escaped):
        if escape.start() >= end:
            break
        end += _ESCAPE_EXTRA_BYTES
    return end


def read_format_file(path: str) -> LineFormat:
    """Return the format that a file's first line holds.

    Raises ValueError saying what was expected of the file.
    """
    try:
        with Path(path).open("rb") as file:
            expression = file.readline(65_536).rstrip(b"\r\n")
    except OSError as error:
        raise ValueError(f"a readable file ({error.strerror})") from error
    if b"(?P<description>" not in expression and re.search(
        rb"%-?\d*[a-zA-Z]", expression
    ):
        raise ValueError(
            "a regular expression in the file, not an rsyncd log format: that shapes"
            " transfer lines only, which no metric needs, so leave this setting out"
        )
    return LineFormat.compile(expression)
