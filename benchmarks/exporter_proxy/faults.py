"""What one application's mistake does to all the others, tried on each program."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.connection import Answer, Connection, get, put
from benchmarks.exporter_proxy.contenders import NO_CHECKS, ours, peer
from benchmarks.load import accepted
from benchmarks.process import Program, Running, running
from benchmarks.report import table as markdown_table

_NEIGHBOUR = """\
# TYPE neighbour_lines_total counter
neighbour_lines_total 5
# TYPE neighbour_seconds histogram
neighbour_seconds_bucket{le="1"} 2
neighbour_seconds_bucket{le="+Inf"} 2
neighbour_seconds_sum 1
neighbour_seconds_count 2
"""

# What is wrong with a push, and what it holds beside a good series.
_MISTAKES: Mapping[str, str] = {
    "a line that is none": "shop_orders total 5\n",
    "a series twice": "shop_orders 5\nshop_orders 6\n",
    "another type for a neighbour's family": (
        "# TYPE neighbour_lines_total gauge\nneighbour_lines_total 7\n"
    ),
    "the name of a neighbour's histogram's samples": (
        "# TYPE neighbour_seconds_count gauge\nneighbour_seconds_count 7\n"
    ),
    "a timestamp": "shop_orders 5 1700000000000\n",
}
_GOOD = "shop_up 1\n"

_ABOUT = (
    "What an application is answered, and what /metrics then holds of the rest of its "
    "push and of all others, tried in this run:\n\n"
)

_LIFETIME_SECONDS = 2
_PATIENCE_SECONDS = 6
_EFFECT_SECONDS = 1

_OK = 200

# Does something to a server, and says what came of it.
type Fault = Callable[[Running], Iterator[str]]


def table() -> str:
    """Try everything; return what happened, in Markdown."""
    programs = (ours(), peer(), peer(NO_CHECKS))
    mortal = (ours(ttl=str(_LIFETIME_SECONDS)), *programs[1:])
    return _ABOUT + markdown_table(
        ("an application pushes", *(program.name for program in programs)),
        [
            *(_row(what, _mistake(push), programs) for what, push in _MISTAKES.items()),
            _row("nothing any more", _silence, mortal),
        ],
    )


def _row(what: str, fault: Fault, programs: Iterable[Program]) -> tuple[str, ...]:
    return (what, *("; ".join(_tried(fault, program)) for program in programs))


def _tried(fault: Fault, program: Program) -> Iterator[str]:
    with running(program) as server:
        accepted(_push(server, "neighbour", _NEIGHBOUR))
        yield from fault(server)


def _mistake(push: str) -> Fault:
    def fault(server: Running) -> Iterator[str]:
        status = _push(server, "shop", _GOOD + push).status
        page = _page_after(server)
        yield f"answered {status}"
        yield "rest of it served" if b"\nshop_up" in page.body() else "rest of it lost"
        yield _state_of_others(page)

    return fault


def _silence(server: Running) -> Iterator[str]:
    accepted(_push(server, "shop", _GOOD))
    until = time.monotonic() + _PATIENCE_SECONDS
    while is_served := b"\nshop_up" in _page(server).body():
        if time.monotonic() > until:
            break
        time.sleep(0.1)
    lifetime = f"gone after its lifetime, here {_LIFETIME_SECONDS} s"
    yield f"its last push is {'served for ever' if is_served else lifetime}"


def _state_of_others(page: Answer) -> str:
    """Say what is left of everybody's metrics."""
    if page.status != _OK:
        return f"**all others lost**: /metrics answers {page.status}"
    try:
        series = list(_series(page.body().decode()))
    except ValueError as error:
        return f"**all others lost**: /metrics cannot be read: {error}"
    if len(set(series)) < len(series):
        return "**others harmed**: /metrics has a series twice"
    names = {name for name, _ in series}
    return "others unharmed" if "neighbour_lines_total" in names else "**others lost**"


def _series(text: str) -> Iterator[tuple[str, frozenset[tuple[str, str]]]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, frozenset(sample.labels.items())


def _push(server: Running, job: str, text: str) -> Answer:
    with Connection(server.port) as connection:
        return connection.exchange(put(f"/metrics/job/{job}", text.encode()))


def _page_after(server: Running) -> Answer:
    """Return the page once the push shows: an answer may come before its effect."""
    until = time.monotonic() + _EFFECT_SECONDS
    while (page := _page(server)).status == _OK and b"shop" not in page.body():
        if time.monotonic() > until:
            break
        time.sleep(0.01)
    return page


def _page(server: Running) -> Answer:
    with Connection(server.port, 2**20) as connection:
        return connection.exchange(get("/metrics"))
