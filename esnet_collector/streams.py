"""Streams and windows: what of which series is asked for next."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from esnet_collector.replies import Point

# The API keeps a point for each of these steps, aligned to the clock.
GRID_MS = 30_000
# The longest window known to be answered whole: 5,760 points.
MAX_WINDOW_MS = 48 * 3_600_000


class Kind(StrEnum):
    """The types of measurement, by the word that path, message and column share."""

    TRAFFIC = "traffic"
    ERRORS = "errors"
    DISCARDS = "discards"


@dataclass(frozen=True, slots=True)
class Stream:
    """One series of one row of the history, read up to ``since_ms``.

    until_ms: where a closed row ends; None while the interface is there.
    """

    row_id: int
    resource: str
    kind: Kind
    since_ms: int
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span ``[begin_ms, end_ms)`` of a stream, asked for at once."""

    stream: Stream
    begin_ms: int
    end_ms: int


def next_window(stream: Stream, settled_ms: int) -> Window | None:
    """Return what of a stream can be read now, or None while there is nothing new.

    settled_ms: measurements from this time on may still change.
    """
    end_ms = min(on_grid(settled_ms), stream.since_ms + MAX_WINDOW_MS)
    if stream.until_ms is not None:
        end_ms = min(end_ms, stream.until_ms)
    if end_ms <= stream.since_ms:
        return None
    return Window(stream, stream.since_ms, end_ms)


def on_grid(time_ms: int) -> int:
    """Return the last step of the grid at or before a time."""
    return time_ms - time_ms % GRID_MS


def clip(points: Iterable[Point], window: Window) -> list[Point]:
    """Return the points inside a window, by time, of those at one time the last.

    The API also gives points outside: the first one is aligned down, before ``begin``.
    """
    by_time = {
        point.time_ms: point
        for point in points
        if window.begin_ms <= point.time_ms < window.end_ms
    }
    return [by_time[time_ms] for time_ms in sorted(by_time)]
