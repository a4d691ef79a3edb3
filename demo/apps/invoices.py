"""Invoices: a batch job that ends as soon as it has written what is due."""

import random

from prometheus_client import CollectorRegistry, Counter, Gauge

from demo.apps.chance import happened

RUN_EVERY_SECONDS = 30
INVOICES_A_MINUTE = 40


class Invoices:
    """How many were written, and what they come to."""

    name = "invoices"

    def __init__(self, registry: CollectorRegistry, chance: random.Random) -> None:
        self._chance = chance
        self._due = 0.0
        self._written = Counter(
            "invoices_written_total", "Invoices written", registry=registry
        )
        self._amount = Counter(
            "invoices_amount_euros_total", "What they come to", registry=registry
        )
        self._last_run = Gauge(
            "invoices_last_run_timestamp_seconds",
            "When the job last ran",
            registry=registry,
        )

    def work(self, now: float, seconds: float) -> None:  # noqa: ARG002 - as all do
        """Write the invoices of the time since the last run, when it is time to."""
        if now < self._due:
            return
        self._due = now + RUN_EVERY_SECONDS
        written = happened(self._chance, INVOICES_A_MINUTE * RUN_EVERY_SECONDS / 60)
        self._written.inc(written)
        for _ in range(written):
            self._amount.inc(round(self._chance.lognormvariate(4, 1), 2))
        self._last_run.set(round(now))
