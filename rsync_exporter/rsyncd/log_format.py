"""rsyncd's `log format` as a reader of the lines that it makes: one a file moved.

Names can hold anything, numbers and blanks too. So a line is read from its two ends
towards the names, never through them: that takes linear time, and finds nothing that
only a name says. Operation, length and bytes are all that is read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

from rsync_exporter.rsyncd.alike import Alike
from rsync_exporter.rsyncd.escapes import MESSAGE_BYTES, is_cut
from rsync_exporter.rsyncd.log_blocks import Block, blocks, find
from rsync_exporter.rsyncd.log_escapes import (
    GAPS,
    MAY_BE_EMPTY,
    NAMES,
    Item,
    items,
    part,
    pattern,
)

DEFAULT = b"%o %h [%a] %m (%u) %f %l"


class Transfer(NamedTuple):
    """One file that was sent, received or deleted.

    operation: send, recv or delete; empty where the format has neither %o nor %i: then
        the direction of the session tells.
    length: the file's, in bytes; None where the line does not say (%l).
    transferred: bytes on the wire for this file; None where the line does not say (%b).

    A number with a unit (%''l) has three digits, and so has what is read of it.
    """

    operation: str
    length: int | None
    transferred: int | None


# By how the value of %o or %i begins. What else %i may say is of no file that moved.
_OPERATIONS = {
    b"s": "send",
    b"r": "recv",
    b"d": "delete",
    b"<": "send",
    b">": "recv",
    b"*": "delete",
}

# Most lines of a busy log come by here: this takes half the time of Transfer(...).
_new = tuple.__new__


@dataclass(frozen=True, slots=True)
class LogFormat:
    """A `log format`, and how to read its lines.

    begins_with_operation: its lines begin with `send `, `recv ` or `del. `.
    names_come_first: its lines begin with a file's name, which may read like any other
        message, so that nobody can tell for certain which is which.
    """

    text: bytes
    begins_with_operation: bool
    names_come_first: bool
    _line: re.Pattern[bytes]
    _head: re.Pattern[bytes]
    _blocks: Sequence[Block]
    _found: Mapping[bytes, Item]
    _is_simple: bool
    _ends_with_length: bool

    @classmethod
    def compile(cls, text: bytes, module: bytes | None = None) -> Self:
        """Return the reader of a format, written as in rsyncd.conf.

        module: whose lines these are; a name with a number in it (%m) could be mistaken
            for a length (%l) next to it otherwise.
        Raises ValueError saying what was expected.
        """
        parts = tuple(items(text, module))
        _refuse_what_runs_together(parts)
        found: dict[bytes, Item] = {}
        gaps = [n for n, item in enumerate(parts) if item.letter in GAPS]
        first, last = (gaps[0], gaps[-1]) if gaps else (len(parts), len(parts))
        head = pattern(parts[:first], found)
        tail = pattern(parts[last + 1 :], found)
        between = tuple(blocks(parts[first : last + 1], found))
        middle = rb"(?P<middle>.*)" if between else b".*" if gaps else b""
        return cls(
            text,
            begins_with_operation=text.startswith(b"%o "),
            names_come_first=_names_come_first(parts),
            _line=re.compile(head + middle + tail, re.DOTALL),
            _head=re.compile(head),
            _blocks=between,
            _found=found,
            _is_simple=not between
            and list(found) == [b"o", b"l"]
            and not found[b"l"].quotes,
            _ends_with_length=parts[last + 1 :] == (Item(b" "), Item(b"%l", b"l")),
        )

    def read(self, message: bytes) -> Transfer | None:
        """Return the transfer that a message tells of; as logged, escapes and all.

        None for every other message, and for what moves no file: with %i, rsyncd also
        logs directories, links and changed permissions.
        """
        if len(message) >= MESSAGE_BYTES and is_cut(message):
            return self._read_cut(message)
        if (line := self._line.fullmatch(message)) is None:
            return self._read_deletion(message)
        if self._is_simple:
            operation, length = line.groups()
            return _new(Transfer, (_OPERATIONS[operation[:1]], int(length), None))
        return self._read_deletion(message) or self._read_values(message, line)

    def alike(self, message: bytes) -> Alike | None:
        """Return how to read lines that begin as this one, where that tells all."""
        if not (self._is_simple and self._ends_with_length):
            return None
        head = self._head.match(message)
        return Alike(head[0], _OPERATIONS[head[1][:1]]) if head else None

    def _read_values(self, message: bytes, line: re.Match[bytes]) -> Transfer | None:
        values = line.groupdict()
        if self._blocks:
            between = find(self._blocks, message, *line.span("middle"))
            if between is None:
                return None
            values |= between
        return self._transfer(values)

    def _read_cut(self, message: bytes) -> Transfer | None:
        """Read a line that a name has filled: what it ends with is the name's."""
        if not self._tells_operation:
            return self._read_deletion(message)
        head = self._head.match(message)
        return self._transfer(head.groupdict()) if head else None

    def _read_deletion(self, message: bytes) -> Transfer | None:
        """Read what rsyncd logs for a deletion when the format has no word for it."""
        if self._tells_operation or not message.startswith(b"deleting "):
            return None
        return Transfer("delete", None, None)

    def _transfer(self, values: Mapping[str, bytes]) -> Transfer | None:
        # What %i says of a directory goes before the %o of the same line.
        told = values.get("i") or values.get("o")
        operation = _OPERATIONS.get(told[:1]) if told else self._no_operation
        if operation is None:
            return None
        length, transferred = (
            self._found[name].number(values[name.decode()])
            if name.decode() in values
            else None
            for name in (b"l", b"b")
        )
        return Transfer(operation, length, transferred)

    @property
    def _tells_operation(self) -> bool:
        return b"o" in self._found or b"i" in self._found

    @property
    def _no_operation(self) -> str | None:
        return None if self._tells_operation else ""


def _names_come_first(parts: Sequence[Item]) -> bool:
    written = (item for item in parts if item.width or item.letter not in MAY_BE_EMPTY)
    first = next(written, None)
    return first is not None and first.letter in NAMES


def _refuse_what_runs_together(parts: Sequence[Item]) -> None:
    for left, right in pairwise(parts):
        if not part(left, right):
            raise ValueError(
                "a log format with something between"
                f" {left.text.decode()} and {right.text.decode()}"
            )
