"""The loop: read what is new, count it, publish the counts, keep the checkpoint."""

import logging
import time
from collections.abc import Iterable
from contextlib import suppress

from prometheus_client import CollectorRegistry, Gauge

from rsync_exporter.checkpoint import CheckpointFile
from rsync_exporter.collector import Snapshot
from rsync_exporter.counting import Counting
from rsync_exporter.keeper import Keeper
from rsync_exporter.kind import Judge
from rsync_exporter.options import options, warn_of_formats
from rsync_exporter.reload import Reload
from rsync_exporter.settings import Settings
from rsync_exporter.tail.chunk import Chunk, Progress
from servicekit import Backoff, Cycles, Health, Stop, Stopped, every, retry

log = logging.getLogger(__name__)

# A log that is missing is looked for this often at first, then ever more seldom.
WAIT_FOR_LOG = Backoff(initial_seconds=0.5, maximum_seconds=5)

# One block takes far less than a second; this is the time after which a loop that does
# nothing is called stuck.
STUCK_SECONDS = 30

# How often counts are shown while much is read at once: each time copies them all.
TELL_SECONDS = 0.25

_MEGABYTE = 1_000_000


class Exporter:
    """Keeps the counts up to date; while there is no log, health says so."""

    def __init__(
        self,
        settings: Settings,
        reload: Reload,
        registry: CollectorRegistry,
        health: Health,
        stop: Stop,
    ) -> None:
        self._interval_seconds = settings.rsync_exporter_interval_seconds
        self._health = health
        self._stop = stop
        self._cycles = Cycles("rsync_exporter", registry)
        self._up = Gauge(
            "rsync_exporter_up",
            "Whether every log could be read at the last look for new lines",
            registry=registry,
        )
        self._reload = reload
        self._keeper = _keeper(settings, registry)
        self._counting = _begin(settings, self._keeper)
        self._judge = Judge(options(settings).lines)
        warn_of_formats(settings)
        self._ended = self._rotated = 0
        self._is_unsaved = False
        self._told_at = 0.0
        self._is_quiet = True
        self._snapshot = Snapshot(
            legacy_status_code=settings.rsync_exporter_legacy_status_code
        )
        registry.register(self._snapshot)
        self._tell_progress()

    def run(self) -> None:
        """Read until stopped."""
        self._health.expect("reader", self._interval_seconds + STUCK_SECONDS)
        try:
            with suppress(Stopped):
                every(self._interval_seconds, self._refresh, self._stop)
            self._save()
        finally:
            self._close()

    def _close(self) -> None:
        ledger = self._counting.totals().ledger
        self._counting.close()
        if self._keeper:
            self._keeper.close()
        log.info(
            "stopped lines=%d connections=%d executions=%d",
            ledger.lines.total(),
            ledger.connections,
            ledger.executions,
        )

    def _refresh(self) -> None:
        retry(
            self._read,
            what="log",
            on=OSError,
            stop=self._stop,
            health=self._health,
            backoff=WAIT_FOR_LOG,
        )

    def _read(self) -> None:
        """Read to the end of the log, publishing chunk by chunk.

        But not the first time: a scrape of half of the log would look like a reset.
        """
        self._health.beat("reader")
        with self._cycles.measure():
            problem = self._count()
            if self._stop.is_set():
                return
            self._up.set(problem is None)
            self._settle()
            if problem:
                raise problem
            self._snapshot.caught_up()
            self._health.ready("log")

    def _count(self) -> OSError | None:
        """Count what is new; return what is wrong with a log, if anything is."""
        self._is_quiet = True
        try:
            for chunk in self._counting.poll():
                self._is_quiet = False
                self._note(chunk)
                if self._stop.is_set():
                    break
        except OSError as error:
            return error
        return None

    def _note(self, chunk: Chunk) -> None:
        """Take note of what was just counted."""
        self._health.beat("reader")
        self._is_unsaved = True
        self._judge.look_at(chunk)
        # Of several logs that are read side by side, a chunk can be a single line.
        if time.monotonic() >= self._told_at + TELL_SECONDS:
            self._tell()
        self._save_if_due()

    def _tell(self) -> None:
        """Show what was counted while there is more to read."""
        self._told_at = time.monotonic()
        if self._snapshot.is_serving:
            self._publish()
        else:
            self._up.set(1)  # as far as is known before all is read
            self._tell_progress()

    def _settle(self) -> None:
        """Let time pass once all is read, publish what that ended, and keep it."""
        if settings := self._reload.settings():
            self._counting.configure(settings)
            self._judge = Judge(options(settings).lines)
            warn_of_formats(settings)
        self._counting.elapse()
        self._publish()
        self._save_if_due()

    def _publish(self) -> None:
        """Serve what was counted, once what no line tells of is kept.

        Lines are counted again after being killed, but a session that time has ended
        and a rotation that was seen are not: what was served would fall.
        """
        totals, progress = self._counting.totals(), self._counting.progress()
        ended, rotated = totals.ledger.sessions.total(), _rotated(progress)
        if rotated != self._rotated or (self._is_quiet and ended != self._ended):
            self._save()
        self._ended, self._rotated = ended, rotated
        self._snapshot.replace(totals, progress)

    def _tell_progress(self) -> None:
        progress = self._counting.progress()
        read = sum(file.offset_bytes for file in progress) // _MEGABYTE
        size = sum(file.size_bytes for file in progress) // _MEGABYTE
        self._health.unready("log", f"catching up: {read} of {size} MB read")

    def _save_if_due(self) -> None:
        if self._is_unsaved and self._keeper and self._keeper.is_due():
            self._save()

    def _save(self) -> None:
        if self._keeper:
            self._is_unsaved = not self._keeper.save(self._counting.state())


def _keeper(settings: Settings, registry: CollectorRegistry) -> Keeper | None:
    path = settings.rsync_exporter_checkpoint
    return Keeper(CheckpointFile(path), registry) if path else None


def _rotated(progress: Iterable[Progress]) -> int:
    """Return a number that grows with each rotation and each loss."""
    return sum(file.lost_bytes + sum(file.rotations.values()) for file in progress)


def _begin(settings: Settings, keeper: Keeper | None) -> Counting:
    """Go on from the checkpoint, or begin where there is none that can be used.

    Raises ServiceFailed when another exporter uses the checkpoint.
    """
    kept = keeper.load() if keeper else None
    if keeper and kept is not None:
        try:
            return Counting(settings, kept)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            keeper.reject(f"it holds nothing to go on from: {error!r}")
    return Counting(settings, None)
