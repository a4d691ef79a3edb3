"""What db_writer is made of."""

import sys
from collections.abc import Iterator
from contextlib import closing

from prometheus_client import CollectorRegistry

import db_writer
from db_writer import inbox, statistics, store
from db_writer.dead_letters import DeadLetters
from db_writer.inbox import Inbox
from db_writer.metrics import Metrics
from db_writer.settings import Settings
from db_writer.store import Store
from db_writer.writer import Writer
from servicekit import Health, Service, Stop, serve
from servicekit.metrics import add_build_info
from sites.config import read
from sites.kafka_client import quieten

NAME, ABOUT = "db_writer", db_writer.__doc__ or ""


def run(settings: Settings, stop: Stop) -> None:
    """Write until stopped."""
    quieten()
    config = read(settings.config)
    registry, health = CollectorRegistry(), Health()
    add_build_info(NAME, registry)
    with (
        closing(Store(settings.database(config))) as rows,
        closing(DeadLetters(config.kafka, settings.bad_message_topic(config))) as bad,
        closing(Inbox(config.kafka, settings)) as messages,
        serve(NAME, ABOUT, settings.metrics_port, registry, health),
    ):
        Writer(messages, rows, bad, Metrics(registry), health).run(stop)


def check(settings: Settings) -> Iterator[str]:
    """Read the file, and try the servers that it names."""
    quieten()
    config = read(settings.config)
    yield from store.problems(settings.database(config))
    yield from inbox.problems(config.kafka)


def tell(settings: Settings, _stop: Stop) -> int:
    """Show what is stored."""
    checks = statistics.look_up(settings.database(read(settings.config)))
    sys.stdout.writelines(f"{line}\n" for line in statistics.report(checks))
    return 0


service = Service(NAME, ABOUT, Settings, run, check, {"statistics": tell})

if __name__ == "__main__":
    sys.exit(service.main())
