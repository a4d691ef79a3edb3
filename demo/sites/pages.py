"""The pages: one for each way in which a website answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from servicekit.http_server import Reply, Request

MAX_SLOW_SECONDS = 30.0
USUAL_SLOW_SECONDS = 5.0

_HTML = "text/html; charset=utf-8"

# Waits so many seconds; tells whether it was cut short because the server stops.
type Wait = Callable[[float], bool]


@dataclass(frozen=True)
class Page:
    """What a path answers, and what the list of pages says of it."""

    about: str
    answer: Callable[[Request, Wait], Reply]


def reply(request: Request, wait: Wait) -> Reply:
    """Return the page's reply; a path without a page is not found."""
    if page := PAGES.get(request.path):
        return page.answer(request, wait)
    return _missing(request, wait)


def _index(_request: Request, _wait: Wait) -> Reply:
    return Reply(body=_INDEX, content_type=_HTML)


def _ok(_request: Request, _wait: Wait) -> Reply:
    return Reply(body=b"ok\n")


def _moved(_request: Request, _wait: Wait) -> Reply:
    return Reply(HTTPStatus.FOUND, b"moved to /ok\n", headers={"Location": "/ok"})


def _missing(_request: Request, _wait: Wait) -> Reply:
    return Reply(HTTPStatus.NOT_FOUND, b"not found\n")


def _error(_request: Request, _wait: Wait) -> Reply:
    return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, b"an error, on purpose\n")


def _text(_request: Request, _wait: Wait) -> Reply:
    body = b"<!doctype html><title>Status</title><p>All systems are go.</p>\n"
    return Reply(body=body, content_type=_HTML)


def _slow(request: Request, wait: Wait) -> Reply:
    try:
        seconds = float(request.query.get("seconds", USUAL_SLOW_SECONDS))
    except ValueError:
        seconds = -1
    if not seconds >= 0:  # also true of "nan"
        return Reply(HTTPStatus.BAD_REQUEST, b"seconds: expected 0 or more\n")
    seconds = min(seconds, MAX_SLOW_SECONDS)
    if wait(seconds):
        return Reply(HTTPStatus.SERVICE_UNAVAILABLE, b"the server stops\n")
    return Reply(body=f"after {seconds:g} seconds\n".encode())


PAGES: Mapping[str, Page] = {
    "/": Page("this list", _index),
    "/ok": Page("200, at once", _ok),
    "/moved": Page("302, to /ok", _moved),
    "/missing": Page("404, as any path that is not here", _missing),
    "/error": Page("500", _error),
    "/slow": Page("200, after ?seconds=N: 5 if not said, at most 30", _slow),
    "/text": Page("200, with the words “All systems are go”", _text),
}

_INDEX = (
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    "<title>Demo site</title><h1>Demo site</h1><ul>"
    + "".join(
        f'<li><a href="{path}">{path}</a>: {page.about}' for path, page in PAGES.items()
    )
    + "</ul></html>\n"
).encode()
