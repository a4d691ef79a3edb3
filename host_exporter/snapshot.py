"""The last query's result as a metric: a host that it lacks is in no scrape."""

from collections.abc import Iterable, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class Snapshot(Collector):
    """Serves one whole result at a time, so that no scrape sees a half-made update."""

    def __init__(self) -> None:
        self._counts: Mapping[str, int] = {}

    def replace(self, counts: Mapping[str, int]) -> None:
        """Serve these counts by host from now on."""
        self._counts = counts

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield ``mysql_connections_by_host{host}``."""
        family = GaugeMetricFamily(
            "mysql_connections_by_host",
            "Number of connection attempts made, by host address",
            labels=["host"],
        )
        for host, count in self._counts.items():
            family.add_metric([host], count)
        yield family
