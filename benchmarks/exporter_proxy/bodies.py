"""What an application pushes: a thousand series, as real exporters have them."""

import random
from collections.abc import Iterator

FAMILIES = 20
SERIES_OF_FAMILY = 50
SERIES = FAMILIES * SERIES_OF_FAMILY

_THINGS = (
    "http_requests",
    "http_request_bytes",
    "queue_messages",
    "cache_lookups",
    "database_queries",
    "open_connections",
    "worker_seconds",
    "retries",
    "log_records",
    "memory_bytes",
)
_ROUTES = ("orders", "baskets", "customers", "invoices", "search")
_KINDS = (("counter", "_total"), ("gauge", "_now"))


def body(prefix: str, push: int, pod: str = "7d9f8b6c5-x2x7q") -> bytes:
    """Return what an application says in one of its pushes, in the text format.

    prefix: how the names of its families start.
    push: its number; it is the first series' value, and each has its own values.
    pod: a part of each series' labels.
    """
    return "".join(_lines(prefix, push, pod)).encode()


def first_name(prefix: str) -> str:
    """Return the name of the family whose first series says the push's number."""
    return f"{prefix}_{_THINGS[0]}{_KINDS[0][1]}"


def _lines(prefix: str, push: int, pod: str) -> Iterator[str]:
    chance = random.Random(push)  # noqa: S311 - figures, not secrets
    for thing in _THINGS:
        for kind, suffix in _KINDS:
            name = f"{prefix}_{thing}{suffix}"
            yield f"# HELP {name} Of {thing.replace('_', ' ')}, by route and status\n"
            yield f"# TYPE {name} {kind}\n"
            for number, labels in enumerate(_series(pod)):
                is_first = name == first_name(prefix) and not number
                yield f"{name}{{{labels}}} {push if is_first else _value(chance)}\n"


def _series(pod: str) -> Iterator[str]:
    for number in range(SERIES_OF_FAMILY):
        route = f"/api/v1/{_ROUTES[number % len(_ROUTES)]}"
        status = 200 + number // len(_ROUTES)
        yield f'route="{route}",method="GET",status="{status}",pod="{pod}"'


def _value(chance: random.Random) -> str:
    return f"{chance.uniform(1e3, 1e6):.4f}"
