"""The proxy's own metrics; those of the applications never pass through here."""

from collections.abc import Iterable
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from exporter_proxy.refusals import Reason
from exporter_proxy.store.applications import Applications, State
from exporter_proxy.store.catalogue import Catalogue

# No application may use a name that starts like this.
PREFIX = "exporter_proxy_"

CHANNELS = ("json", "capnp", "http", "poll")
SOCKETS = ("tcp", "unix", "http")
DROPS = ("idle", "crowded", "reset", "refused", "slow")
ROLES = ("push", "scrape", "admin")
DENIALS = ("address", "certificate", "no_login", "wrong_login")
AGES = ("stale", "forgotten")


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
            "Connections open to the receivers and to HTTP",
            ["socket"],
            registry=registry,
        )
        self.dropped_connections = Counter(
            f"{PREFIX}dropped_connections_total",
            "Connections that were closed before their end, by reason",
            ["reason"],
            registry=registry,
        )
        self.denied_requests = Counter(
            f"{PREFIX}denied_requests_total",
            "HTTP requests of clients that may not, by what they wanted and why not",
            ["role", "reason"],
            registry=registry,
        )
        self.expired_applications = Counter(
            f"{PREFIX}expired_applications_total",
            "Applications whose data became stale, or that were forgotten later on",
            ["outcome"],
            registry=registry,
        )
        self.reload_successful = Gauge(
            f"{PREFIX}config_last_reload_successful",
            "Whether the configuration was right when it was last read",
            registry=registry,
        )
        self.reload_timestamp = Gauge(
            f"{PREFIX}config_last_reload_timestamp_seconds",
            "When a right configuration was last read",
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
        for age in AGES:
            self.expired_applications.labels(age)
        for role, denial in product(ROLES, DENIALS):
            self.denied_requests.labels(role, denial)


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
