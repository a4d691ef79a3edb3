"""The API over HTTP, as a collector meets it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from demo.netbeam.catalogue import Size, interfaces
from demo.netbeam.series import points
from demo.netbeam.server import serve

NOW = 1_602_072_015
LATEST_MS = 1_602_072_000_000
SMALL = interfaces("belfry", Size.SMALL)
LINKED = next(each for each in SMALL if each.name == "ge-0/0/0")
UNLINKED = next(each for each in SMALL if each.link is None)


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """Serve the small network at a fixed time."""
    with serve("belfry", Size.SMALL, clock=lambda: NOW) as url:
        yield url


def get(url: str) -> tuple[http.client.HTTPResponse, bytes]:
    """Return the answer to one request, with its body; nothing is re-encoded."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def measured(base_url: str, begin: float, end: float) -> list[list[float | None]]:
    """Return the traffic points of a linked interface."""
    url = f"{base_url}/{LINKED.resource}/traffic?begin={begin}&end={end}"
    response, body = get(url)
    assert response.status == HTTPStatus.OK
    found: list[list[float | None]] = json.loads(body)["points"]
    return found


def test_the_list_is_the_whole_network_in_order(base_url: str):
    response, body = get(f"{base_url}/interfaces")
    assert response.headers["Content-Type"] == "application/json"
    assert json.loads(body) == [each.record() for each in SMALL]


@pytest.mark.parametrize("measurement", ["traffic", "errors", "discards"])
def test_what_is_delivered_is_what_is_expected(base_url: str, measurement: str):
    begin, end = LATEST_MS - 3_600_000, LATEST_MS
    url = f"{base_url}/{LINKED.resource}/{measurement}?begin={begin}&end={end - 1}"
    reply = json.loads(get(url)[1])
    assert reply["name"] == measurement
    assert reply["columns"] == ["time", "in", "out"]
    expected = points("belfry", LINKED, measurement, begin, end)
    assert reply["points"] == [list(point) for point in expected]


def test_the_first_point_is_at_or_before_begin_and_the_last_at_or_before_end(
    base_url: str,
):
    found = measured(base_url, LATEST_MS - 59_999, LATEST_MS - 30_000)
    assert [time_ms for time_ms, *_ in found] == [
        LATEST_MS - 60_000,
        LATEST_MS - 30_000,
    ]


def test_times_may_have_a_fraction(base_url: str):
    found = measured(base_url, LATEST_MS - 30_000.5, LATEST_MS - 0.5)
    assert [time_ms for time_ms, *_ in found] == [
        LATEST_MS - 60_000,
        LATEST_MS - 30_000,
    ]


def test_there_is_nothing_from_the_future(base_url: str):
    found = measured(base_url, LATEST_MS - 30_000, LATEST_MS + 3_600_000)
    assert [time_ms for time_ms, *_ in found] == [LATEST_MS - 30_000, LATEST_MS]
    assert measured(base_url, LATEST_MS + 20_000, LATEST_MS + 60_000) == []


def test_a_window_the_wrong_way_round_is_empty(base_url: str):
    assert measured(base_url, LATEST_MS, LATEST_MS - 60_000) == []


def test_an_interface_without_a_link_answers_with_nothing(base_url: str):
    response, body = get(f"{base_url}/{UNLINKED.resource}/traffic?begin=0&end=1")
    assert (response.status, body) == (HTTPStatus.OK, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/devices/nowhere/interfaces/ge-0%2F0%2F0/traffic?begin=0&end=1",
        f"/{LINKED.resource}/temperature?begin=0&end=1",
        f"/{LINKED.resource}?begin=0&end=1",
        f"/{LINKED.resource.replace('%2F', '/')}/traffic?begin=0&end=1",
        f"/{LINKED.resource.replace('%2F', '%252F')}/traffic?begin=0&end=1",
        "s/interfaces",
        "/",
        "",
    ],
)
def test_what_does_not_exist_is_not_found(base_url: str, path: str):
    assert get(f"{base_url}{path}")[0].status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("", "begin: expected milliseconds since 1970"),
        ("begin=0", "end: expected milliseconds since 1970"),
        ("begin=yesterday&end=1", "begin: expected milliseconds since 1970"),
        ("begin=nan&end=1", "begin: expected milliseconds since 1970"),
        ("begin=-1&end=1", "begin: expected milliseconds since 1970"),
        ("begin=0&end=2678400001", "begin and end: more than 31 days apart"),
    ],
)
def test_a_wrong_window_is_refused(base_url: str, query: str, problem: str):
    response, body = get(f"{base_url}/{LINKED.resource}/traffic?{query}")
    assert response.status == HTTPStatus.BAD_REQUEST
    assert body.decode() == f"{problem}\n"


def test_the_program_serves_until_it_is_told_to_stop(tmp_path: Path):
    with socket.create_server(("", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "demo.netbeam"],
        env=os.environ | {"NETBEAM_PORT": str(port), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert answers_within(f"http://127.0.0.1:{port}/healthz", seconds=10)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert f"http://localhost:{port}/api/network/esnet/prod size=small" in output
    assert output.endswith("-> stopped\n")


def answers_within(url: str, seconds: float) -> bool:
    """Tell whether the URL answers 200 before the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return get(url)[0].status == HTTPStatus.OK
        except OSError:
            time.sleep(0.05)
    return False


def test_wrong_settings_are_told_all_at_once():
    ended = subprocess.run(
        [sys.executable, "-m", "demo.netbeam"],
        env=os.environ | {"NETBEAM_PORT": "http", "NETBEAM_SIZE": "huge"},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        'NETBEAM_SIZE: expected one of small, real, got "huge"',
        'NETBEAM_PORT: expected a port 1-65535, got "http"',
    ]


def test_a_taken_port_is_one_clear_line(tmp_path: Path):
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "demo.netbeam"],
            env=os.environ | {"NETBEAM_PORT": str(port), "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    assert ended.returncode == 1
    [line] = ended.stdout.splitlines()
    assert f"NETBEAM_PORT {port}:" in line
    assert "Address already in use" in line
