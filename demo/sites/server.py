"""The website on its ports."""

from collections.abc import Iterator
from contextlib import contextmanager

from demo.sites import pages
from servicekit import Health, Stop
from servicekit.http_server import Reply, Request, serve_http
from servicekit.web import health_answer


@contextmanager
def serve(stop: Stop, *ports: int) -> Iterator[tuple[int, ...]]:
    """Serve the pages while the block runs and yield the ports.

    stop: cuts slow pages short.
    Raises OSError when a port cannot be had.
    """

    def answer(request: Request) -> Reply:
        if request.path == "/healthz":
            status, body = health_answer(Health())
            return Reply(status, body, "application/json")
        return pages.reply(request, stop.wait)

    with serve_http(answer, *ports) as bound:
        yield bound
