"""Shares applications with other proxies: push to any of them, scrape any of them.

Each proxy holds everything itself. What one takes it saves in Redis before it answers,
and the others learn of it within a second, or at once when they are scraped. While
Redis is away each serves what it has, takes what is pushed, and saves it later.
"""

import asyncio
import logging
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import batched
from operator import attrgetter

from exporter_proxy.metrics import StoreMetrics
from exporter_proxy.refusals import Refused
from exporter_proxy.store import codec
from exporter_proxy.store.applications import Application, Applications, State
from exporter_proxy.store.intake import Intake
from exporter_proxy.store.link import Link
from exporter_proxy.store.record import Record
from exporter_proxy.store.table import Away, Changes, Entry, Table, Version
from exporter_proxy.store.unsaved import Change, Unsaved
from exporter_proxy.store.versions import Versions

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0

# How long an answer waits for what others changed just before.
CATCH_UP_SECONDS = 0.2

STOP_SECONDS = 3

# For so long a proxy that is cut off may not bring back what was deleted meanwhile.
DELETION_KEPT_SECONDS = 24 * 3600

# By how much a snapshot's data must be newer than Redis' to count: clocks are compared
# over the network.
_DOUBT_SECONDS = 1

# Data stays in Redis a little beyond its time, for clocks differ.
_SPARE_SECONDS = 60

_TIDY_SECONDS = 30

# Others may save the same application between reading and writing; then again.
_ATTEMPTS = 10

# Longer ones are packed beside the event loop: 64 KB take 0.1 ms, measured.
_INLINE_BYTES = 2**18

