"""Keeps on disk what applications sent, so that a restart serves it again."""

import asyncio
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from exporter_proxy.config.sections import Snapshot as Settings
from exporter_proxy.metrics import SnapshotMetrics
from exporter_proxy.refusals import Refused
from exporter_proxy.store import distrust, snapshot_file
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.intake import Intake
from exporter_proxy.store.record import Record
from servicekit import SettingsError

log = logging.getLogger(__name__)

# Put together at a time, beside the event loop: all of it at once would double the
# memory, and each application on its own would take longer.
_BATCH_BYTES = 2**22


class Snapshot:
    """Reads one file at the start, and writes it again and again until the end."""

    def __init__(
        self,
        settings: Settings,
        intake: Intake,
        applications: Applications,
        metrics: SnapshotMetrics,
    ) -> None:
        if settings.path is None:
            raise ValueError("no path")
        self._settings = settings
        self._path = settings.path.resolve()
        self._intake = intake
        self._applications = applications
        self._metrics = metrics
        self._saved_version = applications.version
        self._fails = False
        self._turn = asyncio.Lock()

    async def restore(self) -> None:
        """Serve what was kept, unless its time is over.

        Raises SettingsError when nothing can be kept at the path.
        """
        if found := list(problems(self._settings)):
            raise SettingsError(found)
        try:
            snapshot_file.clean(self._path)
            records = await asyncio.to_thread(snapshot_file.read, self._path)
        except snapshot_file.Damaged as damage:
            self._keep_aside(damage)
        else:
            await self._serve(records)

    async def run(self) -> None:
        """Save once an interval, until cancelled; never is a save left half-way."""
        while True:
            await asyncio.sleep(self._settings.interval)
            await asyncio.shield(self.save())

    async def save(self) -> None:
        """Write everything to disk, if anything changed."""
        async with self._turn:
            version = self._applications.version
            if version == self._saved_version:
                return
            started = time.monotonic()
            try:
                size = await self._written()
            except OSError as error:
                self._failed(error)
                return
            self._saved_version = version
            self._succeeded(size, time.monotonic() - started)

    async def _serve(self, records: tuple[Record, ...]) -> None:
        if not records:
            return
        started = time.monotonic()
        served = sum([await self._restored(record) for record in records])
        self._saved_version = self._applications.version
        self._metrics.last_success.set(self._path.stat().st_mtime)
        log.info(
            "restored snapshot=%s applications=%d left_out=%d seconds=%.1f",
            *(self._path, served, len(records) - served),
            time.monotonic() - started,
        )

    async def _restored(self, record: Record) -> bool:
        try:
            distrust.check(record)
            return await self._intake.restore(record)
        except Refused as refused:
            log.warning("not restored app=%s error=%s", record.name, refused)
            return False

    def _keep_aside(self, damage: snapshot_file.Damaged) -> None:
        try:
            aside = snapshot_file.keep_aside(self._path, datetime.now(UTC))
        except OSError as error:
            raise SettingsError(
                [f"snapshot.path: cannot move the damaged {self._path}: {error}"]
            ) from error
        log.error(
            "snapshot is damaged, starting empty path=%s error=%s kept_as=%s",
            *(self._path, damage, aside),
        )

    def _succeeded(self, size: int, seconds: float) -> None:
        self._metrics.size.set(size)
        self._metrics.duration.set(seconds)
        self._metrics.last_success.set_to_current_time()
        if self._fails:
            self._fails = False
            log.info("snapshot is written again path=%s bytes=%d", self._path, size)

    def _failed(self, error: OSError) -> None:
        self._metrics.failures.inc()
        if not self._fails:
            self._fails = True
            log.error("snapshot cannot be written path=%s error=%s", self._path, error)

    async def _written(self) -> int:
        """Write everything beside the event loop; return the file's size."""
        writer = await asyncio.to_thread(snapshot_file.Writer, self._path)
        try:
            for batch in self._batches():
                await asyncio.to_thread(writer.add, batch)
            return await asyncio.to_thread(writer.finish)
        except BaseException:
            writer.abandon()
            raise

    def _batches(self) -> Iterator[list[Record]]:
        """Yield all records; who came first is first, for so it counts when served."""
        batch: list[Record] = []
        size = 0
        known = sorted(self._applications, key=lambda each: each.since or 0)
        for application in known:
            if record := self._intake.record(application.name):
                batch.append(record)
                size += len(record.text)
            if size > _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        yield batch


def problems(settings: Settings) -> Iterator[str]:
    """Yield a line for what keeps a snapshot from being written."""
    path = settings.path
    if path and (problem := snapshot_file.problem(path.resolve())):
        yield f"snapshot.path: {problem}"
