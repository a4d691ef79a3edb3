"""``/apps`` served by its real parts in a thread, for a test to fill and to look at."""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry

from exporter_proxy.config import read
from exporter_proxy.config.values import Lifetime
from exporter_proxy.metrics import Metrics
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.serve.access import Guard
from exporter_proxy.serve.apps import Apps
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.intake import Delivery, Intake, Origin
from exporter_proxy.store.policies import Policies
from exporter_proxy.tests.running import DEADLINE_SECONDS, free_port

SOURCE = "10.0.0.7:41000"


class Site:
    """The pages, and the ways by which applications come to be on them.

    polled: what counts as a target of the configuration.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        config, metrics = read(None), Metrics(CollectorRegistry())
        self.applications = Applications(100_000, clock)
        self.catalogue = Catalogue(config.exposition)
        self.polled: set[str] = set()
        self.port = free_port()
        self._executor = ThreadPoolExecutor(1)
        self._loop = uvloop.new_event_loop()
        self._intake = Intake(
            self.catalogue, self.applications, metrics, Policies(config), self._executor
        )
        self._apps = Apps(
            self.applications, self.catalogue, self._intake, self.polled, clock
        )
        self._guard = Guard(config, metrics)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/apps"

    def push(
        self,
        name: str,
        body: str = "# TYPE a_total counter\na_total 1\n",
        *,
        channel: str = "json",
        source: str = SOURCE,
        lifetime: Lifetime | None = None,
        group: Mapping[str, str] | None = None,
    ) -> None:
        """Deliver good data."""
        origin = Origin(name, channel, source)
        self.do(
            self._intake.take(Delivery(origin, body.encode(), lifetime, group or {}))
        )

    def fail(self, name: str, error: str, channel: str = "json") -> None:
        """Let an attempt of an application be refused."""

        async def refuse() -> None:
            origin = Origin(name, channel, SOURCE)
            self._intake.refuse(origin, Refused(Reason.SYNTAX, error))

        self.do(refuse())

    def let(self, change: Callable[[], object]) -> None:
        """Change something where nothing else happens meanwhile."""

        async def changed() -> None:
            change()

        self.do(changed())

    def do(self, work: Coroutine[Any, Any, object]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_SECONDS)

    def get(
        self, path: str = "/apps", method: str = "GET", **headers: str
    ) -> tuple[http.client.HTTPResponse, str]:
        """Return the answer to one request, with its body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response, response.read().decode()
        finally:
            connection.close()

    def listed(self, query: str = "") -> list[dict[str, Any]]:
        """Return the applications of the JSON form."""
        found = json.loads(self.get(f"/apps?format=json{query}")[1])["applications"]
        assert isinstance(found, list)
        return found

    @contextmanager
    def open(self) -> Iterator["Site"]:
        """Serve while the block runs."""
        stop, ready = asyncio.Event(), threading.Event()

        async def serve() -> None:
            application = web.Application()
            self._guard.register(application, self._apps.routes())
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", self.port).start()
            ready.set()
            await stop.wait()
            await runner.cleanup()

        thread = threading.Thread(target=lambda: self._loop.run_until_complete(serve()))
        thread.start()
        assert ready.wait(DEADLINE_SECONDS)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(stop.set)
            thread.join(DEADLINE_SECONDS)
            self._loop.close()
            self._executor.shutdown()
