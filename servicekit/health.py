"""Health: whether each part of a service works, and the reason when one does not.

A part may also be well and not ready yet, such as one that still catches up.
"""

import threading
import time
from collections.abc import Callable


class Health:
    """What ``/healthz`` and ``/readyz`` tell.

    A part is unwell while it is ``down``, or when it promised progress by ``expect``
    and its last ``beat`` is too old. Safe to use from any thread.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = {}
        self._unready: dict[str, str] = {}
        self._deadlines: dict[str, tuple[float, float]] = {}

    def down(self, part: str, reason: str) -> None:
        """Note that a part does not work, and why."""
        with self._lock:
            self._reasons[part] = reason

    def up(self, part: str) -> None:
        """Note that a part works."""
        with self._lock:
            self._reasons.pop(part, None)

    def unready(self, part: str, reason: str) -> None:
        """Note that a part works, but that nobody should rely on it yet, and why."""
        with self._lock:
            self._unready[part] = reason

    def ready(self, part: str) -> None:
        """Note that a part may be relied on."""
        with self._lock:
            self._unready.pop(part, None)

    def expect(self, part: str, within_seconds: float) -> None:
        """Promise that a part will ``beat`` at least this often, from now on."""
        with self._lock:
            self._deadlines[part] = (within_seconds, self._clock() + within_seconds)

    def beat(self, part: str) -> None:
        """Note progress of a part that was announced by ``expect``."""
        with self._lock:
            within_seconds, _ = self._deadlines[part]
            self._deadlines[part] = (within_seconds, self._clock() + within_seconds)

    def forget(self, part: str) -> None:
        """Expect nothing of a part any more."""
        with self._lock:
            self._reasons.pop(part, None)
            self._deadlines.pop(part, None)

    def problems(self) -> dict[str, str]:
        """Return the reason for each part that is unwell; empty means healthy."""
        with self._lock:
            now = self._clock()
            stalled = {
                part: f"no progress for more than {within_seconds:g} s"
                for part, (within_seconds, deadline) in self._deadlines.items()
                if now > deadline
            }
            return stalled | self._reasons

    def not_ready(self) -> dict[str, str]:
        """Return the reason for each part not to rely on, unwell ones among them."""
        problems = self.problems()
        with self._lock:
            return self._unready | problems
