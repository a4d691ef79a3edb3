"""What an application's bodies have in common: all but the values.

Most pushes say the same as the one before, with other values. A body is split at its
values by one regular expression; when the pieces between them are those of a body that
was read in full, only the values can be wrong, and the expression takes right ones
only. That is 15 times faster than reading each line (measured: 3 million lines/s).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from exporter_proxy.exposition.family import Family

# Numbers that need no check: none of these is beyond a 64-bit float.
_NUMBER = (
    rb"(?:[+-]?(?:[0-9]{1,200}+(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]{1,2})?"
    rb"|[+-]?(?i:inf(?:inity)?)|(?i:nan))"
)
_VALUE = re.compile(rb"( " + _NUMBER + rb"\n)")
_VALUE_AND_TIME = re.compile(rb"( " + _NUMBER + rb"(?: [0-9]{1,18})?\n)")


@dataclass(frozen=True, slots=True)
class Part:
    """One family's place in a body.

    family: with the samples of some body.
    series: of each of its samples.
    places: which samples of the body these are; a slice where that is possible.
    """

    family: Family
    series: list[bytes]
    places: slice | list[int]

    def filled(self, values: Sequence[bytes]) -> Family:
        """Return the family with other values, each as it follows its series."""
        if isinstance(self.places, slice):
            mine = values[self.places]
        else:
            mine = [values[place] for place in self.places]
        lines = [b""] * (2 * len(mine))
        lines[::2] = self.series
        lines[1::2] = mine
        name, family_type, text, _, shape = self.family
        return Family(name, family_type, text, b"".join(lines), shape)


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A body that was read, without its values.

    pieces: what stands between the values, and the pattern that they were found by.
    in_comments: what looks like a value and is the end of a comment, by its number.
    strip_times: whether timestamps are left out of what is made of a body.
    """

    pattern: re.Pattern[bytes]
    pieces: list[bytes]
    in_comments: Mapping[int, bytes]
    parts: Sequence[Part]
    strip_times: bool

    @classmethod
    def of(
        cls, text: bytes, parts: Sequence[Part], timed: bool, strip_times: bool
    ) -> Self | None:
        """Return the skeleton of a text, whose families are known.

        None when it is written in a way that not all values can be found.
        """
        pattern = _VALUE_AND_TIME if timed else _VALUE
        found = pattern.split(text)
        pieces = found[::2]
        in_comments = {
            number: found[2 * number + 1]
            for number, piece in enumerate(pieces[:-1])
            if piece[piece.rfind(b"\n") + 1 :].lstrip(b" \t").startswith(b"#")
        }
        samples = sum(len(part.series) for part in parts)
        if len(pieces) - 1 - len(in_comments) != samples:
            return None
        _share(pieces, parts)
        return cls(pattern, pieces, in_comments, parts, timed and strip_times)

    def fill(self, text: bytes) -> tuple[Family, ...] | None:
        """Return the families of another text; None when more than values differs."""
        found = self.pattern.split(text)
        if found[::2] != self.pieces:
            return None
        values = found[1::2]
        if self.in_comments:
            if any(values[at] != end for at, end in self.in_comments.items()):
                return None
            values = [
                value for at, value in enumerate(values) if at not in self.in_comments
            ]
        if self.strip_times:
            values = [b" %b\n" % value.split()[0] for value in values]
        return tuple(part.filled(values) for part in self.parts)


def _share(pieces: list[bytes], parts: Sequence[Part]) -> None:
    """Keep equal texts once: they make up most of the memory that is needed."""
    known = {series: series for part in parts for series in part.series}
    for number, piece in enumerate(pieces):
        pieces[number] = known.get(piece, piece)
