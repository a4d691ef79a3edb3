"""Lines to totals, with both ends of it in one state: what a restart goes on from."""

from collections.abc import Iterator, Mapping
from typing import Any

from rsync_exporter.options import options
from rsync_exporter.sessions.account import Account, Totals
from rsync_exporter.settings import Settings
from rsync_exporter.sources import Sources, names
from rsync_exporter.tail.chunk import Chunk, Progress
from rsync_exporter.tail.followers import FollowOptions


class Counting:
    """Reads every source and adds up what it says."""

    def __init__(self, settings: Settings, kept: Mapping[str, Any] | None) -> None:
        """Go on from what ``state`` returned, or begin.

        Raises AttributeError, KeyError, TypeError or ValueError when it is nothing that
        fits.
        """
        self._settings = settings
        self._account = Account(options(settings))
        if kept is not None:
            counts = settings.rsync_exporter_checkpoint_counters
            self._account.restore(kept["account"], counts=counts)
        self._sources = _open(settings, kept["files"] if kept is not None else None)

    def poll(self) -> Iterator[Chunk]:
        """Count what is new, and yield each chunk of it once it is counted.

        Raises OSError at the end when a log cannot be read.
        """
        account = self._account
        for chunk in self._sources.poll(account.streams_in_use, account.is_holding):
            account.add(chunk)
            yield chunk

    def elapse(self) -> None:
        """Let time pass, as nothing is left to read."""
        if self._sources.has_ended:
            self._account.finish()
        else:
            self._account.elapse()

    def configure(self, settings: Settings) -> None:
        """Go by other settings from now on; what was counted stays."""
        if names(settings) != names(self._settings):
            state = self._sources.state()
            self._sources.close()
            self._sources = _open(settings, state)
        self._settings = settings
        self._account.configure(options(settings))

    def totals(self) -> Totals:
        """Return what was counted; nothing changes it any more."""
        return self._account.totals()

    def progress(self) -> list[Progress]:
        """Return how far each source was read."""
        return self._sources.progress()

    def state(self) -> dict[str, Any]:
        """Return everything, between two chunks, for a checkpoint."""
        return {"files": self._sources.state(), "account": self._account.state()}

    def close(self) -> None:
        """Read no more."""
        self._sources.close()


def _open(settings: Settings, state: dict[str, Any] | None) -> Sources:
    return Sources(
        names(settings),
        FollowOptions(
            from_end=settings.rsync_exporter_from == "end",
            keep_rotated_seconds=settings.rsync_exporter_keep_rotated_seconds,
        ),
        state,
    )
