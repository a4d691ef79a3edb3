"""The proxy put together: one event loop that receives, polls and serves."""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector

from exporter_proxy.config import Config
from exporter_proxy.metrics import Metrics, ScrapeMetrics
from exporter_proxy.poll.poller import Parts, Polling
from exporter_proxy.push.doors import listening_on
from exporter_proxy.push.gateway import Gateway
from exporter_proxy.push.group_list import GroupList
from exporter_proxy.push.http import HttpPush
from exporter_proxy.push.reception import Reception
from exporter_proxy.reload import Reload, with_labels_of
from exporter_proxy.serve.access import Guard
from exporter_proxy.serve.answers import Answers
from exporter_proxy.serve.apps import Apps
from exporter_proxy.serve.caught_up import caught_up
from exporter_proxy.serve.crowd import Crowd
from exporter_proxy.serve.discovery import Discovery
from exporter_proxy.serve.output import Output
from exporter_proxy.serve.own_metrics import ApplicationMetrics, OwnMetrics
from exporter_proxy.serve.pages import Pages
from exporter_proxy.serve.route import Route
from exporter_proxy.serve.scrape import Scrape
from exporter_proxy.serve.server import Server, body_seconds, http_context
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.intake import Intake
from exporter_proxy.store.policies import Policies
from exporter_proxy.store.staleness import Staleness
from exporter_proxy.store.survival import Survival
from servicekit import Health, Stop
from servicekit.metrics import add_build_info
from servicekit.web import announce_port

log = logging.getLogger(__name__)

# The upkeep is done every second; so much later something is wrong with it.
UPKEEP_SECONDS = 30


class Proxy:
    """Everything between the sockets and ``/metrics``.

    path: where the configuration was read from, and is when it is read again.
    """

    def __init__(self, config: Config, path: Path | None = None) -> None:
        self._config = config
        self._registry = CollectorRegistry()
        self._health = Health()
        self._catalogue = Catalogue(config.exposition)
        self._applications = Applications(config.applications.max_applications)
        self._metrics = Metrics(self._registry)
        self._parser = ThreadPoolExecutor(1, thread_name_prefix="parser")
        self._intake = Intake(
            self._catalogue,
            self._applications,
            self._metrics,
            Policies(config),
            self._parser,
        )
        self._reception = Reception(config, self._intake, self._metrics)
        self._polling = Polling(
            Parts(self._intake, self._applications, self._metrics, self._health)
        )
        add_build_info("exporter_proxy", self._registry)
        # Prefixed, for an application may send its own process_ metrics.
        ProcessCollector("exporter_proxy", registry=self._registry)
        self._guard = Guard(config, self._metrics)
        self._compressor = ThreadPoolExecutor(1, thread_name_prefix="compressor")
        dropped = self._metrics.dropped_connections
        self._crowd = Crowd(self._reception.room.http, body_seconds(config), dropped)
        self._survival = Survival(
            config, self._intake, self._applications, self._registry
        )
        self._push = HttpPush(config, self._intake, self._metrics, self._parser)
        self._server = self._web_server()
        self._staleness = Staleness(
            self._applications, self._intake, self._metrics, self._polling, config
        )
        self._reload = Reload(path, config, self._follow, self._metrics)

    def reload(self) -> None:
        """Read the configuration again soon; to be called in the event loop."""
        self._reload.ask()

    async def run(self, stop: Stop) -> None:
        """Work until stopped. Raises ServiceFailed when a socket cannot be had."""
        with self._parser, self._compressor:
            async with (
                self._survival.kept(),
                self._serving(),
                self._reception.open(),
                self._polling.running(self._config),
                self._upkeep(),
            ):
                try:
                    self._log_start()
                    await asyncio.to_thread(stop.wait)
                finally:
                    stop.set()  # or the thread would wait on when something else failed
        log.info("stopped applications=%d", sum(1 for _ in self._applications))

    def _log_start(self) -> None:
        receiver = self._config.receiver
        log.info(
            "started http=%s tcp=%s unix=%s polled=%d",
            self._config.exporter.scrape_expose_endpoint,
            receiver.receiver_tcp_socket if receiver.receive_on_tcp_socket else "off",
            receiver.receiver_unix_socket if receiver.receive_on_unix_socket else "off",
            len(self._polling),
        )

    def _routes(self) -> tuple[Route, ...]:
        metrics = ScrapeMetrics(self._registry)
        about = ApplicationMetrics(self._applications, self._catalogue)
        own = OwnMetrics(about, self._registry)
        output = Output(self._catalogue, own, metrics, self._compressor)
        answers = Answers(metrics)
        scrape = Scrape(output, answers, self._applications, self._catalogue)
        apps = Apps(self._applications, self._catalogue, self._intake, self._polling)
        gateway = Gateway(
            self._intake,
            self._applications,
            GroupList(self._applications, self._catalogue, answers, self._compressor),
            self._health,
        )
        return (
            *scrape.routes(),
            *apps.routes(),
            *gateway.routes(),
            *self._push.routes(),
            *Discovery(self._applications).routes(),
            *Pages(self._health).routes(),
        )

    def _web_server(self) -> Server:
        application = web.Application()
        routes = caught_up(self._routes(), self._survival.catch_up)
        self._guard.register(application, routes)
        context = http_context(self._config)
        return Server(application, self._crowd, self._metrics, context)

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        where = self._config.exporter.scrape_expose_endpoint
        async with AsyncExitStack() as opened:
            with listening_on("exporter.scrape_expose_endpoint", where):
                await opened.enter_async_context(self._server.listening(where))
            announce_port(where.port, tls=self._config.exporter.tls)
            yield

    @asynccontextmanager
    async def _upkeep(self) -> AsyncIterator[None]:
        self._health.expect("staleness", UPKEEP_SECONDS)
        async with asyncio.TaskGroup() as group:
            beat = partial(self._health.beat, "staleness")
            tasks = [
                group.create_task(self._staleness.run(beat)),
                group.create_task(self._reload.run()),
                group.create_task(self._survival.save()),
                group.create_task(self._survival.follow()),
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()

    async def _follow(self, config: Config) -> None:
        """Do from now on as a configuration says, as far as that goes without a start.

        Raises SettingsError before anything changed.
        """
        self._server.follow(config)
        self._reception.follow(config)
        self._crowd.maximum = self._reception.room.http
        self._push.follow(config)
        self._guard.follow(config)
        self._staleness.follow(config)
        self._applications.maximum = config.applications.max_applications
        self._intake.follow(Policies(with_labels_of(self._config, config)))
        await self._polling.apply(config)
        where = self._config.exporter.scrape_expose_endpoint
        announce_port(where.port, tls=config.exporter.tls)
