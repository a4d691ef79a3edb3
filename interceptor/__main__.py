"""What the interceptor is made of."""

import logging
import sys
from collections.abc import Iterator

from prometheus_client import CollectorRegistry

import interceptor
from interceptor import traffic
from interceptor.backlog import Backlog
from interceptor.capture import Capture
from interceptor.checks import database_problem, tcpdump_problem
from interceptor.remarks import STATISTICS_SECONDS
from interceptor.settings import Settings
from interceptor.writer import Writer
from servicekit import Health, Service, Stop, every, serve
from servicekit.metrics import add_build_info

NAME, ABOUT = "interceptor", interceptor.__doc__ or ""
log = logging.getLogger(__name__)


def run(settings: Settings, stop: Stop) -> None:
    """Capture and write until stopped; what is captured by then is still written."""
    registry, health = CollectorRegistry(), Health()
    add_build_info(NAME, registry)
    backlog = Backlog(settings.queue_rows)
    registry.register(backlog)
    with (
        serve(NAME, ABOUT, settings.metrics_port, registry, health),
        Writer(settings, backlog, registry, health, stop),
        Capture(settings, backlog, registry, health, stop) as capture,
        traffic.generator(settings, registry, stop),
    ):
        every(STATISTICS_SECONDS, capture.request_statistics, stop)
    counts, dropped = backlog.counts(), sum(backlog.counts().dropped.values())
    log.info(
        "stopped captured=%d inserted=%d dropped=%d",
        counts.captured,
        counts.inserted,
        dropped,
    )


def check(settings: Settings) -> Iterator[str]:
    """Compile tcpdump's filter on the interface, and try the login and the tables."""
    yield from filter(None, (tcpdump_problem(settings), database_problem(settings)))


service = Service(NAME, ABOUT, Settings, run, check)

if __name__ == "__main__":
    sys.exit(service.main())
