"""Closed loops of requests, bounded in time and in number."""

import itertools
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.connection import Answer, Connection
from benchmarks.failure import Failed

# However fast a server is.
MOST_REQUESTS = 100_000


@dataclass(frozen=True)
class Load:
    """What a server did under load: how much a second, and each request's seconds."""

    per_second: float
    latencies: Sequence[float]

    def percentile(self, percent: int) -> float:
        """Return the seconds that so many per cent of the requests took at most."""
        return quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


def accepted(answer: Answer) -> Answer:
    """Return the answer. Raises Failed unless its status is of success."""
    if answer.status // 100 != 2:
        raise Failed(f"refused with {answer.status}: {answer.body()[:300]!r}")
    return answer


def send(port: int, requests: Sequence[bytes]) -> None:
    """Send each request once. Raises Failed and OSError."""
    with Connection(port) as connection:
        for request in requests:
            accepted(connection.exchange(request))


def repeat(
    port: int, requests: Sequence[bytes], seconds: float, connections: int = 1
) -> Load:
    """Send the requests over and over, each connection its own share of them in turn.

    Raises Failed and OSError.
    """
    with ExitStack() as opened, ThreadPoolExecutor(connections) as pool:
        clients = [opened.enter_context(Connection(port)) for _ in range(connections)]
        began = time.perf_counter()
        loops = [
            pool.submit(_loop, client, requests[number::connections], began + seconds)
            for number, client in enumerate(clients)
        ]
        latencies = list(itertools.chain.from_iterable(loop.result() for loop in loops))
        return Load(len(latencies) / (time.perf_counter() - began), latencies)


def _loop(client: Connection, requests: Sequence[bytes], until: float) -> list[float]:
    latencies: list[float] = []
    for request in itertools.islice(itertools.cycle(requests), MOST_REQUESTS):
        latencies.append(accepted(client.exchange(request)).seconds)
        if time.perf_counter() >= until:
            break
    return latencies
