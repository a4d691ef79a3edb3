"""The simulator on a port."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from demo.netbeam.api import BASE, Api
from demo.netbeam.catalogue import Size
from servicekit import Health
from servicekit.http_server import Reply, Request, serve_http
from servicekit.web import health_answer


@contextmanager
def serve(
    seed: str = "belfry",
    size: Size = Size.SMALL,
    port: int = 0,
    clock: Callable[[], float] = time.time,
) -> Iterator[str]:
    """Run a simulator while the block runs and yield its base URL.

    Raises OSError when the port cannot be had.
    """
    api = Api(seed, size, clock)

    def answer(request: Request) -> Reply:
        if request.path == "/healthz":
            status, body = health_answer(Health())
            return Reply(status, body, "application/json")
        return api.answer(request)

    with serve_http(answer, port) as (bound,):
        yield f"http://localhost:{bound}{BASE}"
