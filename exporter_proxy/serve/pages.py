"""The HTTP side: ``/metrics`` for Prometheus, ``/apps`` for people, ``/healthz``."""

import html
import time

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

import exporter_proxy
from exporter_proxy.serve.table import apps_page
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.catalogue import Catalogue
from servicekit import Health
from servicekit.web import health_answer

ABOUT = exporter_proxy.__doc__ or ""
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<title>exporter_proxy</title>
<h1>exporter_proxy</h1><p>{about}</p>
<ul>
<li><a href="/metrics">/metrics</a>: everything, for Prometheus
<li><a href="/metrics/self">/metrics/self</a>: the proxy's own metrics only
<li><a href="/apps">/apps</a>: who sends what
<li><a href="/healthz">/healthz</a>
</ul>
"""


class Pages:
    """What is answered to each path."""

    def __init__(
        self,
        catalogue: Catalogue,
        applications: Applications,
        registry: CollectorRegistry,
        health: Health,
    ) -> None:
        self._catalogue = catalogue
        self._applications = applications
        self._registry = registry
        self._health = health

    def application(self) -> web.Application:
        """Return the pages as an aiohttp application."""
        application = web.Application()
        application.router.add_get("/", self._index)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/metrics/self", self._own_metrics)
        application.router.add_get("/apps", self._apps)
        application.router.add_get("/healthz", self._healthz)
        return application

    async def _index(self, _: web.Request) -> web.Response:
        return _answer(
            _PAGE.format(about=html.escape(ABOUT)).encode(), "text/html; charset=utf-8"
        )

    async def _metrics(self, _: web.Request) -> web.Response:
        # The proxy's own come last: their names sort apart from all others.
        body = self._catalogue.text() + generate_latest(self._registry)
        return _answer(body, METRICS_TYPE)

    async def _own_metrics(self, _: web.Request) -> web.Response:
        return _answer(generate_latest(self._registry), METRICS_TYPE)

    async def _apps(self, _: web.Request) -> web.Response:
        page = apps_page(self._applications, self._catalogue, time.time())
        return _answer(page.encode(), TEXT_TYPE)

    async def _healthz(self, _: web.Request) -> web.Response:
        status, body = health_answer(self._health)
        return web.Response(
            status=status, body=body, headers={"Content-Type": "application/json"}
        )


def _answer(body: bytes, content_type: str) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": content_type})
