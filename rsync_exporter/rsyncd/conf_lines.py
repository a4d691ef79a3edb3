"""The grammar of rsyncd.conf, as rsync's params.c has it (checked against 3.5.0)."""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Section(NamedTuple):
    """``[name]``, its blanks squeezed."""

    line: int
    name: bytes


class Parameter(NamedTuple):
    """``name = value``. Case and blanks of names mean nothing: here they are gone."""

    line: int
    name: bytes
    value: bytes


class Directive(NamedTuple):
    """``&include path`` or ``&merge path``."""

    line: int
    name: bytes
    value: bytes


type Entry = Section | Parameter | Directive


class ConfError(Exception):
    """What stops rsync from reading a file any further.

    line: its number, from 1. expected: what should stand there.
    """

    def __init__(self, line: int, expected: str) -> None:
        super().__init__(f"line {line}: expected {expected}")
        self.line, self.expected = line, expected


def entries(text: bytes) -> Iterator[Entry]:
    """Yield what a file says, in its order.

    What rsync ignores is left out: comments, and lines without an equals sign.
    Raises ConfError.
    """
    if (nul := text.find(b"\0")) >= 0:
        raise ConfError(text.count(b"\n", 0, nul) + 1, "text, got a NUL byte")
    cursor = _Cursor(text)
    while character := cursor.next_entry():
        match character:
            case b"[":
                yield cursor.section()
            case b"&":
                yield from cursor.assignment(_DIRECTIVE_NAME, Directive)
            case _:
                yield from cursor.assignment(_NAME, Parameter)


def squeezed(name: bytes) -> bytes:
    """Return a name as rsync compares names: blanks and case mean nothing."""
    return b"".join(name.split()).lower()


_NAME = re.compile(rb"[^=\n]*")
_DIRECTIVE_NAME = re.compile(rb"[^=\n \t]*")
_SECTION_NAME = re.compile(rb"[^]\n]*")
_REST_OF_LINE = re.compile(rb"[^\n]*")

# All white space but the end of the line.
_BLANKS = re.compile(rb"[ \t\r\v\f]*")

# Between two entries: white space, comments, and backslashes that continue nothing.
_BETWEEN = re.compile(rb"(?:[ \t\r\v\f\n\\]|[#;][^\n]*)*+")


class _Cursor:
    """A place in the text of a file."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0
        self._line = 1

    def next_entry(self) -> bytes:
        """Go to where the next entry begins; return its first byte, none at the end."""
        self._take(_BETWEEN)
        return self._peek()

    def section(self) -> Section:
        line = self._line
        self._at += 1
        name = self._take_continued(_SECTION_NAME)
        if self._peek() != b"]":
            raise ConfError(line, "a ] behind the module's name")
        self._take(_REST_OF_LINE)
        if not name.split():
            raise ConfError(line, "a module's name between [ and ]")
        return Section(line, b" ".join(name.split()))

    def assignment[E: (Parameter, Directive)](
        self, pattern: re.Pattern[bytes], kind: type[E]
    ) -> Iterator[E]:
        line = self._line
        name = squeezed(self._take_continued(pattern))
        if self._peek() in (b"", b"\n"):
            return
        if not name:
            raise ConfError(line, "a parameter's name before the equals sign")
        self._take(_BLANKS)
        if self._peek() == b"=":
            self._at += 1
        self._take(_BLANKS)
        yield kind(line, name, self._value())

    def _value(self) -> bytes:
        """Return a value: nothing is squeezed, only blanks at its end are dropped.

        Those before a backslash that continues it are kept.
        """
        value, end = b"", 0
        while True:
            part = self._take(_REST_OF_LINE).replace(b"\r", b"")
            value += part
            if part.strip():
                end = len(value.rstrip())
            if not (self._peek() and value.rstrip().endswith(b"\\")):
                return value[:end]
            value = value.rstrip()[:-1]
            end = len(value)
            self._next_line()

    def _take_continued(self, pattern: re.Pattern[bytes]) -> bytes:
        """Take what matches, over the ends of lines that a backslash continues."""
        taken = self._take(pattern)
        while self._peek() == b"\n" and taken.rstrip().endswith(b"\\"):
            self._next_line()
            taken = taken.rstrip()[:-1] + self._take(pattern)
        return taken

    def _take(self, pattern: re.Pattern[bytes]) -> bytes:
        match = pattern.match(self._text, self._at)
        taken = match[0] if match else b""
        self._at += len(taken)
        self._line += taken.count(b"\n")
        return taken

    def _peek(self) -> bytes:
        return self._text[self._at : self._at + 1]

    def _next_line(self) -> None:
        self._at += 1
        self._line += 1
