"""What is answered over HTTP: each path with its handler and whom it is for."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from aiohttp import web

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
type Role = Literal["push", "scrape", "admin", "open"]


class Route(NamedTuple):
    """A path, in aiohttp's notation, and what answers it.

    role: which access section of the configuration says who may; ``open``: everybody.
    """

    method: str
    path: str
    handler: Handler
    role: Role
