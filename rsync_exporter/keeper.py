"""Keeps the checkpoint up to date; what cannot be written is told, and tried again."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge

from rsync_exporter.checkpoint import CheckpointFile, CheckpointInUse, pack, unpack
from servicekit import ServiceFailed

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 5
WARNING_INTERVAL_SECONDS = 60


class Keeper:
    """Reads the checkpoint once, and writes it now and then.

    Counting goes on whatever happens to the file; its age is a metric.
    """

    def __init__(
        self,
        file: CheckpointFile,
        registry: CollectorRegistry,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._clock = clock
        self._due = self._warn_from = clock()
        self._timestamp = Gauge(
            "rsync_exporter_checkpoint_timestamp_seconds",
            "When the checkpoint was last written; 0 for never",
            registry=registry,
        )
        self._failures = Counter(
            "rsync_exporter_checkpoint_failures",
            "Times that the checkpoint could not be written",
            registry=registry,
        )

    def load(self) -> dict[str, Any] | None:
        """Return what was kept; None for a first start, or when it cannot be used.

        Raises ServiceFailed when another exporter uses the file.
        """
        try:
            self._file.lock()
        except CheckpointInUse as error:
            raise ServiceFailed(
                f"checkpoint is in use by another exporter file={self._file.path}"
            ) from error
        except OSError as error:
            self._warn(error)
        return self._read()

    def is_due(self) -> bool:
        """Return whether it is time to write again."""
        return self._clock() >= self._due

    def save(self, kept: Mapping[str, Any]) -> bool:
        """Write this, and return whether it is on the disk now."""
        try:
            self._file.lock()
            self._file.write(pack(kept))
        except (OSError, CheckpointInUse) as error:
            self._failures.inc()
            self._warn(error)
            return False
        else:
            self._timestamp.set_to_current_time()
            return True
        finally:
            self._due = self._clock() + INTERVAL_SECONDS

    def reject(self, reason: object) -> None:
        """Put the file aside, for what it says cannot be used."""
        try:
            self._file.reject()
            kept_as = str(self._file.rejected)
        except OSError as error:
            kept_as = f"it stays, {error}"
        log.error(
            "checkpoint rejected, starting without one file=%s reason=%s kept_as=%s",
            self._file.path,
            reason,
            kept_as,
        )

    def close(self) -> None:
        """Let another exporter use the file."""
        self._file.close()

    def _read(self) -> dict[str, Any] | None:
        try:
            content = self._file.read()
            kept = None if content is None else unpack(content)
        except (OSError, ValueError) as error:
            self.reject(error)
            return None
        if kept is not None:
            self._timestamp.set(self._file.path.stat().st_mtime)
            log.info("going on from the checkpoint file=%s", self._file.path)
        return kept

    def _warn(self, error: Exception) -> None:
        if self._clock() >= self._warn_from:
            self._warn_from = self._clock() + WARNING_INTERVAL_SECONDS
            log.warning(
                "checkpoint not written, trying again file=%s error=%s",
                self._file.path,
                error,
            )
