"""Threads that cannot die unseen."""

import threading
from collections.abc import Callable

from servicekit import Stop


class Worker(threading.Thread):
    """A thread whose crash stops the service and is raised again by ``finish``."""

    def __init__(self, name: str, work: Callable[[], None], stop: Stop) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._stop_service = stop
        self._crash: Exception | None = None

    def run(self) -> None:
        """Do the work."""
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - raised again in ``finish``
            self._crash = error
            self._stop_service.set()

    def finish(self, timeout_seconds: float | None = None) -> bool:
        """Wait for the end and return whether it came in time; raise what broke it."""
        self.join(timeout_seconds)
        if self._crash is not None:
            raise self._crash
        return not self.is_alive()
