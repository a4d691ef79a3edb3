"""What a `log format` says between names, and how to find it in a line.

Names may hold anything, so each block is looked for from the side where none stands.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from rsync_exporter.rsyncd.log_escapes import GAPS, NAMES, Item, pattern


class Block(NamedTuple):
    """Something wanted between two gaps, and the way to find it in a line's middle."""

    find: Callable[[re.Pattern[bytes], bytes, int, int], re.Match[bytes] | None]
    pattern: re.Pattern[bytes]


def blocks(parts: Sequence[Item], found: dict[bytes, Item]) -> Iterator[Block]:
    """Yield what is wanted between gaps, from the outside to the inside.

    Raises ValueError when it stands where no reader could find it.
    """
    gaps = [n for n, item in enumerate(parts) if item.letter in GAPS]
    from_the_end: list[Block] = []
    for before, after in pairwise(gaps):
        known = len(found)
        block = pattern(parts[before + 1 : after], found)
        if len(found) == known:
            continue
        if not _has_name(parts[: before + 1]):
            yield Block(_find_first, re.compile(block))
        elif not _has_name(parts[after:]):
            wanted = rb".*(?P<block>%b)" % block
            from_the_end.append(Block(_find_last, re.compile(wanted, re.DOTALL)))
        elif len(gaps) == 2:
            wanted = rb"(?=(?P<block>%b))" % block
            yield Block(_find_between_names, re.compile(wanted))
        else:
            raise ValueError("a log format with %o, %i, %l and %b not between names")
    yield from reversed(from_the_end)


def find(
    blocks: Sequence[Block], message: bytes, start: int, end: int
) -> Mapping[str, bytes] | None:
    """Return what the blocks say between two places of a message; None if one lacks."""
    values: dict[str, bytes] = {}
    for block in blocks:
        match = block.find(block.pattern, message, start, end)
        if match is None:
            return None
        values |= match.groupdict()
        if block.find is _find_first:
            start = match.end()
        else:
            end = match.start("block")
    return values


def _has_name(parts: Sequence[Item]) -> bool:
    return any(item.letter in NAMES for item in parts)


def _find_first(
    block: re.Pattern[bytes], message: bytes, start: int, end: int
) -> re.Match[bytes] | None:
    return block.search(message, start, end)


def _find_last(
    block: re.Pattern[bytes], message: bytes, start: int, end: int
) -> re.Match[bytes] | None:
    return block.match(message, start, end)


def _find_between_names(
    block: re.Pattern[bytes], message: bytes, start: int, end: int
) -> re.Match[bytes] | None:
    """Find what has the same name on both sides, as far as the shorter one goes.

    %f is %n with folders in front, and without the slash behind a folder.
    """

    def likeness(match: re.Match[bytes]) -> int:
        before = message[start : match.start("block")].removesuffix(b"/")
        after = message[match.end("block") : end].removesuffix(b"/")
        alike = before.endswith(after) or after.endswith(before)
        return min(len(before), len(after)) if alike else 0

    best = max(block.finditer(message, start, end), key=likeness, default=None)
    return best if best and likeness(best) else None
