"""Measurements: each value is a function of seed, resource, type and time alone.

So any run of a collector can be audited: what it must have delivered is what
``points`` yields.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from demo.netbeam.draws import draw
from demo.netbeam.interface import Interface

STEP_MS = 30_000
STEP_SECONDS = STEP_MS // 1000

_SLOTS_PER_DAY = 24 * 60 * 60 // STEP_SECONDS
_SLOTS_PER_HOUR = _SLOTS_PER_DAY // 24
_ONE = 1024  # shares are counted in 1,024ths: whole numbers are the same on any machine
_LONGEST_OUTAGE_SLOTS = 20


class Point(NamedTuple):
    """One measurement, a rate per second; a direction without one is None."""

    time_ms: int
    inward: float | None
    outward: float | None


def points(
    seed: str, interface: Interface, measurement: str, begin_ms: float, end_ms: float
) -> Iterator[Point]:
    """Yield every point with ``begin_ms <= time < end_ms``, in order.

    measurement: ``traffic`` (bits/s), ``errors`` or ``discards`` (packets/s).
    An interface without a link has no points.
    """
    if interface.link is None:
        return
    gauge, resource = GAUGES[measurement], interface.resource
    speed, trait = interface.link.speed_mbits, draw(seed, resource, "trait")
    first, end = -int(-begin_ms // STEP_MS), -int(-end_ms // STEP_MS)
    for slot in range(first, end):
        noise = draw(seed, resource, measurement, slot)
        if _is_out(seed, resource, slot):
            yield Point(slot * STEP_MS, None, None)
            continue
        inward, outward = gauge(speed, trait, slot, noise)
        one_way = noise >> 32 & 511 == 0
        yield Point(slot * STEP_MS, inward, None if one_way else outward)


# From speed (Mbit/s), what is particular to an interface, time and noise to both rates.
type _Gauge = Callable[[int, int, int, int], tuple[float, float]]


def _traffic(speed: int, trait: int, slot: int, noise: int) -> tuple[float, float]:
    """Return shares of the speed that swing over the day, in whole octets."""
    octets = speed * 1_000_000 // 8 * STEP_SECONDS
    day = _day_curve(slot + trait % _SLOTS_PER_DAY)

    def rate(busy: int, jitter: int) -> float:
        share = (_ONE // 64 + busy % (_ONE // 2)) * day * (_ONE // 2 + jitter % _ONE)
        return octets * share // (2 * _ONE**3) * 8 / STEP_SECONDS

    return rate(trait >> 16, noise), rate(trait >> 32, noise >> 16)


def _faults(_speed: int, _trait: int, _slot: int, noise: int) -> tuple[float, float]:
    """Return none, mostly; now and then a few packets."""

    def rate(chance: int, packets: int) -> float:
        return (1 + packets % 16 if chance % 256 == 0 else 0) / STEP_SECONDS

    return rate(noise, noise >> 8), rate(noise >> 16, noise >> 24)


GAUGES: dict[str, _Gauge] = {
    "traffic": _traffic,
    "errors": _faults,
    "discards": _faults,
}


def _day_curve(slot: int) -> int:
    """Rise from a quarter to one and fall again, once a day."""
    half = _SLOTS_PER_DAY // 2
    distance = abs(slot % _SLOTS_PER_DAY - half)
    return _ONE // 4 + 3 * _ONE // 4 * (half - distance) // half


def _is_out(seed: str, resource: str, slot: int) -> bool:
    """Tell whether nobody measured: a run of minutes, in one hour of sixteen."""
    hour, place = divmod(slot, _SLOTS_PER_HOUR)
    first, end = _outage(seed, resource, hour)
    return first <= place < end


@lru_cache(maxsize=65_536)
def _outage(seed: str, resource: str, hour: int) -> tuple[int, int]:
    chance = draw(seed, resource, "outage", hour)
    if chance % 16:
        return 0, 0
    first = (chance >> 8) % (_SLOTS_PER_HOUR - _LONGEST_OUTAGE_SLOTS)
    return first, first + 1 + (chance >> 16) % _LONGEST_OUTAGE_SLOTS
