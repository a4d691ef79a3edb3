"""All five applications, and by which way each of them is heard."""

import random
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from demo.apps.backup import Backup
from demo.apps.boiler import Boiler
from demo.apps.invoices import Invoices
from demo.apps.mailer import Mailer
from demo.apps.push import (
    TIMEOUT_SECONDS,
    AsCapnp,
    Push,
    as_group,
    as_json_lines,
    as_json_text,
    by_tcp,
    by_unix,
)
from demo.apps.pusher import Application, Pusher
from demo.apps.settings import Settings
from demo.apps.shop import Shop
from servicekit import Health


class Fleet:
    """Four applications that push, and one that is polled: the registry's."""

    def __init__(
        self, settings: Settings, registry: CollectorRegistry, health: Health
    ) -> None:
        tcp = by_tcp(settings.proxy_host, settings.proxy_port)
        unix = by_unix(settings.proxy_socket)
        self._seconds = settings.push_interval_seconds
        self._health = health
        self._capnp = AsCapnp(tcp)
        self._polled = Boiler(registry, _chance())
        self._pushers = (
            self._pusher(Shop, as_json_text(tcp)),
            self._pusher(Mailer, as_json_lines(unix)),
            self._pusher(Backup, self._capnp.push),
            self._pusher(
                Invoices, as_group(settings.proxy_host, settings.proxy_http_port)
            ),
        )
        # Four pushes may take their time-out each.
        health.expect("work", 3 * (self._seconds + 4 * TIMEOUT_SECONDS))

    def step(self) -> None:
        """Let every application work for one interval, and push."""
        now = time.time()
        self._polled.work(now, self._seconds)
        for pusher in self._pushers:
            pusher.step(now, self._seconds)
        self._health.beat("work")

    def close(self) -> None:
        """Close what is open."""
        self._capnp.close()

    def _pusher(
        self,
        kind: Callable[[CollectorRegistry, random.Random], Application],
        push: Push,
    ) -> Pusher:
        registry = CollectorRegistry()
        return Pusher(kind(registry, _chance()), registry, push, self._health)


def _chance() -> random.Random:
    return random.Random()  # noqa: S311 - nothing here is secret
