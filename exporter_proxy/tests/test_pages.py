"""What is answered over HTTP, seen by those who ask."""

import json
import socket
import subprocess
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from exporter_proxy.store.applications import MAX_NAME_LENGTH
from exporter_proxy.tests.running import wait_until
from exporter_proxy.tests.scraping import Held, Scraper, scraping

PATHS = ("/", "/metrics", "/metrics/self", "/metrics/app/shop", "/sd", "/healthz")
GZIP = {"Accept-Encoding": "gzip"}
MEGABYTE = 2**20

# Less than this the kernel keeps for a client that does not read.
LARGE = 15 * MEGABYTE


@pytest.fixture
def held() -> Held:
    held = Held()
    held.put("shop", "# TYPE shop_a counter\nshop_a 1\n")
    return held


@pytest.fixture
def scraper(held: Held) -> Iterator[Scraper]:
    with scraping(held) as scraper:
        yield scraper


@pytest.mark.parametrize("path", PATHS)
def test_every_page_answers_get_and_head_only(scraper: Scraper, path: str):
    got, head = scraper.ask(path), scraper.ask(path, "HEAD")

    assert got.status == head.status == 200
    assert head.body == b""
    assert head.headers["Content-Length"] == str(len(got.body))
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert scraper.ask(path, "DELETE").status == 405


def test_prometheus_gets_the_content_type_that_it_insists_on(scraper: Scraper):
    headers = scraper.ask("/metrics").headers

    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert headers["Vary"] == "Accept, Accept-Encoding"


def test_open_metrics_is_served_to_who_asks_for_it(scraper: Scraper):
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}

    answer = scraper.ask("/metrics/self", headers=accept)

    assert answer.headers["Content-Type"] == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/metrics", "/metrics/self", "/metrics/app/shop"])
def test_the_bytes_are_the_same_in_both_encodings(scraper: Scraper, path: str):
    plain, packed = scraper.ask(path), scraper.ask(path, headers=GZIP)

    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.headers["Content-Encoding"] is None
    assert packed.text == plain.text


def test_curl_reads_what_is_compressed(scraper: Scraper):
    """It reads the first gzip member only, as browsers do: there is only one."""
    url = f"http://127.0.0.1:{scraper.serving.port}/metrics/self"

    curl = subprocess.run(
        ["curl", "--silent", "--show-error", "--compressed", url],
        capture_output=True,
        check=True,
        timeout=10,
    )

    assert curl.stdout.decode() == scraper.ask("/metrics/self").text


@pytest.mark.parametrize("headers", [{}, GZIP])
@pytest.mark.parametrize("path", ["/metrics", "/metrics/self", "/metrics/app/shop"])
def test_who_has_it_already_is_told_so(
    held: Held, scraper: Scraper, path: str, headers: dict[str, str]
):
    tag = scraper.ask(path, headers=headers).headers["ETag"]
    again = scraper.ask(path, headers={**headers, "If-None-Match": f'"x", {tag}'})

    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert again.headers["Vary"] == "Accept, Accept-Encoding"

    held.put("shop", "shop_a 2\nshop_b 2\n")
    changed = scraper.ask(path, headers={**headers, "If-None-Match": tag})

    assert changed.status == 200


def test_a_tag_of_another_encoding_is_no_match(scraper: Scraper):
    tag = scraper.ask("/metrics").headers["ETag"]

    answer = scraper.ask("/metrics", headers={**GZIP, "If-None-Match": tag})

    assert answer.status == 200


@pytest.mark.parametrize("tag", ["", "x", '"x', "W/", ",", '"x" *'])
def test_a_tag_that_makes_no_sense_is_no_match(scraper: Scraper, tag: str):
    assert scraper.ask("/metrics", headers={"If-None-Match": tag}).status == 200


def test_a_part_that_is_asked_for_is_the_whole(scraper: Scraper):
    answer = scraper.ask("/metrics", headers={"Range": "bytes=0-3"})

    assert answer.status == 200
    assert answer.body == scraper.ask("/metrics").body


NAMES = [
    "shop",
    "the shop",
    "shop/a",
    "shop?a=b&c",
    "shop#a",
    "50%",
    "50%20",
    "ähop 店",
    'a"b\\c',
    "a+b",
    "http://host:9100/metrics?module=a%20b",
    "/job/shop/instance/a%2Fb",
    "a" * MAX_NAME_LENGTH,
]


@pytest.mark.parametrize("name", NAMES)
def test_one_application_can_be_had_alone_whatever_its_name(
    held: Held, scraper: Scraper, name: str
):
    held.put(name, "own_a 1\n")

    encoded = quote(name, safe="")
    partly_encoded = quote(name, safe="/:")
    for path in (
        f"/metrics/app/{encoded}",
        f"/metrics/app/{partly_encoded}",
        f"/metrics/app/{encoded}?more=1",
        f"/metrics?app={encoded}",
        f"http://localhost/metrics/app/{encoded}",
    ):
        answer = scraper.ask(path)
        assert answer.status == 200
        assert answer.text.endswith("# TYPE own_a untyped\nown_a 1\n"), path


