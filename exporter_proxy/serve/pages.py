"""The pages about the proxy itself: what is served where, and whether it is well."""

import html

from aiohttp import web

import exporter_proxy
from exporter_proxy.serve.route import Route
from servicekit import Health
from servicekit.web import health_answer

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<title>exporter_proxy</title>
<h1>exporter_proxy</h1><p>{about}</p>
<ul>
<li><a href="/apps">/apps</a>: who sends what, and how that goes
<li><a href="/metrics">/metrics</a>: everything, for Prometheus
<li><a href="/metrics/self">/metrics/self</a>: the proxy's own metrics only
<li>/metrics/app/NAME or /metrics?app=NAME: one application's metrics only
<li><a href="/sd">/sd</a>: the applications as targets, for Prometheus' http_sd
<li><a href="/healthz">/healthz</a>: whether the proxy is well
</ul>
"""


class Pages:
    """Answers people."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered here."""
        return (
            Route("GET", "/", self._index, "scrape"),
            Route("GET", "/healthz", self._healthz, "open"),
        )

    async def _index(self, _: web.Request) -> web.Response:
        page = _PAGE.format(about=html.escape(exporter_proxy.__doc__ or ""))
        return web.Response(text=page, content_type="text/html")

    async def _healthz(self, _: web.Request) -> web.Response:
        status, body = health_answer(self._health)
        return web.Response(status=status, body=body, content_type="application/json")
