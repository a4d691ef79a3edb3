"""A metric family as one application sends it."""

from collections.abc import Mapping
from typing import NamedTuple

UNTYPED = b"untyped"

# The names of a family's samples are its own name followed by one of these.
SUFFIXES: Mapping[bytes, tuple[bytes, ...]] = {
    b"counter": (b"",),
    b"gauge": (b"",),
    UNTYPED: (b"",),
    b"histogram": (b"_bucket", b"_sum", b"_count"),
    b"summary": (b"", b"_sum", b"_count"),
}


class Shape:
    """What a family's deliveries have in common while its series stay the same.

    Only whether it is the same object counts: then name, type and series, in their
    order, are the same, and what was found out about them still holds.
    timed: whether samples of any such delivery may have timestamps.
    """

    __slots__ = ("series_count", "timed")

    def __init__(self, series_count: int, *, timed: bool = False) -> None:
        self.series_count = series_count
        self.timed = timed


class Family(NamedTuple):
    """One metric family of one application.

    help: escaped as in the format; empty when none was given.
    samples: lines as they are served, each with its line feed.
    """

    name: bytes
    type: bytes
    help: bytes
    samples: bytes
    shape: Shape

    def header(self) -> bytes:
        """Return the lines before the samples."""
        header = b"# TYPE %b %b\n" % (self.name, self.type)
        if self.help:
            return b"# HELP %b %b\n%b" % (self.name, self.help, header)
        return header
