import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from demo.netbeam.catalogue import Size, interfaces
from demo.netbeam.server import serve
from esnet_collector.metrics import Metrics
from esnet_collector.netbeam import MAX_BODY_BYTES, Netbeam, retry_after_seconds
from esnet_collector.replies import Outcome, Point
from esnet_collector.settings import Settings
from esnet_collector.streams import Kind, Stream, Window, clip
from esnet_collector.tests.website import Answer, Website
from servicekit import Backoff, Stop

SERIES = {
    "name": "traffic",
    "columns": ["time", "in", "out"],
    "points": [[30000, 1, 2]],
}
BODY = json.dumps(SERIES).encode()
QUICK = Backoff(initial_seconds=0.001, maximum_seconds=0.002)

type MakeNetbeam = Callable[..., Netbeam]

RESOURCE = "devices/acorn-asw3/interfaces/gr-0%2F0%2F0.5"


def window(resource: str = RESOURCE, begin_ms: int = 30_000) -> Window:
    stream = Stream(1, resource, Kind.TRAFFIC, begin_ms)
    return Window(stream, begin_ms, begin_ms + 60_000)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def make_netbeam(
    website: Website,
    make_settings: Callable[..., Settings],
    registry: CollectorRegistry,
) -> Iterator[MakeNetbeam]:
    """Return a factory of clients of the website, closed after the test."""
    made = []

    def make(
        url: str | None = None, stop: Stop | None = None, **variables: float
    ) -> Netbeam:
        settings = make_settings(NETBEAM_URL=url or website.url, **variables)
        client = Netbeam(settings, Metrics(registry, ()), stop or Stop(), QUICK)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


def fetches(registry: CollectorRegistry, outcome: str) -> float | None:
    return registry.get_sample_value(
        "esnet_collector_fetches_total", {"outcome": outcome}
    )


def test_a_resource_is_asked_for_as_it_is_spelt(
    website: Website, make_netbeam: MakeNetbeam
) -> None:
    website.says(Answer(body=BODY))
    reply = make_netbeam().points(window())
    assert reply.outcome is Outcome.OK
    assert reply.values == [Point(30000, 1, 2)]
    assert website.requests == [
        f"/api/network/esnet/prod/{RESOURCE}/traffic?begin=30000&end=90000"
    ]


@pytest.mark.parametrize(
    "part", ["1%2F2%2F3", "lo0-P6G6", "a:b", "a+b", "%25", "a;b=c"]
)
def test_no_client_library_rewrites_a_resource(
    website: Website, make_netbeam: MakeNetbeam, part: str
) -> None:
    website.says(Answer(body=BODY))
    make_netbeam().points(window(f"devices/d/interfaces/{part}"))
    path, _, _ = website.requests[0].partition("?")
    assert path.endswith(f"/devices/d/interfaces/{part}/traffic")


@pytest.mark.parametrize(
    ("status", "body", "outcome", "requests"),
    [
        (200, BODY, Outcome.OK, 1),
        (200, b"", Outcome.EMPTY, 1),
        (200, json.dumps({**SERIES, "points": []}).encode(), Outcome.EMPTY, 1),
        (204, b"", Outcome.EMPTY, 1),
        (404, b"no such thing", Outcome.GONE, 1),
        (410, b"", Outcome.GONE, 1),
        (200, BODY[:-5], Outcome.MALFORMED, 4),
        (200, b"<html>", Outcome.MALFORMED, 4),
        (400, b"", Outcome.RETRY, 4),
        (401, b"", Outcome.RETRY, 4),
        (429, b"", Outcome.RETRY, 4),
        (500, BODY, Outcome.RETRY, 4),
        (503, b"", Outcome.RETRY, 4),
    ],
)
def test_outcomes_are_told_apart(
    website: Website,
    make_netbeam: MakeNetbeam,
    registry: CollectorRegistry,
    status: int,
    body: bytes,
    outcome: Outcome,
    requests: int,
) -> None:
    website.says(Answer(status=status, body=body))
    reply = make_netbeam().points(window())
    assert reply.outcome is outcome
    assert len(website.requests) == requests
    assert fetches(registry, outcome.value) == requests
    assert reply.reason or outcome is Outcome.OK or body


def test_what_heals_is_asked_for_again(
    website: Website, make_netbeam: MakeNetbeam
) -> None:
    website.says(
        Answer(status=500),
        Answer(body=BODY[:20]),
        Answer(body=BODY[:20], promised_bytes=len(BODY), hang_up=True),
        Answer(body=BODY),
    )
    assert make_netbeam().points(window()).outcome is Outcome.OK
    assert len(website.requests) == 4


