"""The proxy's own metrics; those of the applications never pass through here."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from exporter_proxy.refusals import Reason
from exporter_proxy.store.applications import Applications, State
from exporter_proxy.store.catalogue import Catalogue

# No application may use a name that starts like this.
PREFIX = "exporter_proxy_"

CHANNELS = ("json", "capnp", "http", "poll")
SOCKETS = ("tcp", "unix")
DROPS = ("idle", "crowded", "reset", "refused")


class Metrics:
    """Counters, all of them there from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.deliveries = Counter(
            f"{PREFIX}deliveries_total",
            "Bodies that an application pushed or a target answered, by outcome",
            ["channel", "outcome"],
            registry=registry,
        )
        self.refusals = Counter(
            f"{PREFIX}refusals_total",
            "Messages and bodies that were not taken, by reason",
            ["reason"],
            registry=registry,
        )
        self.dropped_lines = Counter(
            f"{PREFIX}dropped_lines_total",
            "Bad lines that bodies were taken without, by reason",
            ["reason"],
            registry=registry,
        )
        self.connections = Gauge(
            f"{PREFIX}connections",
            "Connections open to the receivers",
            ["socket"],
            registry=registry,
        )
        self.dropped_connections = Counter(
            f"{PREFIX}dropped_connections_total",
            "Connections that were closed before their end, by reason",
            ["reason"],
            registry=registry,
        )
        self.poll_duration = Gauge(
            f"{PREFIX}poll_duration_seconds",
            "Time the last poll of a target took",
            ["target"],
            registry=registry,
        )
        self._initialise()

    def _initialise(self) -> None:
        for channel in CHANNELS:
            for outcome in ("accepted", "refused"):
                self.deliveries.labels(channel, outcome)
        for reason in Reason:
            self.refusals.labels(reason)
            self.dropped_lines.labels(reason)
        for socket in SOCKETS:
            self.connections.labels(socket)
        for drop in DROPS:
            self.dropped_connections.labels(drop)


class ApplicationsCollector(Collector):
    """One snapshot of what is known of each application."""

    def __init__(self, applications: Applications, catalogue: Catalogue) -> None:
        self._applications = applications
        self._catalogue = catalogue

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the families ``exporter_proxy_application_*``."""
        up = _family("up", "Whether the application's last delivery was taken")
        updated = _family(
            "last_update_timestamp_seconds",
            "When data of the application was last taken",
        )
        series = _family("series", "Series in the application's last data")
        clashes = _family(
            "left_out_families",
            "Families left out, for they clash with another application's",
        )
        doubles = _family(
            "left_out_series",
            "Series left out, for another application sends them as well",
        )
        for application in self._applications:
            name = [application.name]
            up.add_metric(name, application.state is State.OK)
            updated.add_metric(name, application.updated_at or 0)
            series.add_metric(name, application.series)
            clashes.add_metric(
                name, len(self._catalogue.left_out_families(application.name))
            )
            doubles.add_metric(name, self._catalogue.left_out_series(application.name))
        yield from (up, updated, series, clashes, doubles)


def _family(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(
        f"{PREFIX}application_{name}", text, labels=["application"]
    )
