"""What site_checker is made of."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from prometheus_client import CollectorRegistry

import site_checker
from servicekit import Health, Service, Stop, serve
from site_checker import connections
from site_checker.answer import examine
from site_checker.checker import Checker
from site_checker.inbox import Inbox, Threads
from site_checker.metrics import NAME, Metrics
from site_checker.outbox import Outbox
from site_checker.prober import Prober
from site_checker.schedule import Once, Schedule
from site_checker.settings import Settings
from site_checker.shared import Shared
from sites import config, kafka_client

ABOUT = site_checker.__doc__ or ""


def run(settings: Settings, stop: Stop) -> None:
    """Run checks until stopped, or each of them once."""
    kafka_client.quieten()
    file = config.read(settings.config)
    leases = None if settings.once else connections.leases(settings, file)
    registry, health, inbox = CollectorRegistry(), Health(), Inbox()
    metrics, outbox = Metrics(registry), Outbox(file.kafka, inbox, health)
    get = Prober(settings.ca_bundle).get
    with ExitStack() as stack:
        if leases:
            port = settings.metrics_port
            stack.enter_context(serve(NAME, ABOUT, port, registry, health))
        outbox.start(settings.topic_partitions, stop)
        schedule: Schedule = Once(file.checks)
        if leases:
            redis = Threads("redis", 1, inbox)
            schedule = Shared(file.checks, leases, redis, health, metrics)
        workers = Threads("worker", settings.checks_at_once, inbox)
        checker = Checker(schedule, workers, partial(examine, get), outbox, metrics)
        checker.run(stop, health)


def check(settings: Settings) -> Iterator[str]:
    """Read the file, and try the servers that it names."""
    kafka_client.quieten()
    yield from connections.problems(settings, config.read(settings.config))


service = Service(NAME, ABOUT, Settings, run, check)

if __name__ == "__main__":
    sys.exit(service.main())
