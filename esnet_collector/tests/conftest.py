"""Settings, a web server that answers as it is told, and what whole collectors need."""

import os
from collections.abc import Callable, Iterator
from types import MappingProxyType

import pytest

from demo.netbeam.catalogue import Size
from demo.netbeam.server import serve
from esnet_collector.settings import Settings
from esnet_collector.tests.program import Program, free_port
from esnet_collector.tests.stack import BACKFILL_SECONDS, SEED, Bus, Database
from esnet_collector.tests.website import Website, serving
from servicekit.settings import load


@pytest.fixture
def make_settings() -> Callable[..., Settings]:
    """Return a factory of settings; required ones have values that reach nothing."""

    def make(**variables: object) -> Settings:
        source = {
            "NETBEAM_URL": "http://127.0.0.1:1/api",
            "MYSQL_PASSWORD": "secret",
            "RMQ_USER": "guest",
            "RMQ_PASS": "secret",
        }
        return load(Settings, source | {k: str(v) for k, v in variables.items()})

    return make


@pytest.fixture
def website() -> Iterator[Website]:
    """Serve while the test runs."""
    site = Website()
    with serving(site):
        yield site


@pytest.fixture
def database() -> Iterator[Database]:
    """Give the test a database of its own."""
    made = Database()
    made.create()
    yield made
    made.drop()


@pytest.fixture
def bus() -> Iterator[Bus]:
    """Give the test an exchange and a queue of its own on the stack's broker."""
    made = Bus.on("rabbitmq")
    yield made
    made.delete()


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """Serve the simulator for all tests of a module."""
    with serve(SEED, Size.SMALL) as url:
        yield url


@pytest.fixture
def make_program(database: Database) -> Callable[[str, Bus], Program]:
    """Return a factory of collectors that use the test's own places."""

    def make(url: str, bus: Bus) -> Program:
        variables = {
            "NETBEAM_URL": url,
            "MYSQL_USER": database.name,
            "MYSQL_PASSWORD": database.password,
            "MYSQL_DB": database.name,
            "RMQ_HOST": bus.host,
            "RMQ_USER": "esnet",
            "RMQ_PASS": os.environ["RABBITMQ_PASSWORD"],
            "RMQ_EXCHANGE": bus.name,
            "RMQ_QUEUE": bus.name,
            "RMQ_QUEUE_MAX_LENGTH": "1000000",
            "RMQ_TIMEOUT_SECONDS": "5",
            "BACKFILL_SECONDS": str(BACKFILL_SECONDS),
            "SETTLE_SECONDS": "0",
            "COLLECT_INTERVAL_SECONDS": "1",
            "METRICS_PORT": str(free_port()),
        }
        return Program(MappingProxyType(variables))

    return make


@pytest.fixture
def program(
    make_program: Callable[[str, Bus], Program], simulator: str, bus: Bus
) -> Program:
    """Return a collector of the simulator."""
    return make_program(simulator, bus)
