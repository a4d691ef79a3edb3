"""Applications that push, and what each of them sends."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.connection import put
from benchmarks.exporter_proxy.bodies import body

# So many different bodies are pushed in turn. The first push of all has none of them.
PUSHES = 50
FIRST_PUSH = 1000


@dataclass(frozen=True)
class Application:
    """One of them.

    path: of the group that it pushes to.
    prefix: how the names of its families start.
    """

    path: str
    prefix: str

    def push(self, number: int) -> bytes:
        """Return the request that pushes its data, with other values each time."""
        return put(self.path, body(self.prefix, number))

    def pushes(self) -> list[bytes]:
        """Return requests of which no two have the same values."""
        return [self.push(number) for number in range(PUSHES)]

    def pushes_of_new_series(self) -> list[bytes]:
        """Return requests of which no two have a series in common."""
        return [
            put(self.path, body(self.prefix, number, pod=f"7d9f8b6c5-n{number:04}"))
            for number in range(PUSHES)
        ]


def different(count: int) -> Sequence[Application]:
    """Return applications with metrics of their own."""
    return [
        Application(f"/metrics/job/app{number:04}", f"app{number:04}")
        for number in range(count)
    ]


def copies(count: int) -> Sequence[Application]:
    """Return copies of one application on many hosts: their metrics have one name."""
    return [
        Application(f"/metrics/job/shop/instance/host{number:04}", "shop")
        for number in range(count)
    ]
