"""Which version of each application Redis has, and which one comes next."""

import math
import uuid
from collections.abc import Callable, Iterable
from itertools import count

from exporter_proxy.store.table import Version

# How much less is known of another clock with each second: what cheap ones stray.
_DRIFT = 1e-4


class Versions:
    """Versions by Redis' clock, so that the proxies' own may differ.

    offset: seconds by which this proxy's clock is ahead of Redis'.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._proxy = uuid.uuid4().hex[:12]
        self._numbers = count()
        self._known: dict[str, Version] = {}
        self.offset = 0.0
        self._offset_error = math.inf
        self._compared_at = 0.0

    def compare_clocks(self, asked_at: float, told: float) -> None:
        """Note what Redis' clock says, having been asked at some time.

        The slower it answered, the less its answer tells.
        """
        now = self._clock()
        drifted = abs(now - self._compared_at) * _DRIFT
        error = (now - asked_at) / 2
        if error <= self._offset_error + drifted:
            self.offset = (asked_at + now) / 2 - told
            self._offset_error, self._compared_at = error, now

    def now(self) -> float:
        """Return the time by Redis' clock."""
        return self._clock() - self.offset

    def get(self, name: str) -> Version | None:
        """Return which version Redis has of an application, if that is known."""
        return self._known.get(name)

    def set(self, name: str, version: Version | None) -> None:
        """Note which version Redis has of an application."""
        if version is None:
            self._known.pop(name, None)
        else:
            self._known[name] = version

    def keep(self, is_wanted: Callable[[str], object]) -> None:
        """Forget all other applications."""
        self._known = {
            name: version for name, version in self._known.items() if is_wanted(name)
        }

    def next(self, name: str, unsaved: Version | None) -> Version:
        """Return a version newer than all that are known of an application."""
        before: Iterable[Version | None] = (self._known.get(name), unsaved)
        stamps = [version.stamp + 1 for version in before if version]
        return self.at(self._clock(), *stamps)

    def at(self, seconds: float, *stamps: int) -> Version:
        """Return a version of a time by this proxy's clock, or of the last stamp."""
        stamp = max(round((seconds - self.offset) * 1_000_000), *stamps, 0)
        return Version(stamp, f"{self._proxy}-{next(self._numbers):012x}")
