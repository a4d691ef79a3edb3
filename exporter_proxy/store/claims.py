"""Which applications send each metric of a family that several of them send."""

from collections.abc import Iterable

from exporter_proxy.store.offer import Claimants, Offer


class Claims:
    """Every metric on a shelf, and whose it is; mostly that is one offer only.

    What an offer shares with others is noted at the offer.
    """

    def __init__(self) -> None:
        self._claimants: dict[bytes, Offer | Claimants] = {}

    def __contains__(self, name: bytes) -> bool:
        return name in self._claimants

    def add(self, offer: Offer, metrics: Iterable[bytes]) -> None:
        """Let an offer claim metrics, after all that claim them already."""
        for name in metrics:
            claimants = self._claimants.setdefault(name, offer)
            if claimants is offer:
                continue
            if isinstance(claimants, Offer):
                alone, claimants = claimants, {claimants: None}
                self._claimants[name] = alone.shared[name] = claimants
            claimants[offer] = None
            offer.shared[name] = claimants

    def remove(self, offer: Offer, metrics: Iterable[bytes]) -> None:
        """Let an offer claim metrics no more."""
        for name in metrics:
            claimants = offer.shared.pop(name, None)
            if claimants is None:
                del self._claimants[name]
                continue
            del claimants[offer]
            if len(claimants) == 1:
                (alone,) = claimants
                del alone.shared[name]
                self._claimants[name] = alone
