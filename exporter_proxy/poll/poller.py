"""Fetches the metrics of other exporters, each target on its own."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import aiohttp
from yarl import URL

from exporter_proxy.config import Address
from exporter_proxy.config.sections import PollExternal
from exporter_proxy.exposition.body import Reader
from exporter_proxy.exposition.rules import Rules
from exporter_proxy.metrics import Metrics
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.store.intake import Delivery, Intake, Origin
from servicekit import Health

ACCEPT = "text/plain;version=0.0.4;q=1,text/plain;q=0.5"
MAX_REDIRECTS = 5


class Target:
    """One exporter that is polled, known by its URL."""

    def __init__(self, url: str) -> None:
        self._url = URL(url)
        self.name = str(self._url.with_user(None))  # a password is shown to nobody
        where = Address(self._url.host or "", self._url.port or 0)
        self.source = f"external_poll: {where}"

    async def fetch(self, session: aiohttp.ClientSession, max_bytes: int) -> bytes:
        """Return what the target serves. Raises Refused."""
        try:
            async with session.get(self._url, max_redirects=MAX_REDIRECTS) as response:
                _check_head(response)
                return await _body(response, max_bytes)
        except TimeoutError as error:
            limit = session.timeout.total
            raise Refused(
                Reason.TIMEOUT, f"no full answer within {limit:g} s"
            ) from error
        except aiohttp.TooManyRedirects as error:
            what = f"redirects more than {MAX_REDIRECTS} times"
            raise Refused(Reason.STATUS, what) from error
        except aiohttp.ClientError as error:
            what = str(error) or type(error).__name__
            raise Refused(Reason.UNREACHABLE, what) from error


class Poller:
    """Polls one target until cancelled."""

    def __init__(
        self,
        target: Target,
        config: PollExternal,
        intake: Intake,
        metrics: Metrics,
        health: Health,
    ) -> None:
        self._target = target
        self._config = config
        self._intake = intake
        self._duration = metrics.poll_duration.labels(target.name)
        self._health = health

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Poll at a steady pace; a random start keeps targets apart from each other."""
        interval = self._config.poll_interval
        patience = 3 * (interval + self._config.client_timeout) + 1
        self._health.expect(self._target.name, patience)
        start = random.uniform(0, min(1, interval))  # noqa: S311 - not a secret
        due = time.monotonic() + start
        while True:
            await asyncio.sleep(due - time.monotonic())
            await self._poll(session)
            self._health.beat(self._target.name)
            late = max(0, time.monotonic() - due)
            due += interval * (1 + late // interval)

    async def _poll(self, session: aiohttp.ClientSession) -> None:
        """Fetch the target's metrics once; the last good ones stay if that fails."""
        origin = Origin(self._target.name, "poll", self._target.source)
        started = time.monotonic()
        try:
            body = await self._target.fetch(session, self._config.max_body_bytes)
        except Refused as refused:
            self._intake.refuse(origin, refused)
        else:
            with suppress(Refused):  # it is noted
                await self._intake.take(Delivery(origin, body))
        finally:
            self._duration.set(time.monotonic() - started)


@asynccontextmanager
async def open_session(config: PollExternal) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield what targets are fetched with: no cookies, no limit on how many at once."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=not config.allow_invalid_certs),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=config.client_timeout),
        headers={"Accept": ACCEPT, "User-Agent": "exporter_proxy"},
    ) as session:
        yield session


async def problems(config: PollExternal) -> Iterable[str]:
    """Poll every target once; return a line for each that failed."""
    if not config.poll_other_scrape_endpoints:
        return ()
    targets = map(Target, config.other_scrape_endpoints)
    async with open_session(config) as session:
        found = await asyncio.gather(
            *(_problem(target, session, config.max_body_bytes) for target in targets)
        )
    return filter(None, found)


async def _problem(
    target: Target, session: aiohttp.ClientSession, max_bytes: int
) -> str | None:
    try:
        Reader(Rules(drop_reserved=True)).read(await target.fetch(session, max_bytes))
    except Refused as refused:
        return f"{target.name}: {refused}"
    return None


def _check_head(response: aiohttp.ClientResponse) -> None:
    if response.status != HTTPStatus.OK:
        raise Refused(Reason.STATUS, f"answered HTTP {response.status}")
    # Whoever names no type is believed: the body is checked to the last byte anyway.
    media_type = response.headers.get("Content-Type", "text/plain")
    if media_type.partition(";")[0].strip().lower() != "text/plain":
        raise Refused(Reason.CONTENT_TYPE, f"expected text/plain, got {media_type}")


async def _body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            raise Refused(Reason.TOO_LARGE, f"an answer of more than {max_bytes} bytes")
    return bytes(body)
