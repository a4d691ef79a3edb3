"""The proxy's own metrics; those of the applications never pass through here."""

from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary

from exporter_proxy.refusals import Reason

# No application may use a name that starts like this.
PREFIX = "exporter_proxy_"

CHANNELS = ("json", "capnp", "http", "poll")
SOCKETS = ("tcp", "unix", "http")
DROPS = (
    *("idle", "slow", "crowded", "reset", "refused", "unacknowledged"),
    *("address", "handshake", "failed"),
)
ROLES = ("push", "scrape", "admin")
DENIALS = ("address", "site", "certificate", "no_login", "wrong_login")
AGES = ("stale", "forgotten")
FORMATS = ("text", "openmetrics")
ENCODINGS = ("identity", "gzip")
CUTS = ("slow", "crowded")
STORE_OPERATIONS = ("read", "write")
STORE_CHANGES = ("saved", "taken_over", "not_readable")


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


class ScrapeMetrics:
    """What scrapers asked for at ``/metrics``, and what they got."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.scrapes = Counter(
            f"{PREFIX}scrapes_total",
            "Bodies of all metrics that were sent, by format and encoding",
            ["format", "encoding"],
            registry=registry,
        )
        self.preparation = Summary(
            f"{PREFIX}scrape_preparation_seconds",
            "Time from the question to the first byte of all metrics",
            ["encoding"],
            registry=registry,
        )
        self.size = Gauge(
            f"{PREFIX}scrape_size_bytes",
            "Size of the last body of all metrics, as it was sent",
            ["encoding"],
            registry=registry,
        )
        self.cut_off = Counter(
            f"{PREFIX}cut_off_scrapes_total",
            "Answers to scrapers that were cut off, by reason",
            ["reason"],
            registry=registry,
        )
        for encoding in ENCODINGS:
            self.preparation.labels(encoding)
            self.size.labels(encoding)
            for format_name in FORMATS:
                self.scrapes.labels(format_name, encoding)
        for cut in CUTS:
            self.cut_off.labels(cut)


class SnapshotMetrics:
    """How the snapshots went; there only where some are asked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.last_success = Gauge(
            f"{PREFIX}snapshot_last_success_timestamp_seconds",
            "When the snapshot was last complete on disk, or was read at the start",
            registry=registry,
        )
        self.failures = Counter(
            f"{PREFIX}snapshot_failures_total",
            "Snapshots that could not be written",
            registry=registry,
        )
        self.size = Gauge(
            f"{PREFIX}snapshot_size_bytes",
            "Size of the last snapshot's file",
            registry=registry,
        )
        self.duration = Gauge(
            f"{PREFIX}snapshot_duration_seconds",
            "Time that the last snapshot took",
            registry=registry,
        )


class StoreMetrics:
    """How the shared store does; there only where one is asked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.up = Gauge(
            f"{PREFIX}store_up",
            "Whether the shared store answered last and takes what is saved",
            registry=registry,
        )
        self.unsaved = Gauge(
            f"{PREFIX}store_unsaved_applications",
            "Applications whose newest data is not in the shared store yet",
            registry=registry,
        )
        self.errors = Counter(
            f"{PREFIX}store_errors_total",
            "Attempts at the shared store that failed, by what was tried",
            ["operation"],
            registry=registry,
        )
        self.changes = Counter(
            f"{PREFIX}store_changes_total",
            "Changes of applications: saved for other proxies, taken over from them",
            ["outcome"],
            registry=registry,
        )
        self.sync_duration = Gauge(
            f"{PREFIX}store_sync_duration_seconds",
            "Time it last took to learn what other proxies changed",
            registry=registry,
        )
        self.clock_offset = Gauge(
            f"{PREFIX}store_clock_offset_seconds",
            "How far this clock is ahead of the shared store's",
            registry=registry,
        )
        for operation in STORE_OPERATIONS:
            self.errors.labels(operation)
        for outcome in STORE_CHANGES:
            self.changes.labels(outcome)
