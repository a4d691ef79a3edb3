"""How fast an application's pushes are taken, and that they are."""

from collections.abc import Iterator

from benchmarks.connection import get
from benchmarks.exporter_proxy import goals
from benchmarks.exporter_proxy.applications import PUSHES, Application
from benchmarks.exporter_proxy.bodies import first_name
from benchmarks.exporter_proxy.size import Size
from benchmarks.failure import Failed
from benchmarks.load import Load, repeat
from benchmarks.process import Running
from benchmarks.report import Measure
from benchmarks.scrape import scrape

CONNECTIONS = 4


def against_others(
    server: Running, application: Application, size: Size
) -> Iterator[tuple[Measure, float]]:
    """Yield how many pushes a second are taken from one application of others."""
    yield goals.PUSHES, steady(server, application, size).per_second
    by_four = repeat(server.port, application.pushes(), size.seconds, CONNECTIONS)
    yield goals.PUSHES_BY_FOUR, by_four.per_second
    new = repeat(server.port, application.pushes_of_new_series(), size.seconds)
    yield goals.PUSHES_OF_NEW_SERIES, new.per_second


def steady(server: Running, application: Application, size: Size) -> Load:
    """Push the same series with other values over and over.

    Raises Failed when the last push is not what is served then.
    """
    pushes = application.pushes()
    load = repeat(server.port, pushes, size.seconds)
    check_is_served(server, application, (len(load.latencies) - 1) % PUSHES)
    return load


def check_is_served(server: Running, application: Application, push: int) -> None:
    """Raise Failed unless an application's last push is what is served."""
    page = scrape(server.port, get("/metrics")).body()
    series = first_name(application.prefix).encode() + b"{"
    lines = [line for line in page.splitlines() if line.startswith(series)]
    if not any(float(line.split()[-1]) == push for line in lines):
        who = application.path or application.prefix
        raise Failed(f"push {push} of {who} was taken, but is not served")
