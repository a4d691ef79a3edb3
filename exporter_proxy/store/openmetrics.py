"""The catalogue in OpenMetrics 1.0, if that can say the same.

The same means: the same series, under the same types. So a counter's name has to end in
``_total``, and each histogram and summary has to be as strict readers want it. Where
one family is not, there is no such text at all, and scrapers get the other format.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from weakref import WeakKeyDictionary

from exporter_proxy.exposition.family import UNTYPED, Family, Shape
from exporter_proxy.exposition.identity import BOUNDS
from exporter_proxy.exposition.rules import RESERVED_NAMES
from exporter_proxy.store.offer import Offer
from exporter_proxy.store.shelf import Shelf
from exporter_proxy.store.strict import Groups, counters_fit, groups_fit, groups_of

_COUNTER = b"counter"
_TOTAL = b"_total"
_CREATED = b"_created"

# The names that a family has for itself beside its own.
_OWNED: Mapping[bytes, tuple[bytes, ...]] = {
    _COUNTER: (_TOTAL, _CREATED),
    b"gauge": (),
    UNTYPED: (),
    b"histogram": (b"_bucket", b"_sum", b"_count", _CREATED),
    b"summary": (b"_sum", b"_count", _CREATED),
}

_TIMED = re.compile(rb"^((?:.*\}|[^ \n]+) [^ \n]+) ([0-9]+)$", re.MULTILINE)


class _Page(NamedTuple):
    """A shelf's pieces, and what became of them; None when they cannot be converted."""

    head: Family
    header: bytes
    pieces: list[bytes]
    converted: list[bytes] | None


class _Lines(NamedTuple):
    """An offer's lines, and what became of them; None when they cannot be converted.

    groups: as long as its series are the same, and it shares none with another offer.
    """

    type: bytes
    shape: Shape | None
    groups: Groups | None
    lines: bytes
    converted: bytes | None


class OpenMetrics:
    """Converts what the shelves hold; what did not change is not looked at again."""

    def __init__(self) -> None:
        self._types: dict[bytes, bytes] = {}
        self._can_be_named = True
        self._pages: WeakKeyDictionary[Shelf, _Page] = WeakKeyDictionary()
        self._lines: WeakKeyDictionary[Offer, _Lines] = WeakKeyDictionary()

    def text(self, shelves: Mapping[bytes, Shelf]) -> bytes | None:
        """Return all families, without ``# EOF``; None when one cannot be converted."""
        types = {name: shelf.head().type for name, shelf in shelves.items()}
        if types != self._types:
            self._types, self._can_be_named = types, _can_be_named(types)
        if not self._can_be_named:
            return None
        pieces: list[bytes] = []
        for shelf in shelves.values():
            converted = self._page(shelf).converted
            if converted is None:
                return None
            pieces += converted
        return b"".join(pieces)

    def _page(self, shelf: Shelf) -> _Page:
        page, pieces, head = self._pages.get(shelf), shelf.pieces(), shelf.head()
        if page and page.pieces is pieces:
            return page
        header = page.header if page and page.head is head else _header(head)
        converted = self._all_converted(head, shelf)
        page = _Page(head, header, pieces, converted and [header, *converted])
        self._pages[shelf] = page
        return page

    def _all_converted(self, head: Family, shelf: Shelf) -> list[bytes] | None:
        all_converted = []
        for offer, lines in shelf.texts():
            converted = self._converted(head, offer, lines)
            if converted is None:
                return None
            all_converted.append(converted)
        return all_converted

    def _converted(self, head: Family, offer: Offer, lines: bytes) -> bytes | None:
        timed = offer.family.shape.timed
        if head.type == _COUNTER and not counters_fit(lines, timed):
            return None
        if head.type in BOUNDS:
            return self._converted_groups(head, offer, lines)
        return _in_seconds(lines) if timed else lines

    def _converted_groups(
        self, head: Family, offer: Offer, lines: bytes
    ) -> bytes | None:
        known = self._lines.get(offer)
        if known and known.lines is lines and known.type == head.type:
            return known.converted
        shape = None if offer.shared else offer.family.shape
        if known and known.shape is shape is not None and known.type == head.type:
            groups = known.groups
        else:
            groups = groups_of(head.name, head.type, lines)
        timed = offer.family.shape.timed
        converted = None
        if groups is not None and groups_fit(head.type, groups, lines, timed):
            converted = _in_seconds(lines) if timed else lines
        self._lines[offer] = _Lines(head.type, shape, groups, lines, converted)
        return converted


def _can_be_named(types: Mapping[bytes, bytes]) -> bool:
    """Return whether all families have names that OpenMetrics allows side by side.

    The proxy's own are among them: a counter loses its ``_total``.
    """
    owned = set(RESERVED_NAMES)
    for name, family_type in types.items():
        if family_type == _COUNTER and not name[1:].endswith(_TOTAL):
            return False
        base = _base(name, family_type)
        names = {base, *(base + suffix for suffix in _OWNED[family_type])}
        if not owned.isdisjoint(names):
            return False
        owned |= names
    return True


def _base(name: bytes, family_type: bytes) -> bytes:
    """Return what OpenMetrics calls a family."""
    return name.removesuffix(_TOTAL) if family_type == _COUNTER else name


def _header(head: Family) -> bytes:
    return head._replace(
        name=_base(head.name, head.type),
        type=b"unknown" if head.type == UNTYPED else head.type,
        help=head.help.replace(b'"', rb"\""),
    ).header()


def _in_seconds(lines: bytes) -> bytes:
    return _TIMED.sub(_seconds, lines)


def _seconds(match: re.Match[bytes]) -> bytes:
    return b"%b %d.%03d" % (match[1], *divmod(int(match[2]), 1000))
