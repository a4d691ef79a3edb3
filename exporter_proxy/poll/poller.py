"""Polls other exporters, each target at a pace of its own."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp

from exporter_proxy.config import Config
from exporter_proxy.exposition.body import Reader
from exporter_proxy.exposition.rules import Rules
from exporter_proxy.metrics import Metrics
from exporter_proxy.poll.fetch import fetch, open_session
from exporter_proxy.poll.target import Target, targets
from exporter_proxy.refusals import Refused
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.intake import Delivery, Intake, Origin
from exporter_proxy.store.policies import Policies
from servicekit import Health

log = logging.getLogger(__name__)

# A target is first asked at some moment within its interval, and within this time.
FIRST_POLL_SECONDS = 5.0


class Parts(NamedTuple):
    """The parts of the proxy that a poll has to do with."""

    intake: Intake
    applications: Applications
    metrics: Metrics
    health: Health


class Polling:
    """Polls every target of the configuration, one beside the other."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tasks: dict[Target, asyncio.Task[None]] = {}
        self._names: frozenset[str] = frozenset()

    def __contains__(self, name: object) -> bool:
        """Return whether an application is a target that is polled."""
        return name in self._names

    def __len__(self) -> int:
        """Return how many targets are polled."""
        return len(self._tasks)

    @asynccontextmanager
    async def running(self, config: Config) -> AsyncIterator[None]:
        """Poll while the block runs."""
        async with open_session() as self._session, asyncio.TaskGroup() as self._group:
            await self.apply(config)
            try:
                yield
            finally:
                await self._stop(self._tasks.keys())

    async def apply(self, config: Config) -> None:
        """Poll what this configuration names from now on; only within ``running``.

        A target that is not named any more goes with its data; one whose settings
        changed keeps its data; one that is as before notices nothing.
        """
        wanted = targets(config)
        gone = self._names - wanted.keys()
        await self._stop(self._tasks.keys() - set(wanted.values()))
        self._names = frozenset(wanted)
        for name in gone:
            await self._forget(name)
        for name, target in wanted.items():
            if target not in self._tasks:
                self._start(name, target)

    def _start(self, name: str, target: Target) -> None:
        self._parts.applications.expect(name, "poll", target.source)
        polls = Poller(target, self._parts).run(self._session)
        self._tasks[target] = self._group.create_task(polls, name=f"poll {name}")

    async def _stop(self, which: Iterable[Target]) -> None:
        tasks = [self._tasks.pop(target) for target in tuple(which)]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _forget(self, name: str) -> None:
        await self._parts.intake.delete(name)
        self._parts.metrics.poll_duration.remove(name)
        self._parts.health.forget(name)


class Poller:
    """Polls one target until cancelled."""

    def __init__(self, target: Target, parts: Parts) -> None:
        self._target = target
        self._parts = parts
        self._origin = Origin(target.name, "poll", target.source)
        self._duration = parts.metrics.poll_duration.labels(target.name)

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Poll at a steady pace; a random start keeps targets apart from each other."""
        interval = self._target.interval
        self._parts.health.expect(
            self._origin.application, 3 * (interval + self._target.timeout) + 1
        )
        start = random.uniform(0, min(interval, FIRST_POLL_SECONDS))  # noqa: S311 - no secret
        due = time.monotonic() + start
        while True:
            await asyncio.sleep(due - time.monotonic())
            try:
                await self._poll(session)
            except Exception:  # one target must not end the polling of all others
                log.exception("poll failed target=%s", self._target.name)
            else:
                self._parts.health.beat(self._origin.application)
            late = max(0, time.monotonic() - due)
            due += interval * (1 + late // interval)

    async def _poll(self, session: aiohttp.ClientSession) -> None:
        """Fetch the target's metrics once; the last good ones stay if that fails."""
        started = time.monotonic()
        try:
            body = await fetch(session, self._target)
        except Refused as refused:
            self._parts.intake.refuse(self._origin, refused)
            return
        finally:
            self._duration.set(time.monotonic() - started)
        try:
            await self._parts.intake.take(Delivery(self._origin, body))
        except Refused:
            return  # the intake noted it already


async def problems(config: Config) -> Iterable[str]:
    """Poll every target once; return a line for each that failed."""
    policies = Policies(config)
    async with open_session() as session:
        found = await asyncio.gather(
            *(
                _problem(session, target, policies.of(name, "poll", {}).rules)
                for name, target in targets(config).items()
            )
        )
    return filter(None, found)


async def _problem(
    session: aiohttp.ClientSession, target: Target, rules: Rules
) -> str | None:
    try:
        Reader(rules).read(await fetch(session, target))
    except Refused as refused:
        return f"{target.name}: {refused}"
    return None
