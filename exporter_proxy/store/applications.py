"""What is known of each application: when it was last heard, from where, and how."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from exporter_proxy.config.values import Lifetime
from exporter_proxy.refusals import Reason, Refused

MAX_NAME_LENGTH = 200

NEVER_ENDS = Lifetime()

# Of the time between two deliveries, how much the last one counts.
_NEWEST_INTERVAL = 0.3
_SHORTEST_INTERVAL = 1.0


class State(StrEnum):
    """How an application is doing."""

    WAITING = "waiting"
    OK = "ok"
    FAILING = "failing"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Application:
    """One application, pushing or polled.

    channel: how it sends: ``json``, ``capnp``, ``http`` or ``poll``.
    updated_at: when its data was last taken, in seconds since the epoch.
    interval: seconds between its deliveries, as far as that is known.
    lifetime: what counts for it; expires_at: when its data goes, if ever.
    failed_at, last_error: when and why an attempt was last refused; the error is
        empty when the last attempt was none of these.
    dropped_lines: bad lines that its last data was taken without.
    labels: of the group that it is, if it is one.
    since: when the first of the data was taken that it sent without a pause.
    """

    name: str
    channel: str
    source: str
    state: State = State.WAITING
    updated_at: float | None = None
    interval: float | None = None
    lifetime: Lifetime = NEVER_ENDS
    failed_at: float | None = None
    last_error: str = ""
    series: int = 0
    dropped_lines: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    since: float | None = None

    @property
    def expires_at(self) -> float | None:
        """When its data goes, in seconds since the epoch; None: never, or not known."""
        if self.updated_at is None:
            return None
        if self.lifetime.seconds is not None:
            return self.updated_at + self.lifetime.seconds
        if self.lifetime.intervals is not None and self.interval is not None:
            return self.updated_at + self.lifetime.intervals * self.interval
        return None


class Applications:
    """Every application that is known, in the order of their names."""

    def __init__(self, maximum: int, clock: Callable[[], float] = time.time) -> None:
        self.maximum = maximum
        self.clock = clock
        self._known: dict[str, Application] = {}
        # Grows with each change of what __iter__ yields.
        self.version = 0

    def __iter__(self) -> Iterator[Application]:
        return iter(
            sorted(self._known.values(), key=lambda application: application.name)
        )

    def __len__(self) -> int:
        return len(self._known)

    def get(self, name: str) -> Application | None:
        """Return what is known of an application, if anything is."""
        return self._known.get(name)

    def expect(self, name: str, channel: str, source: str) -> None:
        """Note an application before it said anything: a target that will be polled."""
        if name not in self._known:
            self._set(Application(name, channel, source))

    def check_room(self, name: str) -> None:
        """Raise Refused when a new application would be one too many.

        One that was only ever refused makes room for it.
        """
        if name not in self._known and self._is_full() and not self._make_room():
            raise Refused(
                Reason.TOO_MANY_APPLICATIONS, f"{self.maximum} are known already"
            )

    def accepted(self, application: Application) -> Application | None:
        """Note that data was taken; return what was known before.

        The time since the delivery before becomes part of its interval.
        """
        before = self._known.get(application.name)
        if before:
            application = replace(
                application,
                interval=_interval(before, application),
                failed_at=before.failed_at,
                since=None if before.state is State.STALE else before.since,
            )
        self._set(
            replace(application, since=application.since or application.updated_at)
        )
        return before

    def restored(self, application: Application) -> None:
        """Note what was known before, here or by another proxy."""
        before = self._known.get(application.name)
        failed_at = before.failed_at if before else None
        self._set(replace(application, failed_at=failed_at))

    def is_over(self, application: Application) -> bool:
        """Return whether an application's data should be gone by now."""
        end = application.expires_at
        return end is not None and end <= self.clock()

    def refused(self, application: Application, error: str) -> bool:
        """Note that data was refused, if there is room; return whether that is news."""
        if application.name not in self._known and self._is_full():
            return True
        before = self._known.get(application.name) or application
        self._set(
            replace(
                before,
                channel=application.channel,
                source=application.source,
                state=State.FAILING,
                failed_at=self.clock(),
                last_error=error,
            )
        )
        return before.last_error != error

    def stale(self, name: str) -> None:
        """Note that an application's data is too old and no longer served."""
        self._set(replace(self._known[name], state=State.STALE, series=0))

    def live(self, name: str, lifetime: Lifetime) -> None:
        """Let another lifetime count for the data that an application has."""
        known = self._known[name]
        if known.lifetime != lifetime:
            self._set(replace(known, lifetime=lifetime))

    def forget(self, name: str) -> None:
        """Know nothing of an application any more."""
        if self._known.pop(name, None):
            self.version += 1

    def _set(self, application: Application) -> None:
        self._known[application.name] = application
        self.version += 1

    def _make_room(self) -> bool:
        """Forget who was only ever refused, longest ago; return whether one was."""
        refused = [
            each
            for each in self._known.values()
            if each.state is State.FAILING
            and each.updated_at is None
            and each.channel != "poll"
        ]
        if not refused:
            return False
        self.forget(min(refused, key=lambda each: each.failed_at or 0).name)
        return True

    def _is_full(self) -> bool:
        return len(self._known) >= self.maximum


def _interval(before: Application, now: Application) -> float | None:
    """Return the seconds between deliveries: the newer ones count more."""
    if before.updated_at is None or now.updated_at is None:
        return None
    latest = now.updated_at - before.updated_at
    if before.interval is None:
        return max(_SHORTEST_INTERVAL, latest)
    # Neither a burst of retries nor a day of rest says much about the usual interval.
    latest = max(_SHORTEST_INTERVAL, before.interval / 2, latest)
    latest = min(latest, 10 * before.interval)
    return (1 - _NEWEST_INTERVAL) * before.interval + _NEWEST_INTERVAL * latest


def check_name(name: str) -> None:
    """Raise Refused when a pushing application cannot be called that.

    A polled target goes by its URL and a group by its path, so that no push can take
    their place.
    """
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        expected = f"expected a printable name of 1-{MAX_NAME_LENGTH} characters"
        raise Refused(Reason.APPLICATION, expected)
    if "://" in name:
        raise Refused(Reason.APPLICATION, "names with :// are those of polled targets")
    if name.startswith("/"):
        raise Refused(Reason.APPLICATION, "names that start with / are those of groups")
