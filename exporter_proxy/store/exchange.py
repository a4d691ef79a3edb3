"""One application at a time, from here to Redis or from Redis to here."""

import asyncio
import logging
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import batched

from exporter_proxy.metrics import StoreMetrics
from exporter_proxy.refusals import Refused
from exporter_proxy.store import codec, distrust
from exporter_proxy.store.applications import Application, Applications, State
from exporter_proxy.store.intake import Intake
from exporter_proxy.store.record import Record
from exporter_proxy.store.table import Entry, Table, Version
from exporter_proxy.store.unsaved import Change, Unsaved
from exporter_proxy.store.versions import Versions

log = logging.getLogger(__name__)

# For so long a proxy that is cut off may not bring back what was deleted meanwhile.
DELETION_KEPT_SECONDS = 24 * 3600

# By how much a snapshot's data must be newer than Redis' to count: clocks are compared
# over the network.
_DOUBT_SECONDS = 1

# Data stays in Redis a little beyond its time, for clocks differ.
_SPARE_SECONDS = 60

# Longer ones are packed beside the event loop: these take 0.4 ms at most, measured.
_INLINE_BYTES = 2**18

_READ_AT_ONCE = 16

_NONE = Version(0, "")


class Exchange:
    """Saves and takes over; remembers what is saved, and what is not yet.

    Each method raises Away when Redis does not do its part.
    """

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
        self._unreadable: set[str] = set()
        self.unsaved = Unsaved(applications.maximum)
        self.versions = Versions(applications.clock)

    def taken(self, name: str, families: AbstractSet[bytes] | None) -> None:
        """Note new data that is to be saved."""
        self.unsaved.taken(name, self._next_version(name), families)

    def deleted(self, name: str) -> None:
        """Note a deletion that is to be saved."""
        self.unsaved.deleted(name, self._next_version(name))

    def miss(self, stored: Mapping[str, Version | None]) -> None:
        """Note what is here and not in Redis, or only older there, to be saved."""
        for application in self._applications:
            name = application.name
            version = self._held(application) or _NONE
            is_newer = version > (stored.get(name) or _NONE)
            if is_newer and not self.unsaved.get(name):
                self.unsaved.taken(name, version, None)

    def forget(self) -> None:
        """Forget versions of applications that are not known any more."""
        self.versions.keep(self._applications.get)
        self._unreadable &= {application.name for application in self._applications}

    async def take_over(self, versions: Mapping[str, Version | None]) -> None:
        """Let what is news in Redis replace what is here."""
        news = [
            name for name, version in versions.items() if self._is_news(name, version)
        ]
        for names in batched(news, _READ_AT_ONCE, strict=False):
            for name, entry in (await self._table.read(names)).items():
                async with self._intake.turn(name):
                    if self._is_news(name, entry.version):
                        await self._serve(name, entry)

    def _is_news(self, name: str, version: Version | None) -> bool:
        if version is None or version == self.versions.get(name):
            return False
        change = self.unsaved.get(name)
        return change is None or (change.families is None and change.version < version)

    async def _serve(
        self, name: str, entry: Entry, keeping: AbstractSet[bytes] = frozenset()
    ) -> None:
        """Let what Redis has replace what is here, in the application's turn.

        keeping: families that stay as they are here, for they are newer.
        """
        self.versions.set(name, entry.version)
        if not keeping:
            self.unsaved.saved(name)
        try:
            record = await self._unpacked(name, entry.packed) if entry.packed else None
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
            await self._intake.serve(_later(record, self.versions.offset), keeping)
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

    async def save(self, name: str, change: Change, condition: str) -> None:
        """Save an application's change, in its turn.

        Others may have been quicker: then it is unsaved still, and to be tried again.
        condition: as ``Table.write`` has it, for data that replaces everything.
        """
        record = None if change.deleted else self._intake.record(name)
        if record is None and not change.deleted:
            self.unsaved.saved(name)  # its time was over before it could be saved
            return
        if change.families is not None:
            condition = f"after {self.versions.get(name) or ''}"
        entry = Entry(change.version, await self._packed(record))
        done, version = await self._table.write(
            name, entry, condition, self._end(name, record)
        )
        if done:
            self._saved(name, version, record)
        else:
            await self._give_way(name, change)

    def _saved(self, name: str, version: Version | None, record: Record | None) -> None:
        self.unsaved.saved(name)
        self._metrics.changes.labels("saved").inc()
        self.versions.set(name, version if record else None)

    async def _give_way(self, name: str, change: Change) -> None:
        """Take over what is in Redis, but for the families that were sent here."""
        entry = (await self._table.read([name])).get(name)
        if entry is None:  # dropped since; so nothing is in the way any more
            self.versions.set(name, None)
            return
        await self._serve(name, entry, change.families or frozenset())

    def _end(self, name: str, record: Record | None) -> float | None:
        """Return when Redis may drop an application, by its own clock."""
        if record is None:
            return self.versions.now() + DELETION_KEPT_SECONDS
        known = self._applications.get(name)
        if known is None or known.expires_at is None:
            return None
        return known.expires_at - self.versions.offset + _SPARE_SECONDS

    def _held(self, application: Application) -> Version | None:
        """Return the version of the data that is here, also if a snapshot had it."""
        if application.updated_at is None or application.state is State.STALE:
            return None
        known = self.versions.get(application.name)
        return known or self.versions.at(application.updated_at - _DOUBT_SECONDS)

    def _next_version(self, name: str) -> Version:
        change = self.unsaved.get(name)
        return self.versions.next(name, change.version if change else None)

    async def _packed(self, record: Record | None) -> bytes:
        if record is None:
            return b""
        record = _later(record, -self.versions.offset)
        if len(record.text) <= _INLINE_BYTES:
            return codec.encode(record)
        return await asyncio.to_thread(codec.encode, record)

    async def _unpacked(self, name: str, packed: bytes) -> Record:
        """Return an application's record. Raises ValueError and Refused."""
        if len(packed) <= _INLINE_BYTES:
            record = codec.decode(packed)
        else:
            record = await asyncio.to_thread(codec.decode, packed)
        if record.name != name:
            raise ValueError("the record of another application")
        distrust.check(record)
        return record


def _later(record: Record, seconds: float) -> Record:
    """Return a record by another clock."""
    return replace(
        record,
        updated_at=record.updated_at + seconds,
        since=None if record.since is None else record.since + seconds,
    )
