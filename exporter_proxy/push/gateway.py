"""What else there is of Pushgateway's API: groups, status, wipe, health."""

import platform
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web

from exporter_proxy.push.group_list import JSON_TYPE, GroupList, groups, success
from exporter_proxy.serve.route import Route
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.intake import Intake
from servicekit import Health
from servicekit.metrics import VERSION


class Gateway:
    """Answers what asks for groups, and what is for operators."""

    def __init__(
        self,
        intake: Intake,
        applications: Applications,
        group_list: GroupList,
        health: Health,
    ) -> None:
        self._intake = intake
        self._applications = applications
        self._group_list = group_list
        self._health = health
        self._started_at = datetime.now(UTC)

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered here."""
        return (
            Route("GET", "/api/v1/metrics", self._group_list.answer, "scrape"),
            Route("GET", "/api/v1/status", self._status, "scrape"),
            Route("PUT", "/api/v1/admin/wipe", self._wipe, "admin"),
            Route("GET", "/-/healthy", self._healthy, "open"),
            Route("GET", "/-/ready", self._healthy, "open"),
        )

    async def _status(self, _: web.Request) -> web.Response:
        build = {"version": VERSION, "python": platform.python_version()}
        data = {
            "build_information": build,
            "flags": {},
            "start_time": self._started_at.isoformat(),
        }
        return web.Response(body=success(data), content_type=JSON_TYPE)

    async def _wipe(self, _: web.Request) -> web.Response:
        for group in groups(self._applications):
            await self._intake.delete(group.name)
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _healthy(self, _: web.Request) -> web.Response:
        if problems := self._health.problems():
            text = "".join(f"{part}: {why}\n" for part, why in problems.items())
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text=text)
        return web.Response(text="OK")
