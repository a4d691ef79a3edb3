"""The HTTP/1.1 server, asked over real sockets."""

import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus

import pytest

from servicekit.http_server import MAX_CONNECTIONS, Reply, Request, serve_http

LONG = b"all is well " * 1000


def echo(request: Request) -> Reply:
    """Answer what was asked, something long, or with a mistake."""
    match request.path:
        case "/long":
            return Reply(body=LONG)
        case "/mistake":
            raise RuntimeError("a mistake")
    body = json.dumps([request.path, dict(request.query)]).encode()
    return Reply(HTTPStatus.ACCEPTED, body, "application/json", {"X-Sample": "yes"})


@contextmanager
def connected(host: str = "127.0.0.1") -> Iterator[http.client.HTTPConnection]:
    """Serve ``echo`` on a free port and connect to it."""
    with serve_http(echo, 0) as (port,):
        connection = http.client.HTTPConnection(host, port, timeout=5)
        try:
            yield connection
        finally:
            connection.close()


def ask(
    connection: http.client.HTTPConnection,
    path: str,
    method: str = "GET",
    accept_encoding: str = "identity",
) -> tuple[http.client.HTTPResponse, bytes]:
    """Return the answer to one request, with its body."""
    connection.request(method, path, headers={"Accept-Encoding": accept_encoding})
    response = connection.getresponse()
    return response, response.read()


def test_the_reply_is_what_the_function_returned():
    with connected() as connection:
        response, body = ask(connection, "/sample")
    assert response.status == HTTPStatus.ACCEPTED
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Sample"] == "yes"
    assert json.loads(body) == ["/sample", {}]


def test_an_encoded_slash_stays_encoded():
    with connected() as connection:
        _, body = ask(connection, "/ge-0%2F0%2F0/traffic?begin=1&end=%32&end=3")
    assert json.loads(body) == ["/ge-0%2F0%2F0/traffic", {"begin": "1", "end": "3"}]


def test_a_connection_serves_many_requests():
    with connected() as connection:
        ask(connection, "/first")
        used = connection.sock
        _, body = ask(connection, "/second")
        assert connection.sock is used
    assert json.loads(body)[0] == "/second"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_address_families_are_served(host: str):
    with connected(host) as connection:
        response, _ = ask(connection, "/")
    assert response.status == HTTPStatus.ACCEPTED


def test_several_ports_are_served_by_one_function():
    with serve_http(echo, 0, 0) as ports:
        assert len(set(ports)) == 2
        for port in ports:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            assert ask(connection, "/")[0].status == HTTPStatus.ACCEPTED
            connection.close()


def test_head_has_the_length_but_no_body():
    with connected() as connection:
        response, body = ask(connection, "/long", "HEAD")
        assert (response.headers["Content-Length"], body) == (str(len(LONG)), b"")
        assert ask(connection, "/")[0].status == HTTPStatus.ACCEPTED


def test_a_long_body_is_packed_when_asked_for():
    with connected() as connection:
        response, packed = ask(connection, "/long", accept_encoding="gzip, deflate")
        _, plain = ask(connection, "/long")
        short, _ = ask(connection, "/", accept_encoding="gzip")
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == plain == LONG
    assert "Content-Encoding" not in short.headers


def test_other_methods_are_refused():
    with connected() as connection:
        response, _ = ask(connection, "/", "POST")
    assert response.status == HTTPStatus.NOT_IMPLEMENTED


def test_a_mistake_is_a_500_and_logged(caplog: pytest.LogCaptureFixture):
    with connected() as connection:
        response, body = ask(connection, "/mistake")
        after, _ = ask(connection, "/")
    assert response.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert b"a mistake" not in body
    assert after.status == HTTPStatus.ACCEPTED
    assert "no reply path=/mistake" in caplog.text
    assert "RuntimeError: a mistake" in caplog.text


def test_a_client_that_leaves_early_is_not_an_error(
    caplog: pytest.LogCaptureFixture,
):
    with connected() as connection:
        with socket.create_connection((connection.host, connection.port), 5) as rude:
            rude.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert ask(connection, "/")[0].status == HTTPStatus.ACCEPTED
    assert caplog.text == ""


def test_one_client_too_many_is_refused_until_another_leaves():
    with connected() as connection, ExitStack() as stack:
        address = (connection.host, connection.port)
        waiting = [
            stack.enter_context(socket.create_connection(address, 5))
            for _ in range(MAX_CONNECTIONS)
        ]
        with socket.create_connection(address, 5) as surplus:
            assert surplus.recv(1) == b""
        waiting[0].close()
        assert answers_within(connection, seconds=5)


def answers_within(connection: http.client.HTTPConnection, seconds: float) -> bool:
    """Tell whether the server takes a request before the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return ask(connection, "/")[0].status == HTTPStatus.ACCEPTED
        except (http.client.HTTPException, OSError):
            connection.close()
    return False


def test_a_port_that_is_taken_is_an_error():
    with (
        serve_http(echo, 0) as (port,),
        pytest.raises(OSError, match="in use"),
        serve_http(echo, port),
    ):
        pytest.fail("two servers share a port")
