"""The demo site over HTTP, as a checker and a person meet it."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import pytest

from demo.sites.pages import MAX_SLOW_SECONDS, PAGES, reply
from demo.sites.server import serve
from servicekit import Stop
from servicekit.http_server import Request


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve the site on a free port."""
    with serve(Stop(), 0) as (port,):
        yield port


def get(port: int, path: str) -> tuple[http.client.HTTPResponse, str]:
    """Return the answer to one request, with its body."""
    with closing(
        http.client.HTTPConnection("localhost", port, timeout=5)
    ) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response, response.read().decode()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", HTTPStatus.OK),
        ("/ok", HTTPStatus.OK),
        ("/moved", HTTPStatus.FOUND),
        ("/missing", HTTPStatus.NOT_FOUND),
        ("/anything/else", HTTPStatus.NOT_FOUND),
        ("/error", HTTPStatus.INTERNAL_SERVER_ERROR),
        ("/slow?seconds=0", HTTPStatus.OK),
        ("/slow?seconds=soon", HTTPStatus.BAD_REQUEST),
        ("/slow?seconds=-1", HTTPStatus.BAD_REQUEST),
        ("/slow?seconds=nan", HTTPStatus.BAD_REQUEST),
        ("/text", HTTPStatus.OK),
        ("/healthz", HTTPStatus.OK),
    ],
)
def test_each_page_answers_as_it_says(port: int, path: str, status: HTTPStatus):
    assert get(port, path)[0].status == status


def test_the_first_page_links_to_every_page(port: int):
    response, body = get(port, "/")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert re.findall(r'href="([^"]+)"', body) == list(PAGES)


def test_moved_leads_to_ok(port: int):
    assert get(port, "/moved")[0].headers["Location"] == "/ok"


def test_the_text_is_there_to_be_matched(port: int):
    assert "All systems are go" in get(port, "/text")[1]


@pytest.mark.parametrize(
    ("query", "seconds"),
    [({"seconds": "0.25"}, 0.25), ({}, 5), ({"seconds": "1e9"}, MAX_SLOW_SECONDS)],
)
def test_slow_waits_as_long_as_asked_within_bounds(
    query: dict[str, str], seconds: float
):
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return False

    assert reply(Request("/slow", query), wait).status == HTTPStatus.OK
    assert waited == [seconds]


def test_a_slow_page_does_not_hold_up_the_others_nor_the_end():
    stop, answers = Stop(), []
    with serve(stop, 0) as (port,):
        slow = threading.Thread(
            target=lambda: answers.append(get(port, "/slow?seconds=4")[0].status)
        )
        slow.start()
        assert get(port, "/ok")[0].status == HTTPStatus.OK
        assert not answers
        stop.set()
        slow.join(timeout=3)
    assert answers == [HTTPStatus.SERVICE_UNAVAILABLE]


def test_the_program_serves_two_ports_until_it_is_told_to_stop(tmp_path: Path):
    with (
        socket.create_server(("", 0)) as first,
        socket.create_server(("", 0)) as second,
    ):
        ports = [first.getsockname()[1], second.getsockname()[1]]
    with subprocess.Popen(
        [sys.executable, "-m", "demo.sites"],
        env=os.environ
        | {"SITES_PORTS": f"{ports[0]},{ports[1]}", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert all(answers_within(port, seconds=10) for port in ports)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert f"-> serving ports={ports[0]},{ports[1]}\n" in output
    assert output.endswith("-> stopped\n")


def answers_within(port: int, seconds: float) -> bool:
    """Tell whether the port answers before the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return get(port, "/ok")[0].status == HTTPStatus.OK
        except OSError:
            time.sleep(0.05)
    return False


def test_wrong_settings_end_with_2():
    ended = subprocess.run(
        [sys.executable, "-m", "demo.sites"],
        env=os.environ | {"SITES_PORTS": "80,http"},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        'SITES_PORTS: expected a list of ports 1-65535, got "80,http"\n'
    )
