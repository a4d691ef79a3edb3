"""What is known of each application: when it was last heard, from where, and how."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from exporter_proxy.refusals import Reason, Refused

MAX_APPLICATIONS = 10_000
MAX_NAME_LENGTH = 200


class State(StrEnum):
    """How an application's last attempt went."""

    WAITING = "waiting"
    OK = "ok"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Application:
    """One application, pushing or polled.

    updated_at: when its data was last taken, in seconds since the epoch.
    last_error: why its last attempt was refused; the data taken before stays.
    """

    name: str
    source: str
    state: State = State.WAITING
    updated_at: float | None = None
    last_error: str = ""
    series: int = 0


class Applications:
    """Every application that was ever heard of, in the order of their names."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._known: dict[str, Application] = {}

    def __iter__(self) -> Iterator[Application]:
        return iter(
            sorted(self._known.values(), key=lambda application: application.name)
        )

    def expect(self, name: str, source: str) -> None:
        """Note an application before it said anything: a target that will be polled."""
        self._known[name] = Application(name, source)

    def check_room(self, name: str) -> None:
        """Raise Refused when a new application would be one too many."""
        if name not in self._known and self._is_full():
            raise Refused(
                Reason.TOO_MANY_APPLICATIONS, f"{MAX_APPLICATIONS} are known already"
            )

    def accepted(self, name: str, source: str, series: int) -> Application | None:
        """Note that data was taken; return what was known before."""
        before = self._known.get(name)
        now = self._clock()
        self._known[name] = Application(name, source, State.OK, now, "", series)
        return before

    def refused(self, name: str, source: str, error: str) -> bool:
        """Note that data was refused, if there is room; return whether that is news."""
        if name not in self._known and self._is_full():
            return True
        before = self._known.get(name) or Application(name, source)
        self._known[name] = replace(
            before, source=source, state=State.FAILING, last_error=error
        )
        return before.last_error != error

    def _is_full(self) -> bool:
        return len(self._known) >= MAX_APPLICATIONS


def check_name(name: str) -> None:
    """Raise Refused when a pushing application cannot be called that.

    A polled target goes by its URL, so that no push can take its place.
    """
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        expected = f"expected a printable name of 1-{MAX_NAME_LENGTH} characters"
        raise Refused(Reason.APPLICATION, expected)
    if "://" in name:
        raise Refused(Reason.APPLICATION, "names with :// are those of polled targets")
