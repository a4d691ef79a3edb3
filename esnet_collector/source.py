"""A source of interfaces and measurements; ``netbeam`` is the one there is."""

from typing import Protocol

from esnet_collector.replies import Interface, Point, Reply
from esnet_collector.streams import Window


class SourceUnavailable(Exception):  # noqa: N818 - a state that passes
    """The source answers nothing usable; the text says why."""


class Source(Protocol):
    """What the collector asks of a source; safe to use from several threads."""

    def interfaces(self) -> Reply[Interface]:
        """Return every interface there is now."""

    def points(self, window: Window) -> Reply[Point]:
        """Return at least the points of a window that the source has."""
