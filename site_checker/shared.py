"""Checks shared with other checkers by Redis, and all run here while it is away.

While Redis does not answer, every checker runs every check itself, at the very slots
it would have had. Sites then get a request from each checker, and the rows stay single,
because a slot's results have one event id whoever ran it. Until an outage is noticed, a
few seconds pass; what was due in them is run then, each check once.
"""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

import redis

from servicekit import Backoff, Health
from site_checker.inbox import Threads
from site_checker.leases import Claim, Leases
from site_checker.metrics import Metrics
from site_checker.slots import Run, following, latest
from sites.config import Check

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
BUSY_POLL_SECONDS = 0.02
OUTAGE_SECONDS = 3
RECONNECT = Backoff(initial_seconds=0.5, maximum_seconds=5)
CLOSE_SECONDS = 1.5


class Shared:
    """The schedule of one checker among several. For the loop's thread.

    thread: asks Redis, so that no look-up of its name can keep checks from starting.
    """

    over = False

    def __init__(
        self,
        checks: Sequence[Check],
        leases: Leases,
        thread: Threads,
        health: Health,
        metrics: Metrics,
    ) -> None:
        self._checks = checks
        self._leases = leases
        self._thread = thread
        self._health = health
        self._metrics = metrics
        self._waiting: dict[str, Run] = {}
        self._settled: dict[str, Run] = {}
        self._question: Future[list[Claim]] | None = None
        self._ask_at = self._answered_at = time.monotonic()
        self._covered_to = _now()
        self._alone = False
        self._failures = 0
        self._delays = RECONNECT.delays()
        health.down("redis", "has not answered yet")

    def due(self, room: int) -> Sequence[Run]:
        """Return what was claimed, or what is due without Redis; ask for more."""
        now = time.monotonic()
        if self._question is None and now >= self._ask_at:
            self._ask(max(0, room - len(self._waiting)))
        if now - self._answered_at > OUTAGE_SECONDS:
            self._run_alone()
        keys = list(self._waiting)[:room]
        return [self._waiting.pop(key) for key in keys]

    def settle(self, run: Run) -> None:
        """Have Redis told with the next question."""
        self._settled[run.check.key] = run

    def close(self, unfinished: Sequence[Run]) -> None:
        """Tell Redis what is settled and give the rest back, if it answers at once."""
        settled = list(self._settled.values())
        waited_for = self._question

        def hand_back() -> None:
            claims = (
                waited_for.result() if waited_for and not waited_for.exception() else []
            )
            never_started = [claim.run for claim in claims]
            self._leases.settle(settled)
            self._leases.release([*unfinished, *self._waiting.values(), *never_started])

        try:
            self._thread.start(hand_back, lambda _: None).result(CLOSE_SECONDS)
        except (redis.RedisError, TimeoutError):
            seconds = self._leases.lease_seconds
            log.warning("leases not given back; they end within seconds=%g", seconds)

    def _ask(self, room: int) -> None:
        settled, asked_at = list(self._settled.values()), _now()
        if self._alone:
            question = partial(self._come_back, settled, asked_at)
        else:
            question = partial(self._claim, settled, room)
        then = partial(self._take_answer, settled, room, asked_at)
        self._question = self._thread.start(question, then)

    def _claim(self, settled: Sequence[Run], room: int) -> list[Claim]:
        self._leases.settle(settled)
        return self._leases.claim(room)

    def _come_back(self, settled: Sequence[Run], asked_at: int) -> list[Claim]:
        self._leases.settle(settled)
        next_slots = {check.key: following(check, asked_at) for check in self._checks}
        self._leases.move_on(next_slots)
        return []

    def _take_answer(
        self,
        settled: Sequence[Run],
        room: int,
        asked_at: int,
        answer: Future[list[Claim]],
    ) -> None:
        self._question = None
        try:
            claims = answer.result()
        except redis.RedisError as error:
            self._failed(error)
            return
        self._succeeded(asked_at)
        self._forget(settled)
        for claim in claims:
            self._waiting[claim.run.check.key] = claim.run
            self._metrics.schedule_delay.observe(claim.late_seconds)
            self._metrics.takeovers.inc(claim.taken_over)
        pause = BUSY_POLL_SECONDS if room and len(claims) == room else POLL_SECONDS
        self._ask_at = time.monotonic() + pause

    def _forget(self, settled: Sequence[Run]) -> None:
        for run in settled:
            if self._settled[run.check.key] == run:
                del self._settled[run.check.key]

    def _succeeded(self, asked_at: int) -> None:
        if self._alone:
            self._add_slots_to(asked_at)
            self._alone = False
            self._metrics.set_mode(alone=False)
            log.info("redis is back; sharing the checks again")
        self._answered_at = time.monotonic()
        self._covered_to = asked_at
        self._failures = 0
        self._delays = RECONNECT.delays()
        self._health.up("redis")

    def _failed(self, error: redis.RedisError) -> None:
        delay = next(self._delays)
        self._failures += 1
        self._ask_at = time.monotonic() + delay
        self._health.down("redis", str(error))
        log.warning(
            "redis failed attempt=%d retry_in_seconds=%.1f error=%s",
            self._failures,
            delay,
            error,
        )

    def _run_alone(self) -> None:
        if not self._alone:
            self._alone = True
            self._metrics.set_mode(alone=True)
            self._health.down("redis", f"no answer for {OUTAGE_SECONDS} s")
            log.warning("redis is away; running every check here")
        now = _now()
        if now - self._covered_to > POLL_SECONDS * 1000:
            self._add_slots_to(now)

    def _add_slots_to(self, now: int) -> None:
        """Have each check's last slot since the previous call run here."""
        for check in self._checks:
            slot = latest(check, now)
            if slot > self._covered_to:
                self._waiting[check.key] = Run(check, slot)
                self._metrics.schedule_delay.observe((now - slot) / 1000)
        self._covered_to = now


def _now() -> int:
    return time.time_ns() // 1_000_000
