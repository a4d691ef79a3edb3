"""The programs that are compared: ours, and mtail with two of its programs."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks import peers
from benchmarks.process import Program, output_of, running
from benchmarks.rsync_exporter import counts
from benchmarks.rsync_exporter.counts import Figures
from benchmarks.rsync_exporter.pages import Page, await_page, read

OURS = "rsync_exporter"
EXAMPLE = Path("/usr/share/doc/mtail/examples/rsyncd.mtail")
SIX_COUNTERS = Path(__file__).with_name("six_counters.mtail")

PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Contender:
    """A program that counts what is in a log.

    follow: how it is started on a log. figures: what a page of it says.
    read: reads a whole log of so many lines as fast as the program can, from its
        start; returns how many seconds that took, and what it says then.
    settle_seconds: how long after the last line all of it is counted, at the latest.
    """

    name: str
    follow: Callable[[Path], Program]
    figures: Callable[[Page], Figures]
    read: Callable[[Path, int], tuple[float, Page]]
    settle_seconds: float


@cache
def contenders() -> tuple[Contender, Contender, Contender]:
    """Return ours, mtail with its own program, and mtail with six counters."""
    return (
        Contender(OURS, ours, our_figures, read_by_us, settle_seconds=8),
        _mtail(EXAMPLE, _example_figures),
        _mtail(SIX_COUNTERS, _six_figures),
    )


def ours(log: Path, **settings: str) -> Program:
    """Return the exporter with its defaults, but for the settings of these names."""
    set_by_environment = (
        f"RSYNC_EXPORTER_{name.upper()}={value}" for name, value in settings.items()
    )
    exporter = (sys.executable, "-m", "rsync_exporter")
    arguments = ("-p", str(log), "-s", "1", "-x", "{port}")
    return Program(
        OURS, "/metrics", ("env", *set_by_environment, *exporter, *arguments)
    )


def read_by_us(log: Path, lines: int, **settings: str) -> tuple[float, Page]:
    """Start the exporter, and wait for it to show all. Raises Failed and OSError."""
    began = time.perf_counter()
    with running(ours(log, **settings)) as server:
        page = await_page(
            server,
            lambda page: our_figures(page).get(counts.LINES) == lines,
            patience_seconds=PATIENCE_SECONDS,
        )
        return time.perf_counter() - began, page


def our_figures(page: Page) -> Figures:
    """Return what the exporter has counted."""
    six = _six_figures(page)
    return {
        # An empty log has no series of its lines, but the daemon's counts begin then.
        **({counts.LINES: 0.0} if six else {}),
        **six,
        **_found(
            page,
            {
                counts.LINES: "rsync_exporter_lines_total",
                counts.FILES: "rsyncd_files_total",
                counts.SECONDS: "rsyncd_session_duration_seconds_sum",
            },
        ),
        **{
            counts.sessions(*ending): number
            for ending, number in page.by(
                "rsyncd_sessions_total", "direction", "outcome"
            ).items()
        },
    }


def _mtail(program: Path, figures: Callable[[Page], Figures]) -> Contender:
    """Return mtail, which reads a log that is there already only when told ``once``."""

    def read_once(log: Path, _: int) -> tuple[float, Page]:
        began = time.perf_counter()
        printed = output_of(peers.mtail_once(program, log), PATIENCE_SECONDS)
        return time.perf_counter() - began, read(printed)

    def all_figures(page: Page) -> Figures:
        return {**_found(page, {counts.LINES: "mtail_lines_total"}), **figures(page)}

    def follow(log: Path) -> Program:
        return peers.mtail(program, log)

    return Contender(follow(Path()).name, follow, all_figures, read_once, 1)


def _example_figures(page: Page) -> Figures:
    moved = page.by("bytes_total", "operation")
    return {
        **_found(
            page,
            {
                counts.CONNECTIONS: "connections_total",
                counts.FILES: "transfers_total",
                counts.SECONDS: "connection_time_total",
            },
        ),
        counts.SENT: moved.get(("sent",), 0),
        counts.RECEIVED: moved.get(("received",), 0),
    }


def _six_figures(page: Page) -> Figures:
    return {
        **_found(
            page,
            {
                counts.CONNECTIONS: "rsync_connections_total",
                counts.TRANSFERS: "rsync_executions_total",
                counts.SENT: "rsync_data_sent_bytes_total",
                counts.RECEIVED: "rsync_data_received_bytes_total",
                counts.EXCHANGED: "rsync_exchange_data_bytes_total",
            },
        ),
        **{
            counts.errors(code): number
            for (code,), number in page.by(
                "rsync_service_error_total", "status_code"
            ).items()
        },
    }


def _found(page: Page, metrics: Mapping[str, str]) -> Figures:
    totals = {name: page.total(metric) for name, metric in metrics.items()}
    return {name: total for name, total in totals.items() if total is not None}
