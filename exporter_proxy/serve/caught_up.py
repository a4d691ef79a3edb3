"""Lets what is shown wait a moment for what other proxies have just taken."""

from collections.abc import Awaitable, Callable, Iterable, Iterator

from aiohttp import web

from exporter_proxy.serve.route import Handler, Route


def caught_up(
    routes: Iterable[Route], catch_up: Callable[[], Awaitable[None]]
) -> Iterator[Route]:
    """Yield the routes; those that show something catch up before they answer."""
    for route in routes:
        if route.role == "scrape":
            yield route._replace(handler=_after(catch_up, route.handler))
        else:
            yield route


def _after(catch_up: Callable[[], Awaitable[None]], handler: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        await catch_up()
        return await handler(request)

    return answer
