"""Answers as servers may frame them."""

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.connection import Answer, Connection, get
from benchmarks.failure import Failed
from benchmarks.scrape import check_complete

OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def answering(*pieces: bytes) -> Iterator[int]:
    """Serve one client, who gets these pieces one after the other."""

    def attend() -> None:
        client, _ = server.accept()
        with client:
            client.recv(10_000)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                client.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=attend)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def answer(*pieces: bytes) -> Answer:
    with answering(*pieces) as port, Connection(port) as connection:
        return connection.exchange(get("/metrics"))


def test_body_of_a_length():
    found = answer(OK, b"Content-Length: 6\r\n\r\nup", b" 1.0")
    assert (found.status, found.body()) == (200, b"up 1.0")
    assert found.seconds > 0


def test_body_in_chunks():
    head = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    assert (
        answer(head + b"3\r\nup \r\n", b"2\r\n1\n\r\n0\r\n", b"\r\n").body()
        == b"up 1\n"
    )


def test_empty_body_in_chunks():
    assert answer(OK + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n").body() == b""


def test_packed_body():
    packed = gzip.compress(b"up 1\n")
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    assert answer(OK + head + packed).body() == b"up 1\n"


def test_no_body():
    assert answer(b"HTTP/1.1 204 No Content\r\n\r\n").body() == b""


def test_server_that_breaks_off_is_an_error():
    with pytest.raises(ConnectionResetError):
        answer(OK + b"Content-Length: 6\r\n\r\nup")


def test_scrape_with_fewer_series_is_an_error():
    page = Answer(200, 0.1, OK, b"# TYPE up gauge\nup 1\n\nup_too 1\n")
    check_complete(page, 2)
    with pytest.raises(Failed, match="2 series instead of 3"):
        check_complete(page, 3)
