"""One family's place in the catalogue, shared by every application that sends it."""

from collections.abc import Iterator

from exporter_proxy.exposition.family import Family
from exporter_proxy.store.claims import Claims
from exporter_proxy.store.conflicts import Types
from exporter_proxy.store.duplicates import Rule
from exporter_proxy.store.merge import Merged, merge
from exporter_proxy.store.offer import Offer, metrics_of


class Shelf:
    """A family, put together from what each application sends of it.

    A change costs what the changing application sends. What is served is put together
    when somebody asks for it.
    kind: what the types of all families here are.
    """

    def __init__(self, name: bytes, kind: bytes, types: Types, rule: Rule) -> None:
        self.kind = kind
        self._name = name
        self._types = types
        self._rule = rule
        self._offers: dict[Offer, None] = {}
        # While one application is alone, all is its own.
        self._claims: Claims | None = None
        # Made when somebody asks, and kept until something changes.
        self._merged: dict[Offer, Merged] = {}
        self._head: Family | None = None
        self._pieces: list[bytes] = []

    def __contains__(self, offer: Offer) -> bool:
        return offer in self._offers

    def __bool__(self) -> bool:
        return bool(self._offers)

    def put(self, offer: Offer) -> None:
        """Add what an application sends, after all that is here."""
        if self._offers and self._claims is None:
            self._claims = Claims()
            for first in self._offers:
                self._claims.add(first, metrics_of(first.family))
        self._offers[offer] = None
        if self._claims is not None:
            self._claims.add(offer, metrics_of(offer.family))
        self._forget()

    def remove(self, offer: Offer) -> None:
        """Take away what an application sent."""
        del self._offers[offer]
        if self._claims is not None:
            self._claims.remove(offer, metrics_of(offer.family))
        self._forget()

    def renew(self, offer: Offer, family: Family, delivery: int) -> bool:
        """Let an offer have another delivery; return whether more may be served."""
        former = offer.renew(family, delivery)
        if former.shape is not family.shape:
            self._reclaim(offer, former)
            self._forget()
            return True
        if former.help != family.help:
            self._head = None
        elif former.samples == family.samples and not offer.shared:
            return False
        self._pieces = []
        if offer.shared:
            self._merged = {}
        return True

    def head(self) -> Family:
        """Return name, type and help as they are served."""
        if self._head is None:
            sent = [offer.family for offer in self._offers]
            served = self._types.served(family.type for family in sent)
            text = next((family.help for family in sent if family.help), b"")
            self._head = sent[0]._replace(type=served, help=text, samples=b"")
        return self._head

    def pieces(self) -> list[bytes]:
        """Return what is served, as pieces that follow each other."""
        if not self._pieces:
            self._pieces = [self.head().header(), *(text for _, text in self.texts())]
        return self._pieces

    def texts(self) -> Iterator[tuple[Offer, bytes]]:
        """Yield the lines that are served of each application."""
        for offer in self._offers:
            text = self._merge(offer).text if offer.shared else offer.family.samples
            yield offer, text

    def left_out(self, offer: Offer) -> int:
        """Return how many series of an offer are not served, for others have them."""
        return self._merge(offer).left_out if offer.shared else 0

    def _reclaim(self, offer: Offer, former: Family) -> None:
        if self._claims is not None:
            before, after = metrics_of(former), metrics_of(offer.family)
            self._claims.remove(offer, before.keys() - after.keys())
            self._claims.add(offer, [name for name in after if name not in before])

    def _merge(self, offer: Offer) -> Merged:
        if not self._merged and self._claims is not None:
            self._merged = merge(self._offers, self._claims, self._rule)
        return self._merged[offer]

    def _forget(self) -> None:
        self._merged = {}
        self._head = None
        self._pieces = []
