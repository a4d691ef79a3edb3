"""What targets may answer, and what is refused for which reason."""

import asyncio
import gzip
import ssl
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter_proxy.poll.fetch import fetch, open_session
from exporter_proxy.poll.target import Target
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.tests.certificates import Authority
from exporter_proxy.tests.polling import (
    BODY,
    MAX_BYTES,
    Answer,
    moved,
    ok,
    packed,
    serving,
    silence,
    target,
)


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
