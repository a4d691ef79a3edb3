"""What a checker asks for runs: a schedule. ``shared`` has the one that never ends."""

import time
from collections.abc import Sequence
from typing import Protocol

from site_checker.slots import Run
from sites.config import Check


class Schedule(Protocol):
    """Tells a checker what to run."""

    def due(self, room: int) -> Sequence[Run]:
        """Return runs to start now, at most ``room``."""

    def settle(self, run: Run) -> None:
        """Take note that the run's result is safe."""

    def close(self, unfinished: Sequence[Run]) -> None:
        """Hand back what was not finished."""

    @property
    def over(self) -> bool:
        """Whether all there is to run has been run, and its results are safe."""


class Once:
    """Every check once, now."""

    def __init__(self, checks: Sequence[Check]) -> None:
        now = time.time_ns() // 1_000_000
        self._runs = [Run(check, now) for check in checks]
        self._unsettled = len(checks)

    def due(self, room: int) -> Sequence[Run]:
        """Return the next runs."""
        due, self._runs = self._runs[:room], self._runs[room:]
        return due

    def settle(self, _run: Run) -> None:
        """Count the run."""
        self._unsettled -= 1

    def close(self, unfinished: Sequence[Run]) -> None:
        """Do nothing: nobody else is to run what is left."""

    @property
    def over(self) -> bool:
        """Whether every result is safe."""
        return not self._unsettled
