"""The loop: start what is due, send what comes of it, settle what Kafka has."""

import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from servicekit import Health, Stop
from site_checker.inbox import Threads
from site_checker.metrics import Metrics
from site_checker.outbox import Outbox
from site_checker.schedule import Schedule
from site_checker.slots import Run
from sites.result import Result

log = logging.getLogger(__name__)

# While Kafka is away this many results wait for it; then no more checks are started.
MOST_IN_HAND = 10_000

TURN_SECONDS = 0.05
STALL_SECONDS = 30
FINISH_SECONDS = 2.5

_LOGIN = re.compile("//[^/@]*@")


class Checker:
    """Runs checks as the schedule says, and counts a run as done once Kafka has it."""

    def __init__(
        self,
        schedule: Schedule,
        workers: Threads,
        examine: Callable[[Run], Result],
        outbox: Outbox,
        metrics: Metrics,
    ) -> None:
        self._schedule = schedule
        self._workers = workers
        self._examine = examine
        self._outbox = outbox
        self._metrics = metrics
        self._in_hand: set[Run] = set()
        self._running = 0
        self._delivered = 0
        self._told: dict[str, str] = {}

    def run(self, stop: Stop, health: Health) -> None:
        """Work until stopped, or until the schedule is over."""
        health.expect("checks", STALL_SECONDS)
        while not stop.is_set() and not self._schedule.over:
            health.beat("checks")
            for run in self._schedule.due(self._room()):
                self._start(run)
            self._metrics.in_hand.set(len(self._in_hand))
            self._workers.inbox.run(TURN_SECONDS)
        self._finish()

    def _room(self) -> int:
        return max(0, min(self._workers.free, MOST_IN_HAND - len(self._in_hand)))

    def _start(self, run: Run) -> None:
        if run in self._in_hand:  # leased again while its result still waits for Kafka
            return
        self._in_hand.add(run)
        self._running += 1
        self._workers.start(partial(self._examine, run), partial(self._conclude, run))

    def _conclude(self, run: Run, outcome: Future[Result]) -> None:
        self._running -= 1
        try:
            result = outcome.result()
        except Exception:
            # A bug in one check must not end the others; its lease ends by itself.
            log.exception("check failed by itself url=%s", _shown(run.check.url))
            self._in_hand.discard(run)
            return
        self._metrics.count(result)
        self._tell(result)
        self._outbox.send(result, partial(self._settle, run))

    def _settle(self, run: Run) -> None:
        self._in_hand.discard(run)
        self._delivered += 1
        self._metrics.delivered.inc()
        self._metrics.last_success.set_to_current_time()
        self._schedule.settle(run)

    def _tell(self, result: Result) -> None:
        """Log a check's first result, and each that differs from the one before."""
        if self._told.get(result.check_key) == result.reason:
            return
        self._told[result.check_key] = result.reason
        log.log(
            logging.INFO if result.success else logging.WARNING,
            "site %s url=%s code=%s seconds=%.3f%s",
            result.reason,
            _shown(result.url),
            result.response_code,
            result.response_time,
            f" error={result.error}" if result.error else "",
        )

    def _finish(self) -> None:
        """Let running checks end and results reach Kafka; hand back what does not."""
        deadline = time.monotonic() + FINISH_SECONDS
        while self._running and time.monotonic() < deadline:
            self._workers.inbox.run(TURN_SECONDS)
        self._outbox.close(FINISH_SECONDS)
        self._workers.inbox.run(0)
        self._schedule.close([*self._in_hand])
        log.info(
            "stopped delivered=%d handed_back=%d", self._delivered, len(self._in_hand)
        )


def _shown(url: str) -> str:
    """Return the URL without a login that it may contain."""
    return _LOGIN.sub("//", url)
