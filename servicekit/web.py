"""A service's small web server: ``/``, ``/metrics``, ``/healthz`` and ``/readyz``."""

import html
import json
import logging
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

from servicekit.health import Health
from servicekit.service import ServiceFailed

log = logging.getLogger(__name__)

# A client that is slower than this is dropped, so that none can hold a thread for ever.
CLIENT_TIMEOUT_SECONDS = 10

# How long the server takes to notice that the service stops.
STOP_POLL_SECONDS = 0.1

# Tells the container's health check where this process listens.
PORT_FILE = Path(tempfile.gettempdir()) / "servicekit.port"

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>
<h1>{name}</h1><p>{about}</p>
<ul><li><a href="/metrics">/metrics</a><li><a href="/healthz">/healthz</a></ul>
"""


@contextmanager
def serve(
    name: str, about: str, port: int, registry: CollectorRegistry, health: Health
) -> Iterator[int]:
    """Serve the service's page, metrics and health while the block runs.

    Yields the port, which is the system's choice when 0 was asked for.
    Raises ServiceFailed when the port cannot be had.
    """
    app = application(name, about, registry, health)
    try:
        server = make_server("", port, app, _Server, _RequestHandler)
    except OSError as error:
        raise ServiceFailed(f"cannot serve on port {port}: {error.strerror}") from error
    thread = threading.Thread(
        target=server.serve_forever, args=[STOP_POLL_SECONDS], name="web", daemon=True
    )
    thread.start()
    announce_port(server.server_port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def announce_port(port: int, *, tls: bool = False) -> None:
    """Tell ``servicekit.healthcheck`` which port answers ``/healthz``, and how."""
    PORT_FILE.write_text(f"{port} tls" if tls else str(port), encoding="ascii")


def application(
    name: str, about: str, registry: CollectorRegistry, health: Health
) -> WSGIApplication:
    """Return the WSGI application behind ``serve``."""
    metrics: WSGIApplication = make_wsgi_app(registry)
    page = _PAGE.format(name=html.escape(name), about=html.escape(about)).encode()

    def get(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        match environ.get("PATH_INFO"):
            case "/metrics":
                return metrics(environ, start)
            case "/healthz":
                status, body = health_answer(health)
                return _respond(start, status, "application/json", body)
            case "/readyz":
                status, body = readiness_answer(health)
                return _respond(start, status, "application/json", body)
            case "/":
                return _respond(start, HTTPStatus.OK, "text/html; charset=utf-8", page)
        return _respond(start, HTTPStatus.NOT_FOUND, "text/plain", b"not found\n")

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        match environ["REQUEST_METHOD"]:
            case "GET":
                return get(environ, start)
            case "HEAD":
                get({**environ, "REQUEST_METHOD": "GET"}, start)
                return []
        return _refuse_method(start)

    return answer


def health_answer(health: Health) -> tuple[HTTPStatus, bytes]:
    """Return the status and JSON body of ``/healthz``: 200, or 503 with the reasons."""
    return _answer("healthy", health.problems())


def readiness_answer(health: Health) -> tuple[HTTPStatus, bytes]:
    """Return the status and JSON body of ``/readyz``: 200, or 503 with the reasons."""
    return _answer("ready", health.not_ready())


def _answer(quality: str, problems: Mapping[str, str]) -> tuple[HTTPStatus, bytes]:
    status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
    answer = {quality: not problems, "problems": problems}
    return status, json.dumps(answer).encode() + b"\n"


def _refuse_method(start: StartResponse) -> Iterable[bytes]:
    status, body = HTTPStatus.METHOD_NOT_ALLOWED, b"GET and HEAD only\n"
    return _respond(start, status, "text/plain", body, ("Allow", "GET, HEAD"))


def _respond(
    start: StartResponse,
    status: HTTPStatus,
    kind: str,
    body: bytes,
    *headers: tuple[str, str],
) -> Iterable[bytes]:
    length = ("Content-Length", str(len(body)))
    start(f"{status} {status.phrase}", [("Content-Type", kind), length, *headers])
    return [body]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, _request: object, client_address: object) -> None:
        """Log what is our mistake; a client that is slow or went away is not."""
        if not isinstance(error := sys.exception(), OSError):
            log.error("request failed client=%s", client_address, exc_info=error)


class _RequestHandler(WSGIRequestHandler):
    timeout = CLIENT_TIMEOUT_SECONDS

    def log_message(self, *_: object) -> None:
        """Keep scrapes out of the log."""
