"""One family's lines from several applications, after duplicates were dealt with."""

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import NamedTuple

from exporter_proxy.store.claims import Claims
from exporter_proxy.store.duplicates import Rule
from exporter_proxy.store.offer import Offer


class Merged(NamedTuple):
    """What is served of an offer, and how many of its series are not."""

    text: bytes
    left_out: int


def merge(offers: Iterable[Offer], claims: Claims, rule: Rule) -> dict[Offer, Merged]:
    """Return what is served of those offers that share metrics with others."""
    sheets = {offer: _Sheet(offer) for offer in offers if offer.shared}
    for offer in sheets:
        for name, claimants in offer.shared.items():
            if offer is next(iter(claimants)):
                copies = {each: sheets[each].lines(name) for each in claimants}
                served = rule(copies, claims)
                for each in claimants:
                    sheets[each].put(name, served.get(each))
    return {offer: sheet.merged() for offer, sheet in sheets.items()}


class _Sheet:
    """The lines of an offer, to be replaced metric by metric."""

    def __init__(self, offer: Offer) -> None:
        self._places = offer.places()
        self._lines = BytesIO(offer.family.samples).readlines()
        self._left_out = 0

    def lines(self, name: bytes) -> list[bytes]:
        return [self._lines[place] for place in self._places[name]]

    def put(self, name: bytes, lines: Sequence[bytes] | None) -> None:
        places = self._places[name]
        if lines is None:
            self._left_out += len(places)
        for place in places:
            self._lines[place] = b""
        self._lines[places[0]] = b"".join(lines or ())

    def merged(self) -> Merged:
        return Merged(b"".join(self._lines), self._left_out)
