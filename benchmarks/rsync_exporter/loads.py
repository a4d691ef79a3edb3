"""How fast a log is counted, and what that costs."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.failure import Failed
from benchmarks.process import Running, running
from benchmarks.report import Measure
from benchmarks.rsync_exporter import counts, goals
from benchmarks.rsync_exporter.contenders import PATIENCE_SECONDS, Contender
from benchmarks.rsync_exporter.counts import Figures
from benchmarks.rsync_exporter.daemon_log import DaemonLog
from benchmarks.rsync_exporter.pages import Page, ask, await_page

MB = 1e6
SCRAPE_SECONDS = 5

# So seldom that the scrapes cost next to nothing of what is measured.
LOOK_SECONDS = 0.25


def of_whole_log(
    contender: Contender, log: DaemonLog, empty: Path
) -> Iterator[tuple[Measure, float]]:
    """Yield how fast a log is read that is there when the program starts."""
    seconds, counted = contender.read(log.path)
    # Of lines, mtail prints no number then.
    if (connections := counted.get(counts.CONNECTIONS)) != log.counts.connections:
        raise Failed(f"{contender.name} has {connections} connections")
    starting, _ = contender.read(empty)
    yield goals.READ, log.counts.lines / seconds
    yield goals.READ_NET, log.counts.lines / (seconds - starting)


def of_followed_log(
    contender: Contender, log: DaemonLog, scrapes: int
) -> Iterator[tuple[Measure, float]]:
    """Yield how fast lines are counted that come while the program runs."""
    with following(contender) as (server, path):
        before = server.processor_seconds()
        rate = _rate(server, contender, log, path)
        yield goals.FOLLOW, rate
        if contender.follow is contender.follow_soon:
            yield goals.FOLLOW_SOON, rate
        yield goals.FOLLOW_CPU, server.processor_seconds() - before
        yield goals.MEMORY, server.memory_bytes() / MB
        yield goals.IDLE, _idle_percent(server, scrapes)


def of_followed_soon(
    contender: Contender, log: DaemonLog
) -> Iterator[tuple[Measure, float]]:
    """Yield the same for a program that looks for lines as often as mtail."""
    if contender.follow is not contender.follow_soon:
        with following(contender, soon=True) as (server, path):
            yield goals.FOLLOW_SOON, _rate(server, contender, log, path)


def of_open_sessions(
    contender: Contender, log: DaemonLog, scrapes: int
) -> Iterator[tuple[Measure, float]]:
    """Yield what it costs to hold sessions that are not over."""
    with following(contender) as (server, path):
        append(log.path, path)
        page = await_lines(server, contender, log.counts.lines)
        active = page.total("rsyncd_sessions_active")
        if active not in (None, log.counts.connections):
            raise Failed(f"{contender.name} has {active} open sessions")
        yield goals.MEMORY_OPEN, server.memory_bytes() / MB
        if active is not None:
            yield goals.IDLE_OPEN, _idle_percent(server, scrapes)


@contextmanager
def following(
    contender: Contender, *, soon: bool = False
) -> Iterator[tuple[Running, Path]]:
    """Run a program on a log in which there is nothing yet, while the block runs.

    soon: looking for lines as often as mtail.
    """
    start = contender.follow_soon if soon else contender.follow
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rsyncd.log"
        path.touch()
        with running(start(path)) as server:
            await_lines(server, contender, 0)
            yield server, path


def append(source: Path, target: Path) -> None:
    """Write a file's content to the end of another."""
    with source.open("rb") as new, target.open("ab") as log:
        shutil.copyfileobj(new, log, 2**24)


def await_lines(server: Running, contender: Contender, lines: int) -> Page:
    """Return the page that has so many lines counted. Raises Failed."""
    page = await_page(
        server,
        lambda page: contender.figures(page).get(counts.LINES) == lines,
        patience_seconds=PATIENCE_SECONDS,
        pause_seconds=LOOK_SECONDS,
    )
    if (counted := contender.figures(page).get(counts.LINES)) != lines:
        raise Failed(f"{contender.name} has {counted} of {lines} lines")
    return page


def settled(server: Running, contender: Contender, expected: Figures) -> Figures:
    """Return what a program has counted when it had the time to count all."""

    def is_all(page: Page) -> bool:
        figures = contender.figures(page)
        return all(figures.get(name, 0) == n for name, n in expected.items())

    patience = contender.settle_seconds
    return contender.figures(await_page(server, is_all, patience_seconds=patience))


def _rate(server: Running, contender: Contender, log: DaemonLog, path: Path) -> float:
    """Return how many lines a second are counted of a log that is written at once."""
    began = time.perf_counter()
    append(log.path, path)
    await_lines(server, contender, log.counts.lines)
    return log.counts.lines / (time.perf_counter() - began)


def _idle_percent(server: Running, scrapes: int) -> float:
    """Return the share of a core that a program takes while nothing happens."""
    before = server.processor_seconds()
    for _ in range(scrapes):
        time.sleep(SCRAPE_SECONDS)
        ask(server)
    taken = server.processor_seconds() - before
    return 100 * taken / (scrapes * SCRAPE_SECONDS)
