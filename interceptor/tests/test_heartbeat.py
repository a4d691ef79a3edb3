import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interceptor.heartbeat import Heartbeat


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records]


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")


def test_announcement(caplog: pytest.LogCaptureFixture):
    Heartbeat(200).announce()
    assert messages(caplog) == [
        "Starting connections logging to database."
        " Will send heartbeats every 200 queries"
    ]


def test_a_line_for_every_200_inserts(caplog: pytest.LogCaptureFixture):
    heartbeat = Heartbeat(200)
    for _ in range(450):
        heartbeat.count(1)
    assert messages(caplog) == ["Heartbeat: 200 inserts succeeded"] * 2


def test_a_large_batch_is_one_line(caplog: pytest.LogCaptureFixture):
    heartbeat = Heartbeat(200)
    heartbeat.count(1150)
    heartbeat.count(50)
    assert messages(caplog) == [
        "Heartbeat: 1000 inserts succeeded",
        "Heartbeat: 200 inserts succeeded",
    ]


@given(st.integers(1, 500), st.lists(st.integers(0, 1000)))
def test_no_insert_is_left_out(every: int, batches: list[int]):
    told = Listener()
    with told.listening():
        heartbeat = Heartbeat(every)
        for batch in batches:
            heartbeat.count(batch)
    assert all(due % every == 0 for due in told.inserts)
    assert 0 <= sum(batches) - sum(told.inserts) < every


class Listener(logging.Handler):
    """Hears the heartbeats of one test case."""

    def __init__(self) -> None:
        super().__init__()
        self.inserts: list[int] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.inserts.append(int(record.getMessage().split()[1]))

    @contextmanager
    def listening(self) -> Iterator[None]:
        logger = logging.getLogger("interceptor")
        logger.addHandler(self)
        try:
            yield
        finally:
            logger.removeHandler(self)
