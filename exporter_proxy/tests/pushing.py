"""The HTTP side of pushing on its own, run in a thread and seen from outside."""

import asyncio
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry

from exporter_proxy.config import read
from exporter_proxy.metrics import Metrics, ScrapeMetrics
from exporter_proxy.push.gateway import Gateway
from exporter_proxy.push.group_list import GroupList
from exporter_proxy.push.http import HttpPush
from exporter_proxy.push.times import push_times
from exporter_proxy.serve.answers import Answers
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.intake import Intake
from exporter_proxy.store.policies import Policies
from exporter_proxy.tests.running import DEADLINE_SECONDS
from servicekit import Health


@dataclass
class Answer:
    """What a client is answered."""

    status: int
    text: str


class Gate:
    """A server of what pushes over HTTP, and of what came of it."""

    def __init__(self, config: Path) -> None:
        self.registry = CollectorRegistry()
        self.applications = Applications(10_000)
        self.health = Health()
        self.port = 0
        self._config = read(config)
        self.catalogue = Catalogue(self._config.exposition)
        self._ready, self._stop = threading.Event(), asyncio.Event()

    async def serve(self) -> None:
        """Answer until stopped."""
        with ThreadPoolExecutor(1) as executor:
            runner = web.AppRunner(
                self._application(executor),
                auto_decompress=False,
                lingering_time=0.1,
            )
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = runner.addresses[0][1]
            self._loop = asyncio.get_running_loop()
            self._ready.set()
            await self._stop.wait()
            await runner.cleanup()

    @contextmanager
    def turns(self) -> Iterator[list[float]]:
        """Note how many seconds of its processor each turn of the server takes.

        Of its own processor: what else the machine does is nobody's waiting for it.
        """
        seconds: list[float] = []
        is_over = threading.Event()

        async def note() -> None:
            while not is_over.is_set():
                began = time.thread_time()
                await asyncio.sleep(0)
                seconds.append(time.thread_time() - began)

        noting = asyncio.run_coroutine_threadsafe(note(), self._loop)
        try:
            yield seconds
        finally:
            is_over.set()
            noting.result(DEADLINE_SECONDS)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve in a thread while the block runs."""
        thread = threading.Thread(target=lambda: uvloop.run(self.serve()))
        thread.start()
        assert self._ready.wait(DEADLINE_SECONDS)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()

    def _application(self, executor: ThreadPoolExecutor) -> web.Application:
        metrics = Metrics(self.registry)
        intake = Intake(
            self.catalogue,
            self.applications,
            metrics,
            Policies(self._config),
            executor,
        )
        push = HttpPush(self._config, intake, metrics, executor)
        answers = Answers(ScrapeMetrics(self.registry))
        groups = GroupList(self.applications, self.catalogue, answers, executor)
        gateway = Gateway(intake, self.applications, groups, self.health)
        application = web.Application()
        for route in push.routes() + gateway.routes():
            application.router.add_route(route.method, route.path, route.handler)
        application.router.add_get("/metrics", self._metrics)
        return application

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self.catalogue.text() + push_times(self.applications))

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> Answer:
        """Return the answer to one request; header names with _ for -."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=DEADLINE_SECONDS
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())
        finally:
            connection.close()

    def put(self, path: str, body: str, **headers: str) -> Answer:
        """Return the answer to a push that replaces a group."""
        return self.ask("PUT", path, body.encode(), **headers)

    def served(self) -> list[str]:
        """Return the samples of the groups, but not the times of pushing."""
        return [line for line in self._lines() if not line.startswith("push_")]

    def times(self) -> dict[str, float]:
        """Return the families about the times of pushing."""
        lines = (line for line in self._lines() if line.startswith("push_"))
        return {
            series: float(value)
            for series, _, value in (line.rpartition(" ") for line in lines)
        }

    def refusals(self, reason: str) -> float:
        """Return how many were counted for a reason."""
        name, labels = "exporter_proxy_refusals_total", {"reason": reason}
        return self.registry.get_sample_value(name, labels) or 0

    def _lines(self) -> list[str]:
        text = self.ask("GET", "/metrics").text
        return [line for line in text.splitlines() if not line.startswith("#")]


type StartGate = Callable[[str], Gate]
