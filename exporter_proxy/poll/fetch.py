"""Fetches what a target serves: one bounded, whole answer, or the reason why not."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
from yarl import URL

from exporter_proxy.poll.inflate import Inflater
from exporter_proxy.poll.target import Target
from exporter_proxy.refusals import EXCERPT_LENGTH, Reason, Refused

ACCEPT = "text/plain;version=0.0.4;q=1,text/plain;q=0.5"
MAX_REDIRECTS = 5
READ_BYTES = 64 * 1024

_REDIRECTS = {301, 302, 303, 307, 308}
_GZIP = ("gzip", "x-gzip")


@asynccontextmanager
async def open_session() -> AsyncIterator[aiohttp.ClientSession]:
    """Yield what targets are fetched with: no cookies, no limit on how many at once.

    Each poll has a connection of its own, so that a name which now stands for another
    address leads there with the next poll.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # Target.timeout bounds it all
        headers={
            "Accept": ACCEPT,
            "Accept-Encoding": "gzip",
            "User-Agent": "exporter_proxy",
        },
        auto_decompress=False,  # it would take half of a gzip body for the whole
        read_bufsize=READ_BYTES,
    ) as session:
        yield session


async def fetch(session: aiohttp.ClientSession, target: Target) -> bytes:
    """Return what a target serves, unpacked. Raises Refused."""
    try:
        async with asyncio.timeout(target.timeout):
            return await _answer(session, target)
    except TimeoutError as error:
        what = f"no full answer within {target.timeout:g} s"
        raise Refused(Reason.TIMEOUT, what) from error
    except (aiohttp.ClientError, ValueError) as error:
        raise _refused(error) from error


async def _answer(session: aiohttp.ClientSession, target: Target) -> bytes:
    start = URL(target.url)
    url, login = start.with_user(None), _login(start)
    for _ in range(MAX_REDIRECTS + 1):
        headers = login if url.origin() == start.origin() else {}
        async with session.get(
            url, headers=headers, allow_redirects=False, ssl=target.verify
        ) as response:
            if response.status not in _REDIRECTS:
                _check_head(response)
                return await _body(response, target.max_bytes)
            there = _next(url, response.headers.get("Location", ""))
        if headers and (url.scheme, there.scheme) == ("https", "http"):
            what = "has a login, and redirects from https to http"
            raise Refused(Reason.REDIRECT, what)
        url = there
    raise Refused(Reason.REDIRECT, f"redirects more than {MAX_REDIRECTS} times")


def _login(url: URL) -> dict[str, str]:
    if url.user is None and url.password is None:
        return {}
    login = aiohttp.encode_basic_auth(url.user or "", url.password or "")
    return {"Authorization": login}


def _next(url: URL, location: str) -> URL:
    """Return where a redirect leads; a login that it names is not ours."""
    try:
        there = url.join(URL(location)).with_user(None)
    except ValueError:
        there = URL()
    if not location or there.scheme not in ("http", "https") or not there.host:
        raise Refused(Reason.REDIRECT, "redirects to what is no http or https URL")
    return there


def _check_head(response: aiohttp.ClientResponse) -> None:
    if response.status != HTTPStatus.OK:
        raise Refused(Reason.STATUS, f"answered HTTP {response.status}")
    # Whoever names no type is believed: the body is checked to the last byte anyway.
    media_type = response.headers.get("Content-Type", "text/plain")
    if media_type.partition(";")[0].strip().lower() != "text/plain":
        got = media_type[:EXCERPT_LENGTH]
        raise Refused(Reason.CONTENT_TYPE, f"expected text/plain, got {got}")


async def _body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing in _GZIP:
        return await _unpacked(response, max_bytes)
    if packing != "identity":
        got = packing[:EXCERPT_LENGTH]
        what = f"answers in Content-Encoding {got}, which was not asked for"
        raise Refused(Reason.COMPRESSION, what)
    body = await _collected(response, max_bytes)
    if body and not body.endswith(b"\n") and not _states_its_end(response):
        # The format ends each line with a line feed; nothing else tells here.
        raise Refused(Reason.CUT_OFF, "the answer ends within a line")
    return body


async def _unpacked(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    inflater, body, packed = Inflater(), bytearray(), 0
    async for chunk in response.content.iter_any():
        packed += len(chunk)
        _check_size(packed, max_bytes)
        for piece in inflater.feed(chunk):
            body += piece
            _check_size(len(body), max_bytes)
    inflater.finish()
    return bytes(body)


async def _collected(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        _check_size(len(body), max_bytes)
    return bytes(body)


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise Refused(Reason.TOO_LARGE, f"an answer of more than {max_bytes} bytes")


def _states_its_end(response: aiohttp.ClientResponse) -> bool:
    return not {"Content-Length", "Transfer-Encoding"}.isdisjoint(response.headers)


def _refused(error: Exception) -> Refused:
    """Say what went wrong; aiohttp's own words may hold the URL, and so a login."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            why = getattr(error.certificate_error, "verify_message", "")
            return Refused(Reason.TLS, f"shows no certificate that is trusted: {why}")
        case aiohttp.ClientSSLError():
            return Refused(Reason.TLS, f"cannot agree on TLS: {_cause(error.os_error)}")
        case aiohttp.ClientConnectorError():
            why = _cause(error.os_error)
            return Refused(Reason.UNREACHABLE, f"cannot connect: {why}")
        case aiohttp.ClientPayloadError():
            return Refused(Reason.CUT_OFF, "the answer ends before its end")
        case aiohttp.ServerDisconnectedError():
            return Refused(Reason.CUT_OFF, "hangs up without an answer")
        case aiohttp.ClientOSError():
            return Refused(Reason.CUT_OFF, f"breaks the connection: {_cause(error)}")
        case aiohttp.ClientResponseError():
            return Refused(Reason.PROTOCOL, "answers what is no HTTP")
        case aiohttp.InvalidURL() | ValueError():
            return Refused(Reason.UNREACHABLE, "cannot be asked: its URL is not valid")
    return Refused(Reason.UNREACHABLE, f"cannot be asked: {type(error).__name__}")


def _cause(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or str(error)
    return error.strerror or str(error) or type(error).__name__
