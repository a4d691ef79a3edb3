"""What the API answers: outcomes told apart, and JSON turned into values."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

# As wide as the database's column. No blank and no control character; nor "#", "?" and
# backslash, which would end the path or change it.
_RESOURCE = re.compile(r"(?!/)[!-\"$->@-\[\]-~]{1,128}")

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None


class Outcome(StrEnum):
    """How one request ended."""

    OK = "ok"
    EMPTY = "empty"  # answered, and there is no data
    GONE = "gone"  # no such resource
    RETRY = "retry"  # refused, broken off or late: may heal
    MALFORMED = "malformed"  # answered, and not to be understood


@dataclass(frozen=True)
class Reply[T]:
    """The outcome of a request, with what was read or the reason why nothing was."""

    outcome: Outcome
    values: Sequence[T] = ()
    reason: str = ""


@dataclass(frozen=True)
class Interface:
    """One element of ``/interfaces``: the whole object, and the path that names it."""

    resource: str
    record: dict[str, Json]


class Point(NamedTuple):
    """One measurement; a value the API does not know is None."""

    time_ms: int
    inbound: float | None
    outbound: float | None


class Malformed(ValueError):  # noqa: N818 - an outcome
    """A body that is not what the API promises; the text says what is wrong."""


def parse_interfaces(body: bytes) -> tuple[list[Interface], int]:
    """Return the interfaces of a list, each resource once, and how many were left out.

    Left out is what has no usable resource, as nothing could be asked for it.
    Raises Malformed when the body is no list or nothing in it is usable.
    """
    elements = _decoded(body)
    if not isinstance(elements, list):
        raise Malformed(f"expected a list of interfaces, got {_kind(elements)}")
    usable = [found for element in elements if (found := _interface(element))]
    if elements and not usable:
        raise Malformed("no element has a usable resource")
    by_resource = {interface.resource: interface for interface in usable}
    return list(by_resource.values()), len(elements) - len(usable)


def _interface(element: Json) -> Interface | None:
    if isinstance(element, dict):
        resource = element.get("resource")
        if isinstance(resource, str) and _RESOURCE.fullmatch(resource):
            return Interface(resource, element)
    return None


def parse_points(body: bytes) -> list[Point]:
    """Return the points of a series, its columns found by their names.

    A point cut short lacks its last values. Raises Malformed.
    """
    match _decoded(body):
        case {"columns": list(columns), "points": list(points)}:
            pass
        case other:
            raise Malformed(f"expected columns and points, got {_kind(other)}")
    try:
        places = [columns.index(name) for name in ("time", "in", "out")]
    except ValueError as error:
        raise Malformed(f"a column is missing: {error}") from error
    return [_point(point, *places) for point in points]


def _point(point: Json, time: int, inbound: int, outbound: int) -> Point:
    if not isinstance(point, list):
        raise Malformed(f"expected a point, got {_kind(point)}")
    return Point(
        _milliseconds(_cell(point, time)),
        _number(_cell(point, inbound)),
        _number(_cell(point, outbound)),
    )


def _cell(point: list[Json], place: int) -> Json:
    return point[place] if place < len(point) else None


def _milliseconds(value: Json) -> int:
    match value:
        case bool():
            pass
        case int() | float() if 0 <= value < 10**13 and value == int(value):
            return int(value)
    raise Malformed(f"expected a time in epoch milliseconds, got {_kind(value)}")


def _number(value: Json) -> float | None:
    match value:
        case bool():
            pass
        case int() | float() | None:
            return value
    raise Malformed(f"expected a number or null, got {_kind(value)}")


def _decoded(body: bytes) -> Json:
    try:
        decoded: Json = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"no JSON: {error}") from error
    return decoded


def _refuse(constant: str) -> float:
    raise Malformed(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Malformed(f"{text} is too large a number")
    return value


def _kind(value: object) -> str:
    """Return a value as an error may show it: short."""
    return f"{type(value).__name__} {value!r:.60}"
