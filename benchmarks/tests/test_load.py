"""The client against a server that does nothing, as when its own limit is measured."""

from collections.abc import Iterator

import pytest

from benchmarks import sink
from benchmarks.connection import Answer, Connection, put
from benchmarks.failure import Failed
from benchmarks.load import accepted, repeat, send
from benchmarks.process import Program, Running, running


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(sink.PROGRAM) as server:
        yield server


def test_every_connection_sends_until_the_time_is_over(server: Running):
    load = repeat(server.port, [put("/", b"x" * 100_000)] * 8, 0.1, connections=4)
    assert len(load.latencies) >= 4
    assert load.per_second > 0
    assert load.percentile(50) <= load.percentile(99) <= max(load.latencies)


def test_each_request_is_sent_once(server: Running):
    send(server.port, [put("/", b"a"), put("/", b"b")])


def test_memory_of_a_server_is_weighed(server: Running):
    assert 1e6 < server.memory_bytes() < 1e9


def test_server_that_ends_at_once_is_told_with_its_last_words():
    program = Program("echo", "/", ("echo", "no such option"))
    with pytest.raises(Failed, match="no such option"), running(program):
        pass


def test_nobody_listening_is_an_error():
    with running(sink.PROGRAM) as server:
        port = server.port
    with pytest.raises(ConnectionRefusedError):
        repeat(port, [b""], 0.1, connections=2)


def test_refusal_is_an_error():
    with pytest.raises(Failed, match="400: b'no such thing'"):
        accepted(Answer(400, 0.1, b"HTTP/1.1 400 Bad\r\n\r\n", b"no such thing"))


def test_connection_is_kept(server: Running):
    with Connection(server.port) as connection:
        assert [connection.exchange(put("/", b"a")).status for _ in range(3)] == [
            200
        ] * 3