def test_a_reply_cut_short_is_no_reply(
    website: Website, make_netbeam: MakeNetbeam
) -> None:
    """Even when what arrived happens to be JSON, as an empty body is "no data"."""
    website.says(Answer(body=b"", promised_bytes=10, hang_up=True))
    reply = make_netbeam().points(window())
    assert reply.outcome is Outcome.RETRY
    assert reply.reason


def test_a_compressed_reply_is_unpacked(
    website: Website, make_netbeam: MakeNetbeam
) -> None:
    website.says(Answer(body=gzip.compress(BODY), headers={"Content-Encoding": "gzip"}))
    assert make_netbeam().points(window()).values == [Point(30000, 1, 2)]
    assert "gzip" in website.headers[0]["Accept-Encoding"]


def test_a_reply_that_unpacks_beyond_the_limit_is_refused(
    website: Website, make_netbeam: MakeNetbeam
) -> None:
    body = gzip.compress(b" " * (MAX_BODY_BYTES + 1), compresslevel=1)
    website.says(Answer(body=body, headers={"Content-Encoding": "gzip"}))
    reply = make_netbeam().points(window())
    assert reply.outcome is Outcome.RETRY
    assert f"more than {MAX_BODY_BYTES} bytes" in reply.reason


def test_a_silent_server_times_out(website: Website, make_netbeam: MakeNetbeam) -> None:
    silent = threading.Event()

    def answer(_target: str) -> Answer:
        silent.wait(20)
        return Answer(body=BODY)

    website.answer = answer
    reply = make_netbeam(NETBEAM_TIMEOUT_SECONDS=0.1).points(window())
    silent.set()
    assert reply.outcome is Outcome.RETRY
    assert "timed out" in reply.reason.lower()


def test_no_server_is_a_reason_to_retry(make_netbeam: MakeNetbeam) -> None:
    reply = make_netbeam(url="http://127.0.0.1:1/api").points(window())
    assert reply.outcome is Outcome.RETRY
    assert "refused" in reply.reason


def test_a_rest_that_is_asked_for_is_kept_by_every_request(
    website: Website, make_netbeam: MakeNetbeam
) -> None:
    client = make_netbeam()
    website.says(Answer(status=404, headers={}), Answer(body=BODY))
    client.points(window())
    website.says(Answer(status=429, headers={"Retry-After": "0.4"}), Answer(body=BODY))
    started = time.monotonic()
    assert client.points(window()).outcome is Outcome.OK
    assert client.points(window()).outcome is Outcome.OK
    assert 0.4 <= time.monotonic() - started < 5


def test_a_stop_ends_the_tries(website: Website, make_netbeam: MakeNetbeam) -> None:
    stop = Stop()
    stop.set()
    website.says(Answer(status=503, headers={"Retry-After": "60"}))
    assert make_netbeam(stop=stop).points(window()).outcome is Outcome.RETRY
    assert len(website.requests) == 1


def test_cookies_are_not_kept(website: Website, make_netbeam: MakeNetbeam) -> None:
    website.says(Answer(body=BODY, headers={"Set-Cookie": "session=1; Path=/"}))
    client = make_netbeam()
    client.points(window())
    client.points(window())
    assert "Cookie" not in website.headers[1]


def test_elements_without_a_resource_are_counted(
    website: Website, make_netbeam: MakeNetbeam, registry: CollectorRegistry
) -> None:
    website.says(Answer(body=b'[{"resource": "a"}, {}]'))
    assert len(make_netbeam().interfaces().values) == 1
    name = "esnet_collector_interfaces_rejected_total"
    assert registry.get_sample_value(name) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("-3", 0),
        ("nan", 0),
        ("inf", 0),
        ("", 0),
        ("soon", 0),
        ("Wed, 07 Oct 2020 04:00:30 GMT", 30),
        ("Wed, 07 Oct 2020 03:00:00 GMT", 0),
        ("Wed, 07 Oct 2020 03:00:00 +9999999999999999999", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float) -> None:
    now = datetime(2020, 10, 7, 4, 0, 0, tzinfo=UTC)
    assert retry_after_seconds(text, now) == seconds


def test_the_simulator_is_understood(make_netbeam: MakeNetbeam) -> None:
    """Every interface is read, whatever its name; the first point is clipped."""
    now = 1_602_072_000
    with serve(seed="belfry", size=Size.SMALL, clock=lambda: now) as url:
        client = make_netbeam(url=url)
        listed = client.interfaces()
        assert listed.outcome is Outcome.OK
        assert len(listed.values) == len(interfaces("belfry", Size.SMALL))
        begin_ms = (now - 3600) * 1000 + 5000
        for interface in listed.values:
            asked = window(interface.resource, begin_ms)
            reply = client.points(asked)
            if interface.record["speed"] is None:
                assert reply.outcome is Outcome.EMPTY
            else:
                assert len(clip(reply.values, asked)) == 2 < len(reply.values)
        assert client.points(window("devices/x/interfaces/y")).outcome is Outcome.GONE
