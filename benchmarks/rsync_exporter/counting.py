"""What each program counts, of the clean log and of hostile ones."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import table
from benchmarks.rsync_exporter import counts, hostile
from benchmarks.rsync_exporter.contenders import OURS, Contender
from benchmarks.rsync_exporter.counts import Figures
from benchmarks.rsync_exporter.daemon_log import DaemonLog
from benchmarks.rsync_exporter.loads import (
    MB,
    append,
    await_lines,
    following,
    settled,
)
from benchmarks.rsync_exporter.pages import Page, await_page

_PATIENCE_SECONDS = 8

_NOT_COUNTED = "—"


def of_clean_log(contenders: Sequence[Contender], log: DaemonLog) -> str:
    """Return a table of what each counts. Raises Failed where ours is not right."""
    expected = log.counts.figures()
    counted = [_counted(contender, log, expected) for contender in contenders]
    names = (contender.name for contender in contenders)
    return "What each counts of that log:\n\n" + table(
        ("of the clean log", "expected", *names),
        (
            (name, f"{number:,}", *(_cell(each.get(name), number) for each in counted))
            for name, number in expected.items()
        ),
    )


def of_hostile_logs(
    contenders: Sequence[Contender], lost_sessions: int, folder: Path
) -> str:
    """Return a table of what each counts of hostile logs."""
    return (
        "What each counts where names, clients and daemons are less kind; what is"
        " wrong is bold:\n\n"
    ) + table(
        ("in the log", "asked", "expected", *(each.name for each in contenders)),
        [
            *(_tried(case, contenders, folder) for case in hostile.cases()),
            _lost(lost_sessions, contenders, folder),
        ],
    )


def _counted(contender: Contender, log: DaemonLog, expected: Figures) -> Figures:
    with following(contender) as (server, path):
        append(log.path, path)
        await_lines(server, contender, log.counts.lines)
        counted = settled(server, contender, expected)
    if contender.name == OURS:
        counts.check(OURS, expected, counted)
    return counted


def _tried(
    case: hostile.Case, contenders: Sequence[Contender], folder: Path
) -> tuple[str, ...]:
    log = folder / "hostile.log"
    log.write_bytes(b"".join(case.lines))
    found = (_answer(case, contender, log) for contender in contenders)
    cells = (_cell(number, case.expected) for number in found)
    return (case.what, case.asked, f"{case.expected:,}", *cells)


def _answer(case: hostile.Case, contender: Contender, log: Path) -> float | None:
    """Return what a program says when asked, once it is right or time is over."""
    lines = log.read_bytes().count(b"\n")

    def answer(page: Page) -> float | None:
        if case.asked == hostile.MADE_UP_SERIES:
            return _made_up_series(page)
        return contender.figures(page).get(case.asked)

    with following(contender) as (server, path):
        append(log, path)
        await_page(
            server,
            lambda page: contender.figures(page).get(counts.LINES, 0) >= lines,
            patience_seconds=_PATIENCE_SECONDS,
        )
        page = await_page(
            server,
            lambda page: answer(page) == case.expected,
            patience_seconds=contender.settle_seconds,
        )
        return answer(page)


def _made_up_series(page: Page) -> int:
    return sum(
        any(hostile.MADE_UP in value for value in sample.labels.values())
        for sample in page.samples
    )


def _lost(count: int, contenders: Sequence[Contender], folder: Path) -> tuple[str, ...]:
    log = folder / "lost.log"
    log.write_bytes(b"".join(hostile.lost_sessions(count)))
    grown = [_growth(contender, log, count) for contender in contenders]
    what = f"{count:,} clients that connect and go away, one each second"
    return (what, "more memory", "little", *grown)


def _growth(contender: Contender, log: Path, lines: int) -> str:
    with following(contender) as (server, path):
        append(log, path)
        before = server.memory_bytes()
        await_lines(server, contender, lines)
        return f"{(server.memory_bytes() - before) / MB:.0f} MB"


def _cell(number: float | None, expected: float) -> str:
    if number is None:
        return _NOT_COUNTED
    shown = f"{number:,.0f}"
    return shown if number == expected else f"**{shown}**"
