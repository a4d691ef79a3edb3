"""The metrics of site_checker. No label is a URL, so their number never grows."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from servicekit.metrics import add_build_info
from sites.result import Reason, Result

NAME = "site_checker"

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What is counted and timed, each ready at its first value."""

    def __init__(self, registry: CollectorRegistry) -> None:
        add_build_info(NAME, registry)
        self._checks = Counter(
            f"{NAME}_checks_total",
            "Checks run",
            ["result", "reason"],
            registry=registry,
        )
        for reason in Reason:
            self._checks.labels(_outcome(reason), reason)
        self._duration = Histogram(
            f"{NAME}_check_duration_seconds",
            "Time from the name look-up to the last byte or the failure",
            buckets=_SECONDS,
            registry=registry,
        )
        self.schedule_delay = Histogram(
            f"{NAME}_schedule_delay_seconds",
            "Time from a check's being due to its start",
            buckets=_SECONDS,
            registry=registry,
        )
        self.in_hand = Gauge(
            f"{NAME}_checks_in_hand",
            "Checks running, or with a result that Kafka has not acknowledged",
            registry=registry,
        )
        self.delivered = Counter(
            f"{NAME}_results_delivered_total",
            "Results that Kafka has acknowledged",
            registry=registry,
        )
        self.last_success = Gauge(
            f"{NAME}_last_success_timestamp_seconds",
            "When Kafka last acknowledged a result",
            registry=registry,
        )
        self.takeovers = Counter(
            f"{NAME}_lease_takeovers_total",
            "Checks taken over from a checker whose lease ended",
            registry=registry,
        )
        self._redis_mode = Gauge(
            f"{NAME}_redis_mode",
            "1 for how checks are divided: shared by Redis, or all run here",
            ["mode"],
            registry=registry,
        )
        self.set_mode(alone=False)

    def count(self, result: Result) -> None:
        """Count a check that was run."""
        self._checks.labels(_outcome(result.reason), result.reason).inc()
        self._duration.observe(result.response_time)

    def set_mode(self, *, alone: bool) -> None:
        """Say whether checks are shared by Redis or all run here."""
        self._redis_mode.labels("alone").set(alone)
        self._redis_mode.labels("shared").set(not alone)


def _outcome(reason: Reason) -> str:
    return "success" if reason is Reason.OK else "failure"
