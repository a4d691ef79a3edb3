"""Proxies without their sockets that share a Redis."""

import asyncio
import functools
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import redis as driver
import uvloop
from prometheus_client import CollectorRegistry

from exporter_proxy.config import read
from exporter_proxy.metrics import Metrics, StoreMetrics
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.intake import Delivery, Intake, Origin
from exporter_proxy.store.policies import Policies
from exporter_proxy.store.record import Record
from exporter_proxy.store.shared import Shared
from exporter_proxy.store.table import Table

DEADLINE_SECONDS = 20


def on_a_loop(test: Callable[..., Coroutine[None, None, None]]) -> Callable[..., None]:
    """Let a test be a coroutine."""

    @functools.wraps(test)
    def run(**fixtures: object) -> None:
        uvloop.run(test(**fixtures))

    return run


@dataclass
class Clock:
    """A clock that is wrong by some seconds."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + 1.7e9 + self.ahead


class Side:
    """One proxy without its sockets."""

    def __init__(self, url: str, prefix: str, ahead: float) -> None:
        config = read(None)
        self.registry = CollectorRegistry()
        self.catalogue = Catalogue(config.exposition)
        self.clock = Clock(ahead)
        self.applications = Applications(100, self.clock)
        self.parser = ThreadPoolExecutor(1)
        self.intake = Intake(
            self.catalogue,
            self.applications,
            Metrics(self.registry),
            Policies(config),
            self.parser,
        )
        self.shared = Shared(
            Table(url, prefix, 1),
            self.intake,
            self.applications,
            StoreMetrics(self.registry),
        )
        self.intake.keeper = self.shared

    async def push(self, name: str, body: str, **more: object) -> None:
        """Push as a client does; returning stands for the answer."""
        origin = Origin(name, "json", "a test")
        await self.intake.take(Delivery(origin, body.encode(), **more))  # type: ignore[arg-type]  # of the test's choice

    async def scraped(self) -> str:
        """Return what a scraper is answered."""
        await self.shared.catch_up()
        return self.text()

    def text(self) -> str:
        """Return the samples that are served now, an application's after another's."""
        lines = self.catalogue.text().decode().splitlines()
        return " | ".join(line for line in lines if not line.startswith("#"))

    def metric(self, name: str, **labels: str) -> float:
        """Return the value of a metric about the store."""
        value = self.registry.get_sample_value(f"exporter_proxy_store_{name}", labels)
        assert value is not None
        return value


@dataclass
class Server:
    """A Redis and what one may do to it."""

    url: str
    container: str = ""

    def do(self, *words: str) -> None:
        """Run a docker command."""
        subprocess.run(["docker", *words], check=True, capture_output=True, timeout=30)

    def command(self, *words: str | bytes) -> object:
        """Return what Redis answers to a command."""
        with driver.Redis.from_url(self.url, socket_timeout=5) as client:
            return client.execute_command(*words)

    def answers(self) -> bool:
        """Return whether it is there."""
        with suppress(driver.RedisError):
            return bool(self.command("PING"))
        return False


STACK = Server("redis://redis:6379/0")


@asynccontextmanager
async def side(
    server: Server, prefix: str, ahead: float = 0, restored: Record | None = None
) -> AsyncIterator[Side]:
    """Run a proxy's share; a record is what a snapshot had."""
    made = Side(server.url, prefix, ahead)
    if restored:
        await made.intake.restore(restored)
    await made.shared.start()
    following = asyncio.create_task(made.shared.run())
    try:
        yield made
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await made.shared.close()
        made.parser.shutdown()


async def eventually(condition: Callable[[], object]) -> None:
    """Return once the condition holds; fail when it does not in time."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - what happens outside has no event
            await asyncio.sleep(0.01)


async def on_thread(work: Callable[..., object], *arguments: str) -> None:
    """Do something that takes a while, the loop going on meanwhile."""
    await asyncio.to_thread(work, *arguments)
