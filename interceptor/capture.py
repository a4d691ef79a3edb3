"""tcpdump at work: a connection a line, from its pipe into the backlog."""

import logging
import shlex
import signal
from collections.abc import Iterable
from functools import partial
from typing import Self

from prometheus_client import CollectorRegistry, Counter

from interceptor.backlog import Backlog
from interceptor.command import capture_command, with_mend
from interceptor.connection import parse
from interceptor.program import Process, Program
from interceptor.remarks import Remarks
from interceptor.settings import Settings
from interceptor.worker import Worker
from servicekit import Health, Stop

log = logging.getLogger(__name__)


class Capture:
    """Fills the backlog while the block runs; its thread does nothing else."""

    def __init__(
        self,
        settings: Settings,
        backlog: Backlog,
        registry: CollectorRegistry,
        health: Health,
        stop: Stop,
    ) -> None:
        self._command = capture_command(settings.interface, settings.ports)
        self._backlog = backlog
        self._health = health
        self._stop = stop
        self._remarks = Remarks(registry, health)
        self._unparsed = Counter(
            "interceptor_lines_unparsed",
            "Lines of tcpdump that are no connection",
            registry=registry,
        )
        self._restarts = Counter(
            "interceptor_tcpdump_restarts",
            "Times tcpdump ended by itself and was started again",
            registry=registry,
        )
        self._program = Program(
            "tcpdump", self._command, self._attend, self._on_end, stop
        )

    def __enter__(self) -> Self:
        """Start tcpdump."""
        log.info("tcmdump command running: %s", shlex.join(self._command))
        self._program.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """End tcpdump; what it had captured is in the backlog by then."""
        self._program.__exit__()

    def request_statistics(self) -> None:
        """Make tcpdump tell its counts; before it listens, the signal would kill it."""
        if self._remarks.listening:
            self._program.send_signal(signal.SIGUSR1)

    def read(self, lines: Iterable[bytes]) -> None:
        """Put each line's connection into the backlog; count the lines without one."""
        for line in lines:
            connection = parse(line)
            if connection is None:
                self._unparsed.inc()
                log.debug("line unparsed line=%r", line)
            else:
                self._backlog.add(connection)

    def _attend(self, process: Process) -> str:
        assert process.stdout is not None  # noqa: S101 - both are pipes
        assert process.stderr is not None  # noqa: S101
        hear = partial(self._remarks.hear, process.stderr)
        hearing = Worker("tcpdump remarks", hear, self._stop)
        hearing.start()
        self.read(process.stdout)
        hearing.finish()
        return self._remarks.last_complaint

    def _on_end(self, reason: str) -> None:
        self._restarts.inc()
        self._health.down("tcpdump", with_mend(reason))
