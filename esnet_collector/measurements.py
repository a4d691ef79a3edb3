"""Measurements: every stream read on from its cursor and published."""

import logging
import random
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from esnet_collector.deliveries import Deliveries
from esnet_collector.messages import measurement_message
from esnet_collector.parallel import in_parallel
from esnet_collector.parts import Parts
from esnet_collector.replies import Outcome, Point, Reply
from esnet_collector.source import SourceUnavailable
from esnet_collector.streams import Kind, Stream, Window, clip, next_window

log = logging.getLogger(__name__)


@dataclass
class Tally:
    """What one pass did, in windows and messages."""

    windows: int = 0
    messages: int = 0
    failed: int = 0
    refused_in_a_row: int = 0
    last_failure: str = ""

    def failure(self, stream: Stream, reply: Reply[Point]) -> None:
        """Count a window that could not be read."""
        self.failed += 1
        self.refused_in_a_row += reply.outcome is Outcome.RETRY
        self.last_failure = f"{stream.resource}/{stream.kind}: {reply.reason}"

    def success(self, messages: int) -> None:
        """Count a window that was read."""
        self.windows += 1
        self.messages += messages
        self.refused_in_a_row = 0


class Measurements:
    """Collects all streams once over; ``beat`` is called for every reply there is."""

    def __init__(self, parts: Parts, beat: Callable[[], None]) -> None:
        self._parts = parts
        self._beat = beat

    def collect(self, now_ms: int) -> Tally:
        """Read what is new of every stream; one that fails is left for the next pass.

        Raises SourceUnavailable when none can be read, PublishFailed, Stopped or
        pymysql.MySQLError; what was safe by then is committed.
        """
        windows, tally = self._windows(now_ms), Tally()
        deliveries = Deliveries(self._parts.broker, self._parts.store, self._parts.stop)
        try:
            self._deliver(windows, deliveries, tally)
        finally:
            deliveries.finish()
        if tally.failed and not tally.windows:
            raise SourceUnavailable(tally.last_failure)
        if tally.failed:
            log.warning(
                "streams left for the next pass count=%d last=%s",
                tally.failed,
                tally.last_failure,
            )
        self._parts.metrics.lag.replace(oldest_cursors(self._parts.store.streams()))
        return tally

    def _windows(self, now_ms: int) -> list[Window]:
        settled_ms = now_ms - round(self._parts.settings.settle_seconds * 1000)
        windows = [
            window
            for stream in self._parts.store.streams()
            if (window := next_window(stream, settled_ms)) is not None
        ]
        # Those that fail again and again must not always be the ones before the rest.
        random.shuffle(windows)
        return windows

    def _deliver(
        self, windows: Sequence[Window], deliveries: Deliveries, tally: Tally
    ) -> None:
        workers = self._parts.settings.fetch_workers
        with closing(in_parallel(self._read, windows, workers)) as replies:
            for window, reply in replies:
                self._beat()
                if self._parts.stop.is_set():
                    return
                self._take(window, reply, deliveries, tally)
                if tally.refused_in_a_row >= 2 * workers:
                    raise SourceUnavailable(tally.last_failure)

    def _read(self, window: Window) -> tuple[Window, Reply[Point]]:
        return window, self._parts.source.points(window)

    def _take(
        self,
        window: Window,
        reply: Reply[Point],
        deliveries: Deliveries,
        tally: Tally,
    ) -> None:
        if not is_final(window, reply.outcome):
            tally.failure(window.stream, reply)
            return
        key = self._parts.settings.rmq_traffic_key
        points = clip(reply.values, window)
        tally.success(len(points))
        deliveries.add(
            window, [measurement_message(key, window.stream, each) for each in points]
        )


def is_final(window: Window, outcome: Outcome) -> bool:
    """Return whether a reply says all there will be about a window.

    "No such resource" is final only for an interface that is closed: one that is still
    listed must have its series somewhere.
    """
    match outcome:
        case Outcome.OK | Outcome.EMPTY:
            return True
        case Outcome.GONE:
            return window.stream.until_ms is not None
    return False


def oldest_cursors(streams: Sequence[Stream]) -> dict[Kind, int]:
    """Return the oldest cursor of each kind, of the interfaces that are there."""
    oldest: dict[Kind, int] = {}
    for stream in streams:
        if stream.until_ms is None:
            since_ms = oldest.get(stream.kind, stream.since_ms)
            oldest[stream.kind] = min(since_ms, stream.since_ms)
    return oldest
