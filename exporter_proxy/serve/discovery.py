"""Tells Prometheus of every application, so that each is a target with its own ``up``.

https://prometheus.io/docs/prometheus/latest/http_sd/ describes the format.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from aiohttp import web

from exporter_proxy.serve.route import Route
from exporter_proxy.serve.scrape import ONE_PATH
from exporter_proxy.store.applications import Application, Applications


class Discovery:
    """Answers ``/sd``."""

    def __init__(self, applications: Applications) -> None:
        self._applications = applications

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered here."""
        return (Route("GET", "/sd", self._targets, "scrape"),)

    async def _targets(self, request: web.Request) -> web.Response:
        groups = target_groups(self._applications, request.host, request.scheme)
        return web.Response(
            body=orjson.dumps(groups), content_type="application/json", charset="utf-8"
        )


def target_groups(
    applications: Iterable[Application], host: str, scheme: str
) -> list[Mapping[str, Any]]:
    """Return a group of one target for each application, reached at this host.

    Prometheus itself encodes the path, so names stand there as they are.
    """
    common = {"__scheme__": scheme} if scheme == "https" else {}
    return [
        {
            "targets": [host],
            "labels": {
                "__metrics_path__": ONE_PATH + application.name,
                "__meta_exporter_proxy_channel": application.channel,
                "app": application.name,
                **common,
            },
        }
        for application in applications
    ]
