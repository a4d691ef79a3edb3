"""The programs that are compared: ours, and mtail with two of its programs."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from benchmarks import peers
from benchmarks.process import Program, output_of
from benchmarks.rsync_exporter import counts
from benchmarks.rsync_exporter.counts import Figures
from benchmarks.rsync_exporter.pages import Page, read

OURS = "rsync_exporter"
EXAMPLE = Path("/usr/share/doc/mtail/examples/rsyncd.mtail")
SIX_COUNTERS = Path(__file__).with_name("six_counters.mtail")

PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Contender:
    """A program that counts what is in a log.

    follow: how it is started on a log.
    follow_soon: the same, looking for lines every 0.25 s, as mtail does by default.
    figures: what a page of it says.
    once: the command that prints what is in a whole log.
    settle_seconds: how long after the last line all of it is counted, at the latest.
    """

    name: str
    follow: Callable[[Path], Program]
    follow_soon: Callable[[Path], Program]
    figures: Callable[[Page], Figures]
    once: Callable[[Path], Sequence[str]]
    settle_seconds: float

    def read(self, log: Path) -> tuple[float, Figures]:
        """Count a whole log; return how many seconds that took, and what is in it."""
        began = time.perf_counter()
        printed = output_of(self.once(log), PATIENCE_SECONDS)
        return time.perf_counter() - began, self.figures(read(printed))


@cache
def contenders() -> tuple[Contender, Contender, Contender]:
    """Return ours, mtail with its own program, and mtail with six counters."""
    return (
        Contender(
            *(OURS, ours, partial(ours, interval_seconds="0.25")),
            *(our_figures, _ours_once),
            settle_seconds=8,
        ),
        _mtail(EXAMPLE, _example_figures),
        _mtail(SIX_COUNTERS, _six_figures),
    )


def ours(log: Path, **settings: str) -> Program:
    """Return the exporter with its defaults, but for the settings of these names."""
    set_by_environment = (
        f"RSYNC_EXPORTER_{name.upper()}={value}" for name, value in settings.items()
    )
    exporter = (sys.executable, "-m", "rsync_exporter")
    arguments = ("-p", str(log), "-x", "{port}")
    return Program(
        OURS, "/metrics", ("env", *set_by_environment, *exporter, *arguments)
    )


def _ours_once(log: Path) -> Sequence[str]:
    return (sys.executable, "-m", "rsync_exporter", "--once", str(log))


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
    def all_figures(page: Page) -> Figures:
        return {**_found(page, {counts.LINES: "mtail_lines_total"}), **figures(page)}

    def follow(log: Path) -> Program:
        return peers.mtail(program, log)

    return Contender(
        *(follow(Path()).name, follow, follow),
        *(all_figures, partial(peers.mtail_once, program)),
        settle_seconds=1,
    )


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
