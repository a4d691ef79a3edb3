"""``/apps``: who sends what, as a table, as JSON or as a page; and how to delete it."""

import re
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote

import orjson
from aiohttp import hdrs, web
from isal import isal_zlib

from exporter_proxy.config import values
from exporter_proxy.serve.accept import elements, wants_gzip
from exporter_proxy.serve.apps_page import HEADERS as PAGE_HEADERS
from exporter_proxy.serve.apps_page import ROWS_AT_FIRST, page
from exporter_proxy.serve.route import Route
from exporter_proxy.serve.summary import Summary, rfc3339, summaries
from exporter_proxy.serve.table import table
from exporter_proxy.store.applications import Application, Applications, State
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.intake import Intake

# Each form with its media type; among equals the first one is preferred.
FORMS: Mapping[str, str] = {
    "table": "text/plain",
    "json": "application/json",
    "html": "text/html",
}

_COMPRESS_FROM_BYTES = 1024
_GZIP_WINDOW = 16 + 15


class Wanted(NamedTuple):
    """Which applications are asked for.

    match: whether a name is meant; text: what has to stand somewhere in what is known.
    """

    states: frozenset[str]
    match: Callable[[str], bool]
    text: str

    def means(self, application: Application) -> bool:
        """Return whether an application is asked for."""
        return (
            (not self.states or application.state in self.states)
            and self.match(application.name)
            and (not self.text or self._says(application))
        )

    def _says(self, application: Application) -> bool:
        said = (application.name, application.source, application.last_error)
        return any(self.text in each.casefold() for each in said)


class Apps:
    """What is answered at ``/apps`` and below.

    polled: the targets that the configuration names; they cannot be deleted for good.
    """

    def __init__(
        self,
        applications: Applications,
        catalogue: Catalogue,
        intake: Intake,
        polled: Container[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._applications = applications
        self._catalogue = catalogue
        self._intake = intake
        self._polled = polled
        self._clock = clock

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered, and to whom."""
        return (
            Route("GET", "/apps", self._show, "scrape"),
            Route("DELETE", "/apps", self._delete_matching, "admin"),
            Route("DELETE", "/apps/{name:.+}", self._delete_one, "admin"),
        )

    async def _show(self, request: web.Request) -> web.Response:
        try:
            form = _form(request)
            wanted = _wanted(request)
        except ValueError as error:
            return _problem(HTTPStatus.BAD_REQUEST, str(error))
        body, headers = self._in_form(form, wanted, request)
        headers |= {
            hdrs.CONTENT_TYPE: f"{FORMS[form]}; charset=utf-8",
            hdrs.VARY: "Accept, Accept-Encoding",
            hdrs.CACHE_CONTROL: "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        return _compressed(request, body, headers)

    def _in_form(
        self, form: str, wanted: Wanted, request: web.Request
    ) -> tuple[bytes, dict[str, str]]:
        now = self._clock()
        known = list(self._applications)
        found = [each for each in known if wanted.means(each)]
        if form == "html":
            shown = self._summaries(found[: _limit(request)], now)
            return page(shown, known, len(found), request.query, now), dict(
                PAGE_HEADERS
            )
        if form == "json":
            return _json(self._summaries(found, now), now), {}
        return table(self._summaries(found, now), now).encode(), {}

    def _summaries(self, found: Iterable[Application], now: float) -> list[Summary]:
        return summaries(found, self._catalogue, now)

    async def _delete_one(self, request: web.Request) -> web.Response:
        path = request.rel_url.raw_path
        return await self._delete([unquote(path.removeprefix("/apps/"))])

    async def _delete_matching(self, request: web.Request) -> web.Response:
        pattern = request.query.get("match")
        if not pattern:
            what = "say which: /apps/NAME or /apps?match=PATTERN"
            return _problem(HTTPStatus.BAD_REQUEST, what)
        matches = values.pattern(pattern)
        return await self._delete(
            [each.name for each in self._applications if matches(each.name)]
        )

    async def _delete(self, names: Sequence[str]) -> web.Response:
        kept = [name for name in names if name in self._polled]
        others = [name for name in names if name not in self._polled]
        deleted = [name for name in others if await self._intake.delete(name)]
        if kept and not deleted:
            what = "polled as poll_external says: take it out there"
            return _answer(HTTPStatus.CONFLICT, {"error": what, "polled": kept})
        if not deleted:
            return _problem(HTTPStatus.NOT_FOUND, "no such application")
        return _answer(HTTPStatus.OK, {"deleted": deleted, "polled": kept})


def preferred(accept: str) -> str:
    """Return the form that the header Accept asks for, whatever stands in it."""
    ranges = [(each.value, each.weight) for each in elements(accept)]
    return max(FORMS, key=lambda form: _liking(FORMS[form], ranges))


def _liking(media_type: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, ...]:
    """Return a weight; of equal ones the more exact counts, then the first named."""
    closeness = {"*/*": 1, f"{media_type.partition('/')[0]}/*": 2, media_type: 3}
    matches = [
        (closeness[value], weight, -place)
        for place, (value, weight) in enumerate(ranges)
        if value in closeness
    ]
    exactness, weight, place = max(matches, default=(0, 0.0, 0))
    return weight, exactness, place


def _form(request: web.Request) -> str:
    form = request.query.get("format")
    if form is None:
        return preferred(",".join(request.headers.getall(hdrs.ACCEPT, ())))
    if form not in FORMS:
        raise ValueError(f"format: expected one of {', '.join(FORMS)}")
    return form


def _wanted(request: web.Request) -> Wanted:
    states = frozenset(filter(None, request.query.getall("state", ())))
    if not states <= set(State):
        raise ValueError(f"state: expected one of {', '.join(State)}")
    match = request.query.get("match") or "*"
    text = request.query.get("q", "").strip().casefold()
    return Wanted(states, values.pattern(match), text)


def _limit(request: web.Request) -> int:
    """Return how many rows a page has at first."""
    text = request.query.get("limit", "")
    return int(text) if re.fullmatch("[0-9]{1,7}", text) else ROWS_AT_FIRST


def _json(shown: Iterable[Summary], now: float) -> bytes:
    applications = [summary.as_json() for summary in shown]
    answer = {"now": rfc3339(now), "applications": applications}
    return orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE)


def _compressed(
    request: web.Request, body: bytes, headers: dict[str, str]
) -> web.Response:
    accepted = ",".join(request.headers.getall(hdrs.ACCEPT_ENCODING, ()))
    if len(body) >= _COMPRESS_FROM_BYTES and wants_gzip(accepted):
        body = isal_zlib.compress(body, 1, wbits=_GZIP_WINDOW)
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(body=body, headers=headers)


def _problem(status: HTTPStatus, what: str) -> web.Response:
    return _answer(status, {"error": what})


def _answer(status: HTTPStatus, said: Mapping[str, object]) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE),
        headers={hdrs.CONTENT_TYPE: "application/json; charset=utf-8"},
    )
