"""A program's /metrics, and how long it takes until it shows what it is to show."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from benchmarks.connection import Connection, get
from benchmarks.load import accepted
from benchmarks.process import Running

ROOM_BYTES = 2**24


@dataclass(frozen=True)
class Page:
    """The samples of a page."""

    samples: tuple[Sample, ...]

    def by(self, name: str, *labels: str) -> Mapping[tuple[str, ...], float]:
        """Return the sums of a metric's samples by these labels."""
        sums: dict[tuple[str, ...], float] = {}
        for sample in self.samples:
            if sample.name == name:
                key = tuple(sample.labels.get(label, "") for label in labels)
                sums[key] = sums.get(key, 0) + sample.value
        return sums

    def total(self, name: str) -> float | None:
        """Return the sum of a metric's samples; None where there is none."""
        return self.by(name).get(())


def read(text: str) -> Page:
    """Return what a page says. Raises ValueError where it is none."""
    families = text_string_to_metric_families(text)
    return Page(tuple(sample for family in families for sample in family.samples))


def ask(server: Running) -> Page:
    """Return what a server shows now. Raises Failed and OSError."""
    with Connection(server.port, ROOM_BYTES) as connection:
        answer = accepted(connection.exchange(get("/metrics")))
        return read(answer.body().decode())


def await_page(
    server: Running,
    shows: Callable[[Page], bool],
    *,
    patience_seconds: float,
    pause_seconds: float = 0.02,
) -> Page:
    """Return the first page that shows something, or the last within the time."""
    until = time.monotonic() + patience_seconds
    while not shows(page := ask(server)):
        if time.monotonic() > until:
            break
        time.sleep(pause_seconds)
    return page
