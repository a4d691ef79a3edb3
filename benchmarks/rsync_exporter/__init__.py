"""The exporter beside mtail: reading, memory, idling, and what is counted."""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.report import Figures, Measure, Report, Row
from benchmarks.rsync_exporter import counting, goals, loads, restarts
from benchmarks.rsync_exporter.contenders import OURS, contenders
from benchmarks.rsync_exporter.daemon_log import (
    DURATION,
    START,
    DaemonLog,
    write_clean,
    write_open,
)
from benchmarks.rsync_exporter.size import FULL, SMALL, Size

log = logging.getLogger(__name__)

_ABOUT = (
    "The first two rows are of `--once` and mtail's `--one_shot`, which print what a"
    " log holds and exit; the others are of both as services that are scraped. By"
    " default mtail looks for lines four times a second, and the exporter once: so one"
    " row has the exporter's interval set to mtail's."
    " rsyncd.mtail is mtail's own example program; six_counters.mtail is ours, as fast"
    " as we could make it, and counts only what the exporter's six oldest metrics do."
)


def run(*, small: bool) -> Report:
    """Measure everything; a small run is over soon, but its figures prove nothing."""
    size = SMALL if small else FULL
    with tempfile.TemporaryDirectory() as folder:
        return _run(size, Path(folder), small=small)


def _run(size: Size, folder: Path, *, small: bool) -> Report:
    figures, everybody = Figures(), contenders()
    log.info("writing logs")
    clean = write_clean(folder / "clean.log", size.lines)
    remarks = [
        _ABOUT,
        counting.of_clean_log(everybody, clean),
        counting.of_hostile_logs(everybody, size.lost_sessions, folder),
    ]
    for number in range(size.rounds):
        log.info("round %d of %d", number + 1, size.rounds)
        _round(size, clean, folder, figures)
    log.info("%s: a long log", OURS)
    _add(figures, OURS, _long(size, folder, figures))
    if small:
        remarks.insert(
            0, "**A small run**: with less of everything than the table says."
        )
    return Report("rsync_exporter", list(_rows(figures)), remarks)


def _round(size: Size, clean: DaemonLog, folder: Path, figures: Figures) -> None:
    empty = folder / "empty.log"
    empty.touch()
    opened = write_open(folder / "open.log", size.open_sessions)
    for each in contenders():
        log.info("%s", each.name)
        _add(figures, each.name, loads.of_whole_log(each, clean, empty))
        _add(figures, each.name, loads.of_followed_log(each, clean, size.idle_scrapes))
        _add(figures, each.name, loads.of_followed_soon(each, clean))
        _add(
            figures, each.name, loads.of_open_sessions(each, opened, size.idle_scrapes)
        )


def _long(
    size: Size, folder: Path, figures: Figures
) -> Iterator[tuple[Measure, float]]:
    # At the same pace as the other log: how much is known at a time depends on that.
    duration = DURATION * (size.many_lines / size.lines)
    long = write_clean(folder / "long.log", size.many_lines, duration=duration)
    more = write_clean(folder / "more.log", size.more_lines, START + duration)
    for measure, figure in restarts.of_long_log(contenders()[0], long, more):
        yield measure, figure
        if measure == goals.LONG_MEMORY:
            yield goals.LONG_GROWTH, figure / figures.median(OURS, goals.MEMORY)


def _add(figures: Figures, who: str, found: Iterable[tuple[Measure, float]]) -> None:
    """Note figures under each of the targets that they have."""
    for measure, figure in found:
        figures.add(who, ((each, figure) for each in goals.variants(measure)))


def _rows(figures: Figures) -> Iterator[Row]:
    _, example, six = contenders()
    for measure in goals.BESIDE_EXAMPLE:
        yield figures.row(measure, OURS, example.name)
    for measure in goals.BESIDE_SIX:
        yield figures.row(measure, OURS, six.name)
    for measure in goals.ALONE:
        yield figures.row(measure, OURS)
