"""Metrics that every service has: its build, and how its cycles end."""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

VERSION = "0.1.0"


def add_build_info(service: str, registry: CollectorRegistry) -> None:
    """Register ``<service>_build_info{version,python}``, always 1."""
    info = Gauge(
        f"{service}_build_info",
        "Version of the service and of its Python",
        ["version", "python"],
        registry=registry,
    )
    info.labels(VERSION, platform.python_version()).set(1)


class Cycles:
    """Counts and times a service's recurring work.

    Exports ``<service>_cycles_total{outcome="success|error"}``,
    ``<service>_cycle_duration_seconds`` and
    ``<service>_last_success_timestamp_seconds``.
    """

    def __init__(self, service: str, registry: CollectorRegistry) -> None:
        self._outcomes = Counter(
            f"{service}_cycles_total",
            "Cycles by outcome",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("success", "error"):
            self._outcomes.labels(outcome)
        self._duration = Histogram(
            f"{service}_cycle_duration_seconds",
            "Time one cycle took",
            registry=registry,
        )
        self._last_success = Gauge(
            f"{service}_last_success_timestamp_seconds",
            "When a cycle last succeeded",
            registry=registry,
        )

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Count and time the block; an error leaves it counted, and raised."""
        started = time.monotonic()
        try:
            yield
        except Exception:
            self._outcomes.labels("error").inc()
            raise
        else:
            self._outcomes.labels("success").inc()
            self._last_success.set_to_current_time()
        finally:
            self._duration.observe(time.monotonic() - started)
