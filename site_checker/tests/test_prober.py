"""Requests to real servers: whatever a site does, there is an answer in time."""

import gzip
import socket
import time
from collections.abc import Callable

import pytest

from site_checker.answer import Answer
from site_checker.prober import Prober, ascii_url
from site_checker.tests.website import hostile
from sites.config import Check
from sites.result import Reason

TIMEOUT_SECONDS = 0.5


def get(url: str, **changes: object) -> Answer:
    fields: dict[str, object] = {"url": url, "timeout_seconds": TIMEOUT_SECONDS}
    check = Check.model_validate(fields | changes)
    started = time.monotonic()
    answer = Prober(ca_bundle=None).get(check)
    assert time.monotonic() - started < TIMEOUT_SECONDS + 0.5
    return answer


def replying(reply: bytes) -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(reply)

    return behave


def test_a_page_is_read_whole() -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na\0b\xff\xc3\xa4"
    with hostile(replying(reply)) as url:
        answer = get(url)
    assert (answer.code, answer.body, answer.failure) == (
        200,
        b"a\0b\xff\xc3\xa4",
        None,
    )
    assert 0 < answer.seconds < TIMEOUT_SECONDS


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    requests: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        requests.append(connection.recv(65536))
        connection.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
        )

    with hostile(behave) as url:
        answer = get(url)
    assert (answer.code, answer.failure) == (302, None)
    [request] = requests
    assert request.startswith(b"GET / HTTP/1.1\r\n")
    assert b"User-Agent: belfry-site_checker/" in request


def test_a_name_that_nobody_has() -> None:
    answer = get("http://nobody.invalid/", timeout_seconds=5)
    assert (answer.code, answer.failure) == (None, Reason.DNS)
    assert "nobody.invalid" in answer.error


def test_a_port_that_nobody_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    answer = get(f"http://127.0.0.1:{port}/")
    assert (answer.code, answer.failure) == (None, Reason.CONNECT)


def silent(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.recv(1)


def drop_by_drop(text: bytes) -> Callable[[socket.socket], None]:
    """Send a byte at a time, each soon enough to reset a time-out of reading."""

    def behave(connection: socket.socket) -> None:
        while True:
            for byte in text:
                connection.sendall(bytes([byte]))
                connection.settimeout(0.02)
                try:
                    connection.recv(65536)
                except TimeoutError:
                    continue

    return behave


@pytest.mark.parametrize(
    "behave",
    [
        silent,
        drop_by_drop(b"HTTP/1.1 200 OK"),
        drop_by_drop(b"HTTP/1.1 200 OK\r\nX-Slow: loris"),
    ],
    ids=["silent", "slow status", "slow headers"],
)
def test_a_site_that_takes_too_long(behave: Callable[[socket.socket], None]) -> None:
    with hostile(behave) as url:
        answer = get(url)
    assert answer.failure is Reason.TIMEOUT
    assert answer.seconds == pytest.approx(TIMEOUT_SECONDS, abs=0.2)


def test_a_body_that_takes_too_long_keeps_its_code() -> None:
    def behave(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        drop_by_drop(b"slowly ")(connection)

    with hostile(behave) as url:
        answer = get(url)
    assert (answer.code, answer.failure) == (200, Reason.TIMEOUT)


def test_a_body_without_end() -> None:
    def behave(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with hostile(behave) as url:
        answer = get(url, timeout_seconds=10)
    assert (answer.code, answer.failure) == (200, Reason.BODY_TOO_LARGE)
    assert len(answer.body) <= 2**20
    assert answer.error == "the body is larger than max_body_bytes, 1048576"


def test_headers_without_end() -> None:
    def behave(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")

    with hostile(behave) as url:
        answer = get(url, timeout_seconds=10)
    assert answer.failure is not None
    assert answer.failure is not Reason.TIMEOUT


def test_a_body_that_unpacks_to_too_much() -> None:
    body = gzip.compress(bytes(50_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}"
    with hostile(replying(head.encode() + b"\r\n\r\n" + body)) as url:
        answer = get(url, timeout_seconds=10)
    assert answer.failure is Reason.BODY_TOO_LARGE
    assert len(answer.body) <= 2**20


def test_a_body_of_exactly_the_largest_size_is_taken() -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345"
    with hostile(replying(reply)) as url:
        assert get(url, max_body_bytes=5).failure is None
        assert get(url, max_body_bytes=4).failure is Reason.BODY_TOO_LARGE


def reset(connection: socket.socket) -> None:
    connection.recv(65536)
    linger = b"\x01\0\0\0\0\0\0\0"  # closing sends a reset
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (reset, Reason.CONNECTION_LOST),
        (replying(b""), Reason.CONNECTION_LOST),
        (
            replying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            Reason.CONNECTION_LOST,
        ),
        (replying(b"SSH-2.0-OpenSSH_9.9\r\n"), Reason.BAD_RESPONSE),
        (
            replying(
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                b"Content-Length: 4\r\n\r\nnone"
            ),
            Reason.BAD_RESPONSE,
        ),
    ],
    ids=["reset", "nothing", "half a body", "no HTTP", "not packed"],
)
def test_a_broken_answer(
    behave: Callable[[socket.socket], None], reason: Reason
) -> None:
    with hostile(behave) as url:
        answer = get(url)
    assert answer.failure is reason
    assert answer.error


def test_a_server_that_does_not_speak_tls() -> None:
    with hostile(replying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as url:
        answer = get(url.replace("http:", "https:"))
    assert (answer.code, answer.failure) == (None, Reason.TLS)


@pytest.mark.parametrize(
    ("url", "requested"),
    [
        ("http://www.demo/a%20b?q=ä#top", "http://www.demo/a%20b?q=%C3%A4#top"),
        ("http://bücher.example:8080/ü", "http://xn--bcher-kva.example:8080/%C3%BC"),
        ("http://me:p%40ss@www.demo/", "http://me:p%40ss@www.demo/"),
        ("http://[::1]:8080/?a=b&c[]=d", "http://[::1]:8080/?a=b&c[]=d"),
    ],
)
def test_a_url_is_requested_in_ascii(url: str, requested: str) -> None:
    assert ascii_url(url) == requested