def test_every_target_that_prometheus_is_told_of_is_there(held: Held, scraper: Scraper):
    for name in NAMES:
        held.put(name, "own_a 1\n")

    groups = json.loads(scraper.ask("/sd").body)

    assert {group["labels"]["app"] for group in groups} == set(NAMES)
    for group in groups:
        path = quote(group["labels"]["__metrics_path__"])  # as Prometheus does
        assert scraper.ask(path).status == 200


@pytest.mark.parametrize(
    "path", ["/metrics/app/other", "/metrics?app=other", "/metrics?app="]
)
def test_an_unknown_application_is_not_found(scraper: Scraper, path: str):
    answer = scraper.ask(path)

    assert answer.status == 404
    assert answer.text.startswith("no application is known as ")


def test_one_question_is_about_one_application(scraper: Scraper):
    answer = scraper.ask("/metrics?app=shop&app=mailer")

    assert (answer.status, answer.text) == (
        400,
        "app: expected one name, got several\n",
    )


def test_a_stale_application_is_down(held: Held, scraper: Scraper):
    held.applications.stale("shop")

    answer = scraper.ask("/metrics/app/shop")

    assert (answer.status, answer.text) == (
        503,
        "shop: its data is too old and no longer served\n",
    )


def test_a_target_is_down_until_it_was_polled_and_when_that_failed(
    held: Held, scraper: Scraper
):
    path = "/metrics?app=http://host/a"
    held.applications.expect("http://host/a", "poll", "external_poll: host:80")

    answer = scraper.ask(path)
    assert (answer.status, answer.text) == (
        503,
        "http://host/a: it was not polled yet\n",
    )

    held.put("http://host/a", "a 1\n", channel="poll")
    assert scraper.ask(path).status == 200

    held.refuse("http://host/a", "answered HTTP 500", channel="poll")
    answer = scraper.ask(path)
    assert (answer.status, answer.text) == (
        503,
        "http://host/a: its last poll failed: answered HTTP 500\n",
    )


def test_an_application_whose_last_push_was_refused_is_served_as_it_was(
    held: Held, scraper: Scraper
):
    held.refuse("shop", "line 1")

    assert scraper.ask("/metrics/app/shop").status == 200


def test_an_application_that_was_only_ever_refused_is_down(
    held: Held, scraper: Scraper
):
    held.refuse("new", "line 1: no")

    answer = scraper.ask("/metrics/app/new")

    assert (answer.status, answer.text) == (
        503,
        "new: nothing of it was taken yet: line 1: no\n",
    )


def test_the_index_lists_what_there_is(scraper: Scraper):
    text = scraper.ask("/").text

    for path in ("/apps", "/metrics", "/metrics/self", "/sd", "/healthz"):
        assert f'href="{path}"' in text


def test_health_is_told(scraper: Scraper):
    answer = scraper.ask("/healthz")

    assert json.loads(answer.body) == {"healthy": True, "problems": {}}


def large(number: int) -> str:
    """Return a body of about ``LARGE`` bytes."""
    label = "x" * 4000
    return "".join(
        f'large_a{{n="{n}",x="{label}"}} {number}\n' for n in range(LARGE // 4000)
    )


def asking(scraper: Scraper, path: str) -> socket.socket:
    """Return a connection on which an answer began, and nobody reads on."""
    connection = scraper.serving.connect()
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert connection.recv(4) == b"HTTP"
    return connection


def is_cut_off(connection: socket.socket) -> bool:
    """Read on; return whether the answer ends before its end."""
    received = 0
    with connection:
        try:
            while part := connection.recv(MEGABYTE):
                received += len(part)
                if received >= LARGE:
                    return False
        except ConnectionResetError:
            pass
    return True


def test_a_client_that_does_not_read_is_cut_off(held: Held):
    held.put("large", large(1))

    with scraping(held, answer_seconds=0.1) as scraper:
        connection = asking(scraper, "/metrics")
        wait_until(lambda: held.counted("cut_off_scrapes_total", reason="slow") == 1)
        assert is_cut_off(connection)
        assert scraper.ask("/healthz").status == 200


def test_clients_that_read_slowly_cannot_fill_the_memory(held: Held):
    with scraping(held, max_bytes=3 * LARGE) as scraper:
        slow = []
        for number in range(4):
            held.put("large", large(number))
            slow.append(asking(scraper, "/metrics"))

        assert held.counted("cut_off_scrapes_total", reason="crowded") == 2
        assert [is_cut_off(connection) for connection in slow] == [
            True,
            True,
            False,
            False,
        ]


def test_clients_that_get_the_same_share_it(held: Held):
    held.put("large", large(1))

    with scraping(held, max_bytes=2 * LARGE) as scraper:
        slow = [asking(scraper, "/metrics") for _ in range(10)]

        assert not any(map(is_cut_off, slow))


def test_who_leaves_half_way_harms_nobody(held: Held, caplog: pytest.LogCaptureFixture):
    held.put("large", large(1))

    with scraping(held) as scraper:
        for _ in range(3):
            asking(scraper, "/metrics").close()
        assert scraper.ask("/metrics").status == 200

    assert caplog.records == []
