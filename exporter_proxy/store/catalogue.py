"""Every family once, whoever sent it: what ``/metrics`` is made of.

Who came first keeps what it has. A family whose type or name clashes with one that is
there already is left out, and so is a series that another application sends as well,
unless the configuration says what else becomes of them; they get their turn as soon as
the first one stops sending it. Replacing one application's families costs what that
application sends, however much else is held, and next to nothing when its series are
those that it sent before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from typing import NamedTuple

from exporter_proxy.config.sections import Exposition
from exporter_proxy.exposition.family import Family
from exporter_proxy.store.offer import Offer
from exporter_proxy.store.openmetrics import OpenMetrics
from exporter_proxy.store.shelves import Shelves


@dataclass(slots=True)
class _Sender:
    """An application: what it sent, and the offer that each of its families is."""

    families: tuple[Family, ...] = ()
    offers: dict[bytes, Offer] = field(default_factory=dict)


class _Made[T](NamedTuple):
    """A text that was made of some version.

    A former one stays until another is made: to give its memory back takes as long as
    dozens of deliveries.
    """

    version: int
    text: T


_NOBODY = _Sender()


class Catalogue:
    """The families of all applications, merged.

    version: grows whenever what is served changes.
    """

    def __init__(self, exposition: Exposition) -> None:
        self.version = 0
        self._senders: dict[str, _Sender] = {}
        self._shelves = Shelves(exposition)
        self._deliveries = count()
        self._places = count()
        self._converter = OpenMetrics()
        self._text: _Made[bytes] = _Made(-1, b"")
        self._open_metrics: _Made[bytes | None] = _Made(-1, None)

    def replace(self, application: str, families: Iterable[Family]) -> None:
        """Let an application's families take the place of those it sent before."""
        sender = self._senders.pop(application, None) or _Sender()
        sender.families = tuple(families)
        if self._update(application, sender):
            self.version += 1
        if sender.families:
            self._senders[application] = sender

    def families(self, application: str) -> tuple[Family, ...]:
        """Return what an application sent, in its order."""
        return self._senders.get(application, _NOBODY).families

    def text(self) -> bytes:
        """Return one valid exposition, families in the order of their names."""
        if self._text.version != self.version:
            self._text = _Made(-1, b"")  # lest there be two of them at once
            pieces = (shelf.pieces() for shelf in self._shelves.values())
            self._text = _Made(self.version, b"".join(chain.from_iterable(pieces)))
        return self._text.text

    def open_metrics(self) -> bytes | None:
        """Return the same in OpenMetrics 1.0, None when that could not say the same.

        Its last line, ``# EOF``, is left to the caller, who may add more before it.
        """
        if self._open_metrics.version != self.version:
            self._open_metrics = _Made(-1, None)
            text = self._converter.text(self._shelves)
            self._open_metrics = _Made(self.version, text)
        return self._open_metrics.text

    def left_out_families(self, application: str) -> tuple[str, ...]:
        """Return which families of an application clash with those of others."""
        offers = self._senders.get(application, _NOBODY).offers
        return tuple(name.decode() for name in sorted(self._shelves.waiting(offers)))

    def left_out_series(self, application: str) -> int:
        """Return how many series of an application another one sends as well.

        Those of its families that are left out are not among them, nor are those that
        were combined with others into what is served.
        """
        offers = self._senders.get(application, _NOBODY).offers
        return sum(
            self._shelves[name].left_out(offer)
            for name, offer in offers.items()
            if offer.shared
        )

    def _update(self, application: str, sender: _Sender) -> bool:
        """Bring an application's offers up to date; return whether that is visible."""
        offers, delivery = sender.offers, next(self._deliveries)
        sent = {family.name: family for family in sender.families}
        changed = self._drop(offers, sent)
        for name, family in sent.items():
            if offer := offers.get(name):
                changed |= self._shelves.renew(offer, family, delivery)
            else:
                place = next(self._places)
                offer = offers[name] = Offer(application, family, delivery, place)
                changed |= self._shelves.put(offer)
        return changed

    def _drop(self, offers: dict[bytes, Offer], sent: Mapping[bytes, Family]) -> bool:
        """Take away the offers that cannot become what was sent now."""
        lost = [
            name
            for name, offer in offers.items()
            if name not in sent or not self._shelves.can_stay(offer, sent[name])
        ]
        return self._shelves.remove([offers.pop(name) for name in lost])
