"""The catalogue in OpenMetrics 1.0, if that can say the same.

The same means: the same series, under the same types. So a counter's name has to end in
``_total``, and each histogram and summary has to be as strict readers want it. Where
one family is not, there is no such text at all, and scrapers get the other format.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from exporter_proxy.exposition.family import UNTYPED, Family, Shape
from exporter_proxy.exposition.identity import BOUNDS
from exporter_proxy.exposition.lines import Line, lines_of
from exporter_proxy.store.offer import Offer
from exporter_proxy.store.shelf import Shelf
from exporter_proxy.store.strict import Groups, counters_fit, groups_of, values_fit

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

_VALUE = re.compile(rb" ([^ \n]+)\n")
_TIMED = re.compile(rb"^((?:.*\}|[^ \n]+) [^ \n]+) ([0-9]+)$", re.MULTILINE)


class _Found(NamedTuple):
    """What was found out about an offer's lines.

    groups: as long as its series are the same, and it shares none with another offer.
    text: the lines converted; None when they cannot be.
    """

    type: bytes
    shape: Shape | None
    groups: Groups | None
    lines: bytes
    text: bytes | None


class OpenMetrics:
    """Converts what the shelves hold; what did not change is not looked at again.

    timed: whether samples may have timestamps.
    """

    def __init__(self, timed: bool) -> None:
        self._timed = timed
        self._found: WeakKeyDictionary[Offer, _Found] = WeakKeyDictionary()
        self._types: dict[bytes, bytes] = {}
        self._can_be_named = True

    def text(self, shelves: Mapping[bytes, Shelf]) -> bytes | None:
        """Return all families, without ``# EOF``; None when one cannot be converted."""
        heads = {name: shelf.head() for name, shelf in shelves.items()}
        types = {name: head.type for name, head in heads.items()}
        if types != self._types:
            self._types, self._can_be_named = types, _can_be_named(types)
        if not self._can_be_named:
            return None
        pieces: list[bytes] = []
        for name, head in heads.items():
            pieces.append(_header(head))
            for text in self._converted(head, shelves[name]):
                if text is None:
                    return None
                pieces.append(text)
        return b"".join(pieces)

    def _converted(self, head: Family, shelf: Shelf) -> Iterator[bytes | None]:
        as_it_is = head.type in (b"gauge", UNTYPED) and not self._timed
        for offer, lines in shelf.texts():
            yield lines if as_it_is else self._known(head, offer, lines)

    def _known(self, head: Family, offer: Offer, lines: bytes) -> bytes | None:
        found = self._found.get(offer)
        if found and found.lines is lines and found.type == head.type:
            return found.text
        shape = None if offer.shared else offer.family.shape
        if found and found.type == head.type and found.shape is shape is not None:
            groups = found.groups
        else:
            groups = _groups(head, lines)
        text = self._convert(head.type, lines, groups)
        self._found[offer] = _Found(head.type, shape, groups, lines, text)
        return text

    def _convert(
        self, family_type: bytes, lines: bytes, groups: Groups | None
    ) -> bytes | None:
        if family_type in BOUNDS and not self._is_strict(family_type, lines, groups):
            return None
        if family_type == _COUNTER and not counters_fit(lines):
            return None
        return _TIMED.sub(_in_seconds, lines) if self._timed else lines

    def _is_strict(
        self, family_type: bytes, lines: bytes, groups: Groups | None
    ) -> bool:
        if groups is None:
            return False
        if not self._timed:
            values = list(map(float, _VALUE.findall(lines)))
            return values_fit(family_type, groups, values)
        parts = lines_of(lines)
        return _same_times(groups, parts) and values_fit(
            family_type, groups, [float(part.value) for part in parts]
        )


def _groups(head: Family, lines: bytes) -> Groups | None:
    if head.type not in BOUNDS:
        return None
    return groups_of(head.name, head.type, lines)


def _can_be_named(types: Mapping[bytes, bytes]) -> bool:
    """Return whether all families have names that OpenMetrics allows side by side."""
    owned: set[bytes] = set()
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


def _same_times(groups: Groups, lines: Sequence[Line]) -> bool:
    """Return whether the lines of each metric have one time, or none."""
    return all(
        len({lines[number].timestamp for number in group.numbers()}) == 1
        for group in groups
    )


def _in_seconds(match: re.Match[bytes]) -> bytes:
    return b"%b %d.%03d" % (match[1], *divmod(int(match[2]), 1000))
