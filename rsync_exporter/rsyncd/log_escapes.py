"""The escapes of rsyncd's `log format`, and what each one writes.

Sources: rsyncd.conf(5), log_formatted() of rsync's log.c, and measurements on 3.5.0.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# rsync expands no longer format (MAXPATHLEN).
_LONGEST_FORMAT_BYTES = 4096

_ESCAPE = re.compile(rb"%(?:%|('*)(-?)(\d{0,22})('*)([abBcCfGhilLmMnopPtuU]))")

NAMES = frozenset([b"f", b"n"])

# Text of any length and shape. What is no name is the administrator's word (%m, %P and
# %u), or empty whenever a file moves (%L).
GAPS = NAMES | {b"L", b"m", b"P", b"u"}

# Without a user or a link they write nothing.
MAY_BE_EMPTY = frozenset([b"L", b"u"])

WANTED = frozenset([b"o", b"i", b"l", b"b"])

_NUMBERS = frozenset([b"b", b"c", b"l"])
_FIXED_LENGTH = frozenset([b"B", b"i", b"o"])

# Values with a shape, all of bounded length. Numbers are matched in one way only.
_SHAPES = {
    b"a": rb"[\w:.%-]{1,64}",
    b"B": rb"[\w-]{9}",
    b"C": rb"(?:[0-9a-f]{2,128}+| {2,128}|)",
    b"G": rb"(?:DEFAULT|\d{1,20}+)",
    b"h": rb"[\w:.%-]{1,255}",
    b"i": rb"(?:\*deleting  |[<>ch.][fdLDS][\w.+? ]{9})",
    b"M": rb"[\d-]{4,12}+/\d\d/\d\d-\d\d:\d\d:\d\d",
    b"o": rb"(?:send|recv|del\.)",
    b"p": rb"\d{1,20}+",
    b"t": rb"\d{4,12}+/\d\d/\d\d \d\d:\d\d:\d\d",
    b"U": rb"\d{1,20}+",
}
_PLAIN = rb"\d{1,20}+"
_GROUPED = rb"(?>\d{1,3}(?:[.,]\d{3}){0,6})"
_WITH_UNIT = rb"(?>\d{1,4}[.,]\d\d[KMGTPE]|%b)" % _GROUPED
_UNITS = b"KMGTPE"


class Item(NamedTuple):
    """A part of a format: text, or an escape, which has a letter.

    width: least number of characters; filled up in front, or behind when negative.
    quotes: 1 groups a number's digits, 2 gives it units of 1000, 3 of 1024.
    """

    text: bytes
    letter: bytes = b""
    width: int = 0
    quotes: int = 0

    def pattern(self, shape: bytes) -> bytes:
        """Return the pattern of the value, given that of its bare self."""
        if self.width < 0:  # what comes next may begin with blanks of its own
            return shape + rb" {0,%d}" % -self.width
        return (rb" {0,%d}+" % self.width if self.width else b"") + shape

    def number(self, text: bytes) -> int:
        """Return what a value says, with its digits grouped or a unit behind them."""
        if exponent := _UNITS.find(text[-1:]) + 1:
            unit = 1000.0 if self.quotes == 2 else 1024.0
            return round(float(text[:-1].replace(b",", b".")) * unit**exponent)
        return int(text.replace(b",", b"").replace(b".", b""))


def items(text: bytes, module: bytes | None = None) -> Iterator[Item]:
    """Yield the parts of a format; an escape that rsync does not know is text.

    The name of the module, when it is known, is text as well.
    Raises ValueError saying what was expected.
    """
    if len(text) > _LONGEST_FORMAT_BYTES:
        raise ValueError(f"a log format of at most {_LONGEST_FORMAT_BYTES} bytes")
    literal, position = b"", 0
    for escape in _ESCAPE.finditer(text):
        literal += text[position : escape.start()]
        position = escape.end()
        if escape[0] == b"%%":
            literal += b"%"
            continue
        if escape[5] == b"m" and module is not None:
            literal += _filled(module, _width(escape))
            continue
        if literal:
            yield Item(literal)
        literal = b""
        yield Item(escape[0], escape[5], _width(escape), len(escape[1] + escape[4]))
    if literal := literal + text[position:]:
        yield Item(literal)


def pattern(items: Iterable[Item], found: dict[bytes, Item]) -> bytes:
    """Return the pattern of items without gaps, and note the wanted ones as found.

    Each wanted escape is a group named by its letter, where it stands first.
    """
    return b"".join(_pattern(item, found) for item in items)


def part(left: Item, right: Item) -> bool:
    """Return whether it can be told where one item ends and the next begins."""
    if not (left.letter and right.letter):
        return True
    if left.letter in GAPS or right.letter in GAPS:
        return not _NUMBERS & {left.letter, right.letter}
    return left.letter in _FIXED_LENGTH or left.width < 0 or right.width > 0


def _width(escape: re.Match[bytes]) -> int:
    width = int(escape[3] or 0)
    if width > _LONGEST_FORMAT_BYTES:
        raise ValueError(f"a width of at most {_LONGEST_FORMAT_BYTES} characters")
    return -width if escape[2] else width


def _filled(text: bytes, width: int) -> bytes:
    return text.ljust(-width) if width < 0 else text.rjust(width)


def _pattern(item: Item, found: dict[bytes, Item]) -> bytes:
    if not item.letter:
        return b"".join(map(_logged, item.text))
    shape = _SHAPES.get(item.letter)
    if shape is None:
        shape = (_PLAIN, _GROUPED, _WITH_UNIT)[min(item.quotes, 2)]
    if item.letter in WANTED and item.letter not in found:
        found[item.letter] = item
        shape = rb"(?P<%b>%b)" % (item.letter, shape)
    return item.pattern(shape)


def _logged(byte: int) -> bytes:
    """Return the pattern of a byte of the format, which may be escaped as any other."""
    shown = re.escape(bytes((byte,)))
    if 0x80 <= byte <= 0x9F or (byte < 0x20 and byte != 0x09):
        return rb"(?:%b|\\#%03o)" % (shown, byte)
    return shown
