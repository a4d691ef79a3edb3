"""The proxy beside the Prometheus Pushgateway: pushes, scrapes, memory, mistakes."""

import logging
from collections.abc import Iterator, Sequence

from benchmarks import sink
from benchmarks.exporter_proxy import crowd, faults, goals, messages, pushes, scrapes
from benchmarks.exporter_proxy.applications import (
    FIRST_PUSH,
    Application,
    copies,
    different,
)
from benchmarks.exporter_proxy.contenders import OURS, ours, peer
from benchmarks.exporter_proxy.size import FULL, SMALL, Size
from benchmarks.load import repeat, send
from benchmarks.process import Program, Running, running
from benchmarks.report import Figures, Measure, Report, Row

log = logging.getLogger(__name__)

_NO_CONNECTIONS = "without them"


def run(*, small: bool) -> Report:
    """Measure everything; a small run is over soon, but its figures prove nothing."""
    size, figures = SMALL if small else FULL, Figures()
    for number in range(size.rounds):
        log.info("round %d of %d", number + 1, size.rounds)
        for program in (ours(), peer()):
            figures.add(program.name, _different(program, size))
            figures.add(program.name, _copies(program, size))
        figures.add(OURS, _many(size))
        _crowded(size, figures)
    remarks = [_ceiling(size), faults.table()]
    if small:
        remarks.insert(
            0, "**A small run**: with less of everything than the table says."
        )
    return Report("exporter_proxy", list(_rows(figures)), remarks)


def _different(program: Program, size: Size) -> Iterator[tuple[Measure, float]]:
    """Measure a program with applications that have metrics of their own."""
    log.info("%s: different applications", program.name)
    pusher, *others = different(size.others + 1)
    with running(program) as server:
        alone = pushes.steady(server, pusher, size).per_second
    yield goals.PUSHES_ALONE, alone
    with running(program) as server:
        _hold(server, others)
        yield from scrapes.of_all(server, others, size)
        among = dict(pushes.against_others(server, pusher, size))
    yield from among.items()
    yield goals.COST_OF_A_HUNDRED, alone / among[goals.PUSHES]


def _copies(program: Program, size: Size) -> Iterator[tuple[Measure, float]]:
    """Measure a program with applications that all have the same metrics."""
    log.info("%s: copies of one application", program.name)
    pusher, *others = copies(size.others + 1)
    with running(program) as server:
        _hold(server, others)
        yield from scrapes.of_copies(server, others, size)
        beside_copies = pushes.steady(server, pusher, size)
        yield goals.PUSHES_BESIDE_COPIES, beside_copies.per_second


def _many(size: Size) -> Iterator[tuple[Measure, float]]:
    """Measure ours with a million series."""
    log.info("%s: a million series", OURS)
    held = different(size.many)
    with running(ours(acknowledge=True)) as server:
        alone = pushes.steady(server, held[0], size).per_second
        _hold(server, held)
        yield from scrapes.of_a_million(server, held, size)
        among = pushes.steady(server, held[0], size).per_second
        yield goals.PUSHES_AMONG_A_THOUSAND, among
        yield goals.COST_OF_A_THOUSAND, alone / among
        yield from messages.by_json(server, size)


def _crowded(size: Size, figures: Figures) -> None:
    """Measure ours with idle connections and without them."""
    log.info("%s: idle connections", OURS)
    pusher, *others = different(size.others + 1)
    with running(ours(connections=size.idle_connections)) as server:
        _hold(server, others)
        figures.add(_NO_CONNECTIONS, crowd.latencies(server, pusher, size.seconds))
        with crowd.idle(server, size.idle_connections):
            figures.add(OURS, crowd.latencies(server, pusher, size.seconds))


def _hold(server: Running, applications: Sequence[Application]) -> None:
    send(server.port, [each.push(FIRST_PUSH) for each in applications])


def _ceiling(size: Size) -> str:
    """Return what the client can do at most, in words."""
    (application,) = different(1)
    with running(sink.PROGRAM) as server:
        one, four = (
            repeat(server.port, application.pushes(), size.seconds, connections)
            for connections in (1, pushes.CONNECTIONS)
        )
    return (
        "The client is not the limit: to a server that only reads and answers "
        f"it pushes {one.per_second:,.0f} times a second over one connection and "
        f"{four.per_second:,.0f} times over {pushes.CONNECTIONS}."
    )


def _rows(figures: Figures) -> Iterator[Row]:
    for measure in goals.BESIDE_THE_PEER:
        yield figures.row(measure, OURS, peer().name)
    for measure in goals.ALONE:
        yield figures.row(measure, OURS)
    for measure in goals.BESIDE_NO_CONNECTIONS:
        yield figures.row(measure, OURS, _NO_CONNECTIONS)
