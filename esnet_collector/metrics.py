"""What the service tells about its own work."""

import time
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from esnet_collector.replies import Outcome
from esnet_collector.streams import Kind
from servicekit import Cycles

NAME = "esnet_collector"
SNAPSHOT_OUTCOMES = ("applied", "held", "failed")
MESSAGE_OUTCOMES = ("acknowledged", "returned", "nacked", "unconfirmed")


class Metrics:
    """Every metric of the service, in one registry.

    keys: the routing keys, known from the settings, so that their counters start at 0.
    """

    def __init__(self, registry: CollectorRegistry, keys: Iterable[str]) -> None:
        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"{NAME}_{name}", meaning, labels, registry=registry)

        def gauge(name: str, meaning: str) -> Gauge:
            return Gauge(f"{NAME}_{name}", meaning, registry=registry)

        self.cycles = Cycles(NAME, registry)
        self.messages = counter("messages", "Messages by outcome", "key", "outcome")
        self.fetches = counter("fetches", "Requests to the API by outcome", "outcome")
        self.snapshots = counter("snapshots", "Snapshots by outcome", "outcome")
        self.changes = counter("interface_changes", "Rows opened or closed", "change")
        self.rejected = counter(
            "interfaces_rejected", "Elements of snapshots without a usable resource"
        )
        self.interfaces = gauge("interfaces_open", "Interfaces with an open row")
        self.blocked = gauge("broker_blocked", "Whether the broker takes no messages")
        self.leading = gauge("leading", "Whether this copy is the one that collects")
        self.lag = Lag()
        registry.register(self.lag)
        for key in keys:
            for outcome in MESSAGE_OUTCOMES:
                self.messages.labels(key, outcome)
        for reply in Outcome:
            self.fetches.labels(reply)
        for outcome in SNAPSHOT_OUTCOMES:
            self.snapshots.labels(outcome)
        for change in ("opened", "closed"):
            self.changes.labels(change)


class Lag(Collector):
    """How far behind the clock the oldest cursor of each type is, as of the scrape."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._oldest_ms: Mapping[Kind, int] = {}

    def replace(self, oldest_ms: Mapping[Kind, int]) -> None:
        """Tell these cursors from now on, the oldest of each type."""
        self._oldest_ms = oldest_ms

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield ``esnet_collector_lag_seconds{type}`` for the types there is one of."""
        family = GaugeMetricFamily(
            f"{NAME}_lag_seconds",
            "Age of the oldest cursor of the interfaces that are there",
            labels=["type"],
        )
        for kind, oldest_ms in self._oldest_ms.items():
            family.add_metric([kind], self._clock() - oldest_ms / 1000)
        yield family
