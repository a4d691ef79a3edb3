"""Bytes by client network: exact for the networks that matter, one sum for the rest."""

import heapq
from collections import Counter
from ipaddress import ip_address, ip_network
from typing import Any

OTHER = "other"

# IPv4 and IPv6: what one site usually has.
_PREFIX_LENGTHS = {4: 24, 6: 48}

# So many networks are weighed against each other; the lightest make room for new ones.
_MOST_WEIGHED = 10_000


def network_of(address: str) -> str:
    """Return the network of a client's address, or "other" for what is none."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return OTHER
    length = _PREFIX_LENGTHS[found.version]
    return str(ip_network((found, length), strict=False))


class Networks:
    """Which networks have a label of their own: at most so many, the heaviest.

    A series never falls: a network that overtakes a labelled one takes its place, and
    counts from there on; what others move goes to "other".
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._weights: Counter[str] = Counter()
        self._labelled: dict[str, None] = {}  # in order: of equals the first goes
        self.bytes: Counter[tuple[str, str]] = Counter()
        self.overflows = 0

    @property
    def are_counted(self) -> bool:
        """Whether there are to be any."""
        return self._most > 0

    def add(self, address: str, sent: int, received: int) -> None:
        """Count what a session moved."""
        network = network_of(address)
        self._weigh(network, sent + received)
        label = network if network in self._labelled else OTHER
        self.overflows += label == OTHER
        self.bytes[label, "sent"] += sent
        self.bytes[label, "received"] += received

    def state(self) -> dict[str, Any]:
        """Return everything, for a checkpoint."""
        return {
            "weights": dict(self._weights),
            "labelled": list(self._labelled),
            "bytes": [[*key, number] for key, number in self.bytes.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint holds."""
        self._weights.update(state["weights"])
        self._labelled = dict.fromkeys(state["labelled"][: self._most])
        for label, direction, number in state["bytes"]:
            if label == OTHER or label in self._labelled:
                self.bytes[label, direction] = number

    def _weigh(self, network: str, moved: int) -> None:
        if network == OTHER:
            return
        self._weights[network] += moved
        if len(self._weights) > _MOST_WEIGHED:
            self._drop_the_lightest()
        if network not in self._labelled:
            self._consider(network)

    def _consider(self, network: str) -> None:
        if len(self._labelled) >= self._most:
            lightest = min(self._labelled, key=self._weights.__getitem__)
            # Twice, so that two of the same weight do not take turns.
            if self._weights[network] <= 2 * self._weights[lightest]:
                return
            del self._labelled[lightest]
            for direction in ("sent", "received"):
                self.bytes.pop((lightest, direction), None)
        self._labelled[network] = None

    def _drop_the_lightest(self) -> None:
        half = heapq.nsmallest(
            _MOST_WEIGHED // 2, self._weights, key=self._weights.__getitem__
        )
        for network in half:
            if network not in self._labelled:
                del self._weights[network]
