"""Shares applications with other proxies: push to any of them, scrape any of them.

Each proxy holds everything itself. What one takes it saves in Redis before it answers,
and the others learn of it within a second, or at once when they are scraped. While
Redis is away each serves what it has, takes what is pushed, and saves it later.
"""

import asyncio
import logging
from collections.abc import Set as AbstractSet

from exporter_proxy.metrics import StoreMetrics
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.exchange import Exchange
from exporter_proxy.store.intake import Intake
from exporter_proxy.store.link import Link
from exporter_proxy.store.table import Away, Changes, Table, Version

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0

# How long an answer waits for what others changed just before.
CATCH_UP_SECONDS = 0.2

STOP_SECONDS = 3

_TIDY_SECONDS = 30

# Others may save the same application between reading and writing; then again.
_ATTEMPTS = 10


class Shared:
    """One proxy's share. It is a Keeper."""

    def __init__(
        self,
        table: Table,
        intake: Intake,
        applications: Applications,
        metrics: StoreMetrics,
    ) -> None:
        self._table = table
        self._intake = intake
        self._clock = applications.clock
        self._metrics = metrics
        self._link = Link(metrics)
        self._exchange = Exchange(table, intake, applications, metrics)
        self._unsaved = self._exchange.unsaved
        self._versions = self._exchange.versions
        metrics.unsaved.set_function(lambda: len(self._unsaved))
        # Which Redis it was, by its connections and its epoch.
        self._server: tuple[int, str] | None = None
        self._since = 0
        self._tidy_at = 0.0
        self._waiting: list[asyncio.Future[None]] = []
        self._wanted = asyncio.Event()

    async def start(self) -> None:
        """Take over what is there, as far as Redis can be asked."""
        await self._round()

    async def run(self) -> None:
        """Follow what others change, until cancelled."""
        while True:
            delay = max(self._link.wait("read"), INTERVAL_SECONDS)
            try:
                async with asyncio.timeout(delay):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            self._wanted.clear()
            await self._round()

    async def close(self) -> None:
        """Save what is not saved yet, if that is quick, and let go of Redis."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._save_all()
        except TimeoutError:
            pass
        if self._unsaved:
            log.warning(
                "stopped with data that other proxies do not have applications=%d",
                len(self._unsaved),
            )
        await self._table.close()

    async def catch_up(self) -> None:
        """Wait until what others changed before now is here, but not for long."""
        if not self._link.works("read"):
            return
        caught_up = asyncio.get_running_loop().create_future()
        self._waiting.append(caught_up)
        self._wanted.set()
        await asyncio.wait([caught_up], timeout=CATCH_UP_SECONDS)

    async def taken(self, name: str, families: AbstractSet[bytes] | None) -> None:
        """Save an application's new data; while Redis is away, note that it is not."""
        self._exchange.taken(name, families)
        if self._link.works("read", "write"):
            await self._try_to_save(name, "always")

    async def deleted(self, name: str) -> bool:
        """Delete an application for everybody; return whether it was known to Redis."""
        known = self._versions.get(name) is not None
        self._exchange.deleted(name)
        if self._link.works("read", "write"):
            await self._try_to_save(name, "always")
        return known

    async def _round(self) -> None:
        waiting, self._waiting = self._waiting, []
        was_away = not self._link.works("read")
        try:
            await self._learn()
            self._link.worked("read")
        except Away as error:
            self._link.failed("read", error)
        for caught_up in waiting:
            if not caught_up.done():
                caught_up.set_result(None)
        if self._link.works("read") and (was_away or not self._link.wait("write")):
            await self._save_all()

    async def _learn(self) -> None:
        """Take over what others changed. Raises Away."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        changes = await self._changes()
        server = (self._table.connections_made, changes.epoch)
        if server != self._server:
            await self._compare_all()
            self._server = server
        else:
            while changes.versions:
                await self._exchange.take_over(changes.versions)
                self._since = changes.last
                changes = await self._changes()
        self._metrics.sync_duration.set(loop.time() - started)
        if started >= self._tidy_at:
            self._tidy_at = started + _TIDY_SECONDS
            await self._tidy()

    async def _tidy(self) -> None:
        await self._table.purge()
        self._exchange.forget()

    async def _compare_all(self) -> None:
        """Do as if nothing were known of Redis, for it may have lost anything."""
        stored: dict[str, Version | None] = {}
        self._since = 0
        while (changes := await self._changes()).versions:
            stored |= changes.versions
            self._since = changes.last
        self._exchange.miss(stored)
        await self._exchange.take_over(stored)

    async def _changes(self) -> Changes:
        asked_at = self._clock()
        changes = await self._table.changes(self._since)
        self._versions.compare_clocks(asked_at, changes.seconds)
        self._metrics.clock_offset.set(self._versions.offset)
        return changes

    async def _save_all(self) -> None:
        for name in self._unsaved:
            async with self._intake.turn(name):
                await self._try_to_save(name, "newest")
            if not self._link.works("write"):
                self._unsaved.postpone(name)
                return
        self._link.worked("write")

    async def _try_to_save(self, name: str, condition: str) -> None:
        """Save an application's last change, in its turn."""
        try:
            for _ in range(_ATTEMPTS):
                if change := self._unsaved.get(name):
                    await self._exchange.save(name, change, condition)
            self._link.worked("write")
        except Away as error:
            self._link.failed("write", error)
