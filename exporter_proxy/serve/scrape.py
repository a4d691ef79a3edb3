"""The paths that scrapers ask: everything, the proxy's own, and one application's."""

from urllib.parse import unquote

from aiohttp import web

from exporter_proxy.serve.accept import wish
from exporter_proxy.serve.answers import Answers
from exporter_proxy.serve.output import Output
from exporter_proxy.serve.route import Route
from exporter_proxy.store.applications import Application, Applications, State
from exporter_proxy.store.catalogue import Catalogue

ONE_PATH = "/metrics/app/"


class Scrape:
    """Answers scrapers."""

    def __init__(
        self,
        output: Output,
        answers: Answers,
        applications: Applications,
        catalogue: Catalogue,
    ) -> None:
        self._output = output
        self._answers = answers
        self._applications = applications
        self._catalogue = catalogue

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered here."""
        return (
            Route("GET", "/metrics", self._metrics, "scrape"),
            Route("GET", "/metrics/self", self._own, "scrape"),
            Route("GET", ONE_PATH + "{name:.+}", self._one, "scrape"),
        )

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        names = request.query.getall("app", [])
        if len(names) > 1:
            raise web.HTTPBadRequest(text="app: expected one name, got several\n")
        if names:
            return await self._alone(request, names[0])
        body = await self._output.everything(wish(request.headers))
        return await self._answers.send(request, body)

    async def _own(self, request: web.Request) -> web.StreamResponse:
        body = await self._output.own(wish(request.headers))
        return await self._answers.send(request, body)

    async def _one(self, request: web.Request) -> web.StreamResponse:
        return await self._alone(request, name_in(request.rel_url.raw_path))

    async def _alone(self, request: web.Request, name: str) -> web.StreamResponse:
        application = self._applications.get(name)
        if application is None:
            raise web.HTTPNotFound(text=f"no application is known as {name}\n")
        if why := why_not(application):
            raise web.HTTPServiceUnavailable(text=f"{name}: {why}\n")
        body = await self._output.alone(
            lambda: self._catalogue.families(name), wish(request.headers)
        )
        return await self._answers.send(request, body)


def name_in(path: str) -> str:
    """Return the application's name in a path as it was sent.

    Names contain slashes and percent signs: it is decoded once, and as a whole.
    """
    return unquote(path.removeprefix(ONE_PATH))


def why_not(application: Application) -> str:
    """Return why an application is to be shown as down; empty: it is not."""
    if application.state is State.STALE:
        return "its data is too old and no longer served"
    if application.state is State.WAITING:
        return "it was not polled yet"
    if application.state is State.FAILING and application.channel == "poll":
        return f"its last poll failed: {application.last_error}"
    if application.updated_at is None:
        return f"nothing of it was taken yet: {application.last_error}"
    return ""
