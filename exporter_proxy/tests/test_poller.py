"""Polling: what targets may answer, and how the polling follows the configuration."""

import asyncio
import gzip
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from exporter_proxy.config import Config, read
from exporter_proxy.metrics import Metrics
from exporter_proxy.poll.fetch import fetch, open_session
from exporter_proxy.poll.inflate import PIECE_BYTES, Inflater
from exporter_proxy.poll.poller import Parts, Polling
from exporter_proxy.poll.target import Target, targets
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.store.applications import Applications, State
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.intake import Intake
from exporter_proxy.store.policies import Policies
from exporter_proxy.tests.certificates import Authority
from exporter_proxy.tests.merging import exposition
from exporter_proxy.tests.running import DEADLINE_SECONDS
from servicekit import Health

BODY = b"polled 1\n"
MAX_BYTES = 100_000

type Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


def ok(
    body: bytes = BODY, *headers: str, status: str = "200 OK", kind: str = "text/plain"
) -> bytes:
    """Return a whole answer that states its length."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def moved(location: str) -> bytes:
    return ok(b"", f"Location: {location}", status="302 Found")


def packed(body: bytes, encoding: str = "gzip") -> bytes:
    return ok(body, f"Content-Encoding: {encoding}")


@dataclass
class Server:
    """A web server on loopback that answers what a test says, and then hangs up.

    Each request gets the next answer; the last one is given again and again.
    """

    answers: list[Answer]
    port: int = 0
    requests: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/metrics"

    async def attend(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        writer.close()


@asynccontextmanager
async def serving(
    *answers: Answer, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    server = Server(list(answers))
    listener = await asyncio.start_server(server.attend, host, 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


def target(
    url: str, *, timeout: float = 5, verify: bool = True, interval: float = 0.1
) -> Target:
    return Target(url, interval, timeout, verify, MAX_BYTES)


async def fetched(wanted: Target) -> bytes:
    async with open_session() as session:
        return await fetch(session, wanted)


def refusal_of(what: Coroutine[object, object, object]) -> Refused:
    """Return why it is refused; it must be."""
    with pytest.raises(Refused) as caught:
        uvloop.run(what)
    return caught.value


async def answered(*answers: Answer, within: float = 5) -> bytes:
    """Return what is fetched of a target that answers this."""
    async with serving(*answers) as server:
        return await fetched(target(server.url, timeout=within))


@pytest.mark.parametrize(
    "answer",
    [
        ok(),
        ok(kind="text/plain; version=0.0.4; charset=utf-8"),
        ok(kind="Text/Plain"),
        packed(gzip.compress(BODY)),
        packed(gzip.compress(BODY), "X-GZIP"),
        packed(gzip.compress(BODY[:3]) + gzip.compress(BODY[3:])),
        packed(BODY, "identity"),
        b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"9\r\npolled 1\n\r\n0\r\n\r\n",
    ],
)
def test_a_whole_answer_is_taken(answer: bytes):
    assert uvloop.run(answered(answer)) == BODY


def test_nothing_is_a_whole_answer_too():
    assert uvloop.run(answered(b"HTTP/1.0 200 OK\r\n\r\n")) == b""


HALF = gzip.compress(b"polled 1\n" * 1000)[:-10]
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
PROTOBUF = "application/vnd.google.protobuf; encoding=delimited"


@pytest.mark.parametrize(
    ("answer", "reason", "detail"),
    [
        (ok(status="500 No"), Reason.STATUS, "answered HTTP 500"),
        (ok(b"", status="204 No Content"), Reason.STATUS, "answered HTTP 204"),
        (ok(kind="text/html"), Reason.CONTENT_TYPE, "got text/html"),
        (ok(kind=OPEN_METRICS), Reason.CONTENT_TYPE, f"got {OPEN_METRICS}"),
        (ok(kind=PROTOBUF), Reason.CONTENT_TYPE, f"got {PROTOBUF}"),
        (packed(BODY), Reason.COMPRESSION, "says gzip, the body is not"),
        (packed(BODY, "br"), Reason.COMPRESSION, "br, which was not asked for"),
        (packed(HALF), Reason.CUT_OFF, "the gzip body ends before its end"),
        (ok()[:-3], Reason.CUT_OFF, "the answer ends before its end"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\npolled",
            Reason.CUT_OFF,
            "the answer ends before its end",
        ),
        (
            b"HTTP/1.0 200 OK\r\n\r\npolled 1\npolled_too",
            Reason.CUT_OFF,
            "the answer ends within a line",
        ),
        (b"", Reason.CUT_OFF, "hangs up without an answer"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", Reason.PROTOCOL, "answers what is no HTTP"),
        (moved("/again"), Reason.REDIRECT, "redirects more than 5 times"),
        (moved("ftp://127.0.0.1/x"), Reason.REDIRECT, "to what is no http or https"),
        (moved("http://[::/x"), Reason.REDIRECT, "to what is no http or https"),
        (moved(""), Reason.REDIRECT, "to what is no http or https"),
        (ok(b"p 1\n" * MAX_BYTES), Reason.TOO_LARGE, f"more than {MAX_BYTES} bytes"),
        (
            packed(gzip.compress(b"\0" * 10**8)),
            Reason.TOO_LARGE,
            f"more than {MAX_BYTES} bytes",
        ),
    ],
)
def test_any_other_answer_is_refused_for_its_own_reason(
    answer: bytes, reason: Reason, detail: str
):
    refused = refusal_of(answered(answer))

    assert (refused.reason, detail in refused.detail) == (reason, True), refused.detail


async def endless(writer: asyncio.StreamWriter, piece: bytes) -> None:
    while True:
        writer.write(piece)
        await writer.drain()


async def endless_lines(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    await endless(writer, BODY * 1000)


async def endless_gzip_of_nothing(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
    await endless(writer, gzip.compress(b"") * 1000)


async def trickle(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silence(writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    await asyncio.sleep(DEADLINE_SECONDS)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (endless_lines, Reason.TOO_LARGE),
        (endless_gzip_of_nothing, Reason.TOO_LARGE),
        (trickle, Reason.TIMEOUT),
        (silence, Reason.TIMEOUT),
    ],
)
def test_an_answer_without_an_end_is_given_up(answer: Answer, reason: Reason):
    assert refusal_of(answered(answer, within=0.3)).reason is reason


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/metrics",
        "http://nowhere.invalid/metrics",
        f"http://{'a' * 70}.invalid/",
        "http://[::1%nowhere]/",
    ],
)
def test_who_is_away_is_unreachable(url: str):
    assert refusal_of(fetched(target(url))).reason is Reason.UNREACHABLE


def test_text_is_asked_for_and_nothing_else():
    async def requested() -> str:
        async with serving(ok()) as server:
            await fetched(target(server.url + "/a%2Fb?c=d%20e"))
            return server.requests[0]

    request = uvloop.run(requested())

    assert "GET /metrics/a%2Fb?c=d%20e HTTP/1.1\r\n" in request
    assert "Accept: text/plain;version=0.0.4;q=1,text/plain;q=0.5\r\n" in request
    assert "Accept-Encoding: gzip\r\n" in request


def test_a_redirect_is_followed_with_the_login_within_one_origin_only():
    async def followed() -> tuple[bytes, list[str]]:
        async with (
            serving(ok()) as other,
            serving(moved("/here"), moved(other.url)) as server,
        ):
            url = server.url.replace("//", "//us%20er:s%40cret@")
            body = await fetched(target(url))
            return body, server.requests + other.requests

    body, (first, second, third) = uvloop.run(followed())

    assert body == BODY
    login = "Authorization: Basic dXMgZXI6c0BjcmV0\r\n"
    assert login in first
    assert login in second
    assert second.startswith("GET /here ")
    assert "Authorization" not in third


@pytest.fixture(scope="module")
def tls() -> Iterator[ssl.SSLContext]:
    """Return what an https server needs, vouched for by nobody we know."""
    with tempfile.TemporaryDirectory() as folder:
        pair = Authority(Path(folder)).issue("target")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pair.certificate, pair.key)
        yield context


async def fetched_by_tls(
    tls: ssl.SSLContext, *answers: Answer, login: str = "", verify: bool = False
) -> bytes:
    async with serving(*answers, tls=tls) as server:
        url = f"https://{login}127.0.0.1:{server.port}/"
        return await fetched(target(url, verify=verify))


def test_a_certificate_that_nobody_vouches_for_counts_only_if_allowed(
    tls: ssl.SSLContext,
):
    assert uvloop.run(fetched_by_tls(tls, ok(), verify=False)) == BODY
    refused = refusal_of(fetched_by_tls(tls, ok(), verify=True))
    assert refused.reason is Reason.TLS
    assert "no certificate that is trusted" in refused.detail


def test_https_of_a_server_that_knows_only_http_is_refused():
    async def answer_at_once(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read(1)
        writer.write(ok(status="400 Bad Request"))
        writer.close()

    async def mistaken() -> bytes:
        async with await asyncio.start_server(answer_at_once, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await fetched(target(f"https://127.0.0.1:{port}/"))

    assert refusal_of(mistaken()).reason is Reason.TLS


def test_a_login_never_goes_from_https_to_http(tls: ssl.SSLContext):
    async def led_astray(login: str) -> bytes:
        async with serving(ok()) as plain:
            return await fetched_by_tls(tls, moved(plain.url), login=login)

    assert uvloop.run(led_astray("")) == BODY
    refused = refusal_of(led_astray("user:secret@"))
    assert refused.reason is Reason.REDIRECT
    assert refused.detail == "has a login, and redirects from https to http"


def test_ipv6_targets_can_be_polled():
    async def over_ipv6() -> tuple[bytes, str]:
        async with serving(ok(), host="::1") as server:
            wanted = target(f"http://[::1]:{server.port}/metrics")
            return await fetched(wanted), wanted.source

    body, source = uvloop.run(over_ipv6())

    assert body == BODY
    assert source.startswith("external_poll: [::1]:")


def test_each_poll_has_a_connection_of_its_own():
    """A connection that stays open leads to an address that was right long ago."""

    async def connections() -> int:
        async with serving(ok()) as server, open_session() as session:
            for _ in range(3):
                await fetch(session, target(server.url))
            return server.connections

    assert uvloop.run(connections()) == 3


@settings(max_examples=200, deadline=None)
@given(answer=st.binary(max_size=200))
def test_any_answer_is_taken_or_refused(answer: bytes):
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    for bytes_sent in (answer, head + answer, b"HTTP/1.1 200 OK\r\n" + answer):
        with suppress(Refused):
            uvloop.run(answered(bytes_sent))


def inflated(data: bytes, size: int) -> bytes:
    inflater, pieces = Inflater(), list[bytes]()
    for start in range(0, len(data), size):
        pieces.extend(inflater.feed(data[start : start + size]))
    inflater.finish()
    assert all(len(piece) <= PIECE_BYTES for piece in pieces)
    return b"".join(pieces)


@given(parts=st.lists(st.binary(), max_size=3), size=st.integers(1, 50))
def test_gzip_is_unpacked_however_it_arrives(parts: list[bytes], size: int):
    data = b"".join(map(gzip.compress, parts))

    assert inflated(data, size) == b"".join(parts)


@pytest.mark.parametrize("size", [1, 4096, 10**6])
def test_gzip_is_unpacked_in_bounded_pieces(size: int):
    body = b"a" * 5 * PIECE_BYTES

    assert inflated(gzip.compress(body), size) == body


@given(data=st.binary(), cut=st.integers(1, 30))
def test_half_a_gzip_body_is_none(data: bytes, cut: int):
    whole = gzip.compress(data)

    with pytest.raises(Refused):
        inflated(whole[: max(1, len(whole) - cut)], 10)


def config(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return read(path)


def test_a_table_counts_more_than_the_list(tmp_path: Path):
    found = targets(
        config(
            tmp_path,
            """
            [poll_external]
            other_scrape_endpoints = ["http://db/a", "http://db/b", "http://db/a"]
            [[poll_external.target]]
            url = "http://db/b"
            poll_interval = 60
            client_timeout = 9
            allow_invalid_certs = true
            [[poll_external.target]]
            url = "https://[::1]:9104/c"
            """,
        )
    )

    assert list(found.values()) == [
        Target("http://db/a", 5, 2, verify=True, max_bytes=2**24),
        Target("http://db/b", 60, 9, verify=False, max_bytes=2**24),
        Target("https://[::1]:9104/c", 5, 2, verify=True, max_bytes=2**24),
    ]
    assert [each.source for each in found.values()] == [
        "external_poll: db:80",
        "external_poll: db:80",
        "external_poll: [::1]:9104",
    ]


def test_of_a_target_named_twice_the_last_table_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    table = '[[poll_external.target]]\nurl = "http://{}db/"\npoll_interval = {}\n'
    found = targets(
        config(tmp_path, table.format("user:secret@", 1) + table.format("", 2))
    )

    assert [each.interval for each in found.values()] == [2]
    assert caplog.messages == [
        "target named twice, its last table counts url=http://db/"
    ]


def test_nothing_is_polled_when_polling_is_off(tmp_path: Path):
    text = """
        poll_external.poll_other_scrape_endpoints = false
        poll_external.other_scrape_endpoints = ["http://db/a"]
    """
    assert targets(config(tmp_path, text)) == {}


def test_a_login_is_part_of_no_text():
    wanted = target("http://user:secret@db:9104/metrics?a=b")

    assert wanted.name == "http://db:9104/metrics?a=b"
    assert "secret" not in f"{wanted} {wanted!r} {wanted.name} {wanted.source}"


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; fail when it does not in time."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - what it waits for is seen from outside
            await asyncio.sleep(0.005)


class World:
    """The parts of a proxy that polling needs, all of them real."""

    def __init__(self, first: Config) -> None:
        self.applications = Applications(100)
        self.catalogue = Catalogue(exposition())
        self.registry = CollectorRegistry()
        self.health = Health()
        metrics = Metrics(self.registry)
        intake = Intake(
            self.catalogue,
            self.applications,
            metrics,
            Policies(first),
            ThreadPoolExecutor(1),
        )
        self.polling = Polling(Parts(intake, self.applications, metrics, self.health))

    def state(self, name: str) -> State | None:
        known = self.applications.get(name)
        return known.state if known else None

    def duration(self, name: str) -> float | None:
        sample = "exporter_proxy_poll_duration_seconds"
        return self.registry.get_sample_value(sample, {"target": name})


def polls(*urls: str, interval: float = 0.1) -> str:
    listed = ", ".join(f'"{url}"' for url in urls)
    return (
        f"poll_external.other_scrape_endpoints = [{listed}]\n"
        f"poll_external.poll_interval = {interval}\n"
    )


def test_polling_follows_the_configuration(tmp_path: Path):
    async def followed() -> None:
        async with serving(ok(b"a 1\n")) as first, serving(ok(b"b 1\n")) as second:
            before = config(tmp_path, polls(first.url, second.url))
            after = config(tmp_path, polls(second.url, second.url + "/new"))
            world = World(before)
            async with world.polling.running(before):
                await until(lambda: b"a 1" in world.catalogue.text())
                await until(lambda: b"b 1" in world.catalogue.text())
                assert first.url in world.polling

                await world.polling.apply(after)
                assert first.url not in world.polling
                assert world.applications.get(first.url) is None
                assert b"a 1" not in world.catalogue.text()
                assert b"b 1" in world.catalogue.text()
                assert world.duration(first.url) is None
                asked = len(first.requests)
                await until(lambda: world.state(second.url + "/new") is State.OK)
                seen = len(second.requests)
                await until(lambda: len(second.requests) > seen + 4)
                assert len(first.requests) == asked
            assert not world.health.problems()

    uvloop.run(followed())


def test_a_target_whose_settings_changed_keeps_its_data(tmp_path: Path):
    async def changed() -> None:
        async with serving(ok()) as server:
            before = config(tmp_path, polls(server.url))
            after = config(tmp_path, polls(server.url, interval=60))
            world = World(before)
            async with world.polling.running(before):
                await until(lambda: world.state(server.url) is State.OK)
                await world.polling.apply(after)
                assert world.state(server.url) is State.OK
                assert BODY in world.catalogue.text()

    uvloop.run(changed())


def test_a_target_that_did_not_change_is_not_disturbed(tmp_path: Path):
    async def applied_again() -> None:
        async with serving(silence, ok()) as server:
            same = config(tmp_path, polls(server.url))
            world = World(same)
            async with world.polling.running(same):
                await until(lambda: server.requests)
                for _ in range(3):
                    await world.polling.apply(same)
                    await asyncio.sleep(0)
                assert len(server.requests) == 1

    uvloop.run(applied_again())


def test_a_bad_answer_costs_neither_the_last_data_nor_the_other_targets(
    tmp_path: Path,
):
    async def polled() -> None:
        async with (
            serving(ok(), ok(b"polled x\n")) as bad,
            serving(ok(b"b 1\n")) as good,
        ):
            both = config(tmp_path, polls(bad.url, good.url))
            world = World(both)
            async with world.polling.running(both):
                await until(lambda: world.state(bad.url) is State.FAILING)
                seen = len(good.requests)
                await until(lambda: len(good.requests) > seen + 1)
            assert BODY in world.catalogue.text()
            assert world.state(good.url) is State.OK
            assert (world.duration(bad.url) or 0) > 0

    uvloop.run(polled())


def test_answers_that_change_each_time_are_each_taken(tmp_path: Path):
    async def polled() -> None:
        first = b"# TYPE a counter\na 1\n"
        second = b'# TYPE b gauge\nb{x="1"} 1\nb{x="2"} 2\n'
        async with serving(ok(first), ok(second), ok(first), ok(second)) as server:
            world = World(config(tmp_path, polls(server.url)))
            async with world.polling.running(config(tmp_path, polls(server.url))):
                await until(lambda: len(server.requests) > 4)
            assert b'b{x="2"} 2\n' in world.catalogue.text()
            assert b"a 1\n" not in world.catalogue.text()

    uvloop.run(polled())
