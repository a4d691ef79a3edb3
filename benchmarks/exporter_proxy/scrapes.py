"""How long a scrape of everything takes, and what it costs in memory."""

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.connection import (
    LARGE_ROOM_BYTES,
    PROMETHEUS_ACCEPT,
    Connection,
    get,
)
from benchmarks.exporter_proxy import goals
from benchmarks.exporter_proxy.applications import Application
from benchmarks.exporter_proxy.bodies import SERIES
from benchmarks.exporter_proxy.size import Size
from benchmarks.load import accepted
from benchmarks.process import Running
from benchmarks.report import Measure
from benchmarks.scrape import check_complete

MB = 1e6

PLAIN = get("/metrics")
GZIP = get("/metrics", packed=True)
AS_PROMETHEUS = get("/metrics", packed=True, accept=PROMETHEUS_ACCEPT)


def of_all(
    server: Running, held: Sequence[Application], size: Size
) -> Iterator[tuple[Measure, float]]:
    """Yield the times of scrapes of 100,000 series just pushed, and the memory then."""
    with Connection(server.port, LARGE_ROOM_BYTES) as connection:
        scrapes = Scrapes(connection, held, size.scrapes)
        yield goals.SCRAPE_ALL_CHANGED, scrapes.once(GZIP)
        yield goals.SCRAPE_PLAIN, scrapes.unchanged(PLAIN)
        yield goals.SCRAPE_GZIP, scrapes.unchanged(GZIP)
        yield goals.SCRAPE_PLAIN_AFTER_PUSH, scrapes.after_push(PLAIN)
        yield goals.SCRAPE_GZIP_AFTER_PUSH, scrapes.after_push(GZIP)
        yield goals.SCRAPE_AS_PROMETHEUS, scrapes.after_push(AS_PROMETHEUS)
        yield goals.MEMORY, server.memory_bytes() / MB


def of_copies(
    server: Running, held: Sequence[Application], size: Size
) -> Iterator[tuple[Measure, float]]:
    """Yield the time of a scrape where all applications have the same metrics."""
    with Connection(server.port, LARGE_ROOM_BYTES) as connection:
        yield (
            goals.SCRAPE_COPIES,
            Scrapes(connection, held, size.scrapes).after_push(GZIP),
        )


def of_a_million(
    server: Running, held: Sequence[Application], size: Size
) -> Iterator[tuple[Measure, float]]:
    """Yield the times of scrapes of a million series just pushed, and the memory."""
    yield goals.MILLION_MEMORY, server.memory_bytes() / MB
    with Connection(server.port, LARGE_ROOM_BYTES) as connection:
        scrapes = Scrapes(connection, held, size.scrapes)
        yield goals.MILLION_ALL_CHANGED, scrapes.once(GZIP)
        yield goals.MILLION_PLAIN, scrapes.unchanged(PLAIN)
        yield goals.MILLION_GZIP, scrapes.unchanged(GZIP)
        yield goals.MILLION_PLAIN_AFTER_PUSH, scrapes.after_push(PLAIN)
        yield goals.MILLION_GZIP_AFTER_PUSH, scrapes.after_push(GZIP)
        yield goals.MILLION_MEMORY_SCRAPED, server.memory_bytes() / MB


class Scrapes:
    """Scrapes of what some applications have pushed."""

    def __init__(
        self, connection: Connection, held: Sequence[Application], count: int
    ) -> None:
        self._connection = connection
        self._held = held
        self._count = count
        self._pushes = 0

    def once(self, request: bytes) -> float:
        """Return the seconds of one scrape. Raises Failed."""
        answer = accepted(self._connection.exchange(request))
        check_complete(answer, len(self._held) * SERIES)
        return answer.seconds

    def unchanged(self, request: bytes) -> float:
        """Return the seconds of a scrape while nothing is pushed."""
        return median(self.once(request) for _ in range(self._count))

    def after_push(self, request: bytes) -> float:
        """Return the seconds of a scrape when one application has pushed."""
        return median(self._after_push(request) for _ in range(self._count))

    def _after_push(self, request: bytes) -> float:
        self._pushes += 1
        push = self._held[0].push(self._pushes)
        accepted(self._connection.exchange(push))
        return self.once(request)
