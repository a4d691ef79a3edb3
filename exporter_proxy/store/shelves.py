"""Every family's shelf, and what waits for one that is free.

Prometheus fails on a family whose type or name clashes with another one's, so of those
that clash only one has a shelf: who has it keeps it, and the others get their turn in
the order in which they came.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from exporter_proxy.config.sections import Exposition
from exporter_proxy.exposition.family import SUFFIXES, Family
from exporter_proxy.store.conflicts import Types
from exporter_proxy.store.duplicates import rule_of
from exporter_proxy.store.offer import Claimants, Offer
from exporter_proxy.store.shelf import Shelf

_SUFFIXES = frozenset(suffix for known in SUFFIXES.values() for suffix in known)


class Shelves(Mapping[bytes, Shelf]):
    """The families that are served, each with its name."""

    def __init__(self, exposition: Exposition) -> None:
        self._types = Types(exposition.type_conflict)
        self._rule = rule_of(exposition)
        self._shelves: dict[bytes, Shelf] = {}
        self._waiting: dict[bytes, Claimants] = {}
        self._sorted: list[bytes] | None = None

    def __getitem__(self, name: bytes) -> Shelf:
        return self._shelves[name]

    def __iter__(self) -> Iterator[bytes]:
        if self._sorted is None:
            self._sorted = sorted(self._shelves)
        return iter(self._sorted)

    def __len__(self) -> int:
        return len(self._shelves)

    def can_stay(self, offer: Offer, family: Family) -> bool:
        """Return whether an offer keeps its place with another delivery."""
        former = offer.family
        return former.shape is family.shape or (
            self._types.kind(former.type) == self._types.kind(family.type)
        )

    def renew(self, offer: Offer, family: Family, delivery: int) -> bool:
        """Let an offer have another delivery; return whether more may be served."""
        shelf = self._shelves.get(family.name)
        if shelf is not None and offer in shelf:
            return shelf.renew(offer, family, delivery)
        offer.renew(family, delivery)
        return False

    def put(self, offer: Offer) -> bool:
        """Put an offer on its shelf, or let it wait; return whether it is served."""
        name, kind = offer.family.name, self._types.kind(offer.family.type)
        if self._clashes(name, kind):
            self._waiting.setdefault(name, {})[offer] = None
            return False
        shelf = self._shelves.get(name)
        if shelf is None:
            shelf = self._shelves[name] = Shelf(name, kind, self._types, self._rule)
            self._sorted = None
        shelf.put(offer)
        return True

    def remove(self, offers: Iterable[Offer]) -> bool:
        """Take offers away and give those that wait their turn.

        Return whether that can be seen.
        """
        freed, changed = [], False
        for offer in offers:
            if not self._stop_waiting(offer):
                changed = True
                if self._take(offer):
                    freed.append(offer.family.name)
        for offer in self._waiting_for(freed):
            self._stop_waiting(offer)
            self.put(offer)
        return changed

    def waiting(self, offers: Mapping[bytes, Offer]) -> Collection[bytes]:
        """Return which of an application's offers, by name, wait for a shelf."""
        return [
            name
            for name in offers.keys() & self._waiting.keys()
            if offers[name] in self._waiting[name]
        ]

    def _take(self, offer: Offer) -> bool:
        """Take an offer from its shelf; return whether that is free now."""
        name = offer.family.name
        shelf = self._shelves[name]
        shelf.remove(offer)
        if shelf:
            return False
        del self._shelves[name]
        self._sorted = None
        return True

    def _stop_waiting(self, offer: Offer) -> bool:
        """Let an offer wait no more; return whether it did."""
        waiting = self._waiting.get(offer.family.name, {})
        if offer not in waiting:
            return False
        del waiting[offer]
        if not waiting:
            del self._waiting[offer.family.name]
        return True

    def _waiting_for(self, freed: Iterable[bytes]) -> list[Offer]:
        """Return the offers that could clash with families of these names."""
        names = {near for name in freed for near in _near(name)}
        offers = [offer for name in names for offer in self._waiting.get(name, ())]
        return sorted(offers, key=lambda offer: offer.place)

    def _clashes(self, name: bytes, kind: bytes) -> bool:
        """Return whether a scraper would fail on a family beside the others.

        A histogram foo also owns the name foo_count, whichever of the two comes first.
        """
        beside = self._shelves.get(name)
        if beside is not None:
            return beside.kind != kind  # and names were no matter for it
        if any(name + suffix in self._shelves for suffix in SUFFIXES[kind]):
            return True
        base, underscore, word = name.rpartition(b"_")
        owner = self._shelves.get(base)
        return owner is not None and underscore + word in SUFFIXES[owner.kind]


def _near(name: bytes) -> Iterator[bytes]:
    """Yield the names of all families that may clash with one of this name."""
    yield from (name + suffix for suffix in _SUFFIXES)
    base, underscore, word = name.rpartition(b"_")
    if underscore + word in _SUFFIXES:
        yield base
