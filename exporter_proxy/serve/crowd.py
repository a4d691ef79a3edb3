"""HTTP's connections: bounded in number, and in how long a client may keep one waiting.

When there are too many, one that waits for its client makes room, so idle clients
cannot keep others out, whatever their number. One that is being answered never does.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator
from enum import IntEnum

from prometheus_client import Counter

log = logging.getLogger(__name__)

IDLE_SECONDS = 75
HEAD_SECONDS = 10
UNREAD_SECONDS = 30


class Phase(IntEnum):
    """What a connection is at; those with a low number make room first."""

    IDLE = 1  # between requests, or before the first one
    HEAD = 2  # a request began to come
    BODY = 3  # its head is there, its body is not
    UNREAD = 4  # it is answered, and the client did not take all of that yet
    ANSWER = 5  # all of it is there, and it is being answered


class Guest(ABC):
    """A connection, as the crowd sees it.

    since: when it last got on, by the crowd's clock.
    unread_before: ``unread_bytes`` when the crowd last looked.
    """

    since = 0.0
    unread_before = 0

    @property
    @abstractmethod
    def phase(self) -> Phase:
        """What it is at."""

    @property
    @abstractmethod
    def unread_bytes(self) -> int:
        """How much of its answer still waits for the client."""

    @abstractmethod
    def drop(self) -> None:
        """Close it at once."""


class Crowd:
    """Every open connection, the one that got on least recently first.

    maximum: how many there may be.
    body_seconds: how long a request's body may take to come.
    dropped: counts those that had to go, by reason.
    """

    def __init__(
        self,
        maximum: int,
        body_seconds: float,
        dropped: Counter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.maximum = maximum
        self.body_seconds = body_seconds
        self._dropped = dropped
        self._clock = clock
        self._open: OrderedDict[Guest, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Guest]:
        return iter(tuple(self._open))

    def admit(self, guest: Guest) -> bool:
        """Let a connection in; False when all others are being answered."""
        while len(self._open) >= self.maximum:
            if not self.make_room():
                self._dropped.labels("crowded").inc()
                return False
        self._open[guest] = None
        self.got_on(guest)
        return True

    def make_room(self) -> bool:
        """Drop the connection that is missed least; return whether there was one."""
        for phase in Phase.IDLE, Phase.HEAD, Phase.BODY, Phase.UNREAD:
            guest = next((each for each in self._open if each.phase is phase), None)
            if guest:
                self._drop(guest, "crowded")
                return True
        return False

    def got_on(self, guest: Guest) -> None:
        """Note that a connection came to its next phase, if it is still open."""
        if guest in self._open:
            guest.since = self._clock()
            self._open.move_to_end(guest)

    def leave(self, guest: Guest) -> None:
        """Note that a connection is closed."""
        self._open.pop(guest, None)

    def sweep(self) -> None:
        """Drop whoever keeps a connection waiting for too long; to be called often."""
        for guest in self:
            unread = guest.unread_bytes
            if unread < guest.unread_before:
                self.got_on(guest)
            guest.unread_before = unread
            reason, limit = self._limit(guest.phase)
            if self._clock() - guest.since > limit:
                self._drop(guest, reason)

    def _limit(self, phase: Phase) -> tuple[str, float]:
        match phase:
            case Phase.IDLE:
                return "idle", IDLE_SECONDS
            case Phase.HEAD:
                return "slow", HEAD_SECONDS
            case Phase.BODY:
                return "slow", self.body_seconds
            case Phase.UNREAD:
                return "slow", UNREAD_SECONDS
        return "", float("inf")

    def _drop(self, guest: Guest, reason: str) -> None:
        self.leave(guest)
        self._dropped.labels(reason).inc()
        log.debug("dropped socket=http reason=%s phase=%s", reason, guest.phase.name)
        guest.drop()
