"""What the demo's applications are made of."""

import logging
import sys
from collections.abc import Iterator
from contextlib import closing

from prometheus_client import CollectorRegistry

from demo import apps
from demo.apps.fleet import Fleet
from demo.apps.push import by_tcp, by_unix
from demo.apps.settings import Settings
from servicekit import Health, Service, Stop, every, serve

log = logging.getLogger(__name__)

NAME, ABOUT = "demo.apps", apps.__doc__ or ""


def run(settings: Settings, stop: Stop) -> None:
    """Push and be polled until stopped."""
    registry, health = CollectorRegistry(), Health()
    with (
        closing(Fleet(settings, registry, health)) as fleet,
        serve(NAME, ABOUT, settings.metrics_port, registry, health),
    ):
        every(settings.push_interval_seconds, fleet.step, stop)
    log.info("stopped")


def check(settings: Settings) -> Iterator[str]:
    """Try both ways to the proxy."""
    try:
        by_tcp(settings.proxy_host, settings.proxy_port)().close()
    except OSError as error:
        yield f"PROXY_HOST {settings.proxy_host}:{settings.proxy_port}: {error}"
    try:
        by_unix(settings.proxy_socket)().close()
    except OSError as error:
        yield f"PROXY_SOCKET {settings.proxy_socket}: {error}"


service = Service(NAME, ABOUT, Settings, run, check)

if __name__ == "__main__":
    sys.exit(service.main())