_READ_AT_ONCE = 16


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
        self._applications = applications
        self._metrics = metrics
        self._link = Link(metrics)
        self._unsaved = Unsaved(applications.maximum)
        metrics.unsaved.set_function(lambda: len(self._unsaved))
        self._versions = Versions(applications.clock)
        self._unreadable: set[str] = set()
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
        self._unsaved.taken(name, self._next_version(name), families)
        if self._link.works("read", "write"):
            await self._try_to_save(name, "always")

    async def deleted(self, name: str) -> bool:
        """Delete an application for everybody; return whether it was known to Redis."""
        known = self._versions.get(name) is not None
        self._unsaved.deleted(name, self._next_version(name))
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
                await self._take_over(changes.versions)
                self._since = changes.last
                changes = await self._changes()
        self._metrics.sync_duration.set(loop.time() - started)
        if started >= self._tidy_at:
            self._tidy_at = started + _TIDY_SECONDS
            await self._tidy()

    async def _tidy(self) -> None:
        await self._table.purge()
        self._versions.keep(self._applications.get)
        self._unreadable &= set(map(attrgetter("name"), self._applications))

    async def _compare_all(self) -> None:
        """Do as if nothing were known of Redis, for it may have lost anything."""
        stored: dict[str, Version | None] = {}
        self._since = 0
        while (changes := await self._changes()).versions:
            stored |= changes.versions
            self._since = changes.last
        for application in self._applications:
            name = application.name
            version = self._held(application)
            lost = version and version > (stored.get(name) or Version(0, ""))
            if version and lost and not self._unsaved.get(name):
                self._unsaved.taken(name, version, None)
        await self._take_over(stored)

    def _held(self, application: Application) -> Version | None:
        """Return the version of the data that is here, also if a snapshot had it."""
        if application.updated_at is None or application.state is State.STALE:
            return None
        known = self._versions.get(application.name)
        return known or self._versions.at(application.updated_at - _DOUBT_SECONDS)

    async def _changes(self) -> Changes:
        asked_at = self._applications.clock()
        changes = await self._table.changes(self._since)
        self._versions.compare_clocks(asked_at, changes.seconds)
        self._metrics.clock_offset.set(self._versions.offset)
        return changes

    async def _take_over(self, versions: Mapping[str, Version | None]) -> None:
        news = [
            name for name, version in versions.items() if self._is_news(name, version)
        ]
        for names in batched(news, _READ_AT_ONCE, strict=False):
            for name, entry in (await self._table.read(names)).items():
                async with self._intake.turn(name):
                    if self._is_news(name, entry.version):
                        await self._serve(name, entry)

    def _is_news(self, name: str, version: Version | None) -> bool:
        if version is None or version == self._versions.get(name):
            return False
        change = self._unsaved.get(name)
        return change is None or (change.families is None and change.version < version)

    async def _serve(
        self, name: str, entry: Entry, keeping: AbstractSet[bytes] = frozenset()
    ) -> None:
        """Let what Redis has replace what is here, in the application's turn.

        keeping: families that stay as they are here, for they are newer.
        """
        self._versions.set(name, entry.version)
        if not keeping:
            self._unsaved.saved(name)
        try:
            record = await self._unpacked(entry.packed) if entry.packed else None
            await self._replace(name, record, keeping)
        except (ValueError, Refused) as error:
            self._not_readable(name, error)
        else:
            self._unreadable.discard(name)
            self._metrics.changes.labels("taken_over").inc()

    async def _replace(
        self, name: str, record: Record | None, keeping: AbstractSet[bytes]
    ) -> None:
        here = self._intake.record(name)
        if record:
            await self._intake.serve(_later(record, self._versions.offset), keeping)
        elif keeping and here:
            await self._intake.serve(replace(here, text=b""), keeping)
        else:
            self._intake.remove(name)

    def _not_readable(self, name: str, error: Exception) -> None:
        self._metrics.changes.labels("not_readable").inc()
        log.log(
            logging.DEBUG if name in self._unreadable else logging.WARNING,
            "not taken over from the shared store app=%s error=%s",
            *(name, error),
        )
        self._unreadable.add(name)

    async def _save_all(self) -> None:
        for name in self._unsaved:
            async with self._intake.turn(name):
                await self._try_to_save(name, "newest")
            if not self._link.works("write"):
                return
        self._link.worked("write")

    async def _try_to_save(self, name: str, condition: str) -> None:
        """Save an application's last change, in its turn."""
        try:
            for _ in range(_ATTEMPTS):
                if change := self._unsaved.get(name):
                    await self._save(name, change, condition)
            self._link.worked("write")
        except Away as error:
            self._link.failed("write", error)

    async def _save(self, name: str, change: Change, condition: str) -> None:
        record = None if change.deleted else self._intake.record(name)
        if record is None and not change.deleted:
            self._unsaved.saved(name)  # its time was over before it could be saved
            return
        if change.families is not None:
            condition = f"after {self._versions.get(name) or ''}"
        entry = Entry(change.version, await self._packed(record))
        done, version = await self._table.write(
            name, entry, condition, self._end(name, record)
        )
        if done:
            self._saved(name, version, record)
        else:
            await self._give_way(name, change)

    def _saved(self, name: str, version: Version | None, record: Record | None) -> None:
        self._unsaved.saved(name)
        self._metrics.changes.labels("saved").inc()
        self._versions.set(name, version if record else None)

    async def _give_way(self, name: str, change: Change) -> None:
        """Take over what is in Redis, but for the families that were sent here."""
        entry = (await self._table.read([name])).get(name)
        if entry is None:  # dropped since; so nothing is in the way any more
            self._versions.set(name, None)
            return
        await self._serve(name, entry, change.families or frozenset())

    def _end(self, name: str, record: Record | None) -> float | None:
        """Return when Redis may drop an application, by its own clock."""
        if record is None:
            return self._versions.now() + DELETION_KEPT_SECONDS
        known = self._applications.get(name)
        if known is None or known.expires_at is None:
            return None
        return known.expires_at - self._versions.offset + _SPARE_SECONDS

    def _next_version(self, name: str) -> Version:
        change = self._unsaved.get(name)
        return self._versions.next(name, change.version if change else None)

    async def _packed(self, record: Record | None) -> bytes:
        if record is None:
            return b""
        record = _later(record, -self._versions.offset)
        if len(record.text) <= _INLINE_BYTES:
            return codec.encode(record)
        return await asyncio.to_thread(codec.encode, record)

    async def _unpacked(self, packed: bytes) -> Record:
        if len(packed) <= _INLINE_BYTES:
            return codec.decode(packed)
        return await asyncio.to_thread(codec.decode, packed)


def _later(record: Record, seconds: float) -> Record:
    """Return a record by another clock."""
    return replace(
        record,
        updated_at=record.updated_at + seconds,
        since=None if record.since is None else record.since + seconds,
    )
