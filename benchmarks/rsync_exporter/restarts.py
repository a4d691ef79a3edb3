"""A very long log, and going on after a restart; ours alone."""

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.process import running
from benchmarks.report import Measure
from benchmarks.rsync_exporter import goals
from benchmarks.rsync_exporter.contenders import OURS, Contender, ours
from benchmarks.rsync_exporter.counts import both, check
from benchmarks.rsync_exporter.daemon_log import DaemonLog
from benchmarks.rsync_exporter.loads import MB, append, await_lines, settled


def of_long_log(
    contender: Contender, log: DaemonLog, more: DaemonLog
) -> Iterator[tuple[Measure, float]]:
    """Yield what ours does with a log that it reads once, and goes on reading later.

    Raises Failed when anything of both logs is not counted, or counted twice.
    """
    checkpoint = str(Path(log.path).with_suffix(".checkpoint"))
    program = ours(log.path, checkpoint=checkpoint)
    began = time.perf_counter()
    with running(program) as server:
        await_lines(server, contender, log.counts.lines)
        yield goals.LONG, log.counts.lines / (time.perf_counter() - began)
        yield goals.LONG_MEMORY, server.memory_bytes() / MB
        expected = log.counts.figures()
        check(OURS, expected, settled(server, contender, expected))
    append(more.path, log.path)
    expected = both(log.counts.figures(), more.counts.figures())
    began = time.perf_counter()
    with running(program) as server:
        await_lines(server, contender, log.counts.lines + more.counts.lines)
        yield goals.RESTART, time.perf_counter() - began
        check(OURS, expected, settled(server, contender, expected))
