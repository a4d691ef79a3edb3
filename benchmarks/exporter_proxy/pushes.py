"""How fast an application's pushes are taken, and that they are."""

import json
import socket
import time
from collections.abc import Iterator

from benchmarks.connection import get
from benchmarks.exporter_proxy import goals
from benchmarks.exporter_proxy.applications import PUSHES, Application
from benchmarks.exporter_proxy.bodies import body, first_name
from benchmarks.exporter_proxy.size import Size
from benchmarks.failure import Failed
from benchmarks.load import Load, repeat
from benchmarks.process import Running
from benchmarks.report import Measure
from benchmarks.scrape import scrape

CONNECTIONS = 4

# A connection to the TCP receiver is answered by its end.
_RECEIVER_SECONDS = 30


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
    _check_is_served(server, application, (len(load.latencies) - 1) % PUSHES)
    return load


def by_json(server: Running, size: Size) -> float:
    """Return how many JSON messages a second are taken, each on its connection."""
    texts = [body("json", number).decode() for number in range(PUSHES)]
    messages = [json.dumps({"json": text}).encode() for text in texts]
    began, count = time.perf_counter(), 0
    while time.perf_counter() < began + size.seconds:
        _send_json(server.second_port, messages[count % PUSHES])
        count += 1
    rate = count / (time.perf_counter() - began)
    _check_is_served(server, Application("", "json"), (count - 1) % PUSHES)
    return rate


def _send_json(port: int, message: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), _RECEIVER_SECONDS) as client:
        client.sendall(message)
        client.shutdown(socket.SHUT_WR)
        client.recv(1)


def _check_is_served(server: Running, application: Application, push: int) -> None:
    page = scrape(server.port, get("/metrics")).body()
    series = first_name(application.prefix).encode() + b"{"
    lines = [line for line in page.splitlines() if line.startswith(series)]
    if not any(float(line.split()[-1]) == push for line in lines):
        who = application.path or application.prefix
        raise Failed(f"push {push} of {who} was taken, but is not served")
