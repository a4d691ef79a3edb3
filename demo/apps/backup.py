"""A backup: a job that is over long before anybody could scrape it."""

import random

from prometheus_client import CollectorRegistry, Counter, Gauge

RUN_EVERY_SECONDS = 60
BYTES_PER_SECOND = 120e6


class Backup:
    """When one was last complete, how large it was and how long it took."""

    name = "backup"

    def __init__(self, registry: CollectorRegistry, chance: random.Random) -> None:
        self._chance = chance
        self._due = 0.0
        self._files_bytes = 2e9
        self._runs = Counter("backup_runs_total", "Backups", registry=registry)
        self._size = Gauge(
            "backup_size_bytes", "Size of the last backup", registry=registry
        )
        self._duration = Gauge(
            "backup_duration_seconds", "Time the last one took", registry=registry
        )
        self._last_success = Gauge(
            "backup_last_success_timestamp_seconds",
            "When one was last complete",
            registry=registry,
        )

    def work(self, now: float, seconds: float) -> None:
        """Let the files grow; back them up when it is time to."""
        self._files_bytes += self._chance.uniform(0, 200e3) * seconds
        if now < self._due:
            return
        self._due = now + RUN_EVERY_SECONDS
        self._runs.inc()
        self._size.set(round(self._files_bytes))
        slowness = self._chance.uniform(1, 1.3)
        self._duration.set(round(slowness * self._files_bytes / BYTES_PER_SECOND, 2))
        self._last_success.set(round(now))
