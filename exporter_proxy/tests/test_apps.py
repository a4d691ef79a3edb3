"""/apps over HTTP: its forms, its filters, and deleting."""

import gzip
import http.client
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.config.values import Lifetime
from exporter_proxy.serve.apps import FORMS, preferred
from exporter_proxy.tests.site import SOURCE, Site

NOON = 1_795_262_400.0
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def site() -> Iterator[Site]:
    """Return a site where it is noon."""
    with Site(lambda: NOON).open() as site:
        yield site


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "table"),
        ("*/*", "table"),
        ("text/plain", "table"),
        ("text/*", "table"),
        ("application/json", "json"),
        ("application/json, text/plain, */*", "json"),
        ("Application/JSON;q=0.5, text/plain;q=0.4", "json"),
        ("application/*", "json"),
        (FIREFOX, "html"),
        ("text/html, application/json;q=0.9", "html"),
        ("text/html;q=0, */*", "table"),
        ("image/png", "table"),
        ("text/html;q=nonsense", "table"),
        (',;=",q=,/;;text/html"', "table"),
    ],
)
def test_everybody_gets_the_form_they_ask_for(accept: str, form: str):
    assert preferred(accept) == form


@given(accept=st.text() | st.text(alphabet='ahtml/*;q=0.1," ', max_size=60))
def test_no_header_is_too_strange(accept: str):
    assert preferred(accept) in FORMS


@pytest.mark.parametrize(("form", "media_type"), FORMS.items())
def test_each_form_can_be_asked_for(site: Site, form: str, media_type: str):
    site.push("shop")

    by_header, _ = site.get(Accept=media_type)
    by_query, body = site.get(f"/apps?format={form}", Accept="image/png;q=")

    for response in (by_header, by_query):
        assert response.status == 200
        assert response.headers["Content-Type"] == f"{media_type}; charset=utf-8"
        assert response.headers["Vary"] == "Accept, Accept-Encoding"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "shop" in body
    head, nothing = site.get("/apps", "HEAD")
    assert (head.status, nothing) == (200, "")


def test_the_table_is_the_default(site: Site):
    site.push("shop")

    body = site.get()[1]

    assert body.startswith("Current time: 2026-11-21 12:00:00 UTC\n\n+--")
    assert f"| shop        | 2026-11-21 12:00:00 | 0 s | {SOURCE} | ok " in body


def test_json_says_all_there_is_to_know(site: Site):
    site.push(
        "/job/shop/instance/a",
        channel="http",
        lifetime=Lifetime(seconds=60),
        group={"job": "shop", "instance": "a"},
    )
    site.fail("/job/shop/instance/a", "line 1: no", channel="http")

    answer = json.loads(site.get("/apps?format=json")[1])

    assert answer == {
        "now": "2026-11-21T12:00:00.000Z",
        "applications": [
            {
                "name": "/job/shop/instance/a",
                "channel": "http",
                "source": SOURCE,
                "state": "failing",
                "updated_at": "2026-11-21T12:00:00.000Z",
                "age_seconds": 0.0,
                "expires_at": "2026-11-21T12:01:00.000Z",
                "interval_seconds": None,
                "series": 1,
                "dropped_lines": 0,
                "left_out_families": [],
                "left_out_series": 0,
                "last_error": "line 1: no",
                "failed_at": "2026-11-21T12:00:00.000Z",
                "labels": {"job": "shop", "instance": "a"},
                "remarks": ["line 1: no"],
            }
        ],
    }


def test_who_fails_until_the_data_is_too_old_says_both(site: Site):
    site.push("shop", lifetime=Lifetime(seconds=1e-9))
    site.fail("shop", "line 1: no")

    assert site.listed()[0]["remarks"] == ["line 1: no", "too old: no longer served"]


def test_what_is_not_known_is_null(site: Site):
    site.let(lambda: site.applications.expect("http://db/", "poll", "there"))

    (only,) = site.listed()

    unknown = ("updated_at", "age_seconds", "expires_at", "interval_seconds")
    assert [only[key] for key in unknown] == [None] * 4
    assert only["state"] == "waiting"


def test_applications_come_in_the_order_of_their_names(site: Site):
    for name in ("b", "a", "C", "/job/x"):
        site.push(name, "up 1\n")

    assert [each["name"] for each in site.listed()] == ["/job/x", "C", "a", "b"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("&state=failing", ["mailer"]),
        ("&state=failing&state=waiting", ["http://db/", "mailer"]),
        ("&state=", ["http://db/", "mailer", "shop", "shop/2"]),
        ("&match=shop", ["shop"]),
        ("&match=shop*", ["shop", "shop/2"]),
        ("&match=http%3A%2F%2F*", ["http://db/"]),
        ("&match=s[g-i]op", ["shop"]),
        ("&q=SHOP", ["shop", "shop/2"]),
        ("&q=out+of+paper", ["mailer"]),
        ("&match=*p*&state=ok&q=2", ["shop/2"]),
        ("&match=nobody", []),
    ],
)
def test_filters_hold_in_every_form(site: Site, query: str, names: list[str]):
    site.push("shop", "a 1\n")
    site.push("shop/2", "b 1\n")
    site.fail("mailer", "Out of paper")
    site.let(lambda: site.applications.expect("http://db/", "poll", "there"))

    assert [each["name"] for each in site.listed(query)] == names
    table = site.get("/apps?format=table" + query)[1]
    page = site.get("/apps?format=html" + query)[1]
    for name in ("http://db/", "mailer", "shop", "shop/2"):
        assert (f"| {name} " in table) is (name in names)
        assert (f'class="name">{name}</th>' in page) is (name in names)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("format=xml", "format: expected one of table, json, html"),
        ("state=well", "state: expected one of waiting, ok, failing, stale"),
    ],
)
def test_a_wrong_question_gets_one_clear_line(site: Site, query: str, error: str):
    response, body = site.get(f"/apps?{query}")

    assert response.status == 400
    assert json.loads(body) == {"error": error}


