"""An application that pushes: it works, then sends its metrics, time and again."""

import logging
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest

from demo.apps.push import Push
from servicekit import Health

log = logging.getLogger(__name__)


class Application(Protocol):
    """What has work to do."""

    name: str

    def work(self, now: float, seconds: float) -> None:
        """Do what there is to do in the seconds before now."""


class Pusher:
    """Sends an application's metrics; a proxy that is away is tried again next time."""

    def __init__(
        self,
        application: Application,
        registry: CollectorRegistry,
        push: Push,
        health: Health,
    ) -> None:
        self._application = application
        self._registry = registry
        self._push = push
        self._health = health

    def step(self, now: float, seconds: float) -> None:
        """Work for so many seconds, then push."""
        name = self._application.name
        self._application.work(now, seconds)
        try:
            self._push(name, generate_latest(self._registry).decode())
        except OSError as error:
            log.warning("push failed app=%s error=%s", name, error)
            self._health.down(name, str(error))
        else:
            self._health.up(name)
