"""What was logged lately, so that nobody can fill the log by doing it again."""

import time
from collections import OrderedDict
from collections.abc import Callable

TOLD_EVERY_SECONDS = 60
TOLD_AT_ONCE = 1000


class Told:
    """Remembers for a minute what was told; of very much news, only the first part."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: OrderedDict[object, float] = OrderedDict()

    def is_due(self, news: object) -> bool:
        """Return whether to tell it now; whoever asks then does."""
        now = self._clock()
        while self._told and next(iter(self._told.values())) <= now:
            self._told.popitem(last=False)
        if news in self._told or len(self._told) >= TOLD_AT_ONCE:
            return False
        self._told[news] = now + TOLD_EVERY_SECONDS
        return True