def test_large_answers_are_compressed_for_who_takes_that(site: Site):
    for number in range(20):
        site.push(f"application_{number}", f"a_{number} 1\n")
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=5)
    connection.request("GET", "/apps", headers={"Accept-Encoding": "br, gzip"})
    response = connection.getresponse()
    body = response.read()
    connection.close()

    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body).decode() == site.get()[1]


class Elements(HTMLParser):
    """Collects every element of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{rows}}&amp;$"


def test_a_page_takes_nothing_that_was_sent_for_markup(site: Site):
    site.push(HOSTILE, "a 1\n", source=HOSTILE)
    site.fail("b", HOSTILE)

    query = f"&q={quote('<script>')}&match={quote('*')}"
    response, page = site.get("/apps?format=html" + query)

    elements = Elements(page).found
    assert "&lt;script&gt;alert(1)" in page
    assert sum(tag == "script" for tag, _ in elements) == 1
    assert not [tag for tag, _ in elements if tag == "img"]
    assert not [
        name for _, attributes in elements for name in attributes if name[:2] == "on"
    ]
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


def test_a_page_needs_nothing_from_elsewhere(site: Site):
    page = site.get("/apps?format=html")[1]

    assert "://" not in page
    assert "{{" not in page


def test_a_page_begins_with_some_rows_and_leads_to_all(site: Site):
    for number in range(7):
        site.push(f"app{number}", f"a_{number} 1\n")

    page = site.get("/apps?format=html&limit=5&q=app")[1]

    assert page.count('class="name">app') == 5
    assert 'href="?format=html&amp;limit=7&amp;q=app"' in page


NAMES = [
    "shop",
    "shop/2",
    "/job/shop/instance/a%20b",
    "söme näme",
    "a%2Fb",
    "100%",
    ".",
]


@pytest.mark.parametrize("name", NAMES)
def test_an_application_is_deleted_by_its_name(site: Site, name: str):
    for each in NAMES:
        site.push(each, "up 1\n" if each == name else "")

    response, body = site.get(f"/apps/{quote(name, safe='')}", "DELETE")

    assert response.status == 200
    assert json.loads(body) == {"deleted": [name], "polled": []}
    assert {each["name"] for each in site.listed()} == set(NAMES) - {name}
    assert site.catalogue.text() == b""


def test_slashes_of_a_name_need_no_encoding(site: Site):
    site.push("/job/shop", "a 1\n")

    assert site.get("/apps//job/shop", "DELETE")[0].status == 200
    assert site.listed() == []


def test_applications_are_deleted_by_a_pattern(site: Site):
    for name in ("shop", "shop/2", "mailer"):
        site.push(name, "a 1\n")

    _, body = site.get("/apps?match=shop*", "DELETE")

    assert json.loads(body) == {"deleted": ["shop", "shop/2"], "polled": []}
    assert [each["name"] for each in site.listed()] == ["mailer"]


@pytest.mark.parametrize("path", ["/apps/nobody", "/apps?match=nobody*"])
def test_who_is_not_there_cannot_be_deleted(site: Site, path: str):
    response, body = site.get(path, "DELETE")

    assert response.status == 404
    assert json.loads(body) == {"error": "no such application"}


def test_deleting_needs_to_be_told_what(site: Site):
    assert site.get("/apps", "DELETE")[0].status == 400


def test_a_polled_target_comes_back_and_is_not_deleted(site: Site):
    site.polled.add("http://db/metrics")
    site.push("http://db/metrics", "a 1\n", channel="poll")
    site.push("http-server", "b 1\n")

    response, body = site.get("/apps/http%3A%2F%2Fdb%2Fmetrics", "DELETE")
    assert response.status == 409
    assert json.loads(body) == {
        "error": "polled as poll_external says: take it out there",
        "polled": ["http://db/metrics"],
    }

    response, body = site.get("/apps?match=http*", "DELETE")
    assert response.status == 200
    assert json.loads(body) == {
        "deleted": ["http-server"],
        "polled": ["http://db/metrics"],
    }
    assert [each["name"] for each in site.listed()] == ["http://db/metrics"]
