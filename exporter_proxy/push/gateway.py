"""What else there is of Pushgateway's API: groups and status in JSON, wipe, health."""

import asyncio
import platform
from collections.abc import Iterable
from concurrent.futures import Executor
from datetime import UTC, datetime
from http import HTTPStatus

import orjson
from aiohttp import web

from exporter_proxy.exposition.family import Family
from exporter_proxy.push.group_json import group_json
from exporter_proxy.push.times import is_group
from exporter_proxy.serve.route import Route
from exporter_proxy.store.applications import Application, Applications
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.intake import Intake
from servicekit import Health
from servicekit.metrics import VERSION


class Gateway:
    """Answers what asks for groups, and what is for operators."""

    def __init__(
        self,
        intake: Intake,
        applications: Applications,
        catalogue: Catalogue,
        health: Health,
        executor: Executor,
    ) -> None:
        self._intake = intake
        self._applications = applications
        self._catalogue = catalogue
        self._health = health
        self._executor = executor
        self._started_at = datetime.now(UTC)

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered here."""
        return (
            Route("GET", "/api/v1/metrics", self._metrics, "scrape"),
            Route("GET", "/api/v1/status", self._status, "scrape"),
            Route("PUT", "/api/v1/admin/wipe", self._wipe, "admin"),
            Route("GET", "/-/healthy", self._healthy, "open"),
            Route("GET", "/-/ready", self._healthy, "open"),
        )

    async def _metrics(self, _: web.Request) -> web.Response:
        groups = [
            (group, self._catalogue.families(group.name)) for group in self._groups()
        ]
        loop = asyncio.get_running_loop()
        body = await loop.run_in_executor(self._executor, _groups_json, groups)
        return _json(body)

    async def _status(self, _: web.Request) -> web.Response:
        build = {"version": VERSION, "python": platform.python_version()}
        data = {
            "build_information": build,
            "flags": {},
            "start_time": self._started_at.isoformat(),
        }
        return _json(_success(data))

    async def _wipe(self, _: web.Request) -> web.Response:
        for group in self._groups():
            await self._intake.delete(group.name)
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _healthy(self, _: web.Request) -> web.Response:
        if problems := self._health.problems():
            text = "".join(f"{part}: {why}\n" for part, why in problems.items())
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text=text)
        return web.Response(text="OK")

    def _groups(self) -> list[Application]:
        return [each for each in self._applications if is_group(each)]


def _groups_json(groups: Iterable[tuple[Application, Iterable[Family]]]) -> bytes:
    return _success([group_json(group, families) for group, families in groups])


def _success(data: object) -> bytes:
    return orjson.dumps({"status": "success", "data": data})


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")
