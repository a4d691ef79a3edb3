"""What every source of lines hands on, and how far it has come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Chunk(NamedTuple):
    """Whole lines in the order in which they were written, without their newlines.

    file: the path that is followed, whatever the file behind it is called by now.
    stream: the number of the file, unlike that of every other file behind the path.
    ends: nothing follows at this moment, not even the beginning of a line.
    source: who wrote them, where one exporter hears several daemons; else empty.
    is_framed: each line is a whole record, newlines in it or not.
    """

    file: str
    stream: int
    lines: Sequence[bytes]
    ends: bool
    source: bytes = b""
    is_framed: bool = False


@dataclass(frozen=True)
class Progress:
    """How far one followed path was read.

    read_bytes, lost_bytes: counters; what was lost is known to have been in a file, and
        cannot be read any more.
    rotations: counters, by kind.
    """

    file: str
    read_bytes: int = 0
    size_bytes: int = 0
    offset_bytes: int = 0
    lost_bytes: int = 0
    open_files: int = 0
    rotations: Mapping[str, int] = field(default_factory=dict)
