"""The proxy put together: one event loop that receives, polls and serves."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector

from exporter_proxy.config import Config
from exporter_proxy.metrics import Metrics, ScrapeMetrics
from exporter_proxy.poll.poller import Parts, Polling
from exporter_proxy.push.connections import Connections
from exporter_proxy.push.receiver import Receiver
from exporter_proxy.push.sockets import allow_connections, unix_socket
from exporter_proxy.serve.access import Guard
from exporter_proxy.serve.answers import Answers
from exporter_proxy.serve.discovery import Discovery
from exporter_proxy.serve.output import Output
from exporter_proxy.serve.own_metrics import ApplicationMetrics, OwnMetrics
from exporter_proxy.serve.pages import Pages
from exporter_proxy.serve.route import Route
from exporter_proxy.serve.scrape import Scrape
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.intake import Intake
from exporter_proxy.store.policies import Policies
from servicekit import Health, ServiceFailed, Stop
from servicekit.metrics import add_build_info
from servicekit.web import announce_port

log = logging.getLogger(__name__)

# How many of the largest messages all connections together may hold unfinished.
UNFINISHED_MESSAGES = 2

HTTP_IDLE_SECONDS = 75
HTTP_SHUTDOWN_SECONDS = 2


class Proxy:
    """Everything between the sockets and ``/metrics``."""

    def __init__(self, config: Config) -> None:
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
        self._polling = Polling(
            Parts(self._intake, self._applications, self._metrics, self._health)
        )
        add_build_info("exporter_proxy", self._registry)
        # Prefixed, for an application may send its own process_ metrics.
        ProcessCollector("exporter_proxy", registry=self._registry)
        self._guard = Guard(config, self._metrics)
        self._compressor = ThreadPoolExecutor(1, thread_name_prefix="compressor")

    async def run(self, stop: Stop) -> None:
        """Work until stopped. Raises ServiceFailed when a socket cannot be had."""
        with self._parser, self._compressor:
            async with (
                self._serving(),
                self._receiving(),
                self._polling.running(self._config),
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
            sum(1 for _ in self._applications),
        )

    def _routes(self) -> tuple[Route, ...]:
        metrics = ScrapeMetrics(self._registry)
        about = ApplicationMetrics(self._applications, self._catalogue)
        own = OwnMetrics(about, self._registry)
        output = Output(self._catalogue, own, metrics, self._compressor)
        scrape = Scrape(output, Answers(metrics), self._applications, self._catalogue)
        return (
            *scrape.routes(),
            *Discovery(self._applications).routes(),
            *Pages(self._health).routes(),
        )

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        where = self._config.exporter.scrape_expose_endpoint
        application = web.Application()
        self._guard.register(application, self._routes())
        runner = web.AppRunner(
            application,
            access_log=None,
            keepalive_timeout=HTTP_IDLE_SECONDS,
            shutdown_timeout=HTTP_SHUTDOWN_SECONDS,
        )
        await runner.setup()
        try:
            with _listening_on(where):
                await web.TCPSite(runner, where.host, where.port).start()
            announce_port(where.port)
            yield
        finally:
            await runner.cleanup()

    @asynccontextmanager
    async def _receiving(self) -> AsyncIterator[None]:
        config = self._config.receiver
        connections = Connections(
            allow_connections(self._config.exporter.concurrent_requests),
            UNFINISHED_MESSAGES * config.max_message_bytes,
        )
        receiver = Receiver(config, connections, self._intake, self._metrics)
        with ExitStack() as opened:
            if config.receive_on_tcp_socket:
                host, port = config.receiver_tcp_socket
                with _listening_on(config.receiver_tcp_socket):
                    server = await asyncio.start_server(receiver.attend_tcp, host, port)
                opened.callback(server.close)
            if config.receive_on_unix_socket:
                with _listening_on(config.receiver_unix_socket):
                    bound = opened.enter_context(unix_socket(config))
                    server = await asyncio.start_unix_server(
                        receiver.attend_unix, sock=bound
                    )
                opened.callback(server.close)
            yield


@contextmanager
def _listening_on(where: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ServiceFailed(f"cannot listen on {where}: {error}") from error
