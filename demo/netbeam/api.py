"""The API: what Netbeam answers to a path and its parameters."""

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from math import floor, isfinite
from urllib.parse import unquote

from demo.netbeam.catalogue import Size, interfaces
from demo.netbeam.interface import Interface
from demo.netbeam.series import GAUGES, STEP_MS, points
from servicekit.http_server import Reply, Request

BASE = "/api/network/esnet/prod"

# The service's own limit is not known; 48 h are known to have worked.
MAX_WINDOW_MS = 31 * 24 * 60 * 60 * 1000

_JSON = "application/json"


class Api:
    """Answers for one simulated network.

    clock: seconds since 1970; there are no measurements from after it.
    """

    def __init__(
        self, seed: str, size: Size, clock: Callable[[], float] = time.time
    ) -> None:
        catalogue = interfaces(seed, size)
        self._seed = seed
        self._clock = clock
        self._interfaces = {(each.device, each.name): each for each in catalogue}
        self._list = json.dumps([each.record() for each in catalogue]).encode()

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """The whole network, in the order of ``/interfaces``."""
        return tuple(self._interfaces.values())

    def answer(self, request: Request) -> Reply:
        """Return the reply; what Netbeam did not know is not found."""
        if not request.path.startswith(BASE):
            return _not_found(request.path)
        match request.path.removeprefix(BASE).split("/"):
            case ["", "interfaces"]:
                return Reply(body=self._list, content_type=_JSON)
            case ["", "devices", device, "interfaces", name, measurement]:
                interface = self._interfaces.get((unquote(device), unquote(name)))
                if interface and measurement in GAUGES:
                    return self._measurements(interface, measurement, request)
        return _not_found(request.path)

    def _measurements(
        self, interface: Interface, measurement: str, request: Request
    ) -> Reply:
        """Return the grid points from the one at or before ``begin`` up to ``end``.

        Nothing at all, not even JSON, for an interface that is not measured.
        """
        try:
            begin, end = _milliseconds(request, "begin"), _milliseconds(request, "end")
        except ValueError as error:
            return _refused(str(error))
        if end - begin > MAX_WINDOW_MS:
            return _refused("begin and end: more than 31 days apart")
        if interface.link is None:
            return Reply(content_type=_JSON)
        last = floor(min(end, self._clock() * 1000))
        found = points(
            self._seed, interface, measurement, begin // STEP_MS * STEP_MS, last + 1
        )
        body = {
            "name": measurement,
            "columns": ["time", "in", "out"],
            "points": list(found) if begin <= last else [],
        }
        return Reply(body=json.dumps(body).encode(), content_type=_JSON)


def _milliseconds(request: Request, name: str) -> float:
    expected = f"{name}: expected milliseconds since 1970"
    try:
        value = float(request.query[name])
    except (KeyError, ValueError):
        raise ValueError(expected) from None
    if not isfinite(value) or value < 0:
        raise ValueError(expected)
    return value


def _refused(why: str) -> Reply:
    return Reply(HTTPStatus.BAD_REQUEST, f"{why}\n".encode())


def _not_found(path: str) -> Reply:
    return Reply(HTTPStatus.NOT_FOUND, f"not found: {path}\n".encode())
