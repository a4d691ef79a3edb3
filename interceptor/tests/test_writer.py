import time
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from interceptor.backlog import Backlog
from interceptor.connection import Connection
from interceptor.settings import Settings
from interceptor.writer import Writer
from servicekit import Health, Stop
from servicekit.settings import load

NO_SERVER = {
    "MYSQL_HOST": "127.0.0.1",
    "MYSQL_PORT": "1",
    "MYSQL_PASSWORD": "secret",
    "MYSQL_RETRY_SECONDS": "0.1",
}


def backlog_of(rows: int) -> Backlog:
    backlog = Backlog(limit_rows=100)
    for port in range(rows):
        backlog.add(Connection(datetime.now(UTC), "10.0.0.2", port))
    return backlog


def write_until_unwell(backlog: Backlog, health: Health) -> float:
    """Write without a server until health tells; return how long the end took."""
    registry, settings = CollectorRegistry(), load(Settings, NO_SERVER)
    deadline = time.monotonic() + 10
    with Writer(settings, backlog, registry, health, Stop()):
        while "Connection refused" not in health.problems()["mysql"]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        started = time.monotonic()
    return time.monotonic() - started


def test_a_missing_server_is_told_and_tried_again(caplog: pytest.LogCaptureFixture):
    health = Health()
    write_until_unwell(backlog_of(0), health)
    assert caplog.records[0].message.startswith(
        "mysql failed attempt=1 retry_in_second"
    )


def test_the_end_does_not_wait_for_a_server_if_nothing_is_left():
    assert write_until_unwell(backlog_of(0), Health()) < 2


def test_what_cannot_be_written_in_time_is_counted(caplog: pytest.LogCaptureFixture):
    backlog = backlog_of(7)
    assert write_until_unwell(backlog, Health()) < 8
    counts = backlog.counts()
    assert (counts.captured, counts.queued, counts.inserted) == (7, 0, 0)
    assert counts.dropped == {"queue_full": 0, "refused": 0, "stopped": 7}
    assert caplog.records[-1].message == "connections given up rows=7"
