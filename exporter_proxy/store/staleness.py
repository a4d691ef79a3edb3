"""Takes data that is too old from what is served, and forgets who left long ago."""

import asyncio
import logging
from collections.abc import Callable, Container, Iterable
from typing import NamedTuple

from exporter_proxy.config import Config
from exporter_proxy.metrics import Metrics
from exporter_proxy.store.applications import Application, Applications, State
from exporter_proxy.store.intake import Intake

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1


class Due(NamedTuple):
    """Whose data goes now, and who is known no longer."""

    stale: tuple[Application, ...]
    forgotten: tuple[Application, ...]


def due(
    applications: Iterable[Application],
    now: float,
    grace: float,
    polled: Container[str],
) -> Due:
    """Decide by the clock; grace: seconds that one without data is still shown.

    polled: who is never forgotten, for it is going to be asked again.
    """
    stale, forgotten = [], []
    for application in applications:
        if _is_stale(application, now):
            stale.append(application)
        elif _is_gone(application, now, grace) and application.name not in polled:
            forgotten.append(application)
    return Due(tuple(stale), tuple(forgotten))


def _is_stale(application: Application, now: float) -> bool:
    """Return whether there is data that has to go.

    Of one that fails, only its series: that it fails says more than that it is old.
    """
    expires_at = application.expires_at
    if expires_at is None or now < expires_at:
        return False
    return application.state is State.OK or application.series > 0


def _is_gone(application: Application, now: float, grace: float) -> bool:
    """Return whether an application without data was not heard of for that long."""
    match application.state:
        case State.STALE:
            last_sign = max(application.expires_at or 0, application.failed_at or 0)
        case State.FAILING if _has_no_data(application, now):
            last_sign = application.failed_at or 0
        case _:
            return False
    return now >= last_sign + grace


def _has_no_data(application: Application, now: float) -> bool:
    expires_at = application.expires_at
    return application.updated_at is None or (
        expires_at is not None and expires_at < now
    )


class Staleness:
    """Sees to it, again and again, that nothing old is served."""

    def __init__(
        self,
        applications: Applications,
        intake: Intake,
        metrics: Metrics,
        polled: Container[str],
        config: Config,
    ) -> None:
        self._applications = applications
        self._intake = intake
        self._counted = metrics.expired_applications
        self._polled = polled
        self.follow(config)

    def follow(self, config: Config) -> None:
        """Do from now on as this configuration says."""
        self._grace = config.applications.grace

    def sweep(self) -> None:
        """Do what is due now."""
        now = self._applications.clock()
        found = due(self._applications, now, self._grace, self._polled)
        for application in found.stale:
            self._expire(application, now)
        for application in found.forgotten:
            self._forget(application)

    async def run(self, beat: Callable[[], None]) -> None:
        """Sweep until cancelled, and tell of each time."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                self.sweep()
            except Exception:  # sweeping goes on; without a beat /healthz tells
                log.exception("cannot tell what is stale")
            else:
                beat()

    def _expire(self, application: Application, now: float) -> None:
        self._intake.expire(application.name)
        self._applications.stale(application.name)
        self._counted.labels("stale").inc()
        age = now - (application.updated_at or now)
        log.warning("stale app=%s age=%.1f", application.name, age)

    def _forget(self, application: Application) -> None:
        self._applications.forget(application.name)
        self._counted.labels("forgotten").inc()
        log.info("forgotten app=%s", application.name)
