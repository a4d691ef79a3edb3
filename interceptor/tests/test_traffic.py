import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest

from interceptor.traffic import addresses, main, travel, visit
from servicekit import Stop


class Site(HTTPServer):
    """A web server that notes its visits."""

    def __init__(self) -> None:
        self.visits: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", 0), Page)


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Site)
        self.server.visits.append((self.headers["Host"], self.path))
        self.send_response(404 if self.path == "/missing" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_site_is_asked_by_its_name_at_the_given_address(site: Site):
    target = urlsplit(f"http://www.demo:{site.server_port}/page")
    assert visit(target, "127.0.0.1") == "200"
    assert site.visits == [(f"www.demo:{site.server_port}", "/page")]


def test_any_answer_is_a_visit(site: Site):
    target = urlsplit(f"http://www.demo:{site.server_port}/missing")
    assert visit(target, "127.0.0.1") == "404"


def test_a_site_that_is_away_is_survived():
    assert "Connection refused" in visit(urlsplit("http://www.demo:1"), "127.0.0.1")


def test_a_name_without_address_is_survived():
    (nothing,) = addresses(urlsplit("http://no-such-name.invalid"))
    assert visit(urlsplit("http://no-such-name.invalid"), nothing) == (
        "the name has no address"
    )


def test_addresses_of_both_families():
    assert list(addresses(urlsplit("http://[::1]:8080"))) == ["::1"]
    assert list(addresses(urlsplit("http://127.0.0.1"))) == ["127.0.0.1"]


def test_targets_are_visited_in_turn_with_a_pause_before_each(site: Site):
    stop = Pauses(count=4)
    base = f"http://127.0.0.1:{site.server_port}"
    travel([urlsplit(f"{base}/a"), urlsplit(f"{base}/b")], 0.25, stop)
    assert [path for _, path in site.visits] == ["/a", "/b", "/a", "/b"]
    assert stop.waits == [0.25] * 5


class Pauses(Stop):
    """Lets a number of waits pass at once, and then stops."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return len(self.waits) > self.count


def test_a_wrong_target_is_a_clear_error(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["www.demo"])
    assert ended.value.code == 2
    assert "argument URL: invalid" in capsys.readouterr().err
