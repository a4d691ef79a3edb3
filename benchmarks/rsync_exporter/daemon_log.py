"""The log of a mirror's busy daemon: made up, the same at every run."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from benchmarks.rsync_exporter.counts import Counts
from benchmarks.rsync_exporter.names import Names, draw
from benchmarks.rsync_exporter.visits import (
    KINDS,
    VERSION,
    Burst,
    Visit,
    module_list,
    open_pull,
    scan,
    unresolved,
)

START = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
DURATION = timedelta(hours=3)
AT_ONCE = 100
SEED = 873
MASTER_PID = 700
MOST_PIDS = 4_000_000

# Sessions of which no end is logged are over after a while. None of them begins in the
# last part of the log, so that it has no open session when it ends.
SCANS = 0.03
LAST_SCAN = 0.8

_KINDS, _WEIGHTS = tuple(KINDS), tuple(accumulate(KINDS.values()))
_WRITE_LINES = 10_000


@dataclass(frozen=True)
class DaemonLog:
    """A written log, and what it says."""

    path: Path
    counts: Counts


def write_clean(
    path: Path, lines: int, start: datetime = START, duration: timedelta = DURATION
) -> DaemonLog:
    """Write a log of so many lines, at least ten, of sessions that all are over."""
    chance, counts = random.Random(SEED), Counts(lines)  # noqa: S311 - no secret
    visits = _visits(chance, draw(chance), lines - 1, counts)
    _write(path, _stamped(_interleaved(chance, visits), lines, start, duration))
    return DaemonLog(path, counts)


def write_open(path: Path, sessions: int) -> DaemonLog:
    """Write a log of pulls of which none is over."""
    chance = random.Random(SEED)  # noqa: S311 - no secret
    names = draw(chance)
    visits = [open_pull(chance, names) for _ in range(sessions)]
    counts = Counts(1 + sum(map(Visit.lines, visits)), sessions, sessions)
    lines = _stamped(_interleaved(chance, iter(visits)), counts.lines, START, DURATION)
    _write(path, lines)
    return DaemonLog(path, counts)


def _visits(
    chance: random.Random, names: Names, lines: int, counts: Counts
) -> Iterator[Visit]:
    """Yield sessions that have exactly so many lines, and count them."""
    left = lines
    while left:
        visit = _visit(chance, names, has_scans=left > lines * (1 - LAST_SCAN))
        if left - visit.lines() < 2 and left != visit.lines():
            visit = (unresolved if left % 2 else module_list)(chance, names)
        counts.add(visit)
        left -= visit.lines()
        yield visit


def _visit(chance: random.Random, names: Names, *, has_scans: bool) -> Visit:
    if has_scans and chance.random() < SCANS:
        return scan(chance, names)
    (make,) = chance.choices(_KINDS, cum_weights=_WEIGHTS)
    return make(chance, names)


def _interleaved(
    chance: random.Random, visits: Iterator[Visit]
) -> Iterator[tuple[str, Burst]]:
    """Yield what many sessions log at once: what names the process, and messages."""
    start = f"rsyncd version {VERSION} starting, listening on port 873"
    yield f"[{MASTER_PID}] ", (start,)
    pid, running = MASTER_PID, list[tuple[str, Iterator[Burst]]]()
    while True:
        while len(running) < AT_ONCE and (visit := next(visits, None)):
            pid = pid % MOST_PIDS + chance.randint(1, 3)
            running.append((f"[{pid}] ", iter(visit.bursts)))
        if not running:
            return
        turn = int(chance.random() * len(running))
        process, bursts = running[turn]
        burst = next(bursts, None)
        if burst is None:
            running[turn] = running[-1]
            running.pop()
            continue
        yield process, burst


def _stamped(
    bursts: Iterator[tuple[str, Burst]],
    count: int,
    start: datetime,
    duration: timedelta,
) -> Iterator[str]:
    """Yield lines with their time; they come at an even pace, but for the bursts."""
    seconds = int(duration.total_seconds())
    number, shown, stamp = 0, -1, ""
    for process, burst in bursts:
        if (second := number * seconds // count) != shown:
            shown = second
            stamp = f"{start + timedelta(seconds=second):%Y/%m/%d %H:%M:%S} "
        for message in burst:
            yield f"{stamp}{process}{message}\n"
        number += len(burst)


def _write(path: Path, lines: Iterator[str]) -> None:
    with path.open("w", encoding="ascii", buffering=2**20) as file:
        file.writelines(lines)
