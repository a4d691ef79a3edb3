"""A family that an application sends, and what has become of it."""

from exporter_proxy.exposition.family import Family
from exporter_proxy.exposition.identity import metrics

# Who sends a metric, in the order in which they came to send it.
type Claimants = dict["Offer", None]


class Offer:
    """One family of one application, delivery after delivery.

    delivery: number of the delivery that it came with last.
    place: how many offers came before it, to tell whose turn it is.
    shared: its metrics that others on its shelf send as well.
    """

    __slots__ = (
        "__weakref__",
        "_places",
        "application",
        "delivery",
        "family",
        "place",
        "shared",
    )

    def __init__(
        self, application: str, family: Family, delivery: int, place: int
    ) -> None:
        self.application = application
        self.family = family
        self.delivery = delivery
        self.place = place
        self.shared: dict[bytes, Claimants] = {}
        self._places: dict[bytes, list[int]] | None = None

    def renew(self, family: Family, delivery: int) -> Family:
        """Take another delivery of the family; return the one before."""
        former, self.family, self.delivery = self.family, family, delivery
        if former.shape is not family.shape:
            self._places = None
        return former

    def places(self) -> dict[bytes, list[int]]:
        """Return which lines each metric has, from 0."""
        if self._places is None:
            self._places = {}
            lines = metrics(self.family.type, self.family.samples)
            for number, name in enumerate(lines):
                self._places.setdefault(name, []).append(number)
        return self._places


def metrics_of(family: Family) -> dict[bytes, None]:
    """Return what tells each of a family's metrics from the others, in their order."""
    return dict.fromkeys(metrics(family.type, family.samples))
