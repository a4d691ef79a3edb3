"""Settings for tests, and a web server that answers as it is told."""

from collections.abc import Callable, Iterator

import pytest

from esnet_collector.settings import Settings
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
