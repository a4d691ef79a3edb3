"""The Netbeam API over HTTP: patient, bounded, and exact about how a request ended."""

import email.utils
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy

import requests
import urllib3
from requests.adapters import HTTPAdapter

from esnet_collector.metrics import NAME, Metrics
from esnet_collector.reasons import explain
from esnet_collector.replies import (
    Interface,
    Malformed,
    Outcome,
    Point,
    Reply,
    parse_interfaces,
    parse_points,
)
from esnet_collector.settings import Settings
from esnet_collector.streams import Window
from servicekit import Backoff, Stop
from servicekit.metrics import VERSION

log = logging.getLogger(__name__)

TRIES = 4
BACKOFF = Backoff(initial_seconds=0.5, maximum_seconds=8)
# 10,000 interfaces are 6 MB, 48 hours of one series 0.3 MB.
MAX_BODY_BYTES = 32 * 1024 * 1024
# However steadily it trickles, a reply must be whole by then.
MAX_REPLY_SECONDS = 120
MAX_RETRY_AFTER_SECONDS = 60
CHUNK_BYTES = 64 * 1024

_HEALABLE = (Outcome.RETRY, Outcome.MALFORMED)


class Netbeam:
    """The API that settings name. When it asks for a rest, every thread keeps it."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        stop: Stop,
        backoff: Backoff = BACKOFF,
    ) -> None:
        self._backoff = backoff
        self._base = settings.netbeam_url
        self._timeout = settings.netbeam_timeout_seconds
        self._metrics = metrics
        self._stop = stop
        self._session = _session(settings.fetch_workers)
        self._lock = threading.Lock()
        self._rest_until = 0.0

    def interfaces(self) -> Reply[Interface]:
        """Return every interface there is now."""
        return self._ask("interfaces", {}, self._listed)

    def _listed(self, body: bytes) -> list[Interface]:
        interfaces, rejected = parse_interfaces(body)
        if rejected:
            self._metrics.rejected.inc(rejected)
            log.warning("interfaces without a usable resource count=%d", rejected)
        return interfaces

    def points(self, window: Window) -> Reply[Point]:
        """Return the points of a window, and any the API adds around it.

        The resource is a path that is percent-encoded already: it is used as it is.
        """
        return self._ask(
            f"{window.stream.resource}/{window.stream.kind}",
            {"begin": window.begin_ms, "end": window.end_ms},
            parse_points,
        )

    def close(self) -> None:
        """Give up the connections."""
        self._session.close()

    def _ask[T](
        self,
        path: str,
        query: Mapping[str, int],
        parse: Callable[[bytes], Sequence[T]],
    ) -> Reply[T]:
        """Ask until there is an answer that asking again would not change."""
        delays = self._backoff.delays()
        tries = TRIES
        while True:
            reply = self._try(path, query, parse)
            self._metrics.fetches.labels(reply.outcome).inc()
            tries -= 1
            if reply.outcome not in _HEALABLE or not tries or self._stop.is_set():
                return reply
            log.debug("fetch failed path=%s reason=%s", path, reply.reason)
            self._stop.wait(next(delays))

    def _try[T](
        self,
        path: str,
        query: Mapping[str, int],
        parse: Callable[[bytes], Sequence[T]],
    ) -> Reply[T]:
        self._keep_rest()
        try:
            with self._session.get(
                f"{self._base}/{path}", params=query, timeout=self._timeout, stream=True
            ) as response:
                return self._judge(response, parse)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            return Reply(
                Outcome.RETRY, reason=f"{type(error).__name__}: {explain(error)}"
            )

    def _judge[T](
        self, response: requests.Response, parse: Callable[[bytes], Sequence[T]]
    ) -> Reply[T]:
        match response.status_code:
            case HTTPStatus.OK | HTTPStatus.NO_CONTENT:
                return _understood(_body(response), parse)
            case HTTPStatus.NOT_FOUND | HTTPStatus.GONE as status:
                return Reply(Outcome.GONE, reason=f"HTTP {status}")
            case status:
                self._rest(response.headers.get("Retry-After"))
                return Reply(Outcome.RETRY, reason=f"HTTP {status} {response.reason}")

    def _rest(self, retry_after: str | None) -> None:
        seconds = retry_after_seconds(retry_after or "", datetime.now(UTC))
        with self._lock:
            until = time.monotonic() + min(seconds, MAX_RETRY_AFTER_SECONDS)
            self._rest_until = max(self._rest_until, until)

    def _keep_rest(self) -> None:
        with self._lock:
            seconds = self._rest_until - time.monotonic()
        if seconds > 0:
            self._stop.wait(seconds)


def _session(workers: int) -> requests.Session:
    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=workers)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.headers["User-Agent"] = f"{NAME}/{VERSION}"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _body(response: requests.Response) -> bytes:
    """Return the whole body, unpacked; too long or too slow raises RequestException.

    By ``read1``, which hands over what there is: ``iter_content`` waits for a full
    chunk, and so could be held for ever by one byte at a time.
    """
    deadline = time.monotonic() + MAX_REPLY_SECONDS
    body = bytearray()
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise requests.RequestException(f"more than {MAX_BODY_BYTES} bytes")
        if time.monotonic() > deadline:
            raise requests.Timeout(f"not whole after {MAX_REPLY_SECONDS} s")
    return bytes(body)


def _understood[T](body: bytes, parse: Callable[[bytes], Sequence[T]]) -> Reply[T]:
    """Return what a body says; no body at all is how the API says "no data"."""
    if not body:
        return Reply(Outcome.EMPTY, reason="empty body")
    try:
        values = parse(body)
    except Malformed as error:
        return Reply(Outcome.MALFORMED, reason=str(error))
    return Reply(Outcome.OK if values else Outcome.EMPTY, values)


def retry_after_seconds(text: str, now: datetime) -> float:
    """Return how long a ``Retry-After`` asks to wait: seconds, or a date; else 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text, now)
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def _seconds_until(text: str, now: datetime) -> float:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
