"""The small web server, asked over real sockets."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.parser import text_string_to_metric_families

from servicekit import Health, ServiceFailed, serve, web


@contextmanager
def served(health: Health | None = None) -> Iterator[int]:
    """Serve a service with one metric on a free port."""
    registry = CollectorRegistry()
    Gauge("sample_answer", "Answer to everything", registry=registry).set(42)
    about = "A sample of <services>."
    with serve("sample", about, 0, registry, health or Health()) as port:
        yield port


def ask(
    port: int, path: str, method: str = "GET"
) -> tuple[http.client.HTTPResponse, bytes]:
    """Return the answer to one request, with its body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_the_page_says_what_it_is_and_where_the_rest_is():
    with served() as port:
        response, body = ask(port, "/")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"A sample of &lt;services&gt;." in body
    assert b'href="/metrics"' in body
    assert b'href="/healthz"' in body


def test_metrics_are_an_exposition():
    with served() as port:
        response, body = ask(port, "/metrics")
    assert response.status == 200
    [family] = text_string_to_metric_families(body.decode())
    assert family.name == "sample_answer"
    assert family.samples[0].value == 42


def test_a_query_does_not_hide_the_page():
    with served() as port:
        response, _ = ask(port, "/healthz?verbose=1")
    assert response.status == 200


def test_a_healthy_service_answers_200():
    with served() as port:
        response, body = ask(port, "/healthz")
    assert response.status == 200
    assert json.loads(body) == {"healthy": True, "problems": {}}


def test_an_unwell_service_answers_503_with_the_reasons():
    health = Health()
    health.down("mysql", "connection refused")
    with served(health) as port:
        response, body = ask(port, "/healthz")
    assert response.status == 503
    problems = {"mysql": "connection refused"}
    assert json.loads(body) == {"healthy": False, "problems": problems}


def test_an_unknown_page_is_404():
    with served() as port:
        response, _ = ask(port, "/admin")
    assert response.status == 404


def test_readiness_is_told_apart_from_health():
    health = Health()
    health.unready("log", "catching up: 12 of 340 MB read")
    with served(health) as port:
        assert ask(port, "/healthz")[0].status == 200
        response, body = ask(port, "/readyz")
        assert response.status == 503
        assert json.loads(body) == {
            "ready": False,
            "problems": {"log": "catching up: 12 of 340 MB read"},
        }
        health.ready("log")
        response, body = ask(port, "/readyz")
    assert response.status == 200
    assert json.loads(body) == {"ready": True, "problems": {}}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/admin"])
def test_nothing_can_be_changed(method: str, path: str):
    with served() as port:
        response, _ = ask(port, path, method)
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/readyz"])
def test_head_answers_without_a_body(path: str):
    with served() as port, socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with client.makefile("rb") as answer:
            head, separator, body = answer.read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200")
    assert separator
    assert body == b""


def test_a_slow_client_does_not_keep_others_waiting():
    with served() as port, socket.create_connection(("127.0.0.1", port), 5) as slow:
        slow.sendall(b"GET /metrics HT")
        response, _ = ask(port, "/metrics")
        assert response.status == 200


def test_a_client_that_says_nothing_is_dropped_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(web._RequestHandler, "timeout", 0.05)  # noqa: SLF001
    with served() as port, socket.create_connection(("127.0.0.1", port), 5) as slow:
        slow.sendall(b"GET /metrics HT")
        assert slow.recv(1) == b""
    assert capsys.readouterr() == ("", "")


def test_the_server_is_gone_after_the_block():
    with served() as port:
        threads = {thread.name for thread in threading.enumerate()}
        assert "web" in threads
    assert "web" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        ask(port, "/")


def test_a_port_that_is_taken_is_told_in_one_line():
    with (
        served() as port,
        pytest.raises(ServiceFailed, match=f"cannot serve on port {port}: Address"),
        serve("sample", "", port, CollectorRegistry(), Health()),
    ):
        pass
